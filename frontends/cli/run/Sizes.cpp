#include "frontends/cli/run/Sizes.h"

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Numerics/Tiling.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::cli {
namespace {

using Shapes = ArrayRef<SmallVector<int64_t>>;

/// Shape of a matrix that effects made of an argument; empty where it comes from elsewhere.
ArrayRef<int64_t> shapeBehindEffects(Value value, Shapes shapes) {
  while (auto effect = value.getDefiningOp<EffectOpInterface>())
    value = effect.getElementSource();
  auto argument = dyn_cast<BlockArgument>(value);
  bool ofFunction =
      argument && isa<func::FuncOp>(argument.getOwner()->getParentOp()) && argument.getOwner()->isEntryBlock();
  return ofFunction ? ArrayRef<int64_t>(shapes[argument.getArgNumber()]) : ArrayRef<int64_t>();
}

int64_t planesOf(MvmOp op, func::FuncOp function, Shapes shapes) {
  ArrayRef<int64_t> input = shapeBehindEffects(op.getInput(), shapes),
                    weight = shapeBehindEffects(op.getWeight(), shapes);
  auto tiling = function->getAttrOfType<TilingAttr>(AnalogDialect::kTilingAttr);
  if (input.size() != 2 || weight.size() != 2 || !tiling)
    return 0;
  return boundedElements({tileCount(input[1], tiling.getRows()), input[0], weight[0]});
}

/// Elements of a kernel's product: each factor keeps its axis that is not contracted.
int64_t resultOf(TiledMvmOp op, Shapes shapes) {
  auto kept = [&](Value factor, ArrayAttr axes) {
    ArrayRef<int64_t> shape = shapeBehindEffects(factor, shapes);
    ArrayRef<Axis> over = cast<AxesAttr>(axes[0]).getAxes();
    for (auto [size, axis] : llvm::zip(shape, over))
      if (axis != op.getContract())
        return size;
    return int64_t(0);
  };
  return boundedElements({kept(op.getLhs()[0], op.getLhsAxes()), kept(op.getRhs()[0], op.getRhsAxes())});
}

} // namespace

int64_t boundedElements(ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  if (llvm::is_contained(shape, 0))
    return 0;
  for (int64_t size : shape) {
    if (size > kMostElements / elements)
      return kMostElements + 1;
    elements *= size;
  }
  return elements;
}

Status checkSizes(func::FuncOp function, Shapes shapes) {
  int64_t inputs = 0, largest = 0;
  for (ArrayRef<int64_t> shape : shapes)
    inputs = std::min(inputs + boundedElements(shape), kMostElements + 1);
  function.walk([&](Operation *op) {
    if (auto mvm = dyn_cast<MvmOp>(op))
      largest = std::max(largest, planesOf(mvm, function, shapes));
    else if (auto kernel = dyn_cast<TiledMvmOp>(op))
      largest = std::max(largest, resultOf(kernel, shapes));
  });
  if (inputs + largest <= kMostElements)
    return Status::ok();
  return Status::error(std::string("the arguments") + (inputs > kMostElements ? "" : " and the products of tiles") +
                       " of @" + function.getName().str() + " have more than the " + std::to_string(kMostElements) +
                       " elements that this tool holds; choose smaller sizes");
}

} // namespace mho::cli

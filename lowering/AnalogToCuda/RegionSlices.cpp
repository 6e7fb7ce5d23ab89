#include "lowering/AnalogToCuda/RegionSlices.h"

#include "dialect/IR/Scalar.h"
#include "lowering/AnalogToVector/VectorRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

void collectIndices(Region &region, SmallVectorImpl<IndexOp> &into) {
  if (region.empty())
    return;
  for (Operation &op : region.front())
    if (auto index = dyn_cast<IndexOp>(op))
      into.push_back(index);
    else if (auto surrogate = dyn_cast<SurrogateOp>(op))
      collectIndices(surrogate.getValue(), into);
}

/// All of a region as code of an element.
RegionSlice wholeOf(Region &region) {
  RegionSlice slice;
  for (BlockArgument argument : region.getArguments())
    if (!argument.use_empty())
      slice.leaves.push_back(argument);
  for (DrawOpInterface draw : drawsOf(region))
    slice.leaves.push_back(draw->getResult(0));
  for (IndexOp index : indicesIn(region))
    slice.leaves.push_back(index.getResult());
  for (Operation &op : region.front().without_terminator())
    slice.code.push_back(&op);
  slice.outputs = llvm::to_vector(region.front().getTerminator()->getOperands());
  return slice;
}

/// Cuts a load region, end_tile or finish without surrogates.
class Slicer {
public:
  Slicer(TiledMvmOp kernel, unsigned region)
      : kernel(kernel), region(region), block(kernel->getRegion(region).front()) {
    classifyArguments();
    for (Operation &op : block.without_terminator())
      classify(op);
  }

  RegionSlices run() {
    auto yield = cast<YieldOp>(block.getTerminator());
    slices[kOfElement].outputs = llvm::to_vector(yield->getOperands());
    for (SliceKind kind : {kOfElement, kOfColumn, kOfRow, kOfTile})
      cut(kind);
    return slices;
  }

private:
  /// By the axes of a parameter, a statistic or an operand of the epilogue.
  SliceKind kindOf(AxesAttr over) {
    std::optional<Side> side = region == TiledMvmOp::kLoadLhs   ? std::optional(Side::Lhs)
                               : region == TiledMvmOp::kLoadRhs ? std::optional(Side::Rhs)
                                                                : std::nullopt;
    auto [row, column] = side ? kernel.getElementAxes(*side) : kernel.getOutputAxes();
    unsigned kind = over.contains(row) ? kOfRow : kOfTile;
    if (over.contains(column))
      kind |= side ? kOfElement : kOfColumn;
    return SliceKind(kind);
  }

  void classifyArguments() {
    auto argument = block.args_begin();
    auto next = [&](SliceKind kind, bool scalar = false) {
      kinds[*argument] = kind;
      if (scalar)
        free.insert(*argument);
      ++argument;
    };
    bool isSide = region == TiledMvmOp::kLoadLhs || region == TiledMvmOp::kLoadRhs;
    size_t visible = kernel.getVisibleParams(region).size() + kernel.getVisibleStats(region).size();
    size_t epilogue = isSide ? 0 : kernel.getVisibleEpilogue(region).size();
    for (size_t i = visible + epilogue; i < block.getNumArguments(); ++i)
      next(kOfElement);
    if (!isSide)
      for (int64_t i : kernel.getVisibleEpilogue(region))
        next(kindOf(kernel.getAxesOf(kernel.getEpilogueAxes(), i)));
    for (int64_t i : kernel.getVisibleParams(region))
      next(kindOf(kernel.getAxesOf(kernel.getParamAxes(), i)), !isa<RankedTensorType>(kernel.getParams()[i].getType()));
    for (int64_t i : kernel.getVisibleStats(region))
      next(kindOf(kernel.getStat(i).getOver()));
  }

  void classify(Operation &op) {
    unsigned kind = kOfTile;
    if (isa<DrawOpInterface>(op))
      kind = kOfElement;
    else if (auto index = dyn_cast<IndexOp>(op))
      kind = index.getKind() == IndexKind::Row ? kOfRow : index.getKind() == IndexKind::Column ? kOfElement : kOfTile;
    for (Value operand : op.getOperands())
      kind |= kinds[operand];
    for (Value result : op.getResults())
      kinds[result] = SliceKind(kind);
  }

  static bool isLeaf(Value v) {
    return isa<BlockArgument>(v) || isa_and_nonnull<DrawOpInterface, IndexOp>(v.getDefiningOp());
  }
  /// Whether a slice of another kind takes it from its own.
  bool passes(Value v) {
    return v.getType().isF32() && !free.contains(v) && !isa_and_nonnull<arith::ConstantOp>(v.getDefiningOp());
  }

  void cut(SliceKind kind) {
    RegionSlice &slice = slices[kind];
    llvm::SetVector<Value> needed(slice.outputs.begin(), slice.outputs.end());
    llvm::SetVector<Operation *> code;
    for (size_t i = 0; i < needed.size(); ++i) {
      Value v = needed[i];
      if (kinds[v] != kind && passes(v))
        slice.inputs.push_back({kinds[v], take(kinds[v], v)});
      else if (isLeaf(v))
        slice.leaves.push_back(v);
      else if (code.insert(v.getDefiningOp()))
        needed.insert(v.getDefiningOp()->operand_begin(), v.getDefiningOp()->operand_end());
    }
    for (Operation &op : block.without_terminator())
      if (code.contains(&op))
        slice.code.push_back(&op);
    llvm::sort(slice.leaves, [](Value a, Value b) { return placeOf(a) < placeOf(b); });
  }

  /// Arguments before ops, each in their order.
  static std::pair<bool, unsigned> placeOf(Value leaf) {
    if (auto argument = dyn_cast<BlockArgument>(leaf))
      return {false, argument.getArgNumber()};
    Operation *op = leaf.getDefiningOp();
    return {true, unsigned(std::distance(op->getBlock()->begin(), op->getIterator()))};
  }

  /// The place of a value among the outputs of its slice.
  unsigned take(SliceKind kind, Value v) {
    SmallVectorImpl<Value> &outputs = slices[kind].outputs;
    if (!llvm::is_contained(outputs, v))
      outputs.push_back(v);
    return llvm::find(outputs, v) - outputs.begin();
  }

  TiledMvmOp kernel;
  unsigned region;
  Block &block;
  llvm::DenseMap<Value, SliceKind> kinds;
  llvm::DenseSet<Value> free; ///< scalars of the call: every slice reads them
  RegionSlices slices;
};

} // namespace

SmallVector<IndexOp> indicesIn(Region &region) {
  SmallVector<IndexOp> indices;
  collectIndices(region, indices);
  return indices;
}

RegionSlices slicesOf(TiledMvmOp kernel, unsigned region) {
  RegionSlices slices;
  Region &code = kernel->getRegion(region);
  if (code.empty())
    return slices;
  bool hasSurrogates = llvm::any_of(code.front(), [](Operation &op) { return isa<SurrogateOp>(op); });
  if (region == TiledMvmOp::kTail || region >= TiledMvmOp::kFirstMap || hasSurrogates)
    slices[kOfElement] = wholeOf(code);
  else
    slices = Slicer(kernel, region).run();
  return slices;
}

} // namespace mho::lowering

// analog-differentiate: fused forward functions -> functions of their gradients. See Passes.td.
//
// Expects functions of one tiled_mvm that contracts k, with what backward needs among its results; others are left
// alone.
#include "dialect/Transforms/GradientKernel.h"
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/SoleKernel.h"

namespace mho::analog {
#define GEN_PASS_DEF_ANALOGDIFFERENTIATEPASS
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

using namespace mlir;
using namespace mho::analog;

/// The parameter gradients that load_lhs of the forward kernel asks for: their sums and counts, over the parameter's
/// axes, in the order in which a reverse sweep meets them.
static LogicalResult appendReductions(TiledMvmOp kernel, SmallVectorImpl<Attribute> &results,
                                      SmallVectorImpl<Type> &types) {
  MLIRContext *context = kernel.getContext();
  AxesAttr all;
  for (SurrogateOp surrogate : llvm::reverse(llvm::to_vector(kernel.getLoadLhs().front().getOps<SurrogateOp>()))) {
    if (!surrogate.getWrt())
      continue;
    std::optional<int64_t> param = paramOfLoad(kernel, surrogate.getInputs()[*surrogate.getWrt()]);
    if (!param)
      return surrogate.emitOpError("not differentiated: expected 'wrt' to name a parameter of the kernel");
    AxesAttr over = kernel.getAxesOf(kernel.getParamAxes(), *param);
    if (all && all != over)
      return surrogate.emitOpError("not differentiated: expected parameter gradients over the same axes, got ")
             << all.str() << " and " << over.str();
    all = over;
    auto type = dyn_cast<RankedTensorType>(kernel.getParams()[*param].getType());
    for (Value value : cast<YieldOp>(surrogate.getDerivative().front().getTerminator()).getReductions()) {
      results.push_back(
          ResultAttr::get(context, value.getType().isF32() ? ResultKind::Sum : ResultKind::Count, over, 0));
      types.push_back(type ? type : RankedTensorType::get({}, Float32Type::get(context)));
    }
  }
  return success();
}

/// Says why a forward kernel has no gradient yet.
static LogicalResult checkSupported(TiledMvmOp kernel) {
  auto refuse = [&](StringRef expected) { return kernel.emitOpError("not differentiated: expected ") << expected; };
  auto isOver = [&](ArrayAttr axes, ArrayRef<Axis> expected) {
    return axes.size() == 1 && kernel.getAxesOf(axes, 0).getAxes() == expected;
  };
  if (kernel.getContract() != Axis::K || !isOver(kernel.getLhsAxes(), {Axis::M, Axis::K}) ||
      !isOver(kernel.getRhsAxes(), {Axis::N, Axis::K}))
    return refuse("a contraction over k of one lhs operand over (m, k) and one rhs operand over (n, k)");
  if (kernel.getAccumulators().take_front(2) != ArrayRef<int64_t>({0, 0}))
    return refuse("the first accumulator to be that of the first loaded values");
  if (kernel.getResultSpec(0).getKind() != ResultKind::Value || !kernel.getReductions().empty() ||
      !kernel.getResultsOf({ResultKind::Planes}).empty())
    return refuse("the value as first result, and beside it bits and statistics only");
  if (!kernel.getEpilogue().empty() || kernel.getInit())
    return refuse("neither epilogue operands nor an initial value");
  for (auto surrogate : kernel.getLoadRhs().front().getOps<SurrogateOp>())
    if (surrogate.getWrt())
      return surrogate.emitError(
          "not differentiated: expected parameter gradients of the input's effects only, got one "
          "of the weight's");
  SmallVector<Value> saved;
  for (auto surrogate : kernel.getEndTile().front().getOps<SurrogateOp>())
    llvm::append_range(saved, surrogate.getSaved());
  auto yield = cast<YieldOp>(kernel.getEndTile().front().getTerminator());
  if (yield.getBits().empty() ? !saved.empty() : !llvm::equal(yield.getBits(), saved))
    return refuse("the bits of end_tile to be those that its surrogates save, in order (analog-fuse with "
                  "save-for-backward keeps them)");
  // In finish they are those of the sum's element; in a gradient's load_lhs they would be a tile's.
  WalkResult placed = kernel.getFinish().walk([](Operation *op) {
    return isa<DrawOpInterface, IndexOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (placed.wasInterrupted())
    return refuse("neither draws nor indices in finish");
  return success();
}

LogicalResult GradientKernel::buildInput() {
  startFunction("_dx");
  Value x = arguments.lookup(kernel.getLhs()[0]), w = arguments.lookup(kernel.getRhs()[0]);
  SmallVector<Attribute> results{ResultAttr::get(builder.getContext(), ResultKind::Value, axes({Axis::M, Axis::K}), 0)};
  SmallVector<Type> types{x.getType()};
  if (failed(appendReductions(kernel, results, types)))
    return failure();
  TiledMvmOp gradient = createKernel(Axis::N, w, {Axis::N, Axis::K}, x, {Axis::M, Axis::K}, true, results, types);
  copyMaps(gradient);
  if (failed(buildOutputGradient(gradient)))
    return failure();
  buildLoad(gradient, kernel.getLoadRhs(), !forward->hasAttr(AnalogDialect::kNoisyBackwardAttr));
  if (failed(buildFinish(gradient, Side::Lhs, false)))
    return failure();
  finishFunction(gradient);
  nameResults("dx", cast<BlockArgument>(kernel.getLhs()[0]).getArgNumber());
  return success();
}

LogicalResult GradientKernel::buildWeight() {
  startFunction("_dw");
  Value x = arguments.lookup(kernel.getLhs()[0]), w = arguments.lookup(kernel.getRhs()[0]);
  SmallVector<Attribute> results{ResultAttr::get(builder.getContext(), ResultKind::Value, axes({Axis::N, Axis::K}), 0)};
  TiledMvmOp gradient =
      createKernel(Axis::M, x, {Axis::M, Axis::K}, w, {Axis::N, Axis::K}, false, results, {w.getType()});
  if (failed(buildOutputGradient(gradient)))
    return failure();
  buildLoad(gradient, kernel.getLoadLhs(), false);
  if (failed(buildFinish(gradient, Side::Rhs, true)))
    return failure();
  finishFunction(gradient);
  nameResults("dweight", cast<BlockArgument>(kernel.getRhs()[0]).getArgNumber());
  return success();
}

namespace {
struct DifferentiatePass : mho::analog::impl::AnalogDifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    SmallVector<std::pair<func::FuncOp, TiledMvmOp>> kernels;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.front().getTerminator()->getNumOperands() == 0)
        continue;
      auto kernel = function.front().getTerminator()->getOperand(0).getDefiningOp<TiledMvmOp>();
      if (!kernel || !kernel.isForward())
        continue;
      if (std::string why; !soleKernel(function, why)) {
        kernel.emitOpError("not differentiated: expected @")
            << function.getName() << " to be one fused kernel, but " << why;
        return signalPassFailure();
      }
      kernels.push_back({function, kernel});
    }
    for (auto [function, kernel] : kernels) {
      if (failed(checkSupported(kernel)) || failed(GradientKernel(function, kernel).buildWeight()) ||
          failed(GradientKernel(function, kernel).buildInput()))
        return signalPassFailure();
    }
  }
};
} // namespace

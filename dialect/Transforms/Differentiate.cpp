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

/// Says why a forward kernel has no gradient yet.
static LogicalResult checkSupported(TiledMvmOp kernel) {
  auto refuse = [&](StringRef expected) { return kernel.emitOpError("not differentiated: expected ") << expected; };
  auto isOver = [&](ArrayAttr axes, ArrayRef<Axis> expected) {
    return axes.size() == 1 && kernel.getAxesOf(axes, 0).getAxes() == expected;
  };
  if (kernel.getContract() != Axis::K || !isOver(kernel.getLhsAxes(), {Axis::M, Axis::K}) ||
      !isOver(kernel.getRhsAxes(), {Axis::N, Axis::K}))
    return refuse("a contraction over k of one lhs operand over (m, k) and one rhs operand over (n, k)");
  if (kernel.getResultSpec(0).getKind() != ResultKind::Value || !kernel.getReductions().empty() ||
      !kernel.getResultsOf({ResultKind::Planes}).empty())
    return refuse("the value as first result, and beside it bits and statistics only");
  if (!kernel.getEpilogue().empty() || kernel.getInit())
    return refuse("neither epilogue operands nor an initial value");
  for (auto [i, stat] : llvm::enumerate(kernel.getStats()))
    if (cast<StatAttr>(stat).getSide() == Side::Lhs && !isExported(kernel, i))
      return refuse("statistics of the input to be results (analog-fuse with save-for-backward keeps them)");
  SmallVector<Value> saved;
  for (auto surrogate : kernel.getEndTile().front().getOps<SurrogateOp>())
    llvm::append_range(saved, surrogate.getSaved());
  auto yield = cast<YieldOp>(kernel.getEndTile().front().getTerminator());
  if (yield.getBits().empty() ? !saved.empty() : !llvm::equal(yield.getBits(), saved))
    return refuse("the bits of end_tile to be those that its surrogates save, in order (analog-fuse with "
                  "save-for-backward keeps them)");
  for (auto surrogate : kernel.getFinish().front().getOps<SurrogateOp>())
    if (!surrogate.getWrt().empty())
      return refuse("no learned parameter in finish");
  return success();
}

/// Adds the functions of the gradients of one forward function.
static LogicalResult differentiate(func::FuncOp function, TiledMvmOp kernel) {
  if (failed(checkSupported(kernel)))
    return failure();
  FailureOr<TilePlan> plan = GradientKernel(function, kernel, {}).planTile();
  if (failed(plan))
    return failure();
  GradientKernel weight(function, kernel, *plan);
  if (failed(weight.buildSide(Side::Rhs)) || failed(GradientKernel(function, kernel, *plan).buildSide(Side::Lhs)))
    return failure();
  if (SmallVector<int64_t> read = weight.readStatistics(); !read.empty())
    GradientKernel(function, kernel, *plan).buildStatistics(read);
  return plan->recompute ? GradientKernel(function, kernel, *plan).buildTile() : success();
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
      if (failed(differentiate(function, kernel)))
        return signalPassFailure();
    }
  }
};
} // namespace

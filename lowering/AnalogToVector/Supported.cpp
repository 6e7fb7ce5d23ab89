#include "lowering/AnalogToVector/Supported.h"

#include "dialect/Transforms/SoleKernel.h"
#include "lowering/AnalogToVector/AnalogToVector.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

InFlightDiagnostic refuse(TiledMvmOp kernel) { return kernel.emitOpError("not lowered: expected "); }

/// Axis along which the lanes of a region's vectors run.
Axis vectorAxis(TiledMvmOp kernel, unsigned region) { return kernel.getVisibleAxes(region).back(); }

/// Lanes run along the last axis of whatever varies over them; 16 bits of a word are 16 lanes of n, which begin at a
/// multiple of 16 (a tile of k need not).
LogicalResult checkLanes(TiledMvmOp kernel, unsigned region, StringRef what, Value operand, AxesAttr over) {
  Axis axis = vectorAxis(kernel, region);
  if (TiledMvmOp::isBits(operand) && (over.getAxes().back() != Axis::N || axis != Axis::N))
    return refuse(kernel) << "packed bits with words along n where " << TiledMvmOp::getRegionName(region)
                          << " reads them along n, got " << over.str();
  if (!over.contains(axis) || over.getAxes().back() == axis)
    return success();
  return refuse(kernel) << what << " over " << over.str() << " to have " << stringifyAxis(axis) << " last, where "
                        << TiledMvmOp::getRegionName(region) << " reads it";
}

LogicalResult checkOperands(TiledMvmOp kernel) {
  if (kernel.getTileAxis() != Axis::K)
    return refuse(kernel) << "tiles of k, got tiles of " << stringifyAxis(kernel.getTileAxis());
  for (Side side : {Side::Lhs, Side::Rhs}) {
    // The axes that the loop nest of the direction reads a side in: rows of memory, lanes along the last.
    ArrayAttr axes = side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes();
    auto [row, column] = kernel.getElementAxes(side);
    bool forward = kernel.isForward();
    Axis wantedRow = side == Side::Lhs ? Axis::M : forward ? Axis::N : kernel.getContract();
    Axis wantedColumn = side == Side::Lhs && !forward ? Axis::N : Axis::K;
    if (row != wantedRow || column != wantedColumn)
      return refuse(kernel) << "the first " << stringifySide(side) << " operand over (" << stringifyAxis(wantedRow)
                            << ", " << stringifyAxis(wantedColumn) << "), got " << kernel.getAxesOf(axes, 0).str();
    for (auto [operand, over] : llvm::zip(side == Side::Lhs ? kernel.getLhs() : kernel.getRhs(), axes))
      if (failed(checkLanes(kernel, side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs,
                            stringifySide(side), operand, cast<AxesAttr>(over))))
        return failure();
  }
  for (unsigned region = 0; region < kernel->getNumRegions(); ++region)
    for (int64_t i : region == TiledMvmOp::kTail || kernel->getRegion(region).empty() ? SmallVector<int64_t>()
                                                                                      : kernel.getVisibleParams(region))
      if (failed(checkLanes(kernel, region, "a parameter", kernel.getParams()[i],
                            kernel.getAxesOf(kernel.getParamAxes(), i))))
        return failure();
  if (Value init = kernel.getInit())
    if (auto function = kernel->getParentOfType<func::FuncOp>();
        function.getArgAttr(cast<BlockArgument>(init).getArgNumber(), kStridedAttr))
      return refuse(kernel) << "an init whose elements lie side by side along its last axis";
  for (auto [operand, over] : llvm::zip(kernel.getEpilogue(), kernel.getEpilogueAxes()))
    if (failed(checkLanes(kernel, TiledMvmOp::kFinish, "an epilogue operand", operand, cast<AxesAttr>(over))))
      return failure();
  return success();
}

/// Elementary functions left as they are would become calls of the C library, whose last bits differ from machine to
/// machine.
LogicalResult checkCode(TiledMvmOp kernel) {
  WalkResult result = kernel->walk([](Operation *op) -> WalkResult {
    if (isa<math::ExpOp, math::LogOp, math::PowFOp, math::TanhOp>(op))
      return op->emitOpError("not lowered: expected analog-expand-elementary to have replaced it by its sequence");
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace

LogicalResult checkSupported(func::FuncOp function, TiledMvmOp kernel) {
  std::string why;
  if (!soleKernel(function, why))
    return refuse(kernel) << "@" << function.getName() << " to be one fused kernel, but " << why;
  return failure(failed(checkOperands(kernel)) || failed(checkCode(kernel)));
}

} // namespace mho::lowering

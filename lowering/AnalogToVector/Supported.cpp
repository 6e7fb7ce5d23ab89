#include "lowering/AnalogToVector/Supported.h"

#include "lowering/AnalogToVector/VectorRegion.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

InFlightDiagnostic refuse(TiledMvmOp kernel) { return kernel.emitOpError("not lowered: expected "); }

/// The kernel is the whole function: its operands are the arguments, its results what is returned.
LogicalResult checkFunction(func::FuncOp function, TiledMvmOp kernel) {
  for (auto [i, operand] : llvm::enumerate(kernel->getOperands()))
    if (!isa<BlockArgument>(operand))
      return refuse(kernel) << "operands that are arguments of @" << function.getName() << ", operand " << i
                            << " is computed";
  Operation *terminator = function.front().getTerminator();
  if (terminator->getOperands() != kernel.getResults())
    return refuse(kernel) << "@" << function.getName() << " to return the kernel's " << kernel.getNumResults()
                          << " results in their order and nothing else";
  if (function.front().getOperations().size() != 2)
    return refuse(kernel) << "no other operation in @" << function.getName();
  return success();
}

/// Axis along which the lanes of a region's vectors run.
Axis vectorAxis(TiledMvmOp kernel, unsigned region) {
  if (region == TiledMvmOp::kLoadLhs || region == TiledMvmOp::kLoadRhs)
    return kernel.getElementAxes(region == TiledMvmOp::kLoadLhs ? Side::Lhs : Side::Rhs).second;
  return kernel.getOutputAxes().second;
}

/// Lanes run along the last axis of whatever varies over them.
LogicalResult checkLanes(TiledMvmOp kernel, unsigned region, StringRef what, AxesAttr over) {
  Axis axis = vectorAxis(kernel, region);
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
    for (Attribute over : axes)
      if (failed(checkLanes(kernel, side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs,
                            stringifySide(side), cast<AxesAttr>(over))))
        return failure();
  }
  for (unsigned region = 0; region < TiledMvmOp::kTail; ++region)
    for (int64_t i : kernel->getRegion(region).empty() ? SmallVector<int64_t>() : kernel.getVisibleParams(region))
      if (failed(checkLanes(kernel, region, "a parameter", kernel.getAxesOf(kernel.getParamAxes(), i))))
        return failure();
  for (Attribute over : kernel.getEpilogueAxes())
    if (failed(checkLanes(kernel, TiledMvmOp::kFinish, "an epilogue operand", cast<AxesAttr>(over))))
      return failure();
  if (kernel.isForward() && !kernel.getEpilogue().empty())
    return refuse(kernel) << "no epilogue operand where k is contracted";
  if (kernel.getInit())
    return refuse(kernel) << "no initial value of the result";
  return success();
}

LogicalResult checkContraction(TiledMvmOp kernel) {
  if (kernel.getAccumulators() != ArrayRef<int64_t>({0, 0}))
    return refuse(kernel) << "one accumulator of the first loaded values, 0 * 0";
  for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i) {
    StatAttr stat = kernel.getStat(i);
    if (stat.getKind() != StatKind::AbsMax || stat.getOver().getAxes().size() != 2 || !kernel.getStatMaps()[i].empty())
      return refuse(kernel) << "statistics to be absmax over (t, row) without a map, got "
                            << stringifyStatKind(stat.getKind()) << " over " << stat.getOver().str();
    if (stat.getSide() == Side::Lhs ? !kernel.isForward() : kernel.getContract() == Axis::M)
      return refuse(kernel) << "no statistic of " << stringifySide(stat.getSide()) << " where "
                            << stringifyAxis(kernel.getContract()) << " is contracted; import it as a parameter";
  }
  return success();
}

LogicalResult checkResults(TiledMvmOp kernel) {
  if (kernel.getResultsOf({ResultKind::Value}).empty())
    return refuse(kernel) << "a value result";
  if (!kernel.getResultsOf({ResultKind::Planes, ResultKind::TileSum, ResultKind::TileCount}).empty())
    return refuse(kernel) << "neither planes nor reductions of end_tile among the results";
  for (int64_t i : kernel.getReductions()) {
    ResultAttr spec = kernel.getResultSpec(i);
    if (kernel.isForward() || spec.getOver().getAxes() != ArrayRef<Axis>({Axis::T}))
      return refuse(kernel) << "reductions over (t) where k is an output axis, got one over " << spec.getOver().str();
    if (spec.getKind() == ResultKind::Count && kernel.getTail().empty())
      return refuse(kernel) << "a tail that turns counts into floats";
  }
  if (kernel.isForward() && !drawsOf(kernel.getFinish()).empty())
    return refuse(kernel) << "no draw in finish where k is contracted";
  return success();
}

} // namespace

LogicalResult checkSupported(func::FuncOp function, TiledMvmOp kernel) {
  return failure(failed(checkFunction(function, kernel)) || failed(checkOperands(kernel)) ||
                 failed(checkContraction(kernel)) || failed(checkResults(kernel)));
}

} // namespace mho::lowering

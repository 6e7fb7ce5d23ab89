// Statistics of a source row within a tile, taken while it is packed: the row is in the first cache then.
#include "lowering/AnalogToVector/KernelEmitter.h"

#include "dialect/Numerics/Reduction.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

/// 16 of the elements that a statistic reduces: of its operand, through its map; 0 beyond the mask.
FailureOr<Value> KernelEmitter::statElements(int64_t stat, const Place &place, Value slot) {
  StatAttr attr = kernel.getStat(stat);
  bool lhs = attr.getSide() == Side::Lhs;
  ArrayAttr axes = lhs ? kernel.getLhsAxes() : kernel.getRhsAxes();
  Value raw = loadElements((lhs ? kernel.getLhs() : kernel.getRhs())[attr.getOperand()],
                           kernel.getAxesOf(axes, attr.getOperand()), place);
  Region &map = kernel.getStatMaps()[stat];
  if (map.empty())
    return e.select(place.mask, asVector(e, raw), e.zeros());
  unsigned region = TiledMvmOp::kFirstMap + stat;
  SmallVector<Value> arguments{raw};
  appendVisible(arguments, region, place, [&](int64_t i) { return e.load(statBuffers[i], {e.index(0), slot}); });
  auto lookup = [&](Operation *op) { return indexValue(cast<IndexOp>(op), region, place); };
  FailureOr<RegionResult> mapped = emitRegion(e, map, arguments, lookup);
  if (failed(mapped))
    return failure();
  return e.select(place.mask, asVector(e, mapped->values[0]), e.zeros());
}

/// One statistic of a row: largest magnitude, sum in the normative order, or number of columns.
FailureOr<Value> KernelEmitter::emitStatistic(int64_t stat, Value row, Value slot, Value tile) {
  StatAttr attr = kernel.getStat(stat);
  auto [rowAxis, columnAxis] = kernel.getElementAxes(attr.getSide());
  Value begin = tileBegin(tile), end = tileBegin(e.add(tile, e.index(1)));
  LogicalResult ok = success();
  auto elements = [&, rowAxis = rowAxis, columnAxis = columnAxis](Value column) -> Value {
    Place place;
    place.vectorAxis = columnAxis;
    place[rowAxis] = row;
    place[columnAxis] = column;
    place[Axis::T] = tile;
    place.mask = e.mask(e.sub(end, column));
    FailureOr<Value> v = statElements(stat, place, slot);
    ok = failed(v) ? failure() : ok;
    return failed(v) ? e.zeros() : *v;
  };
  Value result;
  if (attr.getKind() == StatKind::Count) {
    result = e.b.create<arith::SIToFPOp>(e.loc, e.f32(), e.toI32(e.sub(end, begin)));
  } else if (attr.getKind() == StatKind::AbsMax) {
    // Magnitudes order as integers as they do as floats, NaN above all, and that comparison takes one instruction.
    auto asInts = [&](Value v) -> Value { return e.b.create<arith::BitcastOp>(e.loc, e.ints(), v); };
    Value largest =
        e.loop(begin, end, kLanes, {asInts(e.zeros())}, [&](Value column, ValueRange carried) -> SmallVector<Value> {
          Value magnitude = e.b.create<math::AbsFOp>(e.loc, elements(column));
          return {e.b.create<arith::MaxUIOp>(e.loc, carried[0], asInts(magnitude))};
        })[0];
    Value bits = e.b.create<vector::ReductionOp>(e.loc, vector::CombiningKind::MAXUI, largest);
    result = e.b.create<arith::BitcastOp>(e.loc, e.f32(), bits);
  } else {
    Value start = e.real(0);
    result = e.loop(begin, end, kReductionBlock, {start}, [&](Value block, ValueRange carried) -> SmallVector<Value> {
      Value blockEnd = e.min(e.add(block, e.index(kReductionBlock)), end);
      Value lanes =
          e.loop(block, blockEnd, kLanes, {e.zeros()}, [&](Value column, ValueRange sums) -> SmallVector<Value> {
            return {e.b.create<arith::AddFOp>(e.loc, sums[0], elements(column))};
          })[0];
      return {e.b.create<arith::AddFOp>(e.loc, carried[0], combineLanes(lanes))};
    })[0];
  }
  return failed(ok) ? FailureOr<Value>(failure()) : FailureOr<Value>(result);
}

/// The statistics of a side for a row of the tile, in order, to element `slot` of their buffers and to exported
/// results.
LogicalResult KernelEmitter::emitStatistics(Side side, Value row, Value slot, Value tile) {
  for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i) {
    if (kernel.getStat(i).getSide() != side)
      continue;
    FailureOr<Value> value = emitStatistic(i, row, slot, tile);
    if (failed(value))
      return failure();
    e.store(*value, statBuffers[i], {e.index(0), slot});
    for (int64_t result : kernel.getResultsOf({ResultKind::Stat}))
      if (kernel.getResultSpec(result).getStat() == i)
        e.store(*value, results[result], {tile, row});
  }
  return success();
}

} // namespace mho::lowering

// Statistics: of a source row within a tile, taken while it is packed, since it is in the first cache then; of a whole
// tile, taken by functions of their own before the body, in blocks of 64 rows whose results lie after the partial sums
// of the reductions.
#include "lowering/AnalogToVector/KernelEmitter.h"

#include "dialect/Numerics/Reduction.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

static bool isOfTile(StatAttr stat) { return stat.getOver().getAxes().size() == 1; }

SmallVector<int64_t> statisticsOfTiles(TiledMvmOp kernel) {
  SmallVector<int64_t> list;
  for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i)
    if (isOfTile(kernel.getStat(i)))
      list.push_back(i);
  return list;
}

bool KernelEmitter::hasRowStatistics(Side side) {
  return llvm::any_of(kernel.getStats(), [&](Attribute attr) {
    auto stat = cast<StatAttr>(attr);
    return stat.getSide() == side && !isOfTile(stat);
  });
}

/// Where double `number` of a statistic over (t) lies: 0 the whole of the tile, then its blocks of rows.
Value KernelEmitter::partialOfStatistic(int64_t stat, Value tile, Value number) {
  auto perTile = [&](int64_t i) {
    Value blocks = e.div(e.roundUp(sourceRows[size_t(kernel.getStat(i).getSide())], kReductionBlock), kReductionBlock);
    return e.add(blocks, e.index(1));
  };
  Value offset = partialsBefore(kernel.getReductions().size());
  for (int64_t i : statisticsOfTiles(kernel)) {
    if (i == stat)
      break;
    offset = e.add(offset, e.mul(perTile(i), tiles));
  }
  return e.add(offset, e.add(e.mul(tile, perTile(stat)), number));
}

/// The value of a statistic: of the tile, or of the row at `slot` of its buffer.
Value KernelEmitter::statisticAt(int64_t stat, Value tile, Value slot) {
  if (!isOfTile(kernel.getStat(stat)))
    return e.load(statBuffers[stat], {e.index(0), slot});
  Value whole = e.load(partials, partialOfStatistic(stat, tile, e.index(0)));
  return e.b.create<arith::TruncFOp>(e.loc, e.f32(), whole);
}

/// 16 of the elements that a statistic reduces: of its operand, through its map; 0 beyond the mask.
Value KernelEmitter::statElements(int64_t stat, const Place &place, Value slot, Value drawn) {
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
  appendVisible(arguments, region, place, [&](int64_t i) { return statisticAt(i, place[Axis::T], slot); });
  auto lookup = [&](Operation *op) { return leaf(op, region, place, e.index(0), 1, drawn); };
  FailureOr<RegionResult> mapped = emitRegion(e, map, arguments, lookup);
  if (failed(mapped)) {
    regionFailed = true;
    return e.zeros();
  }
  return e.select(place.mask, asVector(e, mapped->values[0]), e.zeros());
}

/// Maps the accumulated vector over the columns from .. to of row `r` of those at hand, 16 at a time. What the map of
/// the statistic draws is drawn first: then these are at most 64 columns, from a multiple of 64 of the tile on.
Value KernelEmitter::foldColumns(const StatRows &of, Value r, Value from, Value to, Value init,
                                 llvm::function_ref<Value(Value, Value)> step) {
  auto [rowAxis, columnAxis] = kernel.getElementAxes(kernel.getStat(of.stat).getSide());
  Place place;
  place.vectorAxis = columnAxis;
  place[Axis::T] = of.tile;
  place[rowAxis] = e.add(of.row, r);
  drawRow(TiledMvmOp::kFirstMap + of.stat, of.tile, place[rowAxis], e.sub(from, of.begin), e.sub(to, from), e.index(0),
          1);
  return e.loop(from, to, kLanes, {init},
                [&, columnAxis = columnAxis](Value column, ValueRange carried) -> SmallVector<Value> {
                  place[columnAxis] = column;
                  place.mask = e.mask(e.sub(of.end, column));
                  return {step(carried[0], statElements(of.stat, place, e.add(of.slot, r), e.sub(column, from)))};
                })[0];
}

/// Magnitudes order as integers as they do as floats, NaN above all, and that comparison takes one instruction.
Value KernelEmitter::largestOf(const StatRows &of) {
  auto asInts = [&](Value v) -> Value { return e.b.create<arith::BitcastOp>(e.loc, e.ints(), v); };
  auto step = [&](Value largest, Value v) -> Value {
    return e.b.create<arith::MaxUIOp>(e.loc, largest, asInts(e.b.create<math::AbsFOp>(e.loc, v)));
  };
  bool draws = !drawsOf(kernel.getStatMaps()[of.stat]).empty();
  auto ofRow = [&](Value r, ValueRange carried) -> SmallVector<Value> {
    if (!draws)
      return {foldColumns(of, r, of.begin, of.end, carried[0], step)};
    return e.loop(of.begin, of.end, kReductionBlock, carried, [&](Value block, ValueRange inner) -> SmallVector<Value> {
      Value blockEnd = e.min(e.add(block, e.index(kReductionBlock)), of.end);
      return {foldColumns(of, r, block, blockEnd, inner[0], step)};
    });
  };
  Value largest = e.loop(e.index(0), of.count, 1, {asInts(e.zeros())}, ofRow)[0];
  Value bits = e.b.create<vector::ReductionOp>(e.loc, vector::CombiningKind::MAXUI, largest);
  return e.b.create<arith::BitcastOp>(e.loc, e.f32(), bits);
}

/// The sum over the rows at hand, a block or one: blocks of columns in ascending order.
Value KernelEmitter::sumOf(const StatRows &of) {
  auto add = [&](Value sum, Value v) -> Value { return e.b.create<arith::AddFOp>(e.loc, sum, v); };
  Value start = e.real(0);
  return e.loop(of.begin, of.end, kReductionBlock, {start}, [&](Value block, ValueRange total) -> SmallVector<Value> {
    Value blockEnd = e.min(e.add(block, e.index(kReductionBlock)), of.end);
    Value lanes = e.loop(e.index(0), of.count, 1, {e.zeros()}, [&](Value r, ValueRange carried) -> SmallVector<Value> {
      return {foldColumns(of, r, block, blockEnd, carried[0], add)};
    })[0];
    return {add(total[0], combineLanes(lanes))};
  })[0];
}

/// One statistic of the rows at hand: largest magnitude, sum in the normative order, or number of elements.
Value KernelEmitter::emitStatistic(const StatRows &of) {
  switch (kernel.getStat(of.stat).getKind()) {
  case StatKind::Count:
    return e.b.create<arith::SIToFPOp>(e.loc, e.f32(), e.toI64(e.mul(e.sub(of.end, of.begin), of.count)));
  case StatKind::AbsMax:
    return largestOf(of);
  case StatKind::Sum:
    return sumOf(of);
  }
  llvm_unreachable("a StatKind");
}

KernelEmitter::StatRows KernelEmitter::statRows(int64_t stat, Value row, Value count, Value slot, Value tile) {
  return {stat, row, count, slot, tile, tileBegin(tile), tileBegin(e.add(tile, e.index(1)))};
}

/// The first `count` statistics as far as they are of single rows of a side, in order, to element `slot` of their
/// buffers and to exported results.
void KernelEmitter::emitStatistics(Side side, Value row, Value slot, Value tile, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (kernel.getStat(i).getSide() != side || isOfTile(kernel.getStat(i)))
      continue;
    Value value = emitStatistic(statRows(i, row, e.index(1), slot, tile));
    e.store(value, statBuffers[i], {e.index(0), slot});
    for (int64_t result : kernel.getResultsOf({ResultKind::Stat}))
      if (kernel.getResultSpec(result).getStat() == i)
        e.store(value, results[result], {tile, row});
  }
}

/// A statistic over (t) of the blocks of rows and the tiles that the function is called for.
LogicalResult KernelEmitter::emitTileStatistic(int64_t stat) {
  findSizes();
  workspaceBegin();
  Value zero = e.index(0), one = e.index(1);
  Side side = kernel.getStat(stat).getSide();
  bool mapped = !kernel.getStatMaps()[stat].empty();
  e.loop(rowBegin, rowEnd, kReductionBlock, [&](Value block) {
    Value count = e.min(e.index(kReductionBlock), e.sub(rowEnd, block));
    e.loop(columnBegin, columnEnd, 1, [&](Value tile) {
      if (mapped && hasRowStatistics(side))
        e.loop(zero, count, 1, [&](Value r) { emitStatistics(side, e.add(block, r), r, tile, stat); });
      Value value = emitStatistic(statRows(stat, block, count, zero, tile));
      Value number = e.add(e.div(block, kReductionBlock), one);
      e.store(e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), value), partials,
              partialOfStatistic(stat, tile, number));
    });
  });
  return failure(regionFailed);
}

/// The whole of a statistic over (t), of its blocks in ascending order; to the exported result too.
LogicalResult KernelEmitter::emitStatisticTotal(int64_t stat) {
  findSizes();
  StatAttr attr = kernel.getStat(stat);
  Value zero = e.index(0), one = e.index(1), start = e.b.create<arith::ConstantOp>(e.loc, e.b.getF64FloatAttr(0));
  Value blocks = e.div(e.roundUp(sourceRows[size_t(attr.getSide())], kReductionBlock), kReductionBlock);
  e.loop(zero, tiles, 1, [&](Value tile) {
    Value whole = e.loop(one, e.add(blocks, one), 1, {start}, [&](Value i, ValueRange carried) -> SmallVector<Value> {
      Value block = e.load(partials, partialOfStatistic(stat, tile, i));
      if (attr.getKind() == StatKind::AbsMax)
        return {e.b.create<arith::MaximumFOp>(e.loc, carried[0], block)};
      return {addPartials(attr.getKind() == StatKind::Count, carried[0], block)};
    })[0];
    e.store(whole, partials, partialOfStatistic(stat, tile, zero));
    for (int64_t result : kernel.getResultsOf({ResultKind::Stat}))
      if (kernel.getResultSpec(result).getStat() == stat)
        e.store(e.b.create<arith::TruncFOp>(e.loc, e.f32(), whole), results[result], {tile});
  });
  return success();
}

} // namespace mho::lowering

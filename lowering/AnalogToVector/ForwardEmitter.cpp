// The loop nest of a contraction over k: sums of a tile in scratch rows, end_tile and finish from there.
#include "lowering/AnalogToVector/KernelEmitter.h"

#include "lowering/AnalogToVector/NoiseEmitter.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

LogicalResult KernelEmitter::emitForward() {
  LogicalResult ok = success();
  Value zero = e.index(0);
  // Without inputs there is no tile: the sum is 0 and only finish runs.
  e.when(e.equal(tiles, zero), [&] { ok = emitEmptySum(); });
  auto emitTiles = [&](Value i0) {
    Value mc = e.min(e.index(s.mc), e.sub(rowEnd, i0));
    e.loop(zero, tiles, 1, [&](Value t) {
      if (succeeded(ok))
        ok = emitForwardTile(i0, mc, t);
    });
  };
  e.loop(rowBegin, endOfPacking(Side::Rhs, rowBegin, rowEnd), s.mc, [&](Value i0) {
    if (totals.empty())
      return emitTiles(i0);
    // The scratch has room for the totals of nc columns: the lhs is packed again for the next ones.
    auto whole = std::pair(columnBegin, columnEnd);
    e.loop(whole.first, endOfPacking(Side::Lhs, whole.first, whole.second), s.nc, [&](Value j0) {
      columnBegin = j0;
      columnEnd = e.min(e.add(j0, e.index(s.nc)), whole.second);
      emitTiles(i0);
    });
    std::tie(columnBegin, columnEnd) = whole;
  });
  return ok;
}

/// The end of the loop in which a side is packed, of a result's rows (rhs) or columns (lhs): where it has none the
/// statistics of the side that are results are taken all the same.
Value KernelEmitter::endOfPacking(Side side, Value begin, Value end) {
  bool exports = llvm::any_of(kernel.getResultsOf({ResultKind::Stat}), [&](int64_t i) {
    return kernel.getStat(kernel.getResultSpec(i).getStat()).getSide() == side;
  });
  return exports ? Value(e.b.create<arith::MaxSIOp>(e.loc, end, e.add(begin, e.index(1)))) : end;
}

LogicalResult KernelEmitter::emitForwardTile(Value i0, Value mc, Value t) {
  LogicalResult ok = success();
  Value zero = e.index(0), begin = tileBegin(t), end = tileBegin(e.add(t, e.index(1)));
  Value oneBlock = e.b.create<arith::CmpIOp>(e.loc, arith::CmpIPredicate::sle, e.sub(end, begin), e.index(s.kc));
  auto putLhs = [&](Value r, Value c, ValueRange vectors) {
    for (auto [block, v] : llvm::zip(packedLhs, vectors))
      e.storeVector(v, block, {zero, e.add(e.mul(r, s.kc + kLanes), c)});
  };
  e.loop(columnBegin, endOfPacking(Side::Lhs, columnBegin, columnEnd), s.nc, [&](Value j0) {
    Value nc = e.min(e.index(s.nc), e.sub(columnEnd, j0));
    e.loop(begin, end, s.kc, [&](Value c0) {
      Value kc = e.min(e.index(s.kc), e.sub(end, c0)), padded = e.roundUp(kc, s.unroll), first = e.equal(c0, begin);
      // The lhs block serves every column block, unless the tile has several contraction blocks.
      Value repack = e.b.create<arith::OrIOp>(
          e.loc, e.equal(j0, columnBegin),
          e.b.create<arith::XOrIOp>(e.loc, oneBlock, e.b.create<arith::ConstantOp>(e.loc, e.b.getBoolAttr(true))));
      e.when(repack, [&] {
        ok = pack(Side::Lhs, i0, mc, c0, kc, t, first, putLhs);
        zeroRows(Side::Lhs, mc, e.roundUp(mc, s.mr), kc, putLhs);
      });
      // Sixteen source rows at a time: load region into a row buffer, then 16 x 16 transposes into a panel.
      e.loop(zero, nc, kLanes, [&](Value jp) {
        auto putRow = [&](Value r, Value c, ValueRange vectors) {
          for (auto [buffer, v] : llvm::zip(rowBuffers, vectors))
            e.storeVector(v, buffer, {r, c});
        };
        Value count = e.min(e.index(kLanes), e.sub(nc, jp));
        // Statistics of the block are indexed by row within the block: the pack of a part starts at its own.
        rhsStatOffset = jp;
        if (failed(pack(Side::Rhs, e.add(j0, jp), count, c0, kc, t, first, putRow)))
          ok = failure();
        zeroRows(Side::Rhs, count, e.index(kLanes), kc, putRow);
        emitPanel(e.mul(e.div(jp, kLanes), s.kc), kc);
      });
      Value last = e.b.create<arith::CmpIOp>(e.loc, arith::CmpIPredicate::sge, e.add(c0, e.index(s.kc)), end);
      e.loop(zero, mc, s.mr, [&](Value ip) {
        // Sums that wait for another contraction block have rows of their own; else MR rows serve all, in L1.
        Value sumRow = e.select(oneBlock, zero, ip);
        if (hasValue())
          e.when(last, [&] { prefetchResult(e.add(i0, ip), e.min(e.index(s.mr), e.sub(mc, ip)), j0, nc); });
        e.loop(zero, nc, kLanes, [&](Value jp) {
          prefetchNextBlock(j0, c0, end, ip, jp);
          for (int64_t pair = 0; pair < kernel.getAccumulatorCount(); ++pair) {
            SmallVector<Value> accumulators;
            for (int64_t i = 0; i < s.mr; ++i) {
              Value before = e.loadVector(sums[pair], {e.add(sumRow, e.index(i)), jp});
              accumulators.push_back(e.select(first, e.zeros(), before));
            }
            micro(pair, e.mul(ip, s.kc + kLanes), e.mul(e.div(jp, kLanes), s.kc), padded, false, accumulators);
            for (int64_t i = 0; i < s.mr; ++i)
              e.storeVector(accumulators[i], sums[pair], {e.add(sumRow, e.index(i)), jp});
          }
        });
        e.when(last, [&] {
          if (failed(emitEndTile(i0, ip, sumRow, mc, j0, nc, t)))
            ok = failure();
        });
      });
    });
  });
  return ok;
}

/// The row buffers' 16 rows of `kc` elements, turned by 16 x 16 transposes into panels of 16 columns.
void KernelEmitter::emitPanel(Value panel, Value kc) {
  Value zero = e.index(0);
  auto square = VectorType::get({kLanes, kLanes}, e.f32());
  e.loop(zero, kc, kLanes, [&](Value c) {
    for (auto [buffer, packed] : llvm::zip(rowBuffers, packedRhs)) {
      Value block = e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(square, 0.0f));
      for (int64_t i = 0; i < kLanes; ++i)
        block = e.b.create<vector::InsertOp>(e.loc, e.loadVector(buffer, {e.index(i), c}), block, i);
      Value turned = e.b.create<vector::TransposeOp>(e.loc, block, ArrayRef<int64_t>{1, 0});
      for (int64_t i = 0; i < kLanes; ++i)
        e.storeVector(e.b.create<vector::ExtractOp>(e.loc, turned, i), packed,
                      {e.add(panel, e.add(c, e.index(i))), zero});
    }
  });
}

/// Asks for a part of the rhs block that is packed next, so that all of it is in L2 when the micro-kernels of this
/// block have run: with every MR rows of output some source rows, with every 16 columns a stretch of these.
void KernelEmitter::prefetchNextBlock(Value j0, Value c0, Value end, Value ip, Value jp) {
  int64_t rowsAtOnce = std::max<int64_t>(1, s.nc * s.mr / s.mc), stretch = s.kc * kLanes / s.nc;
  Value one = e.index(1), nextColumn = e.add(c0, e.index(s.kc)), nextRow = e.add(j0, e.index(s.nc));
  Value sameRows = e.less(nextColumn, end), sameTile = e.less(nextRow, columnEnd);
  Value firstRow = e.select(sameRows, j0, e.select(sameTile, nextRow, columnBegin));
  Value firstColumn = e.select(sameRows, nextColumn, e.select(sameTile, c0, end));
  for (auto [operand, attr] : llvm::zip(kernel.getRhs(), kernel.getRhsAxes())) {
    if (strided.contains(operand) || TiledMvmOp::isBits(operand) || cast<AxesAttr>(attr).getAxes().size() != 2)
      continue;
    Value memref = operandOf(operand), lastRow = e.sub(e.size(memref, 0), one),
          lastColumn = e.sub(e.size(memref, 1), one);
    for (int64_t r = 0; r < rowsAtOnce; ++r)
      for (int64_t c = 0; c < stretch; c += kLanes) {
        Value row = e.add(firstRow, e.add(e.mul(e.div(ip, s.mr), rowsAtOnce), e.index(r)));
        Value column = e.add(firstColumn, e.add(e.mul(e.div(jp, kLanes), stretch), e.index(c)));
        e.prefetch(memref, {e.min(row, lastRow), e.min(column, lastColumn)}, /*write=*/false, /*locality=*/2);
      }
  }
}

/// Asks for the lines of the result that the end of the tile will add to, while the micro-kernels run.
void KernelEmitter::prefetchResult(Value firstRow, Value rowCount, Value firstColumn, Value columnCount) {
  Value result = results[kernel.getResultsOf({ResultKind::Value})[0]], zero = e.index(0);
  e.loop(zero, rowCount, 1, [&](Value r) {
    e.loop(zero, columnCount, kLanes,
           [&](Value c) { e.prefetch(result, {e.add(firstRow, r), e.add(firstColumn, c)}, /*write=*/true); });
  });
}

/// Rows ip .. ip + MR of the block: end_tile, sum over tiles, and after the last tile finish.
LogicalResult KernelEmitter::emitEndTile(Value i0, Value ip, Value sumRow, Value mc, Value j0, Value nc, Value t) {
  Value zero = e.index(0), rowCount = e.min(e.index(s.mr), e.sub(mc, ip)), firstRow = e.add(i0, ip);
  Region &endTile = kernel.getEndTile(), &finish = kernel.getFinish();
  Value isLast = e.equal(e.add(t, e.index(1)), tiles);
  e.loop(zero, rowCount, 1, [&](Value r) { drawRow(TiledMvmOp::kEndTile, t, e.add(firstRow, r), j0, nc, r, s.mr); });
  if (!drawsOf(finish).empty())
    e.when(isLast, [&] { e.loop(zero, rowCount, 1, [&](Value r) { drawFinishRow(e.add(firstRow, r), j0, nc, r); }); });
  LogicalResult ok = success();
  e.loop(zero, nc, kLanes, [&](Value c) {
    Place place;
    place.vectorAxis = Axis::N;
    place[Axis::T] = t;
    place[Axis::N] = e.add(j0, c);
    place.mask = e.mask(e.sub(nc, c));
    // Parameters that do not vary over rows are loaded once for the column, so that what hangs on them is hoisted out
    // of the row loop.
    auto rhsStat = [&](int64_t i) -> Value { return e.loadMasked(statBuffers[i], {zero, c}, place.mask); };
    DenseMap<int64_t, Value> columnStats, columnParams;
    for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i)
      if (kernel.getStat(i).getOver().getAxes().size() == 1)
        columnStats[i] = statisticAt(i, t, zero);
      else if (kernel.getStat(i).getSide() == Side::Rhs)
        columnStats[i] = rhsStat(i);
    for (int64_t i : kernel.getVisibleParams(TiledMvmOp::kEndTile))
      if (!kernel.getAxesOf(kernel.getParamAxes(), i).contains(Axis::M))
        columnParams[i] = loadParam(i, place);
    e.loop(zero, rowCount, 1, [&](Value r) {
      Value localRow = e.add(ip, r);
      place[Axis::M] = e.add(firstRow, r);
      auto param = [&](int64_t i) { return columnParams.count(i) ? columnParams[i] : loadParam(i, place); };
      auto stat = [&](int64_t i) -> Value {
        return columnStats.count(i) ? columnStats[i] : e.load(statBuffers[i], {zero, localRow});
      };
      SmallVector<Value> arguments;
      for (Value sum : sums)
        arguments.push_back(e.loadVector(sum, {e.add(sumRow, r), c}));
      appendEpilogue(arguments, TiledMvmOp::kEndTile, place);
      for (int64_t i : kernel.getVisibleParams(TiledMvmOp::kEndTile))
        arguments.push_back(param(i));
      for (int64_t i : kernel.getVisibleStats(TiledMvmOp::kEndTile))
        arguments.push_back(stat(i));
      auto tileLeaf = [&](Operation *op) { return leaf(op, TiledMvmOp::kEndTile, place, r, s.mr, c); };
      FailureOr<RegionResult> tile = emitRegion(e, endTile, arguments, tileLeaf);
      if (failed(tile)) {
        ok = failure();
        return;
      }
      SmallVector<int64_t> bitResults = kernel.getResultsOf({ResultKind::Bits});
      for (auto [i, result] : llvm::enumerate(bitResults))
        storeBits(asVector(e, tile->bits[i]), results[result], place);
      unsigned summed = kernel.getSumCount();
      ArrayRef<Value> planes = ArrayRef(tile->values).drop_front(summed);
      for (auto [value, result] : llvm::zip(planes, kernel.getResultsOf({ResultKind::Planes})))
        e.storeMasked(asVector(e, value), results[result], {t, place[Axis::M], place[Axis::N]}, place.mask);
      keepSummands(/*ofTile=*/true, tile->reductions, place.mask, r, c);
      if (finish.empty())
        return;
      if (failed(emitSumsOfTiles(ArrayRef(tile->values).take_front(summed), place, localRow, r, c, param)))
        ok = failure();
    });
  });
  auto reduceRows = [&](bool ofTile) {
    e.loop(zero, rowCount, 1, [&](Value r) {
      Place place;
      place[Axis::T] = t;
      place[Axis::M] = e.add(firstRow, r);
      place[Axis::N] = j0;
      reduceRow(ofTile, place, r, nc);
    });
  };
  if (reduces(/*ofTile=*/true))
    reduceRows(true);
  if (reduces(/*ofTile=*/false))
    e.when(isLast, [&] { reduceRows(false); });
  return ok;
}

/// Adds what end_tile gave for 16 elements to the tiles before; after the last tile finish. The sums lie in row
/// `localRow` of the scratch, one alone where its value will; `slot` and `column` are those of the scratch rows.
LogicalResult KernelEmitter::emitSumsOfTiles(ArrayRef<Value> values, const Place &place, Value localRow, Value slot,
                                             Value column, llvm::function_ref<Value(int64_t)> param) {
  Value t = place[Axis::T], isFirst = e.equal(t, e.index(0)), isLast = e.equal(e.add(t, e.index(1)), tiles);
  SumPlace result;
  if (hasValue())
    result = {results[kernel.getResultsOf({ResultKind::Value})[0]], {place[Axis::M], place[Axis::N]}};
  SmallVector<Value> sums;
  for (auto [i, value] : llvm::enumerate(values)) {
    SumPlace total = totals.empty() ? result : SumPlace{totals[i], {localRow, column}};
    Value one = asVector(e, value), before = e.loadMasked(total.memref, total.at, place.mask);
    sums.push_back(e.select(isFirst, one, e.b.create<arith::AddFOp>(e.loc, before, one)));
  }
  FailureOr<Value> finished = emitFinishOf(sums, place, slot, column, param);
  if (failed(finished))
    return failure();
  for (auto [total, sum] : llvm::zip(totals, sums))
    e.storeMasked(sum, total, {localRow, column}, place.mask);
  if (hasValue() && totals.empty())
    e.storeMasked(e.select(isLast, *finished, sums[0]), result.memref, result.at, place.mask);
  else if (hasValue())
    e.when(isLast, [&] { storeValue(*finished, result.at, place.mask); });
  return success();
}

/// finish of 16 elements' sums over the tiles: keeps what is reduced, returns the value with its initial one, or none.
FailureOr<Value> KernelEmitter::emitFinishOf(ArrayRef<Value> sums, const Place &place, Value slot, Value column,
                                             llvm::function_ref<Value(int64_t)> param) {
  SmallVector<Value> arguments(sums);
  appendEpilogue(arguments, TiledMvmOp::kFinish, place);
  for (int64_t i : kernel.getVisibleParams(TiledMvmOp::kFinish))
    arguments.push_back(param(i));
  Value drawn = e.add(slot, e.index(finishDrawRow()));
  auto lookup = [&](Operation *op) { return leaf(op, TiledMvmOp::kFinish, place, drawn, s.mr, column); };
  FailureOr<RegionResult> finished = emitRegion(e, kernel.getFinish(), arguments, lookup);
  if (failed(finished))
    return failure();
  keepSummands(/*ofTile=*/false, finished->reductions, place.mask, slot, column);
  if (!hasValue())
    return Value();
  return addInit(asVector(e, finished->values[0]), {place[Axis::M], place[Axis::N]}, place.mask);
}

/// The scratch rows of what finish draws follow those of end_tile.
int64_t KernelEmitter::finishDrawRow() { return drawsOf(kernel.getEndTile()).size() * s.mr; }

/// finish sees no tile: it draws as of tile 0.
void KernelEmitter::drawFinishRow(Value row, Value firstColumn, Value count, Value slot) {
  drawRow(TiledMvmOp::kFinish, e.index(0), row, firstColumn, count, e.add(slot, e.index(finishDrawRow())), s.mr);
}

/// 16 bits into their half of a word; the low half comes first and clears the high one.
void KernelEmitter::storeBits(Value bits, Value memref, const Place &place) {
  Value masked = e.b.create<arith::AndIOp>(e.loc, bits, place.mask);
  Value packed = e.b.create<vector::BitCastOp>(e.loc, VectorType::get({1}, e.b.getIntegerType(16)), masked);
  Value word = e.b.create<arith::ExtUIOp>(e.loc, e.b.getI32Type(), e.b.create<vector::ExtractOp>(e.loc, packed, 0));
  SmallVector<Value> at{place[Axis::T], place[Axis::M], e.div(place[Axis::N], 32)};
  Value shift = e.rem(place[Axis::N], 32), low = e.equal(shift, e.index(0));
  Value merged =
      e.b.create<arith::OrIOp>(e.loc, e.load(memref, at), e.b.create<arith::ShLIOp>(e.loc, word, e.toI32(shift)));
  e.store(e.select(low, word, merged), memref, at);
}

/// Without tiles: finish of 0 for every element, sums of end_tile are 0.
LogicalResult KernelEmitter::emitEmptySum() {
  LogicalResult ok = success();
  Value zero = e.index(0);
  e.loop(rowBegin, rowEnd, 1, [&](Value m) {
    zeroTileResults(m);
    if (kernel.getFinish().empty())
      return;
    e.loop(columnBegin, columnEnd, s.nc, [&](Value j0) {
      Value nc = e.min(e.index(s.nc), e.sub(columnEnd, j0));
      drawFinishRow(m, j0, nc, zero);
      Place place;
      place.vectorAxis = Axis::N;
      place[Axis::M] = m;
      e.loop(zero, nc, kLanes, [&](Value c) {
        place[Axis::N] = e.add(j0, c);
        place.mask = e.mask(e.sub(nc, c));
        auto param = [&](int64_t i) { return loadParam(i, place); };
        SmallVector<Value> nothing(kernel.getSumCount(), e.real(0));
        FailureOr<Value> value = emitFinishOf(nothing, place, zero, c, param);
        if (failed(value))
          ok = failure();
        else if (hasValue())
          storeValue(*value, {m, place[Axis::N]}, place.mask);
      });
      place[Axis::N] = j0;
      reduceRow(/*ofTile=*/false, place, zero, nc);
    });
  });
  return ok;
}

} // namespace mho::lowering

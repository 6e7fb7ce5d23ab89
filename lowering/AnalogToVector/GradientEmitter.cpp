// The loop nest of a contraction over n or m: sums in the result's memory, finish and reductions over blocks of 64
// x 64.
#include "dialect/Numerics/Reduction.h"
#include "lowering/AnalogToVector/KernelEmitter.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

LogicalResult KernelEmitter::emitGradient() {
  LogicalResult ok = success();
  e.loop(rowBegin, rowEnd, s.mc, [&](Value i0) {
    Value mc = e.min(e.index(s.mc), e.sub(rowEnd, i0));
    e.loop(columnBegin, columnEnd, 1, [&](Value t) {
      if (failed(emitGradientBlock(i0, mc, t)) || failed(emitFinishBlocks(i0, mc, t)))
        ok = failure();
    });
  });
  return ok;
}

/// result[i0 .. + mc, tile t] = the contraction.
LogicalResult KernelEmitter::emitGradientBlock(Value i0, Value mc, Value t) {
  LogicalResult ok = success();
  Value zero = e.index(0), begin = tileBegin(t), end = tileBegin(e.add(t, e.index(1)));
  Value result = results[kernel.getResultsOf({ResultKind::Value})[0]];
  Value always = e.b.create<arith::ConstantOp>(e.loc, e.b.getBoolAttr(true));
  bool lhsTransposed = kernel.getElementAxes(Side::Lhs).first == kernel.getContract();
  // One accumulator: its loaded values are the only ones.
  auto putLhs = [&](Value r, Value c, ValueRange vectors) {
    Value at = lhsTransposed ? e.add(e.mul(e.div(c, kLanes), s.kc * kLanes), e.mul(r, kLanes))
                             : e.add(e.mul(r, s.kc + kLanes), c);
    e.storeVector(vectors[0], packedLhs[0], {zero, at});
  };
  auto putRhs = [&](Value r, Value c, ValueRange vectors) {
    e.storeVector(vectors[0], packedRhs[0], {e.add(e.mul(e.div(c, kLanes), s.kc), r), zero});
  };
  // An empty contraction is a sum of nothing.
  e.when(e.equal(depth, zero), [&] {
    e.loop(zero, mc, 1, [&](Value r) {
      e.loop(begin, end, kLanes,
             [&](Value j) { e.storeMasked(e.zeros(), result, {e.add(i0, r), j}, e.mask(e.sub(end, j))); });
    });
  });
  e.loop(zero, depth, s.kc, [&](Value c0) {
    Value kc = e.min(e.index(s.kc), e.sub(depth, c0)), padded = e.roundUp(kc, s.unroll), first = e.equal(c0, zero);
    if (lhsTransposed) {
      ok = pack(Side::Lhs, c0, kc, i0, mc, t, always, putLhs);
      zeroRows(Side::Lhs, kc, padded, mc, putLhs);
    } else {
      ok = pack(Side::Lhs, i0, mc, c0, kc, t, always, putLhs);
      zeroRows(Side::Lhs, mc, e.roundUp(mc, s.mr), kc, putLhs);
    }
    e.loop(begin, end, s.nc, [&](Value j0) {
      Value nc = e.min(e.index(s.nc), e.sub(end, j0));
      rhsStatOffset = zero;
      if (failed(pack(Side::Rhs, c0, kc, j0, nc, t, e.equal(j0, begin), putRhs)))
        ok = failure();
      zeroRows(Side::Rhs, kc, padded, nc, putRhs);
      e.loop(zero, mc, s.mr, [&](Value ip) {
        e.loop(zero, nc, kLanes, [&](Value jp) {
          Value j = e.add(j0, jp), mask = e.mask(e.sub(nc, jp));
          Value rowsHere = e.min(e.index(s.mr), e.sub(mc, ip));
          prefetchResult(e.add(i0, ip), rowsHere, j, e.index(1));
          SmallVector<Value> accumulators(s.mr, e.zeros());
          Value lhsRow = lhsTransposed ? e.add(e.mul(e.div(ip, kLanes), s.kc * kLanes), e.rem(ip, kLanes))
                                       : e.mul(ip, s.kc + kLanes);
          micro(0, lhsRow, e.mul(e.div(jp, kLanes), s.kc), padded, lhsTransposed, accumulators);
          for (int64_t i = 0; i < s.mr; ++i) {
            Value local = e.add(ip, e.index(i));
            e.when(e.less(local, mc), [&] {
              SmallVector<Value> at{e.add(i0, local), j};
              Value before = e.loadMasked(result, at, mask);
              Value sum = e.select(first, accumulators[i], e.b.create<arith::AddFOp>(e.loc, before, accumulators[i]));
              e.storeMasked(sum, result, at, mask);
            });
          }
        });
      });
    });
  });
  return ok;
}

/// finish over the row block of tile t, and the partial of every block of 64 rows.
LogicalResult KernelEmitter::emitFinishBlocks(Value i0, Value mc, Value t) {
  LogicalResult ok = success();
  Value zero = e.index(0), begin = tileBegin(t), end = tileBegin(e.add(t, e.index(1)));
  SmallVector<int64_t> reductions = kernel.getResultsOf({ResultKind::Sum, ResultKind::Count});
  e.loop(zero, mc, kReductionBlock, [&](Value block) {
    Value firstRow = e.add(i0, block), rowCount = e.min(e.index(kReductionBlock), e.sub(mc, block));
    SmallVector<Value> totals(reductions.size(), e.real(0));
    totals = e.loop(begin, end, kReductionBlock, totals, [&](Value column, ValueRange carried) {
      SmallVector<Value> next(carried);
      if (failed(emitFinishBlock(firstRow, rowCount, t, column, next)))
        ok = failure();
      return next;
    });
    Value blocks = e.div(e.roundUp(rows, kReductionBlock), kReductionBlock), number = e.div(firstRow, kReductionBlock);
    for (auto [i, total] : llvm::enumerate(totals)) {
      Value at = e.add(e.mul(e.add(e.mul(blocks, i), number), tiles), t);
      e.store(e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), total), partials, at);
    }
  });
  return ok;
}

// The lanes of a vector are the running sums of a block (SPEC.md, "Reductions").
static_assert(kLanes == kReductionLanes);

/// 8 + 8, 4 + 4, 2 + 2, 1 + 1.
Value KernelEmitter::combineLanes(Value vector) {
  for (int64_t half = kLanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(i + half);
    }
    auto part = [&](ArrayRef<int64_t> lanes) -> Value {
      return e.b.create<vector::ShuffleOp>(e.loc, vector, vector, lanes);
    };
    vector = e.b.create<arith::AddFOp>(e.loc, part(low), part(high));
  }
  return e.b.create<vector::ExtractOp>(e.loc, vector, 0);
}

/// One 64 x 64 block; `totals` are the row block's totals so far, to which the block's are added.
LogicalResult KernelEmitter::emitFinishBlock(Value firstRow, Value rowCount, Value t, Value column,
                                             SmallVectorImpl<Value> &totals) {
  LogicalResult ok = success();
  Value zero = e.index(0), end = e.min(e.add(column, e.index(kReductionBlock)), tileBegin(e.add(t, e.index(1))));
  Value result = results[kernel.getResultsOf({ResultKind::Value})[0]];
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  SmallVector<Value> lanes(totals.size(), e.zeros());
  lanes =
      e.loop(zero, rowCount, 1, lanes, [&, rowAxis = rowAxis, columnAxis = columnAxis](Value r, ValueRange rowCarried) {
        drawRow(TiledMvmOp::kFinish, t, e.add(firstRow, r), e.sub(column, tileBegin(t)), e.sub(end, column), zero, 1);
        return e.loop(column, end, kLanes, rowCarried, [&](Value c, ValueRange carried) {
          Place place;
          place.vectorAxis = columnAxis;
          place[Axis::T] = t;
          place[rowAxis] = e.add(firstRow, r);
          place[columnAxis] = c;
          place.mask = e.mask(e.sub(end, c));
          SmallVector<Value> at{place[rowAxis], c}, arguments{e.loadMasked(result, at, place.mask)}, next(carried);
          appendEpilogue(arguments, TiledMvmOp::kFinish, place);
          appendVisible(arguments, TiledMvmOp::kFinish, place, nullptr);
          auto lookup = [&](Operation *op) { return leaf(op, TiledMvmOp::kFinish, place, zero, 1, e.sub(c, column)); };
          FailureOr<RegionResult> finished = emitRegion(e, kernel.getFinish(), arguments, lookup);
          if (failed(finished)) {
            ok = failure();
            return next;
          }
          e.storeMasked(addInit(asVector(e, finished->values[0]), at, place.mask), result, at, place.mask);
          for (auto [i, value] : llvm::enumerate(finished->reductions)) {
            Value lane = asVector(e, value);
            if (cast<VectorType>(lane.getType()).getElementType().isInteger(1)) // a count: 1 for every true lane
              lane = e.select(lane, e.splat(e.real(1)), e.zeros());
            next[i] = e.b.create<arith::AddFOp>(e.loc, next[i], e.select(place.mask, lane, e.zeros()));
          }
          return next;
        });
      });
  for (auto [total, lane] : llvm::zip(totals, lanes))
    total = e.b.create<arith::AddFOp>(e.loc, total, combineLanes(lane));
  return ok;
}

/// Combines the partials of the row blocks in ascending order, per tile, and finishes them.
LogicalResult KernelEmitter::emitTail() {
  Value zero = e.index(0);
  rows = e.size(results[kernel.getResultsOf({ResultKind::Value})[0]], 0);
  SmallVector<int64_t> reductions = kernel.getResultsOf({ResultKind::Sum, ResultKind::Count});
  tiles = e.size(results[reductions[0]], 0);
  Value blocks = e.div(e.roundUp(rows, kReductionBlock), kReductionBlock);
  LogicalResult ok = success();
  e.loop(zero, tiles, 1, [&](Value t) {
    Place place;
    place.vectorAxis = Axis::K;
    place[Axis::T] = t;
    SmallVector<Value> arguments;
    for (size_t i = 0; i < reductions.size(); ++i) {
      bool count = cast<ResultAttr>(kernel.getResultSpecs()[reductions[i]]).getKind() == ResultKind::Count;
      Type type = count ? Type(e.b.getF64Type()) : Type(e.f32()); // counts beyond 2^24 stay exact until the end
      Value start = e.b.create<arith::ConstantOp>(e.loc, FloatAttr::get(type, 0.0));
      SmallVector<Value> sum =
          e.loop(zero, blocks, 1, {start}, [&](Value block, ValueRange carried) -> SmallVector<Value> {
            Value partial = e.load(partials, e.add(e.mul(e.add(e.mul(blocks, i), block), tiles), t));
            if (!count)
              partial = e.b.create<arith::TruncFOp>(e.loc, type, partial);
            return {e.b.create<arith::AddFOp>(e.loc, carried[0], partial)};
          });
      arguments.push_back(count ? Value(e.b.create<arith::TruncFOp>(e.loc, e.f32(), sum[0])) : sum[0]);
    }
    if (!kernel.getTail().empty()) {
      appendVisible(arguments, TiledMvmOp::kTail, place, nullptr);
      FailureOr<RegionResult> finished = emitRegion(e, kernel.getTail(), arguments, nullptr);
      if (failed(finished)) {
        ok = failure();
        return;
      }
      arguments = finished->values;
    }
    for (size_t i = 0; i < reductions.size(); ++i)
      e.store(arguments[i], results[reductions[i]], t);
  });
  return ok;
}

} // namespace mho::lowering

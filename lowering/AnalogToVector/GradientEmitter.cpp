// The loop nest of a contraction over n or m: sums in the result's memory or in scratch, finish over blocks of 64 x 64.
#include "dialect/Numerics/Reduction.h"
#include "lowering/AnalogToVector/KernelEmitter.h"
#include "lowering/AnalogToVector/Storage.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

LogicalResult KernelEmitter::emitGradient() {
  LogicalResult ok = success();
  e.loop(rowBegin, rowEnd, s.mc, [&](Value i0) {
    Value mc = e.min(e.index(s.mc), e.sub(rowEnd, i0));
    e.loop(columnBegin, columnEnd, 1, [&](Value t) {
      Value begin = tileBegin(t), end = tileBegin(e.add(t, e.index(1)));
      auto emitColumns = [&](Value first, Value last) {
        if (failed(emitGradientBlock(i0, mc, t, first, last)) || failed(emitFinishBlocks(i0, mc, t, first, last)))
          ok = failure();
      };
      if (sumsLieInResult())
        return emitColumns(begin, end);
      // The scratch has room for nc columns: the lhs is packed again for the next ones.
      e.loop(begin, end, s.nc, [&](Value j0) { emitColumns(j0, e.min(e.add(j0, e.index(s.nc)), end)); });
    });
  });
  return ok;
}

/// The value's memory holds float32, in which sums are kept until they are complete.
bool KernelEmitter::valueTakesSums() {
  return hasValue() && !isSixteenBits(kernel.getOutputs()[kernel.getResultsOf({ResultKind::Value})[0]].getType());
}

/// 16 elements of the value, which are complete.
void KernelEmitter::storeValue(Value v, ValueRange at, Value mask) {
  int64_t result = kernel.getResultsOf({ResultKind::Value})[0];
  storeStored(e, s.isa, kernel.getOutputs()[result].getType(), v, results[result], at, mask);
}

/// Sums of one accumulator are kept in the result's memory, which holds them for a tile of any width.
bool KernelEmitter::sumsLieInResult() { return kernel.getAccumulatorCount() == 1 && valueTakesSums(); }

/// Where the sums of accumulator `pair` are kept for `row` and `column` of the output: in the result, or in the scratch
/// of the block that begins at firstRow and firstColumn.
KernelEmitter::SumPlace KernelEmitter::sumPlace(int64_t pair, Value row, Value column, Value firstRow,
                                                Value firstColumn) {
  if (sumsLieInResult())
    return {results[kernel.getResultsOf({ResultKind::Value})[0]], {row, column}};
  return {sums[pair], {e.sub(row, firstRow), e.sub(column, firstColumn)}};
}

/// The contractions of rows i0 .. + mc and columns first .. last of tile t.
LogicalResult KernelEmitter::emitGradientBlock(Value i0, Value mc, Value t, Value first, Value last) {
  LogicalResult ok = success();
  Value zero = e.index(0);
  Value always = e.b.create<arith::ConstantOp>(e.loc, e.b.getBoolAttr(true));
  bool lhsTransposed = kernel.getElementAxes(Side::Lhs).first == kernel.getContract();
  auto putLhs = [&](Value r, Value c, ValueRange vectors) {
    Value at = lhsTransposed ? e.add(e.mul(e.div(c, kLanes), s.kc * kLanes), e.mul(r, kLanes))
                             : e.add(e.mul(r, s.kc + kLanes), c);
    for (auto [block, v] : llvm::zip(packedLhs, vectors))
      e.storeVector(v, block, {zero, at});
  };
  auto putRhs = [&](Value r, Value c, ValueRange vectors) {
    for (auto [block, v] : llvm::zip(packedRhs, vectors))
      e.storeVector(v, block, {e.add(e.mul(e.div(c, kLanes), s.kc), r), zero});
  };
  // An empty contraction is a sum of nothing.
  e.when(e.equal(depth, zero), [&] {
    e.loop(zero, mc, 1, [&](Value r) {
      e.loop(first, last, kLanes, [&](Value j) {
        for (int64_t pair = 0; pair < kernel.getAccumulatorCount(); ++pair) {
          SumPlace place = sumPlace(pair, e.add(i0, r), j, i0, first);
          e.storeMasked(e.zeros(), place.memref, place.at, e.mask(e.sub(last, j)));
        }
      });
    });
  });
  e.loop(zero, depth, s.kc, [&](Value c0) {
    Value kc = e.min(e.index(s.kc), e.sub(depth, c0)), padded = e.roundUp(kc, s.unroll), fresh = e.equal(c0, zero);
    if (lhsTransposed) {
      ok = pack(Side::Lhs, c0, kc, i0, mc, t, always, putLhs);
      zeroRows(Side::Lhs, kc, padded, mc, putLhs);
    } else {
      ok = pack(Side::Lhs, i0, mc, c0, kc, t, always, putLhs);
      zeroRows(Side::Lhs, mc, e.roundUp(mc, s.mr), kc, putLhs);
    }
    e.loop(first, last, s.nc, [&](Value j0) {
      Value nc = e.min(e.index(s.nc), e.sub(last, j0));
      rhsStatOffset = zero;
      if (failed(pack(Side::Rhs, c0, kc, j0, nc, t, e.equal(j0, first), putRhs)))
        ok = failure();
      zeroRows(Side::Rhs, kc, padded, nc, putRhs);
      e.loop(zero, mc, s.mr, [&](Value ip) {
        e.loop(zero, nc, kLanes, [&](Value jp) {
          Value j = e.add(j0, jp), row = e.add(i0, ip), rowsHere = e.min(e.index(s.mr), e.sub(mc, ip));
          if (sumsLieInResult())
            prefetchResult(row, rowsHere, j, e.index(1));
          for (int64_t pair = 0; pair < kernel.getAccumulatorCount(); ++pair) {
            SmallVector<Value> accumulators(s.mr, e.zeros());
            Value lhsRow = lhsTransposed ? e.add(e.mul(e.div(ip, kLanes), s.kc * kLanes), e.rem(ip, kLanes))
                                         : e.mul(ip, s.kc + kLanes);
            micro(pair, lhsRow, e.mul(e.div(jp, kLanes), s.kc), padded, lhsTransposed, accumulators);
            for (int64_t i = 0; i < s.mr; ++i)
              e.when(e.less(e.index(i), rowsHere), [&] {
                SumPlace place = sumPlace(pair, e.add(row, e.index(i)), j, i0, first);
                addToSum(place, accumulators[i], fresh, e.mask(e.sub(nc, jp)));
              });
          }
        });
      });
    });
  });
  return ok;
}

/// Adds a contraction block's 16 sums to those of the blocks before; the first block's are `fresh`.
void KernelEmitter::addToSum(const SumPlace &place, Value block, Value fresh, Value mask) {
  Value before = e.loadMasked(place.memref, place.at, mask);
  Value sum = e.select(fresh, block, e.b.create<arith::AddFOp>(e.loc, before, block));
  e.storeMasked(sum, place.memref, place.at, mask);
}

/// finish over the row block's columns first .. last of tile t, in blocks of 64 x 64. `first` lies a multiple of 64
/// from the tile's begin.
LogicalResult KernelEmitter::emitFinishBlocks(Value i0, Value mc, Value t, Value first, Value last) {
  LogicalResult ok = success();
  e.loop(e.index(0), mc, kReductionBlock, [&](Value block) {
    Value rowCount = e.min(e.index(kReductionBlock), e.sub(mc, block));
    e.loop(first, last, kReductionBlock, [&](Value column) {
      if (failed(emitFinishBlock(i0, block, rowCount, t, column, first, last)))
        ok = failure();
    });
  });
  return ok;
}

/// One 64 x 64 block: rows i0 + block .. + rowCount, columns from `column` on.
LogicalResult KernelEmitter::emitFinishBlock(Value i0, Value block, Value rowCount, Value t, Value column, Value first,
                                             Value last) {
  LogicalResult ok = success();
  Value zero = e.index(0), firstRow = e.add(i0, block), end = e.min(e.add(column, e.index(kReductionBlock)), last);
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  e.loop(zero, rowCount, 1, [&, rowAxis = rowAxis, columnAxis = columnAxis](Value r) {
    Place place;
    place.vectorAxis = columnAxis;
    place[Axis::T] = t;
    place[rowAxis] = e.add(firstRow, r);
    drawRow(TiledMvmOp::kFinish, t, place[rowAxis], e.sub(column, tileBegin(t)), e.sub(end, column), zero, 1);
    e.loop(column, end, kLanes, [&](Value c) {
      place[columnAxis] = c;
      place.mask = e.mask(e.sub(end, c));
      if (failed(emitFinish(place, e.sub(c, column), i0, first)))
        ok = failure();
    });
    place[columnAxis] = column;
    reduceRow(/*ofTile=*/false, place, zero, e.sub(end, column));
  });
  return ok;
}

/// finish of 16 elements, at column `drawn` of the scratch rows: stores the value, keeps what is reduced.
LogicalResult KernelEmitter::emitFinish(const Place &place, Value drawn, Value firstRow, Value firstColumn) {
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  SmallVector<Value> at{place[rowAxis], place[columnAxis]}, arguments;
  for (int64_t pair = 0; pair < kernel.getAccumulatorCount(); ++pair) {
    SumPlace sum = sumPlace(pair, at[0], at[1], firstRow, firstColumn);
    arguments.push_back(e.loadMasked(sum.memref, sum.at, place.mask));
  }
  appendEpilogue(arguments, TiledMvmOp::kFinish, place);
  // The rows of a side are contracted: only statistics of a whole tile are visible.
  appendVisible(arguments, TiledMvmOp::kFinish, place,
                [&](int64_t i) { return statisticAt(i, place[Axis::T], e.index(0)); });
  auto lookup = [&](Operation *op) { return leaf(op, TiledMvmOp::kFinish, place, e.index(0), 1, drawn); };
  FailureOr<RegionResult> finished = emitRegion(e, kernel.getFinish(), arguments, lookup);
  if (failed(finished))
    return failure();
  if (hasValue())
    storeValue(addInit(asVector(e, finished->values[0]), at, place.mask), at, place.mask);
  keepSummands(/*ofTile=*/false, finished->reductions, place.mask, e.index(0), drawn);
  return success();
}

} // namespace mho::lowering

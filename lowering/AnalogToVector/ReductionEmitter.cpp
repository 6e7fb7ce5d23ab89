// Reductions in the normative order (SPEC.md, "Reductions"): partial sums of blocks in memory, the tail that combines
// them.
//
// A reduction has a partial sum per tile and block of 64 rows, or, where it keeps the rows, per tile and row; they lie
// as [block or row][T], one reduction after the other. A partial is a double that holds a float's sum or an exact
// count.
#include "dialect/Numerics/Reduction.h"
#include "lowering/AnalogToVector/KernelEmitter.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

/// What the partials of a result are. `offset` is their first, in rows of T.
KernelEmitter::Partials KernelEmitter::partialsOf(int64_t result) {
  Value blocks = e.div(e.roundUp(rows, kReductionBlock), kReductionBlock), offset = e.index(0);
  for (int64_t i : kernel.getReductions()) {
    ResultAttr spec = kernel.getResultSpec(i);
    bool rowsKept = spec.getOver().contains(kernel.getOutputAxes().first);
    if (i == result)
      return {rowsKept, spec.getKind() == ResultKind::Count, offset, rowsKept ? rows : blocks};
    offset = e.add(offset, rowsKept ? rows : blocks);
  }
  llvm_unreachable("a reduction of the kernel");
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

/// Adds a block's sum to partial `number` of reduction i: the first block of columns of a tile begins it.
void KernelEmitter::addToPartial(size_t i, Value number, Value t, Value sum, Value isFirst) {
  Partials p = partialsOf(kernel.getReductions()[i]);
  Value at = e.add(e.mul(e.add(p.offset, number), tiles), t);
  Value before = e.select(isFirst, e.b.create<arith::ConstantOp>(e.loc, e.b.getF64FloatAttr(0)), e.load(partials, at));
  e.store(addPartials(p.isCount, before, e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), sum)), partials, at);
}

/// Sums are added in float32, counts exactly.
Value KernelEmitter::addPartials(bool isCount, Value a, Value b) {
  if (isCount)
    return e.b.create<arith::AddFOp>(e.loc, a, b);
  auto narrow = [&](Value v) -> Value { return e.b.create<arith::TruncFOp>(e.loc, e.f32(), v); };
  Value sum = e.b.create<arith::AddFOp>(e.loc, narrow(a), narrow(b));
  return e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), sum);
}

/// The whole of reduction `result` for a tile and row, where these are kept: blocks of rows, then tiles, in ascending
/// order.
Value KernelEmitter::combinePartials(int64_t result, Value tile, Value row) {
  Partials p = partialsOf(result);
  Value zero = e.index(0), one = e.index(1), start = e.b.create<arith::ConstantOp>(e.loc, e.b.getF64FloatAttr(0));
  auto add = [&](Value a, Value b) { return SmallVector<Value>{addPartials(p.isCount, a, b)}; };
  auto ofTile = [&](Value t) {
    Value first = p.rowsKept ? row : zero, last = p.rowsKept ? e.add(row, one) : p.count;
    return e.loop(first, last, 1, {start}, [&](Value number, ValueRange carried) {
      return add(carried[0], e.load(partials, e.add(e.mul(e.add(p.offset, number), tiles), t)));
    })[0];
  };
  if (tile)
    return ofTile(tile);
  return e.loop(zero, tiles, 1, {start}, [&](Value t, ValueRange carried) { return add(carried[0], ofTile(t)); })[0];
}

/// The reductions at one place of their result, and what the tail makes of them.
LogicalResult KernelEmitter::emitTailAt(ArrayRef<int64_t> reductions, const Place &place) {
  Axis rowAxis = kernel.getOutputAxes().first;
  SmallVector<Value> values;
  for (int64_t i : reductions)
    values.push_back(combinePartials(i, place[Axis::T], place[rowAxis]));
  bool hasTail = !kernel.getTail().empty();
  for (auto [i, value] : llvm::zip(reductions, values))
    value = hasTail || !partialsOf(i).isCount ? Value(e.b.create<arith::TruncFOp>(e.loc, e.f32(), value))
                                              : e.b.create<arith::FPToSIOp>(e.loc, e.b.getI64Type(), value);
  if (hasTail) {
    appendVisible(values, TiledMvmOp::kTail, place, nullptr);
    FailureOr<RegionResult> finished = emitRegion(e, kernel.getTail(), values, nullptr);
    if (failed(finished))
      return failure();
    values = finished->values;
  }
  for (auto [i, value] : llvm::zip(reductions, values)) {
    SmallVector<Value> at;
    for (Axis axis : kernel.getResultSpec(i).getOver().getAxes())
      at.push_back(place[axis]);
    e.store(value, results[i], at);
  }
  return success();
}

/// Loops over the axes that the reductions keep; with a tail all keep the same, without one each has its own.
LogicalResult KernelEmitter::emitTail() {
  findSizes();
  LogicalResult ok = success();
  SmallVector<int64_t> all = kernel.getReductions();
  bool hasTail = !kernel.getTail().empty();
  Axis rowAxis = kernel.getOutputAxes().first;
  for (size_t i = 0; i < (hasTail ? 1 : all.size()); ++i) {
    ArrayRef<int64_t> reductions = hasTail ? ArrayRef(all) : ArrayRef(all).slice(i, 1);
    AxesAttr over = kernel.getResultSpec(reductions[0]).getOver();
    Value one = e.index(1), zero = e.index(0);
    e.loop(zero, over.contains(Axis::T) ? tiles : one, 1, [&](Value t) {
      e.loop(zero, over.contains(rowAxis) ? rows : one, 1, [&](Value row) {
        Place place;
        place.vectorAxis = Axis::K;
        if (over.contains(Axis::T))
          place[Axis::T] = t;
        if (over.contains(rowAxis))
          place[rowAxis] = row;
        if (failed(emitTailAt(reductions, place)))
          ok = failure();
      });
    });
  }
  return ok;
}

} // namespace mho::lowering

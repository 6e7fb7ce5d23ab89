// Reductions in the normative order (SPEC.md, "Reductions"): summands of a few rows in scratch, partial sums of blocks
// in memory (PartialShape.h), the tail that combines them. A partial is a double that holds a float's sum or an exact
// count; those of one reduction follow those of the one before.
#include "dialect/Numerics/Reduction.h"
#include "lowering/AnalogToVector/KernelEmitter.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

static bool isOfTile(TiledMvmOp kernel, int64_t result) {
  ResultKind kind = kernel.getResultSpec(result).getKind();
  return kind == ResultKind::TileSum || kind == ResultKind::TileCount;
}

static bool isCount(TiledMvmOp kernel, int64_t result) {
  ResultKind kind = kernel.getResultSpec(result).getKind();
  return kind == ResultKind::Count || kind == ResultKind::TileCount;
}

PartialShape partialShape(TiledMvmOp kernel, int64_t result) {
  AxesAttr over = kernel.getResultSpec(result).getOver();
  auto [row, column] = kernel.getOutputAxes();
  bool rowsKept = over.contains(row), columnsKept = over.contains(column), forward = kernel.isForward();
  PartialShape shape;
  shape.rows = rowsKept ? PartialOf::Element : columnsKept ? PartialOf::Whole : PartialOf::Block;
  shape.columns = columnsKept ? PartialOf::Element : rowsKept || !forward ? PartialOf::Whole : PartialOf::Block;
  // A column that the tiles cut lies in one of them; finish of a forward kernel has no tile.
  shape.perTile = forward ? isOfTile(kernel, result) : !columnsKept;
  return shape;
}

KernelEmitter::Partials KernelEmitter::partialsOf(int64_t result) {
  auto units = [&](PartialOf of, Value size) {
    return of == PartialOf::Whole   ? e.index(1)
           : of == PartialOf::Block ? e.div(e.roundUp(size, kReductionBlock), kReductionBlock)
                                    : size;
  };
  PartialShape shape = partialShape(kernel, result);
  SmallVector<int64_t> all = kernel.getReductions();
  Value offset = partialsBefore(llvm::find(all, result) - all.begin());
  return {shape, offset, units(shape.rows, rows), units(shape.columns, columns)};
}

/// Number of the partials of the first `count` reductions.
Value KernelEmitter::partialsBefore(size_t count) {
  if (count == 0)
    return e.index(0);
  int64_t result = kernel.getReductions()[count - 1];
  Partials last = partialsOf(result);
  if (last.shape.inResult())
    return last.offset;
  Value own = e.mul(last.rows, last.columns);
  return e.add(last.offset, last.shape.perTile ? e.mul(own, tiles) : own);
}

/// Where the partial of a tile, row or block of rows, and column or block of columns lies.
Value KernelEmitter::partialAt(const Partials &p, Value tile, Value row, Value column) {
  Value at = p.shape.perTile ? e.mul(tile, p.rows) : e.index(0);
  if (p.shape.rows != PartialOf::Whole)
    at = e.add(at, row);
  at = e.mul(at, p.columns);
  if (p.shape.columns != PartialOf::Whole)
    at = e.add(at, column);
  return e.add(p.offset, at);
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

/// Adds a block's sum to a partial of the reduction; the first block of those that meet there begins it.
void KernelEmitter::addToPartial(int64_t result, Value at, Value sum, Value isFirst) {
  Value before = e.select(isFirst, e.b.create<arith::ConstantOp>(e.loc, e.b.getF64FloatAttr(0)), e.load(partials, at));
  Value wide = e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), sum);
  e.store(addPartials(isCount(kernel, result), before, wide), partials, at);
}

/// Sums are added in float32, counts exactly.
Value KernelEmitter::addPartials(bool counts, Value a, Value b) {
  if (counts)
    return e.b.create<arith::AddFOp>(e.loc, a, b);
  auto narrow = [&](Value v) -> Value { return e.b.create<arith::TruncFOp>(e.loc, e.f32(), v); };
  Value sum = e.b.create<arith::AddFOp>(e.loc, narrow(a), narrow(b));
  return e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), sum);
}

//===-- while the output is computed ------------------------------------------------------------------------------===//

/// Keeps what end_tile (`ofTile`) or finish yields through `reduce` for 16 elements, for reduceRow(): 0 beyond the
/// mask, of a count 1 for every true lane.
void KernelEmitter::keepSummands(bool ofTile, ValueRange yielded, Value mask, Value slot, Value column) {
  for (auto [i, result] : llvm::enumerate(kernel.getReductions())) {
    if (isOfTile(kernel, result) != ofTile)
      continue;
    Value summand = asVector(e, yielded.front());
    yielded = yielded.drop_front();
    if (isCount(kernel, result))
      summand = e.select(summand, e.splat(e.real(1)), e.zeros());
    e.storeVector(e.select(mask, summand, e.zeros()), summands[i], {slot, column});
  }
}

bool KernelEmitter::reduces(bool ofTile) {
  return llvm::any_of(kernel.getReductions(), [&](int64_t i) { return isOfTile(kernel, i) == ofTile; });
}

/// Adds the summands of a row, in `slot` of the scratch, to the sums of its blocks: `count` columns from the place on,
/// which lies a multiple of 64 after the first of the output or of the tile. Rows come in ascending order.
void KernelEmitter::reduceRow(bool ofTile, const Place &place, Value slot, Value count) {
  for (auto [i, result] : llvm::enumerate(kernel.getReductions())) {
    if (isOfTile(kernel, result) != ofTile)
      continue;
    PartialShape shape = partialShape(kernel, result);
    if (shape.inResult())
      addRowToResult(result, i, place, slot, count);
    else if (shape.columns == PartialOf::Element)
      addRowToColumns(result, i, place, slot, count);
    else
      addRowToBlocks(result, i, place, slot, count);
  }
}

/// Rows and columns are kept: the summands are the results, or are added to those of the tiles before.
void KernelEmitter::addRowToResult(int64_t result, size_t i, const Place &place, Value slot, Value count) {
  ArrayRef<Axis> over = kernel.getResultSpec(result).getOver().getAxes();
  bool sumsTiles = isOfTile(kernel, result) && !llvm::is_contained(over, Axis::T);
  Axis columnAxis = kernel.getOutputAxes().second;
  Value into = results[result];
  bool isInteger = cast<MemRefType>(into.getType()).getElementType().isInteger(64);
  Value nothing = isInteger ? e.b.create<arith::ConstantOp>(e.loc, e.b.getI64IntegerAttr(0)) : e.real(0);
  e.loop(e.index(0), count, 1, [&](Value c) {
    SmallVector<Value> at;
    for (Axis axis : over)
      at.push_back(axis == columnAxis ? e.add(place[axis], c) : place[axis]);
    Value summand = e.load(summands[i], {slot, c}), before = nothing;
    if (sumsTiles)
      before = e.select(e.equal(place[Axis::T], e.index(0)), nothing, e.load(into, at));
    if (isInteger)
      e.store(e.add(before, e.b.create<arith::FPToSIOp>(e.loc, e.b.getI64Type(), summand)), into, at);
    else
      e.store(e.b.create<arith::AddFOp>(e.loc, before, summand), into, at);
  });
}

/// Columns are kept, rows are not: a running sum of each column, which the last row of a block adds to its partial.
void KernelEmitter::addRowToColumns(int64_t result, size_t i, const Place &place, Value slot, Value count) {
  Partials p = partialsOf(result);
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  Value row = place[rowAxis], first = place[columnAxis], zero = e.index(0);
  e.loop(zero, count, kLanes, [&](Value c) {
    Value before = e.select(beginsBlock(row), e.zeros(), e.loadVector(blockSums[i], {zero, c}));
    Value sum = e.b.create<arith::AddFOp>(e.loc, before, e.loadVector(summands[i], {slot, c}));
    e.storeVector(sum, blockSums[i], {zero, c});
  });
  e.when(endsBlock(row), [&] {
    Value isFirst = e.less(row, e.index(kReductionBlock));
    e.loop(zero, count, 1, [&](Value c) {
      Value at = partialAt(p, place[Axis::T], zero, e.add(first, c));
      addToPartial(result, at, e.load(blockSums[i], {zero, c}), isFirst);
    });
  });
}

/// Columns are summed: 16 running sums of each block of columns, combined for each row where rows are kept, else by the
/// last row of a block.
void KernelEmitter::addRowToBlocks(int64_t result, size_t i, const Place &place, Value slot, Value count) {
  Partials p = partialsOf(result);
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  bool perRow = p.shape.rows == PartialOf::Element;
  Value row = place[rowAxis], tile = place[Axis::T], zero = e.index(0);
  Value number = perRow ? row : e.div(row, kReductionBlock);
  Value tileFirst = kernel.isForward() ? zero : tileBegin(tile);
  Value always = e.b.create<arith::ConstantOp>(e.loc, e.b.getBoolAttr(true));
  e.loop(zero, count, kReductionBlock, [&](Value block) {
    Value end = e.min(e.add(block, e.index(kReductionBlock)), count), column = e.add(place[columnAxis], block);
    SmallVector<Value> saved{zero, e.div(block, kReductionBlock / kLanes)};
    Value before = perRow ? e.zeros() : e.select(beginsBlock(row), e.zeros(), e.loadVector(blockSums[i], saved));
    Value lanes = e.loop(block, end, kLanes, {before}, [&](Value c, ValueRange carried) -> SmallVector<Value> {
      return {e.b.create<arith::AddFOp>(e.loc, carried[0], e.loadVector(summands[i], {slot, c}))};
    })[0];
    auto addBlock = [&] {
      Value isFirst = p.shape.columns == PartialOf::Whole ? e.equal(column, tileFirst) : always;
      addToPartial(result, partialAt(p, tile, number, e.div(column, kReductionBlock)), combineLanes(lanes), isFirst);
    };
    if (perRow)
      return addBlock();
    e.storeVector(lanes, blockSums[i], saved);
    e.when(endsBlock(row), addBlock);
  });
}

Value KernelEmitter::beginsBlock(Value row) { return e.equal(e.rem(row, kReductionBlock), e.index(0)); }

Value KernelEmitter::endsBlock(Value row) {
  Value next = e.add(row, e.index(1));
  return e.b.create<arith::OrIOp>(e.loc, e.equal(next, rows), beginsBlock(next));
}

/// Without tiles, what end_tile would have added to a result for each row and column is nothing.
void KernelEmitter::zeroTileResults(Value row) {
  for (int64_t result : kernel.getReductions()) {
    if (!isOfTile(kernel, result) || !partialShape(kernel, result).inResult())
      continue;
    AxesAttr over = kernel.getResultSpec(result).getOver();
    if (over.contains(Axis::T))
      continue;
    Value into = results[result];
    bool isInteger = cast<MemRefType>(into.getType()).getElementType().isInteger(64);
    Value nothing = isInteger ? e.b.create<arith::ConstantOp>(e.loc, e.b.getI64IntegerAttr(0)) : e.real(0);
    e.loop(columnBegin, columnEnd, 1, [&](Value column) {
      SmallVector<Value> at;
      for (Axis axis : over.getAxes())
        at.push_back(axis == Axis::M ? row : column);
      e.store(nothing, into, at);
    });
  }
}

//===-- the tail --------------------------------------------------------------------------------------------------===//

/// The whole of reduction `result` at a place of it: blocks of columns, blocks of rows, then tiles, each in ascending
/// order, as a double.
Value KernelEmitter::combinePartials(int64_t result, const Place &place) {
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  Value zero = e.index(0), one = e.index(1), start = e.b.create<arith::ConstantOp>(e.loc, e.b.getF64FloatAttr(0));
  AxesAttr over = kernel.getResultSpec(result).getOver();
  Partials p = partialsOf(result);
  auto fold = [&](std::pair<Value, Value> range, llvm::function_ref<Value(Value)> term) {
    return e.loop(range.first, range.second, 1, {start}, [&](Value i, ValueRange carried) -> SmallVector<Value> {
      return {addPartials(isCount(kernel, result), carried[0], term(i))};
    })[0];
  };
  // An axis without elements has no partial sums.
  auto range = [&](PartialOf of, Value kept, Value units, Value size) -> std::pair<Value, Value> {
    if (of == PartialOf::Element)
      return {kept, e.add(kept, one)};
    return {zero, of == PartialOf::Whole ? e.min(size, one) : units};
  };
  auto ofTile = [&, columnAxis = columnAxis, rowAxis = rowAxis](Value t) {
    return fold(range(p.shape.rows, place[rowAxis], p.rows, rows), [&](Value row) {
      return fold(range(p.shape.columns, place[columnAxis], p.columns, columns),
                  [&](Value column) { return e.load(partials, partialAt(p, t, row, column)); });
    });
  };
  Value sum;
  if (p.shape.inResult()) {
    Value kept = e.load(results[result], placeIn(over, place));
    sum = kept.getType().isF32() ? Value(e.b.create<arith::ExtFOp>(e.loc, e.b.getF64Type(), kept))
                                 : e.b.create<arith::SIToFPOp>(e.loc, e.b.getF64Type(), kept);
  } else if (p.shape.perTile && !over.contains(Axis::T)) {
    return fold({zero, tiles}, ofTile);
  } else {
    sum = ofTile(place[Axis::T]);
  }
  if (kernel.isForward() || !over.contains(Axis::T) || !over.contains(columnAxis))
    return sum;
  // A column has summands in its own tile only.
  Value column = place[columnAxis], t = place[Axis::T];
  return e.select(e.less(column, tileBegin(t)), start, e.select(e.less(column, tileBegin(e.add(t, one))), sum, start));
}

SmallVector<Value> KernelEmitter::placeIn(AxesAttr over, const Place &place) {
  SmallVector<Value> at;
  for (Axis axis : over.getAxes())
    at.push_back(place[axis]);
  return at;
}

/// Reductions over the same axes at one place of these, and what the tail makes of them. It is not asked for what it
/// makes of the others, whose sums are unknown here, as are parameters over other axes.
LogicalResult KernelEmitter::emitTailAt(ArrayRef<int64_t> reductions, const Place &place) {
  bool hasTail = !kernel.getTail().empty();
  AxesAttr over = kernel.getResultSpec(reductions[0]).getOver();
  DenseMap<int64_t, Value> sums;
  for (int64_t i : reductions) {
    Value sum = combinePartials(i, place);
    sums[i] = hasTail || !isCount(kernel, i) ? Value(e.b.create<arith::TruncFOp>(e.loc, e.f32(), sum))
                                             : e.b.create<arith::FPToSIOp>(e.loc, e.b.getI64Type(), sum);
  }
  if (hasTail) {
    SmallVector<int64_t> all = kernel.getReductions();
    SmallVector<Value> arguments;
    for (int64_t i : all)
      arguments.push_back(sums.contains(i) ? sums[i] : e.real(0));
    for (int64_t i : kernel.getVisibleParams(TiledMvmOp::kTail)) {
      bool known = kernel.getAxesOf(kernel.getParamAxes(), i).within(over.getAxes());
      arguments.push_back(known ? loadParam(i, place) : e.real(0));
    }
    FailureOr<RegionResult> finished = emitRegion(e, kernel.getTail(), arguments, nullptr);
    if (failed(finished))
      return failure();
    for (auto [i, value] : llvm::zip_equal(all, finished->values))
      if (sums.contains(i))
        sums[i] = value;
  }
  for (int64_t i : reductions)
    e.store(sums[i], results[i], placeIn(over, place));
  return success();
}

/// Loops over the axes that the reductions keep, those over the same together.
LogicalResult KernelEmitter::emitTail() {
  findSizes();
  LogicalResult ok = success();
  bool hasTail = !kernel.getTail().empty();
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  llvm::MapVector<AxesAttr, SmallVector<int64_t>> groups;
  for (int64_t i : kernel.getReductions())
    // What the body has stored is final, but for columns in tiles that they do not lie in.
    if (AxesAttr over = kernel.getResultSpec(i).getOver();
        hasTail || !partialShape(kernel, i).inResult() || (!kernel.isForward() && over.contains(Axis::T)))
      groups[over].push_back(i);
  for (auto &[axesOfGroup, reductions] : groups) {
    AxesAttr over = axesOfGroup;
    ArrayRef<int64_t> group = reductions;
    Place place;
    std::function<void(ArrayRef<std::pair<Axis, Value>>)> nest = [&](ArrayRef<std::pair<Axis, Value>> axes) {
      if (axes.empty()) {
        if (failed(emitTailAt(group, place)))
          ok = failure();
      } else if (!over.contains(axes.front().first)) {
        nest(axes.drop_front());
      } else {
        e.loop(e.index(0), axes.front().second, 1, [&](Value i) {
          place[axes.front().first] = i;
          nest(axes.drop_front());
        });
      }
    };
    std::pair<Axis, Value> axes[] = {{Axis::T, tiles}, {rowAxis, rows}, {columnAxis, columns}};
    nest(axes);
  }
  return ok;
}

} // namespace mho::lowering

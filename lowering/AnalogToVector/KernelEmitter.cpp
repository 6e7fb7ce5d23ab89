// What all directions share: operands, parameters, statistics, packing and the micro-kernel.
#include "lowering/AnalogToVector/KernelEmitter.h"

#include "dialect/Numerics/Reduction.h"
#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/AnalogToVector/NoiseEmitter.h"
#include "lowering/AnalogToVector/Storage.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

KernelEmitter::KernelEmitter(Emit &e, TiledMvmOp kernel, const Schedule &schedule, func::FuncOp source,
                             ValueRange arguments)
    : e(e), kernel(kernel), s(schedule) {
  unsigned at = 0;
  for (BlockArgument argument : source.getArguments()) {
    if (source.getArgAttr(argument.getArgNumber(), kStridedAttr))
      strided.insert(argument);
    memrefOf[argument] = arguments[at++];
  }
  for (unsigned i = 0; i < kernel.getNumResults(); ++i)
    results.push_back(arguments[at++]);
  partials = arguments[at++];
  if (at == arguments.size())
    return; // the tail
  workspaceBytesArgument = arguments[at++];
  rowBegin = arguments[at++];
  rowEnd = arguments[at++];
  columnBegin = arguments[at++];
  columnEnd = arguments[at++];
}

/// Sizes of the axes, from the first operands of both sides.
void KernelEmitter::findSizes() {
  auto sizeOf = [&](Axis axis) -> Value {
    for (auto [operand, axes] : {std::pair(kernel.getLhs()[0], kernel.getAxesOf(kernel.getLhsAxes(), 0)),
                                 std::pair(kernel.getRhs()[0], kernel.getAxesOf(kernel.getRhsAxes(), 0))})
      for (auto [i, a] : llvm::enumerate(axes.getAxes()))
        if (a == axis)
          return e.size(operandOf(operand), i);
    return {};
  };
  auto [row, column] = kernel.getOutputAxes();
  rows = sizeOf(row);
  columns = sizeOf(column);
  depth = sizeOf(kernel.getContract());
  inputs = sizeOf(Axis::K);
  for (Side side : {Side::Lhs, Side::Rhs})
    sourceRows[size_t(side)] = sizeOf(kernel.getElementAxes(side).first);
  tiles = kernel.getTiling().buildTileCount(e.b, e.loc, inputs);
}

LogicalResult KernelEmitter::emitBody() {
  findSizes();
  workspaceBegin();
  LogicalResult emitted = kernel.getContract() == Axis::K ? emitForward() : emitGradient();
  return failure(failed(emitted) || regionFailed);
}

void KernelEmitter::workspaceBegin() {
  bool forward = kernel.getContract() == Axis::K;
  auto drawCount = [&](unsigned region) { return int64_t(drawsOf(kernel->getRegion(region)).size()); };
  int64_t ofOutput = forward ? finishDrawRow() + drawCount(TiledMvmOp::kFinish) * s.mr : drawCount(TiledMvmOp::kFinish);
  int64_t drawRows = std::max({int64_t(1), drawCount(TiledMvmOp::kLoadLhs), drawCount(TiledMvmOp::kLoadRhs), ofOutput});
  for (size_t i = 0; i < kernel.getStats().size(); ++i)
    drawRows = std::max(drawRows, drawCount(TiledMvmOp::kFirstMap + i));
  for (size_t i = 0; i < usedValues(Side::Lhs).size(); ++i)
    packedLhs.push_back(workspace(1, (s.mc + s.mr) * (s.kc + kLanes)));
  for (size_t i = 0; i < usedValues(Side::Rhs).size(); ++i) {
    packedRhs.push_back(workspace(s.nc / kLanes * s.kc, kLanes));
    rowBuffers.push_back(workspace(kLanes, s.kc + kLanes));
  }
  for (int64_t i = 0; (forward || !sumsLieInResult()) && i < kernel.getAccumulatorCount(); ++i)
    sums.push_back(workspace(s.mc + s.mr, s.nc));
  // A source row may run along the rows of the output (mc), its columns (nc) or the contraction.
  draws = workspace(drawRows, std::max({s.mc, s.kc, s.nc}));
  gatherBuffer = workspace(1, kLanes);
  // One sum with a value result lies where the value will.
  unsigned summed = forward ? kernel.getSumCount() : 0;
  for (unsigned i = 0; (summed > 1 || !valueTakesSums()) && i < summed; ++i)
    totals.push_back(workspace(s.mc, s.nc));
  int64_t reducedColumns = forward ? s.nc : kReductionBlock;
  for (size_t i = 0; i < kernel.getReductions().size(); ++i) {
    summands.push_back(workspace(forward ? s.mr : 1, reducedColumns));
    blockSums.push_back(workspace(1, reducedColumns));
  }
  for (Attribute attr : kernel.getStats())
    statBuffers.push_back(workspace(1, cast<StatAttr>(attr).getSide() == Side::Lhs ? s.mc : std::max(s.nc, s.kc)));
}

/// A rows x columns block of floats of the workspace.
Value KernelEmitter::workspace(int64_t blockRows, int64_t blockColumns) {
  auto type = MemRefType::get({blockRows, blockColumns}, e.b.getF32Type());
  Value view = e.b.create<memref::ViewOp>(e.loc, type, workspaceBytesArgument, e.index(workspaceUsed), ValueRange{});
  workspaceUsed += (blockRows * blockColumns * 4 + 63) / 64 * 64;
  return view;
}

Value KernelEmitter::tileBegin(Value tile) { return kernel.getTiling().buildTileBegin(e.b, e.loc, inputs, tile); }

/// 16 elements (or bits) of an operand along its last axis, or one scalar where that is not the vector axis.
Value KernelEmitter::loadElements(Value original, AxesAttr axes, const Place &place) {
  Value memref = operandOf(original);
  SmallVector<Value> at;
  for (Axis axis : axes.getAxes())
    at.push_back(place[axis]);
  if (axes.getAxes().empty()) // a scalar argument, or a tensor of one element
    return isa<MemRefType>(memref.getType()) ? loadStored(e, s.isa, original.getType(), memref, {}) : memref;
  bool vectorised = place.vectorAxis == axes.getAxes().back();
  if (TiledMvmOp::isBits(original)) {
    Value n = at.back();
    at.back() = e.div(n, 32);
    Value word = e.load(memref, at), shift = e.toI32(e.rem(n, 32));
    Value half =
        e.b.create<arith::TruncIOp>(e.loc, e.b.getIntegerType(16), e.b.create<arith::ShRUIOp>(e.loc, word, shift));
    Value one = e.b.create<vector::BroadcastOp>(e.loc, VectorType::get({1}, e.b.getIntegerType(16)), half);
    return e.b.create<vector::BitCastOp>(e.loc, e.bools(), one);
  }
  if (!vectorised)
    return loadStored(e, s.isa, original.getType(), memref, at);
  if (!strided.contains(original))
    return loadStored(e, s.isa, original.getType(), memref, at, place.mask);
  // One by one into a buffer: the last lanes keep old values, which the mask hides.
  Value last = at.back(), zero = e.index(0), limit = e.size(memref, at.size() - 1);
  e.loop(zero, e.min(e.index(kLanes), e.sub(limit, last)), 1, [&](Value lane) {
    SmallVector<Value> element(at);
    element.back() = e.add(last, lane);
    e.store(loadStored(e, s.isa, original.getType(), memref, element), gatherBuffer, {zero, lane});
  });
  return e.loadMasked(gatherBuffer, {zero, zero}, place.mask);
}

Value KernelEmitter::loadParam(int64_t i, const Place &place) {
  return loadElements(kernel.getParams()[i], kernel.getAxesOf(kernel.getParamAxes(), i), place);
}

/// Visible parameters and statistics, in the order of the region's arguments.
void KernelEmitter::appendVisible(SmallVectorImpl<Value> &arguments, unsigned region, const Place &place,
                                  llvm::function_ref<Value(int64_t)> stat) {
  for (int64_t i : kernel.getVisibleParams(region))
    arguments.push_back(loadParam(i, place));
  for (int64_t i : kernel.getVisibleStats(region))
    arguments.push_back(stat(i));
}

/// The epilogue operands that a region sees, after its accumulators or sums.
void KernelEmitter::appendEpilogue(SmallVectorImpl<Value> &arguments, unsigned region, const Place &place) {
  for (int64_t i : kernel.getVisibleEpilogue(region))
    arguments.push_back(loadElements(kernel.getEpilogue()[i], kernel.getAxesOf(kernel.getEpilogueAxes(), i), place));
}

/// Draws everything that a region draws for a row and `count` columns (from a multiple of 64 of the tile on): draw i to
/// row i * stride + slot of the scratch.
void KernelEmitter::drawRow(unsigned region, Value tile, Value row, Value firstColumn, Value count, Value slot,
                            int64_t stride) {
  for (auto [i, draw] : llvm::enumerate(drawsOf(kernel->getRegion(region)))) {
    DrawSource source = readKey(e, operandOf(kernel.getKeys()[draw.getKey()]), tile, draw.getStream());
    emitDraws(e, s.isa, source, kindOf(draw), row, firstColumn, count, draws, e.add(e.index(i * stride), slot));
  }
}

/// What a region reads of where it is: 16 of the numbers that drawRow() has drawn, from column `column` of the scratch
/// on, or an index.
Value KernelEmitter::leaf(Operation *op, unsigned region, const Place &place, Value slot, int64_t stride,
                          Value column) {
  if (auto index = dyn_cast<IndexOp>(op))
    return indexValue(index, region, place);
  SmallVector<DrawOpInterface> all = drawsOf(kernel->getRegion(region));
  int64_t i = llvm::find(all, cast<DrawOpInterface>(op)) - all.begin();
  return e.loadVector(draws, {e.add(e.index(i * stride), slot), column});
}

/// An index of the address (SPEC.md, "Kernel", 6): a scalar, or of a column the 16 that follow.
Value KernelEmitter::indexValue(IndexOp op, unsigned region, const Place &place) {
  SmallVector<Axis> visible = kernel.getVisibleAxes(region);
  Axis rowAxis = visible[visible.size() - 2], columnAxis = visible.back();
  bool hasTile = visible.size() == 3;
  Value zero = e.index(0), tile = hasTile ? place[Axis::T] : zero;
  switch (op.getKind()) {
  case IndexKind::Tile:
    return e.toI32(tile);
  case IndexKind::Row:
    return e.toI32(place[rowAxis]);
  case IndexKind::TileRows:
    return e.toI32(hasTile ? kernel.getTiling().buildPhysicalRows(e.b, e.loc, inputs, tile) : zero);
  case IndexKind::Column: {
    auto lanes = llvm::to_vector(llvm::seq<int32_t>(0, kLanes));
    Value first = place[columnAxis];
    if (columnAxis == Axis::K)
      first = e.sub(first, tileBegin(tile));
    Value steps = e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(e.ints(), ArrayRef<int32_t>(lanes)));
    return e.b.create<arith::AddIOp>(e.loc, e.splat(e.toI32(first)), steps);
  }
  }
  llvm_unreachable("an IndexKind");
}

/// Loaded values of a side that some accumulator multiplies, each once, in the order of their first use.
SmallVector<int64_t> KernelEmitter::usedValues(Side side) {
  SmallVector<int64_t> used;
  for (int64_t i = side == Side::Rhs; i < int64_t(kernel.getAccumulators().size()); i += 2)
    if (!llvm::is_contained(used, kernel.getAccumulators()[i]))
      used.push_back(kernel.getAccumulators()[i]);
  return used;
}

/// Asks for the same place of a row that is packed later: a group of 16 rows ahead. Draws of a row are more
/// instructions than the CPU looks ahead, so without this every row would wait for memory after its draws.
void KernelEmitter::prefetchAhead(Side side, const Place &place) {
  OperandRange operands = side == Side::Lhs ? kernel.getLhs() : kernel.getRhs();
  ArrayAttr operandAxes = side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes();
  for (auto [operand, attr] : llvm::zip(operands, operandAxes)) {
    ArrayRef<Axis> axes = cast<AxesAttr>(attr).getAxes();
    if (strided.contains(operand) || TiledMvmOp::isBits(operand) || axes.size() != 2)
      continue;
    Value memref = operandOf(operand), lastRow = e.sub(e.size(memref, 0), e.index(1));
    SmallVector<Value> at{place[axes[0]], place[axes[1]]};
    at[0] = e.min(e.add(at[0], e.index(s.prefetchRows)), lastRow);
    e.prefetch(memref, at, /*write=*/false);
  }
}

/// Applies a load region to a block of source rows and hands over its vectors of 16, zero beyond the columns. Where
/// `statisticsDue`, the statistics of a row are taken first, while it comes into the cache.
LogicalResult KernelEmitter::pack(Side side, Value firstRow, Value rowCount, Value firstColumn, Value columnCount,
                                  Value tile, Value statisticsDue, Put put) {
  unsigned region = side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs;
  Region &body = kernel->getRegion(region);
  OperandRange operands = side == Side::Lhs ? kernel.getLhs() : kernel.getRhs();
  ArrayAttr operandAxes = side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes();
  auto [rowAxis, columnAxis] = kernel.getElementAxes(side);
  Value zero = e.index(0), begin = columnAxis == Axis::K ? tileBegin(tile) : zero;
  LogicalResult ok = success();
  e.loop(zero, rowCount, 1, [&](Value r) {
    Value row = e.add(firstRow, r), slot = side == Side::Rhs ? e.add(rhsStatOffset, r) : r;
    if (hasRowStatistics(side))
      e.when(statisticsDue, [&] { emitStatistics(side, row, slot, tile, kernel.getStats().size()); });
    drawRow(region, tile, row, e.sub(firstColumn, begin), columnCount, zero, 1);
    e.loop(zero, columnCount, kLanes, [&](Value c) {
      Place place;
      place.vectorAxis = columnAxis;
      place[Axis::T] = tile;
      place[rowAxis] = row;
      place[columnAxis] = e.add(firstColumn, c);
      place.mask = e.mask(e.sub(columnCount, c));
      prefetchAhead(side, place);
      SmallVector<Value> arguments;
      for (auto [operand, axes] : llvm::zip(operands, operandAxes))
        arguments.push_back(loadElements(operand, cast<AxesAttr>(axes), place));
      // A statistic of this side is per source row or tile: a scalar here.
      appendVisible(arguments, region, place, [&](int64_t i) { return statisticAt(i, tile, slot); });
      auto lookup = [&](Operation *op) { return leaf(op, region, place, zero, 1, c); };
      FailureOr<RegionResult> result = emitRegion(e, body, arguments, lookup);
      if (failed(result)) {
        ok = failure();
        return;
      }
      SmallVector<Value> vectors;
      for (int64_t value : usedValues(side))
        vectors.push_back(e.select(place.mask, asVector(e, result->values[value]), e.zeros()));
      put(r, c, vectors);
    });
  });
  return ok;
}

/// The value of a result's element, plus the initial one where that is given.
Value KernelEmitter::addInit(Value value, ValueRange at, Value mask) {
  if (!kernel.getInit())
    return value;
  Value init = kernel.getInit(), initial = loadStored(e, s.isa, init.getType(), operandOf(init), at, mask);
  return e.b.create<arith::AddFOp>(e.loc, initial, asVector(e, value));
}

/// Zero vectors for rows [from, to): what pads a block to whole micro-kernels.
void KernelEmitter::zeroRows(Side side, Value from, Value to, Value columnCount, Put put) {
  SmallVector<Value> zeros(usedValues(side).size(), e.zeros());
  e.loop(from, to, 1, [&](Value r) { e.loop(e.index(0), columnCount, kLanes, [&](Value c) { put(r, c, zeros); }); });
}

/// MR x 16 sums of accumulator `pair` over `contraction` (padded to the unrolling). lhs element (i, c) lies at lhsRow +
/// i * (kc + 16) + c, or, where source rows run along the contraction, at lhsRow + c * 16 + i.
void KernelEmitter::micro(int64_t pair, Value lhsRow, Value rhsPanel, Value contraction, bool lhsTransposed,
                          SmallVectorImpl<Value> &accumulators) {
  auto packed = [&](Side side, ArrayRef<Value> blocks) {
    SmallVector<int64_t> used = usedValues(side);
    return blocks[llvm::find(used, kernel.getAccumulators()[2 * pair + (side == Side::Rhs)]) - used.begin()];
  };
  Value zero = e.index(0), lhsBlock = packed(Side::Lhs, packedLhs), rhsBlock = packed(Side::Rhs, packedRhs);
  accumulators = e.loop(zero, contraction, s.unroll, accumulators, [&](Value c0, ValueRange carried) {
    SmallVector<Value> next(carried);
    for (int64_t u = 0; u < s.unroll; ++u) {
      Value c = e.add(c0, e.index(u));
      Value rhs = e.loadVector(rhsBlock, {e.add(rhsPanel, c), zero});
      for (int64_t i = 0; i < s.mr; ++i) {
        Value offset = lhsTransposed ? e.add(e.mul(c, kLanes), e.index(i)) : e.add(c, e.index(i * (s.kc + kLanes)));
        Value lhs = e.load(lhsBlock, {zero, e.add(lhsRow, offset)});
        next[i] = e.b.create<math::FmaOp>(e.loc, e.splat(lhs), rhs, next[i]); // vector.fma may become two operations
      }
    }
    return next;
  });
}

} // namespace mho::lowering

// The loop nest of one tiled_mvm on the CPU. The idea, for a contraction over k (forward):
//
//   for row block i0 (mc rows), tile t, column block j0 (nc columns), contraction block c0 (kc) of the tile:
//     pack lhs   rows i0.. x c0..   load_lhs applied, row-major, zero padded             (L2)
//     pack rhs   rows j0.. x c0..   load_rhs applied, transposed to panels of 16 columns (L2)
//     for MR rows: for 16 columns: micro-kernel -> sums[mc][nc]                          (L2; rows in use: L1)
//       after the tile's last block: end_tile over those MR rows, y += ..., after the last tile: finish
//
// End-of-tile code reads its accumulators from the scratch rows that the micro-kernels just wrote, not from registers:
// any region, with any number of draws, costs the micro-kernel neither registers nor spills, and the detour is below 1
// % of the contraction. Several accumulators run one after the other over the same packed blocks, so that each has all
// registers: MR does not depend on their number. At once they would share them, with fewer rows each, hence more loads
// of rhs for as many multiply-adds (a broadcast of lhs is part of its multiply-add on AVX-512: nothing to share).
//
// Reductions read what end_tile or finish yields from scratch rows too, in the order that SPEC.md gives them. What
// keeps no output axis has a partial sum per block of 64 x 64, so that work is cut anywhere; what keeps one axis adds
// up the blocks of the other in place, in ascending order (PartialShape.h).
//
// For a contraction over n or m (gradients) the tile lies on the output columns: the micro-kernel adds to the result in
// memory, and finish runs over blocks of 64 x 64 when a row block of a tile is complete. With several accumulators or
// no result of float32 it adds to scratch of nc columns, and finish runs when these are complete. A source row is a row
// of the operand in memory; the lanes of every vector run along it.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "lowering/AnalogToVector/Partials.h"
#include "lowering/AnalogToVector/VectorRegion.h"
#include "lowering/Schedule/Schedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho::lowering {

class KernelEmitter {
public:
  using Value = mlir::Value;
  using Axis = analog::Axis;
  using Side = analog::Side;

  /// `arguments`: of the new function, in the order of its signature (AnalogToVector.h).
  KernelEmitter(Emit &e, analog::TiledMvmOp kernel, const Schedule &schedule, mlir::func::FuncOp source,
                mlir::ValueRange arguments);
  mlir::LogicalResult emitBody();
  mlir::LogicalResult emitTail();
  mlir::LogicalResult emitTileStatistic(int64_t stat);
  mlir::LogicalResult emitStatisticTotal(int64_t stat);
  /// Bytes of the workspace that the emitted code uses.
  int64_t workspaceBytes() const { return workspaceUsed; }

private:
  /// Where an element is: a value of each axis; the vector axis, where there is one, holds the first of 16.
  struct Place {
    Value at[4];
    std::optional<Axis> vectorAxis;
    Value mask;
    Value &operator[](Axis axis) { return at[size_t(axis)]; }
    Value operator[](Axis axis) const { return at[size_t(axis)]; }
  };
  /// Where 16 sums of an accumulator are kept.
  struct SumPlace {
    Value memref;
    llvm::SmallVector<Value> at;
  };
  /// The partial sums of a reduction: [T, if each tile has its own][rows][columns] from `offset` on.
  struct Partials {
    PartialShape shape;
    Value offset, rows, columns;
  };
  /// Rows row .. + count (one, or a block of 64) of tile `tile`, columns begin .. end, that a statistic is taken of.
  /// The statistics of these rows that its map sees lie from `slot` of their buffers on.
  struct StatRows {
    int64_t stat;
    Value row, count, slot, tile, begin, end;
  };
  /// Takes the vectors of 16 of the loaded values that accumulators use, in the order of usedValues().
  using Put = llvm::function_ref<void(Value row, Value column, mlir::ValueRange vectors)>;

  Value operandOf(Value original) const { return memrefOf.lookup(original); }
  Value loadParam(int64_t i, const Place &place);
  void appendVisible(llvm::SmallVectorImpl<Value> &arguments, unsigned region, const Place &place,
                     llvm::function_ref<Value(int64_t stat)> stat);
  void appendEpilogue(llvm::SmallVectorImpl<Value> &arguments, unsigned region, const Place &place);
  void findSizes();
  void workspaceBegin();
  void drawRow(unsigned region, Value tile, Value row, Value firstColumn, Value count, Value slot, int64_t stride);
  Value leaf(mlir::Operation *op, unsigned region, const Place &place, Value slot, int64_t stride, Value column);
  Value indexValue(analog::IndexOp op, unsigned region, const Place &place);
  llvm::SmallVector<int64_t> usedValues(Side side);
  Value workspace(int64_t rows, int64_t columns);
  Value tileBegin(Value tile);
  Value loadElements(Value original, analog::AxesAttr axes, const Place &place);

  bool hasRowStatistics(Side side);
  void emitStatistics(Side side, Value row, Value slot, Value tile, int64_t count);
  StatRows statRows(int64_t stat, Value row, Value count, Value slot, Value tile);
  Value emitStatistic(const StatRows &of);
  Value largestOf(const StatRows &of);
  Value sumOf(const StatRows &of);
  Value foldColumns(const StatRows &of, Value r, Value from, Value to, Value init,
                    llvm::function_ref<Value(Value carried, Value elements)> step);
  Value statElements(int64_t stat, const Place &place, Value slot, Value drawn);
  Value statisticAt(int64_t stat, Value tile, Value slot);
  Value partialOfStatistic(int64_t stat, Value tile, Value number);
  void prefetchResult(Value firstRow, Value rows, Value firstColumn, Value columns);
  void prefetchNextBlock(Value j0, Value c0, Value end, Value ip, Value jp);
  void prefetchAhead(Side side, const Place &place);
  mlir::LogicalResult pack(Side side, Value firstRow, Value rows, Value firstColumn, Value columns, Value tile,
                           Value statisticsDue, Put put);
  void zeroRows(Side side, Value from, Value to, Value columns, Put put);
  void micro(int64_t pair, Value lhsRow, Value rhsPanel, Value depth, bool lhsTransposed,
             llvm::SmallVectorImpl<Value> &sums);
  Value addInit(Value value, mlir::ValueRange at, Value mask);
  mlir::LogicalResult emitForward();
  mlir::LogicalResult emitForwardTile(Value i0, Value mc, Value t);
  Value endOfPacking(Side side, Value begin, Value end);
  void emitPanel(Value panel, Value kc);
  mlir::LogicalResult emitEndTile(Value i0, Value ip, Value sumRow, Value mc, Value j0, Value nc, Value t);
  mlir::LogicalResult emitSumsOfTiles(llvm::ArrayRef<Value> values, const Place &place, Value localRow, Value slot,
                                      Value column, llvm::function_ref<Value(int64_t)> param);
  mlir::FailureOr<Value> emitFinishOf(llvm::ArrayRef<Value> sums, const Place &place, Value slot, Value column,
                                      llvm::function_ref<Value(int64_t)> param);
  int64_t finishDrawRow();
  void drawFinishRow(Value row, Value firstColumn, Value count, Value slot);
  bool hasValue() { return !kernel.getResultsOf({analog::ResultKind::Value}).empty(); }
  bool valueTakesSums();
  void storeValue(Value v, mlir::ValueRange at, Value mask);
  void storeBits(Value bits, Value memref, const Place &place);
  mlir::LogicalResult emitEmptySum();
  mlir::LogicalResult emitGradient();
  bool sumsLieInResult();
  SumPlace sumPlace(int64_t pair, Value row, Value column, Value firstRow, Value firstColumn);
  mlir::LogicalResult emitGradientBlock(Value i0, Value mc, Value t, Value first, Value last);
  void addToSum(const SumPlace &place, Value block, Value fresh, Value mask);
  mlir::LogicalResult emitFinishBlocks(Value i0, Value mc, Value t, Value first, Value last);
  mlir::LogicalResult emitFinishBlock(Value i0, Value block, Value rowCount, Value t, Value column, Value first,
                                      Value last);
  mlir::LogicalResult emitFinish(const Place &place, Value drawn, Value firstRow, Value firstColumn);

  Value partialsBefore(size_t count);
  Partials partialsOf(int64_t result);
  Value partialAt(const Partials &p, Value tile, Value row, Value column);
  void addToPartial(int64_t result, Value at, Value sum, Value isFirst);
  Value addPartials(bool counts, Value a, Value b);
  bool reduces(bool ofTile);
  void keepSummands(bool ofTile, mlir::ValueRange yielded, Value mask, Value slot, Value column);
  void reduceRow(bool ofTile, const Place &place, Value slot, Value count);
  void addRowToResult(int64_t result, size_t i, const Place &place, Value slot, Value count);
  void addRowToColumns(int64_t result, size_t i, const Place &place, Value slot, Value count);
  void addRowToBlocks(int64_t result, size_t i, const Place &place, Value slot, Value count);
  Value beginsBlock(Value row);
  Value endsBlock(Value row);
  void zeroTileResults(Value row);
  Value combinePartials(int64_t result, const Place &place);
  llvm::SmallVector<Value> placeIn(analog::AxesAttr over, const Place &place);
  mlir::LogicalResult emitTailAt(llvm::ArrayRef<int64_t> reductions, const Place &place);
  Value combineLanes(Value vector);

  Emit &e;
  analog::TiledMvmOp kernel;
  Schedule s;
  llvm::DenseMap<Value, Value> memrefOf; // operands of the kernel -> arguments of the new function
  llvm::DenseSet<Value> strided;         // whose elements do not lie side by side along the last axis
  llvm::SmallVector<Value> results;      // memrefs
  Value partials, workspaceBytesArgument, rowBegin, rowEnd, columnBegin, columnEnd;
  Value rows, columns, depth, tiles, inputs; // sizes of the output, the contraction, T and K
  Value sourceRows[2];                       // of each side
  bool regionFailed = false;                 // the map of a statistic has no vector form
  int64_t workspaceUsed = 0;
  // Workspace: packed operands, sums of a block, draws of a few rows, a row for transposition, statistics of rows, a
  // strided row.
  Value draws, gatherBuffer;
  llvm::SmallVector<Value> packedLhs, packedRhs, rowBuffers; // of each used value
  llvm::SmallVector<Value> sums;                             // of each accumulator
  // Over the tiles so far, of a block, where no result holds them: of each value that is summed.
  llvm::SmallVector<Value> totals;
  // Of each reduction: what a few rows yield, and the sums of a block of rows so far, by lane or column.
  llvm::SmallVector<Value> summands, blockSums;
  llvm::SmallVector<Value> statBuffers; // [stat]: one float per source row of a block
  Value rhsStatOffset; // of the first row of the rhs part being packed, within the block of the statistics
};

} // namespace mho::lowering

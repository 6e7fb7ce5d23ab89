#include "lowering/AnalogToCuda/SharedLayout.h"

#include "dialect/IR/Scalar.h"
#include "lowering/AnalogToCuda/RegionSlices.h"
#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/AnalogToVector/VectorRegion.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

/// The rows of positive and of negative numbers of the 16-bit Gaussian's table, and the end of both.
constexpr int64_t kPositiveEnd = 4096, kNegativeBegin = 65280, kNegativeEnd = kNegativeBegin + 4096;

/// Hands out 16-byte places: the hole of the table first, where there is one.
class Allocator {
public:
  explicit Allocator(bool table)
      : low(table ? kPositiveEnd : 0), lowEnd(table ? kNegativeBegin : 0), high(table ? kNegativeEnd : 0) {}
  int64_t take(int64_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    int64_t &from = low + bytes <= lowEnd ? low : high;
    from += bytes;
    return from - bytes;
  }
  int64_t end() const { return high; }

private:
  int64_t low, lowEnd, high;
};

bool drawsHalfNormals(Region &region) {
  return llvm::any_of(drawsOf(region), [](DrawOpInterface draw) {
    auto normal = dyn_cast<NormalOp>(draw.getOperation());
    return normal && normal.getMap() != GaussianMap::Word;
  });
}

SharedLayout::Block blockOf(TiledMvmOp kernel, const CudaSchedule &s, Side side) {
  bool isLhs = side == Side::Lhs, outputMajor = kernel.getElementAxes(side).second == kernel.getContract();
  int64_t positions = isLhs ? s.rows() : s.columns();
  SharedLayout::Block block;
  block.rows = outputMajor ? positions : s.depth;
  block.columns = outputMajor ? s.depth : positions;
  // Without bank conflicts: ldmatrix reads rows an odd multiple of 16 bytes apart; of floats four of the contraction at
  // eight positions are read at once.
  int64_t elementBytes = isHalf(s.math) ? 2 : 4;
  block.stride = block.columns + (isHalf(s.math) ? 8 : outputMajor ? 4 : 8);
  int64_t values = yieldOf(isLhs ? kernel.getLoadLhs() : kernel.getLoadRhs()).getValues().size();
  block.bytes = values * block.rows * block.stride * elementBytes;
  return block;
}

} // namespace

bool isCopied(TiledMvmOp kernel, Side side, CudaMath math) {
  bool isLhs = side == Side::Lhs;
  Region &region = isLhs ? kernel.getLoadLhs() : kernel.getLoadRhs();
  OperandRange yielded = yieldOf(region).getValues();
  auto operand = dyn_cast<BlockArgument>(isLhs ? kernel.getLhs()[0] : kernel.getRhs()[0]);
  AxesAttr over = kernel.getAxesOf(isLhs ? kernel.getLhsAxes() : kernel.getRhsAxes(), 0);
  auto [row, column] = kernel.getElementAxes(side);
  if (yielded.size() != 1 || yielded[0] != region.getArgument(0) || !operand ||
      over.getAxes() != ArrayRef<Axis>({row, column}))
    return false;
  auto function = kernel->getParentOfType<func::FuncOp>();
  if (function && function.getArgAttr(operand.getArgNumber(), kStridedAttr))
    return false;
  Type element = getElementTypeOrSelf(operand.getType());
  return math == CudaMath::F16 ? element.isF16() : math == CudaMath::BF16 ? element.isBF16() : element.isF32();
}

SharedLayout sharedLayout(TiledMvmOp kernel, const CudaSchedule &s) {
  SharedLayout layout;
  layout.lhs = blockOf(kernel, s, Side::Lhs);
  layout.rhs = blockOf(kernel, s, Side::Rhs);
  for (unsigned region : {TiledMvmOp::kLoadLhs, TiledMvmOp::kLoadRhs, TiledMvmOp::kEndTile, TiledMvmOp::kFinish})
    layout.halfTable |= drawsHalfNormals(kernel->getRegion(region));
  Allocator allocator(layout.halfTable);
  auto sliceBytes = [&](unsigned region) { // Slices::kFloats of the prelude
    RegionSlices slices = slicesOf(kernel, region);
    return int64_t(16 * ((slices[kOfTile].outputs.size() + 3) / 4) +
                   4 * s.columns() * slices[kOfColumn].outputs.size());
  };
  layout.tileSlices = allocator.take(2 * sliceBytes(TiledMvmOp::kEndTile));
  layout.finishSlices = allocator.take(sliceBytes(TiledMvmOp::kFinish));
  int64_t scratch = 4 * s.rows() * (s.columns() + 1); // scratch_size of the prelude
  auto count = [&](std::initializer_list<ResultKind> kinds) { return int64_t(kernel.getResultsOf(kinds).size()); };
  // finish has no stage: its summands lie where they were, and where the table was unless it draws itself.
  Allocator atFinish = allocator;
  int64_t finishBytes = scratch * count({ResultKind::Sum, ResultKind::Count}), finishEnd;
  if (layout.halfTable && !drawsHalfNormals(kernel.getFinish())) {
    layout.finishScratch = layout.finishSlices + sliceBytes(TiledMvmOp::kFinish);
    finishEnd = layout.finishScratch + finishBytes;
  } else {
    layout.finishScratch = atFinish.take(finishBytes);
    finishEnd = atFinish.end();
  }
  for (int64_t stage = 0; stage < s.stages; ++stage)
    for (SharedLayout::Block *block : {&layout.lhs, &layout.rhs})
      block->at.push_back(allocator.take(block->bytes));
  layout.tileScratch = allocator.take(scratch * count({ResultKind::TileSum, ResultKind::TileCount}));
  layout.bytes = std::max(allocator.end(), finishEnd);
  return layout;
}

} // namespace mho::lowering

// Where a kernel's shared memory holds what.
#pragma once

#include "lowering/AnalogToCuda/CudaSchedule.h"

namespace mho::lowering {

/// Bytes from the start of a CTA's dynamic shared memory.
struct SharedLayout {
  /// A block of a side as it is staged: rows and columns of memory, rows `stride` elements apart, a block for each
  /// loaded value; `at`: for each stage.
  struct Block {
    int64_t rows, columns, stride, bytes;
    llvm::SmallVector<int64_t> at;
  };
  Block lhs, rhs;
  bool halfTable = false;    ///< the 16-bit Gaussian's table lies there (fill_half_table of the prelude says where)
  int64_t tileSlices = 0;    ///< what end_tile has of a tile and of its columns: twice, for this tile and the next
  int64_t finishSlices = 0;  ///< what finish has
  int64_t tileScratch = 0;   ///< summands of end_tile's reductions, while stages are filled
  int64_t finishScratch = 0; ///< of finish's, when no stage is needed any more
  int64_t bytes = 0;
};

/// What the products read of a side is memory as it is: an operand's elements, stored as they are multiplied.
bool isCopied(analog::TiledMvmOp kernel, analog::Side side, CudaMath math);

SharedLayout sharedLayout(analog::TiledMvmOp kernel, const CudaSchedule &schedule);

} // namespace mho::lowering

// How a kernel's work is cut for a GPU, and how it multiplies: the data behind `analog.cuda_schedule`.
//
//   CudaSchedule s = cudaScheduleFor(kernel, CudaMath::Fma);           // the table
//   kernel->setAttr(kCudaScheduleAttr, cudaScheduleAttr(context, s));
//   FailureOr<CudaSchedule> back = readCudaSchedule(kernel);           // an error at the op where a value is not
//   allowed
//
// The shape changes the order of a contraction's sums and no other bit; what the math changes is said at each.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include <optional>

namespace mho::lowering {

/// Attribute of a kernel: a dictionary of math, row_groups, warp_rows, warp_columns, depth, stages.
inline constexpr llvm::StringLiteral kCudaScheduleAttr = "analog.cuda_schedule";

/// Fma: fused multiply-adds in fp32. Tf32: tensor cores on fp32 operands in two parts of 11 bits (a relative error of
/// 2^-23 of an operand at most). F16, BF16: tensor cores on operands rounded to 16 bits after the load regions.
enum class CudaMath { Fma, Tf32, F16, BF16 };

llvm::StringRef nameOf(CudaMath math);
std::optional<CudaMath> cudaMathNamed(llvm::StringRef name);
/// Whether operands are rounded to 16 bits.
bool isHalf(CudaMath math);
/// "fma, tf32, f16, bf16".
std::string cudaMathNames();

struct CudaSchedule {
  CudaMath math;
  int64_t rowGroups;   ///< rows of a warp in 16s; its columns are 64
  int64_t warpRows;    ///< warps of a CTA along the rows
  int64_t warpColumns; ///< and along the columns
  int64_t depth;       ///< of the contraction that is staged at a time
  int64_t stages;      ///< blocks of that depth in shared memory: one is multiplied, the others are on their way

  int64_t rows() const { return 16 * rowGroups * warpRows; }
  int64_t columns() const { return 64 * warpColumns; }
  int64_t threads() const { return 32 * warpRows * warpColumns; }
};

/// The table's schedule: of a kernel with one accumulator and no reductions a large block, smaller where both sides run
/// load regions, else 64 x 64; as deep as shared memory has room for.
CudaSchedule cudaScheduleFor(analog::TiledMvmOp kernel, CudaMath math);

mlir::DictionaryAttr cudaScheduleAttr(mlir::MLIRContext *context, const CudaSchedule &schedule);

/// The kernel's attribute; what it leaves out is the table's. Errors, emitted at the op: an unknown key, a value that
/// is not allowed, more shared memory than a CTA may have.
mlir::FailureOr<CudaSchedule> readCudaSchedule(analog::TiledMvmOp kernel);

} // namespace mho::lowering

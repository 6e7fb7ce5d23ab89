// convert-analog-to-cuda: functions of one tiled_mvm -> CUDA C++ as EmitC. See lowering/Passes.td.
//
// A function @f becomes these kernels, where name is cudaName("f"), which take one parameter by value, the struct
// name_Arguments (CudaNames.h says what is in it); all but @name itself have kCudaThreads threads:
//
//   name_statistic<i>         grid (tiles x parts / 8): statistic i over (t, row), or over (t) its blocks of 64 rows
//   name_statistic<i>_total   grid (tiles / 128): of a statistic over (t) the whole
//   name                      grid (column blocks, row blocks); of a gradient (tiles x column blocks of the widest
//                             tile, row blocks)
//   name_result<i>            grid (elements / 128): result i, a reduction, from its partial sums
//
// They are launched in this order; each reads what the ones before wrote. No kernel uses atomics, and a result's bits
// depend on nothing but its inputs.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "lowering/AnalogToCuda/CudaSchedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace mho::lowering {

/// Threads of a CTA of all kernels but the main one, whose schedule says them.
inline constexpr int64_t kCudaThreads = 128;

/// A statistic of the kernel: its operand's slot gives the number of source rows.
struct CudaStatistic {
  int64_t number;
  bool ofTile;         ///< over (t): it has partial values, and a kernel of the whole
  unsigned sourceSlot; ///< argument whose size along sourceAxis is the number of source rows
  unsigned sourceAxis;
  int resultSlot; ///< of an exported one, or -1: it lies in the workspace
};

/// A reduction of the kernel: how its partial sums lie and which slot is its result.
struct CudaReduction {
  int64_t result; ///< number of the result
  unsigned slot;
  bool keepsRows, keepsColumns; ///< else a partial sum for each block of 64
  bool perTile;                 ///< each tile has its own
};

/// What a launcher has to know of a function's kernels.
struct CudaKernel {
  std::string name;
  bool forward = false;
  CudaSchedule schedule;
  int64_t sharedBytes = 0; ///< dynamic shared memory of the main kernel
  std::vector<CudaStatistic> statistics;
  std::vector<CudaReduction> reductions;
};

/// The description of a function that the pass can convert. Errors, emitted at the kernel: those of its schedule.
mlir::FailureOr<CudaKernel> describeCuda(mlir::func::FuncOp function, analog::TiledMvmOp kernel);

/// The prelude that the printed code includes as kCudaPreludeName.
extern const char *const kCudaPrelude;
inline constexpr llvm::StringLiteral kCudaPreludeName = "mho_prelude.cuh";

/// CUDA C++ of a module that the pass has converted.
mlir::FailureOr<std::string> printCuda(mlir::ModuleOp module);

} // namespace mho::lowering

// How a kernel's loops are cut and which instructions its code may name: the data behind `analog.schedule`.
//
//   Schedule s = scheduleFor(Isa::Avx512, kernel.getContract());     // the table
//   kernel->setAttr(kScheduleAttr, scheduleAttr(context, s));
//   FailureOr<Schedule> back = readSchedule(kernel);                 // an error at the op where a value is not allowed
//
// No choice here changes a result's meaning; sums of floats may be taken in another order.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include <optional>

namespace mho::lowering {

/// Classes of instruction sets with a row of their own in the table.
enum class Isa { Avx512, Avx2, Generic };

llvm::StringRef nameOf(Isa isa);
std::optional<Isa> isaNamed(llvm::StringRef name);
/// The class of the CPU this runs on.
Isa hostIsa();
/// LLVM's name of the x86 CPU that has the class's instructions and no more.
llvm::StringRef x86CpuOf(Isa isa);
/// "avx512, avx2, generic".
std::string isaNames();

struct Schedule {
  Isa isa;              ///< what code may be made of, and the row of the table
  int64_t mc;           ///< rows of the output per block
  int64_t kc;           ///< contraction per block
  int64_t nc;           ///< columns of the output per block
  int64_t mr;           ///< rows of the micro-kernel; its columns are one vector
  int64_t unroll;       ///< steps of the contraction per iteration of the micro-kernel
  int64_t prefetchRows; ///< source rows between a row being packed and the one asked for
};

/// The table's schedule for a contraction over k (forward), n (input gradient) or m (weight gradient).
Schedule scheduleFor(Isa isa, analog::Axis contract);

mlir::DictionaryAttr scheduleAttr(mlir::MLIRContext *context, const Schedule &schedule);

/// The kernel's attribute; what it leaves out is the table's for its isa, which is `isa` where that is left out too.
/// Errors, emitted at the op: an unknown key, a value that is not allowed.
mlir::FailureOr<Schedule> readSchedule(analog::TiledMvmOp kernel, Isa isa = Isa::Generic);

} // namespace mho::lowering

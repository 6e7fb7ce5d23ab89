// From a fused function to loaded machine code: schedule, vectorise, LLVM, object (cached), load.
#pragma once

#include "runtime/KernelCall.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho {

/// Compiles one function of one tiled_mvm for this machine, or takes its object from the cache. `strided` names tensors
/// whose last stride is not 1 by bit: the position among the slots (arguments, then results). The function's module is
/// not changed. Errors name the stage that failed and the file that holds its IR.
Expected<CompiledKernel> compileCpuFunction(mlir::func::FuncOp function, uint32_t strided);

/// The slots of a fused function: its arguments, then its results, by their `analog.name`.
std::vector<KernelSlot> kernelSlots(mlir::func::FuncOp function);

} // namespace mho

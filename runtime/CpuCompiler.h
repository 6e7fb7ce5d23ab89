// From a fused function to loaded machine code: schedule, vectorise, LLVM, object (cached), load.
#pragma once

#include "runtime/CpuLaunch.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho {

/// Compiles one function of one tiled_mvm for this machine, or takes its object from the cache; see Backend::compile.
/// Strengths' values (`analog.value`) have no part in it: they come with each call.
Expected<CpuCode> compileCpuFunction(mlir::func::FuncOp function, const std::vector<bool> &strided);

} // namespace mho

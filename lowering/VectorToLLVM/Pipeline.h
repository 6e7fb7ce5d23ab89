// The upstream passes from loops and vectors to the LLVM dialect, in the order that works for our kernels.
#pragma once

#include "mlir/Pass/PassManager.h"

namespace mho::lowering {

/// Appends the pipeline for a module that convert-analog-to-vector left. No fast-math, no contraction.
void buildVectorToLLVM(mlir::OpPassManager &passes);

} // namespace mho::lowering

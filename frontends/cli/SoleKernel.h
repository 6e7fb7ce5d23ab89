// What a backend compiles: a function that is one fused kernel and nothing else.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "runtime/Status.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho::cli {

/// The kernel of a function whose body is one analog.tiled_mvm over its arguments and the return of all of its results
/// in order. Errors: any other function, naming what is there instead.
Expected<analog::TiledMvmOp> soleKernel(mlir::func::FuncOp function);

} // namespace mho::cli

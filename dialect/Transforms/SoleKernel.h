// What passes on kernels and backends work on: a function that is one fused kernel and nothing else.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace mho::analog {

/// The kernel of a function whose body is one analog.tiled_mvm over its arguments and the return of all of its results
/// in order. Null for any other function; `why` then says what is there instead, "it ...".
TiledMvmOp soleKernel(mlir::func::FuncOp function, std::string &why);

} // namespace mho::analog

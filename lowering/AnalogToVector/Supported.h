// What convert-analog-to-vector can lower.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho::lowering {

/// Success if the function is one kernel that the emitter has code for. Otherwise an error at the op that has none,
/// "not lowered: expected ...".
mlir::LogicalResult checkSupported(mlir::func::FuncOp function, analog::TiledMvmOp kernel);

} // namespace mho::lowering

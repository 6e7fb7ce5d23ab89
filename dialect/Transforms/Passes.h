// Passes from the dialect to itself; what each does is in Passes.td.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mho::analog {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

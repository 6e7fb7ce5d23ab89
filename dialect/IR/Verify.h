// Checks shared by the verifiers of the algebra ops.
#pragma once

#include "dialect/IR/AnalogDialect.h"

namespace mho::analog {

/// The enclosing function names the crossbar tiling.
mlir::LogicalResult verifyTiling(mlir::Operation *op);

/// Two sizes may be equal: they are, or one is dynamic.
bool sizesAgree(int64_t a, int64_t b);

/// Tiles of `inputs` inputs in the tiling of op's function; dynamic if not known.
int64_t tilesOf(mlir::Operation *op, int64_t inputs);

} // namespace mho::analog

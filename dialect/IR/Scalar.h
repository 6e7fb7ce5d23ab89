// What ops with regions of scalar code share.
#pragma once

#include "dialect/IR/AnalogDialect.h"

namespace mho::analog {

/// Only ops of the scalar vocabulary (SPEC.md, "Scalar code"), on f32, i32 and i1, without fast-math flags. Emits the
/// error at the op that breaks it.
mlir::LogicalResult verifyScalarCode(mlir::Region &region);

/// The terminator of a verified region.
YieldOp yieldOf(mlir::Region &region);

/// Erases the operations of a block that nothing uses, last first; `keep` stays.
void eraseUnused(mlir::Block &block, llvm::function_ref<bool(mlir::Operation *)> keep = nullptr);

} // namespace mho::analog

// Writes a scalar region of tiled_mvm as code on vectors of 16 elements.
//
// Values that are the same in all lanes stay scalar until they meet a vector, so that loop-invariant code motion finds
// them.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "lowering/AnalogToVector/Emit.h"

namespace mho::lowering {

/// What a region yields; scalars where the value is the same in all lanes.
struct RegionResult {
  llvm::SmallVector<mlir::Value> values, bits, reductions;
};

/// The value of an op that depends on where the element is: a draw (DrawOpInterface) or an IndexOp.
using LeafLookup = llvm::function_ref<mlir::Value(mlir::Operation *)>;

/// Emits the region's code at the builder. `arguments` are f32 (or i1) scalars or vectors of 16; `leaf` gives
/// what the region draws and the indices it asks for. Fails on an op that has no vector form, saying so at the op.
mlir::FailureOr<RegionResult> emitRegion(Emit &e, mlir::Region &region, mlir::ValueRange arguments, LeafLookup leaf);

/// A value as a vector of 16.
mlir::Value asVector(Emit &e, mlir::Value value);

/// The draws of a region, in order, those in surrogates too.
llvm::SmallVector<analog::DrawOpInterface> drawsOf(mlir::Region &region);

} // namespace mho::lowering

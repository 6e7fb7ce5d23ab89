// Writes a slice of a scalar region of tiled_mvm as a device function of EmitC.
//
//   scalarFunction(builder, "linear_end_tile", region, slices, kOfElement)
//   // -> static __device__ __forceinline__ void linear_end_tile(float v1, float v2, float *v3, bool *v4, float *v5)
#pragma once

#include "lowering/AnalogToCuda/RegionSlices.h"

namespace mho::lowering {

/// Emits the function at the builder: its arguments are the slice's leaves, its inputs, then where its outputs go: of
/// an element values, bits and summands, of another slice floats. Fails at an op that the function cannot have.
mlir::LogicalResult scalarFunction(mlir::OpBuilder &builder, llvm::StringRef name, mlir::Region &region,
                                   const RegionSlices &slices, SliceKind kind);

} // namespace mho::lowering

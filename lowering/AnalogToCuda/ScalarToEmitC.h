// Writes a scalar region of tiled_mvm as a device function of EmitC.
//
//   scalarFunction(builder, "linear_end_tile", region)
//   // -> static __device__ __forceinline__ void linear_end_tile(float v1, float v2, float *v3, bool *v4, float *v5)
#pragma once

#include "dialect/IR/AnalogDialect.h"

namespace mho::lowering {

/// Emits the function at the builder: its arguments are those of the region that are used, then what it draws (in the
/// order of drawsOf), then the indices that it asks for (in the order of indicesOf); then where its values, bits and
/// summands go. Fails at an op that the function cannot have.
mlir::LogicalResult scalarFunction(mlir::OpBuilder &builder, llvm::StringRef name, mlir::Region &region);

/// The arguments of a region that its code uses.
llvm::SmallVector<mlir::BlockArgument> usedArguments(mlir::Region &region);
/// The index ops of a region, in order; of a surrogate's regions only the value is run.
llvm::SmallVector<analog::IndexOp> indicesIn(mlir::Region &region);

} // namespace mho::lowering

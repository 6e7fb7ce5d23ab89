// convert-analog-to-vector: functions of one tiled_mvm -> loops over memrefs and vectors. See lowering/Passes.td.
//
// Signature of the function that results, dynamic in every size:
//   @name(arguments of the source: tensors as strided memrefs, scalars as they are;
//         one memref per result; partials : memref<?xf64>; workspace : memref<?xi8>;
//         row_begin, row_end, column_begin, column_end : index)
// computes output rows [row_begin, row_end) (multiples of 64 but for the end) and columns, in multiples of 64 elements,
// or in tiles where the columns are inputs; the whole axis where a reduction adds it up in place (PartialShape.h).
// `partials` holds the partial sums of the reductions, one after the other. Where the kernel
// reduces, @name_tail(the same without workspace and bounds) combines them. The attribute `analog.workspace_bytes` is
// the workspace one call needs.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mho::lowering {

/// Argument and result attribute: the elements of this tensor do not lie side by side along its last axis.
inline constexpr llvm::StringLiteral kStridedAttr = "analog.strided";
inline constexpr llvm::StringLiteral kWorkspaceAttr = "analog.workspace_bytes";
/// What the name of a kernel's second function ends in.
inline constexpr llvm::StringLiteral kTailSuffix = "_tail";
inline constexpr llvm::StringLiteral kScheduleAttr = "analog.schedule";

} // namespace mho::lowering

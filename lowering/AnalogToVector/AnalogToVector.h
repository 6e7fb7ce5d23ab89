// convert-analog-to-vector: functions of one tiled_mvm -> loops over memrefs and vectors. See lowering/Passes.td.
//
// Signature of the function that results, dynamic in every size:
//   @name(arguments of the source: tensors as strided memrefs, those of f16 and bf16 of i16, their bits; scalars;
//         one memref per result; partials : memref<?xf64>; workspace : memref<?xi8>;
//         row_begin, row_end, column_begin, column_end : index)
// computes output rows [row_begin, row_end) (multiples of 64 but for the end) and columns, in multiples of 64 elements,
// or in tiles where the columns are inputs; the whole axis where a reduction adds it up in place (PartialShape.h).
// `partials` holds the partial sums of the reductions, one after the other. Where the kernel reduces, @name_tail(the
// same without workspace and bounds) combines them. The attribute `analog.workspace_bytes` is the workspace one call
// needs.
//
// For a statistic i over (t) alone, which must be whole before the body begins, there are two more functions:
// @name_statistic<i>, with the body's signature, takes it of source rows [row_begin, row_end) (multiples of 64 but for
// the end) and tiles [column_begin, column_end); @name_statistic<i>_total, with the tail's, combines the blocks of
// rows. They are called in the order of the statistics. After those of the reductions, `partials` holds [T][1 +
// ceil(source rows / 64)] doubles of each: the whole, then the blocks.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mho::lowering {

/// Argument and result attribute: the elements of this tensor do not lie side by side along its last axis.
inline constexpr llvm::StringLiteral kStridedAttr = "analog.strided";
inline constexpr llvm::StringLiteral kWorkspaceAttr = "analog.workspace_bytes";
/// What the name of a kernel's second function ends in.
inline constexpr llvm::StringLiteral kTailSuffix = "_tail";
/// What the names of the functions of a statistic over (t) end in, with its number between the two.
inline constexpr llvm::StringLiteral kStatisticSuffix = "_statistic", kTotalSuffix = "_total";
inline constexpr llvm::StringLiteral kScheduleAttr = "analog.schedule";

} // namespace mho::lowering

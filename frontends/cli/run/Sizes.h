// How much memory a run would take, known before anything of it is allocated.
#pragma once

#include "runtime/Status.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho::cli {

/// Elements that mho-run holds at most, inputs and the largest of its results together: 1 GiB of doubles. More is a
/// mistyped size.
constexpr int64_t kMostElements = int64_t(1) << 27;

/// Number of elements of a shape, or kMostElements + 1 where there are more than that.
int64_t boundedElements(llvm::ArrayRef<int64_t> shape);

/// `shapes`: of the function's arguments, in order. Errors: the arguments and the planes [T,B,O] of a product (of a
/// fused kernel: its result) have more than kMostElements elements.
Status checkSizes(mlir::func::FuncOp function, llvm::ArrayRef<llvm::SmallVector<int64_t>> shapes);

} // namespace mho::cli

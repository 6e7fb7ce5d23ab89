// How mho-run calls kernels: where tensors lie, on how many threads, by which schedule. None of it changes what they
// compute.
#pragma once

#include "dialect/Reference/Tensor.h"
#include "runtime/Backend.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace mho::cli {

/// Strides of a tensor in elements; empty: its elements side by side.
using Strides = llvm::SmallVector<int64_t>;

struct CallOptions {
  std::vector<Strides> strides; ///< by input; those beyond the end are empty
  int threads = 1;
  /// `analog.schedule` of every kernel of a layer, in place of its own; null: its own.
  mlir::DictionaryAttr schedule;
};

/// Strides of each argument of the function from texts such as "0=71x1" (--stride). Errors: a text of another form, an
/// argument that there is not or that is named twice.
Expected<std::vector<Strides>> readStrides(const std::vector<std::string> &texts, mlir::func::FuncOp function);
/// A text such as `mc = 64 : i64, isa = "avx2"` (--schedule). Error: no list of attributes.
Expected<mlir::DictionaryAttr> readSchedule(const std::string &text, mlir::MLIRContext &context);

/// Errors: strides of integers, other in number than the sizes, or that would lay two elements in one place.
Status checkStrides(llvm::ArrayRef<reference::Tensor> inputs, llvm::ArrayRef<Strides> strides);
/// The arguments whose elements do not lie side by side along the last axis, as Backend::compile wants them.
std::vector<bool> stridedArguments(mlir::func::FuncOp function, llvm::ArrayRef<Strides> strides);
/// Strides of rows side by side.
Strides sideBySide(llvm::ArrayRef<int64_t> shape);
/// One past the last element of a tensor.
int64_t extent(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides);
/// Pieces of the work on that many threads.
ParallelFor onThreads(int threads);

} // namespace mho::cli

// A function of one tiled_mvm on a backend, with memory for its arguments and results.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Reference/Tensor.h"
#include "frontends/cli/run/Call.h"

#include <deque>
#include <map>

namespace mho::cli {

class KernelRun {
public:
  /// Compiles the function and copies its inputs (those that carry `analog.value` may be left out, as in
  /// reference::evaluate). Errors: a body other than one tiled_mvm, inputs that contradict each other in a size,
  /// strides that do not fit, a failed compilation.
  static Expected<std::unique_ptr<KernelRun>> make(Backend &backend, mlir::func::FuncOp function,
                                                   llvm::ArrayRef<reference::Tensor> inputs,
                                                   const CallOptions &options);
  /// Runs the kernel once.
  Status run();
  /// Results of the last run, in the function's order.
  std::vector<reference::Tensor> results() const;

private:
  /// Memory of one argument or result, in the kernel's element type.
  struct Buffer {
    std::vector<float> floats;
    std::vector<uint16_t> halves; ///< f16 or bf16
    std::vector<int32_t> words;
    std::vector<int64_t> longs;
    llvm::SmallVector<int64_t> shape;
    Strides strides;
    ElementType type;
    TensorRef ref();
    /// Takes the elements of a tensor of reals, which lie by `strides`.
    void scatter(const std::vector<double> &elements);
    std::vector<double> reals() const;
  };
  explicit KernelRun(analog::TiledMvmOp kernel) : kernel(kernel) {}
  Status bindInputs(mlir::func::FuncOp function, llvm::ArrayRef<reference::Tensor> inputs,
                    llvm::ArrayRef<Strides> strides);
  Status findSizes();
  Status checkWords();
  Status setSize(analog::Axis axis, int64_t size);
  Status setSizes(mlir::OperandRange operands, mlir::ArrayAttr axes);
  void bindResults();

  analog::TiledMvmOp kernel;
  std::shared_ptr<const Kernel> code;
  KernelOutput output;
  LaunchContext context;
  std::map<analog::Axis, int64_t> sizes;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t>> shapes; ///< of the function's arguments
  std::deque<Buffer> buffers;                                     ///< of arguments, then of results
  size_t firstResult = 0;
  std::vector<SlotValue> values;
};

} // namespace mho::cli

// A way to run a fused function: one implementation per kind of device.
//
//   Expected<Backend *> backend = Backend::get("cpu");
//   auto kernel = (*backend)->compile(function, 0);
//   (*backend)->launch(*kernel, values, output, parallelFor);
#pragma once

#include "runtime/KernelLaunch.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho {

class Backend {
public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  /// Empty where the backend can run here, else why it cannot and what would help.
  virtual std::string unavailable() const = 0;
  /// Compiles one function of one tiled_mvm. `strided`: see CpuCompiler.h. Errors name the stage and its IR's file.
  virtual Expected<CompiledKernel> compile(mlir::func::FuncOp function, uint32_t strided) = 0;
  /// Runs it; see launchKernel().
  virtual Status launch(const CompiledKernel &kernel, const SlotValue *values, const KernelOutput &output,
                        const ParallelFor &parallelFor) = 0;
  /// The bias gradient; see columnSum().
  virtual Status sumColumns(const TensorRef &grad, const TensorRef &out, const ParallelFor &parallelFor) = 0;

  /// The backend of that name. Errors: an unknown name, with the list.
  static Expected<Backend *> get(const std::string &name);
  static const std::vector<Backend *> &all();
};

} // namespace mho

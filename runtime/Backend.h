// A way to run a fused function: one implementation per kind of device.
//
//   Expected<Backend *> backend = Backend::get("cpu");
//   auto kernel = (*backend)->compile(function, {});
//   (*kernel)->launch(values, output, context);
#pragma once

#include "runtime/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <memory>

namespace mho {

class Backend {
public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  /// Empty where the backend can run here, else why it cannot and what would help.
  virtual std::string unavailable() const = 0;
  /// Names of the stages that compile() runs, in order.
  virtual std::vector<std::string> stages() const = 0;
  /// Compiles one function of one tiled_mvm. strided[i]: the elements of slot i's tensor do not lie side by side along
  /// its last axis; only arguments may be strided, and an empty list means none is. The function's module is not
  /// changed and not needed afterwards. Errors name the stage and its IR's file.
  virtual Expected<std::shared_ptr<const Kernel>> compile(mlir::func::FuncOp function,
                                                          const std::vector<bool> &strided) = 0;
  /// The bias gradient; see columnSum().
  virtual Status sumColumns(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) = 0;

  /// The backend of that name. Errors: an unknown name, with the list.
  static Expected<Backend *> get(const std::string &name);
  static const std::vector<Backend *> &all();
};

/// The slots of a fused function: its arguments, then its results, by their `analog.name`.
std::vector<KernelSlot> kernelSlots(mlir::func::FuncOp function);

} // namespace mho

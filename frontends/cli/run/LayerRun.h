// A function of the dialect on a backend, as mho-run runs it: forward, and on request the gradients of its arguments.
#pragma once

#include "frontends/cli/run/KernelRun.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>

namespace mho::cli {

class LayerRun {
public:
  /// Compiles a copy of the function by the layer's stages (runtime/LayerStages.h) and its forward kernel: one of the
  /// algebra is fused, one of a tiled_mvm is taken as it is, and with gradients differentiated. Errors: those of the
  /// stages and of KernelRun::make.
  static Expected<std::unique_ptr<LayerRun>> make(Backend &backend, mlir::func::FuncOp function,
                                                  const std::vector<reference::Tensor> &inputs, bool gradients,
                                                  const CallOptions &options);
  /// Runs forward.
  Expected<std::vector<reference::Tensor>> forward();
  /// Compiles the kernels of the gradients on first use and runs them; as reference::evaluateGradient, one gradient per
  /// argument of the function, those of strengths left out. After forward() only, whose saved results it takes.
  Expected<std::vector<std::optional<reference::Tensor>>> backward(const reference::Tensor &outputGradient);
  /// Runs every kernel compiled so far once more, for the time it takes.
  Status run();

private:
  LayerRun(Backend &backend, const std::vector<reference::Tensor> &inputs, const CallOptions &options)
      : backend(backend), inputs(inputs), options(options) {}
  Status compileGradients(const reference::Tensor &outputGradient);
  Expected<std::unique_ptr<KernelRun>> makeKernel(const std::string &suffix, std::vector<reference::Tensor> first,
                                                  const std::vector<reference::Tensor> &last);
  Expected<std::vector<reference::Tensor>> runKernel(KernelRun &kernel);

  Backend &backend;
  const std::vector<reference::Tensor> &inputs;
  CallOptions options;
  std::string name;
  unsigned argumentCount = 0; ///< of the function before its strengths became arguments
  std::optional<unsigned> biasArgument;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<reference::Tensor> saved; ///< results of forward after the first
  std::unique_ptr<KernelRun> forwardKernel;
  /// By what the names of their functions end in: "_dz" where there is one, "_dx", "_stats" where there is one,
  /// "_dw".
  std::vector<std::pair<std::string, std::unique_ptr<KernelRun>>> gradientKernels;
};

} // namespace mho::cli

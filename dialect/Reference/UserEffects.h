// Effects that are text, by interpreting their regions.
#pragma once

#include "dialect/Reference/Environment.h"

namespace mho::reference {

/// The result of the effect.
llvm::Error evalApplyOp(analog::ApplyOp op, Environment &environment);

/// Gradients of the element and of the learnable parameters, in the order of `learnable`.
struct ApplyGradients {
  Tensor element;
  std::vector<Tensor> parameters;
};

/// `environment`: the run that the gradient is taken at, for a weight the noise-free one. `g`: gradient of the result.
llvm::Expected<ApplyGradients> gradientOfApplyOp(analog::ApplyOp op, const Environment &environment, const Tensor &g);

} // namespace mho::reference

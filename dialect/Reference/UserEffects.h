// Effects that are text, by interpreting their regions.
#pragma once

#include "dialect/Reference/Environment.h"

namespace mho::reference {

/// The result of the effect.
llvm::Error evalApplyOp(analog::ApplyOp op, Environment &environment);

/// Gradients of what an mvm takes.
struct FactorGradients {
  Tensor input, weight;
};

/// Those through the further accumulators of a derived effect. `forward` and `clean`: the runs with and without noise.
llvm::Expected<FactorGradients> gradientOfAccumulators(analog::ApplyOp op, const Environment &forward,
                                                       const Environment &clean, const Tensor &g);

/// Gradients of the element and of the learnable parameters, in the order of `learnable`.
struct ApplyGradients {
  Tensor element;
  bool reachesElement = false; ///< false: derived code takes no gradient to it, and `element` is 0
  std::vector<Tensor> parameters;
};

/// `environment`: the run that the gradient is taken at, for a weight the noise-free one. `g`: gradient of the result.
llvm::Expected<ApplyGradients> gradientOfApplyOp(analog::ApplyOp op, const Environment &environment, const Tensor &g);

} // namespace mho::reference

// Schemas of the ops, and the functions that call the dispatcher.
#include "frontends/torch/ops/Ops.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace mho::ops {

TORCH_LIBRARY(mho, m) {
  m.def("analog_linear(Tensor x, Tensor weight, Tensor? bias, Tensor? input_range, Tensor? key, Tensor scalars, "
        "str config, bool save, Tensor[]? effects=None) -> (Tensor, Tensor, Tensor)");
  m.def("analog_linear_backward(Tensor grad, Tensor x, Tensor weight, Tensor? input_range, Tensor? key, "
        "Tensor scalars, Tensor saturation, Tensor row_range, str config, bool[4] wanted, Tensor[]? effects=None, "
        "int[] effects_wanted=[]) -> (Tensor, Tensor, Tensor, Tensor, Tensor[])");
  m.def("update_range_estimate(Tensor x, Tensor estimate, Tensor samples, Tensor(a!) next_estimate, "
        "Tensor(b!) next_samples, str config, float alpha) -> ()");
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> analogLinear(const at::Tensor &x, const at::Tensor &weight,
                                                            const OptionalTensor &bias,
                                                            const OptionalTensor &inputRange, const OptionalTensor &key,
                                                            const at::Tensor &scalars, const std::string &config,
                                                            bool save, at::TensorList effects) {
  using Schema = std::tuple<at::Tensor, at::Tensor, at::Tensor>(
      const at::Tensor &, const at::Tensor &, const OptionalTensor &, const OptionalTensor &, const OptionalTensor &,
      const at::Tensor &, c10::string_view, bool, OptionalTensors);
  static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mho::analog_linear", "").typed<Schema>();
  return op.call(x, weight, bias, inputRange, key, scalars, config, save, effects);
}

Gradients analogLinearBackward(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight,
                               const OptionalTensor &inputRange, const OptionalTensor &key, const at::Tensor &scalars,
                               const at::Tensor &saturation, const at::Tensor &rowRange, const std::string &config,
                               std::array<bool, 4> wanted, at::TensorList effects, at::IntArrayRef effectsWanted) {
  using Schema = Gradients(const at::Tensor &, const at::Tensor &, const at::Tensor &, const OptionalTensor &,
                           const OptionalTensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &,
                           c10::string_view, std::array<bool, 4>, OptionalTensors, at::IntArrayRef);
  static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mho::analog_linear_backward", "").typed<Schema>();
  return op.call(grad, x, weight, inputRange, key, scalars, saturation, rowRange, config, wanted, effects,
                 effectsWanted);
}

void updateRangeEstimate(const at::Tensor &x, const at::Tensor &estimate, const at::Tensor &samples,
                         const at::Tensor &nextEstimate, const at::Tensor &nextSamples, const std::string &config,
                         double alpha) {
  using Schema = void(const at::Tensor &, const at::Tensor &, const at::Tensor &, at::Tensor &, at::Tensor &,
                      c10::string_view, double);
  static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mho::update_range_estimate", "").typed<Schema>();
  at::Tensor estimateOut = nextEstimate, samplesOut = nextSamples;
  op.call(x, estimate, samples, estimateOut, samplesOut, config, alpha);
}

} // namespace mho::ops

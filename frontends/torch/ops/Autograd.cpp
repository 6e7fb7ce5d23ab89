// Autograd and autocast of the dispatcher ops.
#include "frontends/torch/ops/Ops.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace mho::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

bool wantsGradient(const OptionalTensor &tensor) { return tensor && tensor->defined() && tensor->requires_grad(); }

at::Tensor orUndefined(const OptionalTensor &tensor) { return tensor.value_or(at::Tensor()); }

OptionalTensor orNothing(const at::Tensor &tensor) { return tensor.defined() ? OptionalTensor(tensor) : std::nullopt; }

/// The backward op as a node of the graph, so that a second derivative is an error and not a silent zero. It yields the
/// wanted gradients only: a node has no undefined outputs.
struct LinearBackwardNode : torch::autograd::Function<LinearBackwardNode> {
  static variable_list forward(AutogradContext *, const Variable &grad, const Variable &x, const Variable &weight,
                               const OptionalTensor &range, const OptionalTensor &key, const Variable &scalars,
                               const Variable &saturation, const Variable &rowRange, const std::string &config,
                               std::array<bool, 4> wanted) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dweight, dbias, drange] =
        analogLinearBackward(grad, x, weight, range, key, scalars, saturation, rowRange, config, wanted);
    variable_list out;
    for (const at::Tensor &gradient : {dx, dweight, dbias, drange})
      if (gradient.defined())
        out.push_back(gradient);
    return out;
  }
  static variable_list backward(AutogradContext *, variable_list) {
    TORCH_CHECK_NOT_IMPLEMENTED(false, "mho::analog_linear has no second derivative: its gradient is a surrogate of "
                                       "rounding and clamping; use create_graph=False");
  }
};

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>
backwardWithGraph(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight, const OptionalTensor &range,
                  const OptionalTensor &key, const at::Tensor &scalars, const at::Tensor &saturation,
                  const at::Tensor &rowRange, c10::string_view config, std::array<bool, 4> wanted) {
  bool any = grad.requires_grad() || x.requires_grad() || weight.requires_grad() || wantsGradient(range);
  bool none = wanted == std::array<bool, 4>{};
  if (!at::GradMode::is_enabled() || !any || none) {
    at::AutoDispatchBelowADInplaceOrView below;
    return analogLinearBackward(grad, x, weight, range, key, scalars, saturation, rowRange, std::string(config),
                                wanted);
  }
  wanted[3] = wanted[3] && range && range->defined();
  variable_list out = LinearBackwardNode::apply(grad, x, weight, range, key, scalars, saturation, rowRange,
                                                std::string(config), wanted);
  std::array<at::Tensor, 4> gradients;
  for (size_t i = 0, next = 0; i < 4; ++i)
    if (wanted[i])
      gradients[i] = out[next++];
  return {gradients[0], gradients[1], gradients[2], gradients[3]};
}

struct LinearNode : torch::autograd::Function<LinearNode> {
  static variable_list forward(AutogradContext *context, const Variable &x, const Variable &weight,
                               const OptionalTensor &bias, const OptionalTensor &range, const OptionalTensor &key,
                               const Variable &scalars, const std::string &config, bool save) {
    // Positions among the outputs of backward: x, weight, bias, range.
    context->saved_data["wanted"] =
        std::vector<bool>{x.requires_grad(), weight.requires_grad(), wantsGradient(bias), wantsGradient(range)};
    at::AutoDispatchBelowADInplaceOrView below;
    auto [y, saturation, rowRange] = analogLinear(x, weight, bias, range, key, scalars, config, /*save=*/true);
    context->save_for_backward({x, weight, orUndefined(range), orUndefined(key), scalars, saturation, rowRange});
    context->saved_data["config"] = config;
    context->mark_non_differentiable({saturation, rowRange});
    return {y, saturation, rowRange};
  }

  static variable_list backward(AutogradContext *context, variable_list grads) {
    variable_list gradients(8);
    if (!grads[0].defined())
      return gradients;
    std::vector<bool> asked = context->saved_data["wanted"].toBoolList().vec();
    std::array<bool, 4> wanted{asked[0], asked[1], asked[2], asked[3]};
    variable_list saved = context->get_saved_variables();
    std::tie(gradients[0], gradients[1], gradients[2], gradients[3]) =
        analogLinearBackward(grads[0], saved[0], saved[1], orNothing(saved[2]), orNothing(saved[3]), saved[4], saved[5],
                             saved[6], context->saved_data["config"].toStringRef(), wanted);
    return gradients;
  }
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> forwardWithGraph(const at::Tensor &x, const at::Tensor &weight,
                                                                const OptionalTensor &bias, const OptionalTensor &range,
                                                                const OptionalTensor &key, const at::Tensor &scalars,
                                                                c10::string_view config, bool save) {
  bool any = x.requires_grad() || weight.requires_grad() || wantsGradient(bias) || wantsGradient(range);
  if (!at::GradMode::is_enabled() || !any) {
    at::AutoDispatchBelowADInplaceOrView below;
    return analogLinear(x, weight, bias, range, key, scalars, std::string(config), save);
  }
  variable_list out = LinearNode::apply(x, weight, bias, range, key, scalars, std::string(config), save);
  return {out[0], out[1], out[2]};
}

/// Autocast: the layer computes in float32. Ranges and the key keep their types: a cast would change what they mean.
template <c10::DeviceType device>
std::tuple<at::Tensor, at::Tensor, at::Tensor>
autocastForward(const at::Tensor &x, const at::Tensor &weight, const OptionalTensor &bias, const OptionalTensor &range,
                const OptionalTensor &key, const at::Tensor &scalars, c10::string_view config, bool save) {
  c10::impl::ExcludeDispatchKeyGuard off(at::autocast::get_autocast_dispatch_key_from_device_type(device));
  auto cast = [](const at::Tensor &t) { return at::autocast::cached_cast(at::kFloat, t, device); };
  OptionalTensor castBias = bias && bias->defined() ? OptionalTensor(cast(*bias)) : std::nullopt;
  return analogLinear(cast(x), cast(weight), castBias, range, key, scalars, std::string(config), save);
}

} // namespace

TORCH_LIBRARY_IMPL(mho, Autograd, m) {
  m.impl("analog_linear", forwardWithGraph);
  m.impl("analog_linear_backward", backwardWithGraph);
}
TORCH_LIBRARY_IMPL(mho, AutocastCPU, m) { m.impl("analog_linear", autocastForward<at::kCPU>); }
TORCH_LIBRARY_IMPL(mho, AutocastCUDA, m) { m.impl("analog_linear", autocastForward<at::kCUDA>); }

} // namespace mho::ops

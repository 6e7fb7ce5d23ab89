// Autograd and autocast of the dispatcher ops.
#include "frontends/torch/ops/Ops.h"
#include "frontends/torch/ops/Shapes.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/library.h>

#include <algorithm>

namespace mho::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

bool isDefined(const OptionalTensor &tensor) { return tensor && tensor->defined(); }

bool wantsGradient(const OptionalTensor &tensor) { return isDefined(tensor) && tensor->requires_grad(); }

/// Forward-mode derivatives do not exist: without this check a tangent would be dropped in silence.
template <class Tensors = std::initializer_list<OptionalTensor>> void refuseTangents(const Tensors &tensors) {
  for (const auto &tensor : tensors)
    TORCH_CHECK_NOT_IMPLEMENTED(!torch::autograd::isFwGradDefined(tensor),
                                "mho::analog_linear has no forward-mode derivative: an input carries a tangent; use "
                                "reverse mode (backward()), or detach the input");
}

at::Tensor orUndefined(const OptionalTensor &tensor) { return tensor.value_or(at::Tensor()); }

OptionalTensor orNothing(const at::Tensor &tensor) { return tensor.defined() ? OptionalTensor(tensor) : std::nullopt; }

bool anyWantsGradient(at::TensorList tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const at::Tensor &t) { return t.requires_grad(); });
}

/// The backward op as a node of the graph, so that a second derivative is an error and not a silent zero. It yields the
/// wanted gradients only: a node has no undefined outputs.
struct LinearBackwardNode : torch::autograd::Function<LinearBackwardNode> {
  static variable_list forward(AutogradContext *, const Variable &grad, const Variable &x, const Variable &weight,
                               const OptionalTensor &range, const OptionalTensor &key, const Variable &scalars,
                               const Variable &saturation, const Variable &rowRange, const std::string &config,
                               std::array<bool, 4> wanted, at::TensorList effects, at::IntArrayRef effectsWanted) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dweight, dbias, drange, deffects] = analogLinearBackward(
        grad, x, weight, range, key, scalars, saturation, rowRange, config, wanted, effects, effectsWanted);
    variable_list out;
    for (const at::Tensor &gradient : {dx, dweight, dbias, drange})
      if (gradient.defined())
        out.push_back(gradient);
    out.insert(out.end(), deffects.begin(), deffects.end());
    return out;
  }
  static variable_list backward(AutogradContext *, variable_list) {
    TORCH_CHECK_NOT_IMPLEMENTED(false, "mho::analog_linear has no second derivative: its gradient is a surrogate of "
                                       "rounding and clamping; use create_graph=False");
  }
};

Gradients backwardWithGraph(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight,
                            const OptionalTensor &range, const OptionalTensor &key, const at::Tensor &scalars,
                            const at::Tensor &saturation, const at::Tensor &rowRange, c10::string_view config,
                            std::array<bool, 4> wanted, OptionalTensors optionalEffects,
                            at::IntArrayRef effectsWanted) {
  at::TensorList effects = listOf(optionalEffects);
  refuseTangents({grad, x, weight, range});
  refuseTangents(effects);
  bool any = grad.requires_grad() || x.requires_grad() || weight.requires_grad() || wantsGradient(range) ||
             anyWantsGradient(effects);
  bool none = wanted == std::array<bool, 4>{} && effectsWanted.empty();
  if (!at::GradMode::is_enabled() || !any || none) {
    at::AutoDispatchBelowADInplaceOrView below;
    return analogLinearBackward(grad, x, weight, range, key, scalars, saturation, rowRange, std::string(config), wanted,
                                effects, effectsWanted);
  }
  wanted[3] = wanted[3] && isDefined(range);
  variable_list out = LinearBackwardNode::apply(grad, x, weight, range, key, scalars, saturation, rowRange,
                                                std::string(config), wanted, effects, effectsWanted);
  std::array<at::Tensor, 4> gradients;
  size_t next = 0;
  for (size_t i = 0; i < 4; ++i)
    if (wanted[i])
      gradients[i] = out[next++];
  return {gradients[0], gradients[1], gradients[2], gradients[3],
          variable_list(out.begin() + int64_t(next), out.end())};
}

struct LinearNode : torch::autograd::Function<LinearNode> {
  static variable_list forward(AutogradContext *context, const Variable &x, const Variable &weight,
                               const OptionalTensor &bias, const OptionalTensor &range, const OptionalTensor &key,
                               const Variable &scalars, const std::string &config, at::TensorList effects) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [y, saturation, rowRange] = analogLinear(x, weight, bias, range, key, scalars, config, /*save=*/true, effects);
    variable_list saved{x, weight, orUndefined(range), orUndefined(key), scalars, saturation, rowRange};
    saved.insert(saved.end(), effects.begin(), effects.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["config"] = config;
    context->saved_data["has_bias"] = isDefined(bias);
    context->saved_data["has_key"] = isDefined(key);
    context->mark_non_differentiable({saturation, rowRange});
    return {y, saturation, rowRange};
  }

  /// Which of x, weight, bias, range, and which tensors of effects, this backward pass is asked for: known only now
  /// (autograd.grad names its inputs). The node has one edge for each tensor argument that was there, in their order.
  static std::pair<std::array<bool, 4>, std::vector<int64_t>> wantedNow(const AutogradContext *context, bool hasRange,
                                                                        size_t effects) {
    std::array<bool, 4> present{true, true, context->saved_data.at("has_bias").toBool(), hasRange}, wanted{};
    size_t edge = 0;
    for (size_t i = 0; i < present.size(); ++i)
      if (present[i])
        wanted[i] = context->needs_input_grad(edge++);
    edge += context->saved_data.at("has_key").toBool() + 1; // and the scalars
    std::vector<int64_t> effectsWanted;
    for (size_t i = 0; i < effects; ++i)
      if (context->needs_input_grad(edge + i))
        effectsWanted.push_back(int64_t(i));
    return {wanted, effectsWanted};
  }

  static variable_list backward(AutogradContext *context, variable_list grads) {
    variable_list saved = context->get_saved_variables();
    at::TensorList effects = at::TensorList(saved).slice(kSavedBeforeEffects);
    variable_list gradients(kArguments + effects.size()); // one for each argument of forward
    if (!grads[0].defined())
      return gradients;
    OptionalTensor range = orNothing(saved[2]);
    auto [wanted, effectsWanted] = wantedNow(context, isDefined(range), effects.size());
    auto [dx, dweight, dbias, drange, deffects] =
        analogLinearBackward(grads[0], saved[0], saved[1], range, orNothing(saved[3]), saved[4], saved[5], saved[6],
                             context->saved_data["config"].toStringRef(), wanted, effects, effectsWanted);
    gradients[0] = dx, gradients[1] = dweight, gradients[2] = dbias, gradients[3] = drange;
    for (size_t i = 0; i < deffects.size(); ++i)
      gradients[kArguments + effectsWanted[i]] = deffects[i];
    return gradients;
  }

private:
  static constexpr size_t kSavedBeforeEffects = 7, kArguments = 7;
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> forwardWithGraph(const at::Tensor &x, const at::Tensor &weight,
                                                                const OptionalTensor &bias, const OptionalTensor &range,
                                                                const OptionalTensor &key, const at::Tensor &scalars,
                                                                c10::string_view config, bool save,
                                                                OptionalTensors optionalEffects) {
  at::TensorList effects = listOf(optionalEffects);
  TORCH_CHECK_VALUE(!scalars.requires_grad(), "mho::analog_linear: scalars have no gradient; pass scalars.detach()");
  refuseTangents({x, weight, bias, range});
  refuseTangents(effects);
  bool any = x.requires_grad() || weight.requires_grad() || wantsGradient(bias) || wantsGradient(range) ||
             anyWantsGradient(effects);
  if (!at::GradMode::is_enabled() || !any) {
    at::AutoDispatchBelowADInplaceOrView below;
    return analogLinear(x, weight, bias, range, key, scalars, std::string(config), save, effects);
  }
  variable_list out = LinearNode::apply(x, weight, bias, range, key, scalars, std::string(config), effects);
  return {out[0], out[1], out[2]};
}

/// Autocast: x, weight and bias are stored in its type, as those of nn.Linear; the layer computes in float32 all the
/// same. Ranges, the tensors of effects and the key keep their types: a cast would change what they mean.
template <c10::DeviceType device>
std::tuple<at::Tensor, at::Tensor, at::Tensor>
autocastForward(const at::Tensor &x, const at::Tensor &weight, const OptionalTensor &bias, const OptionalTensor &range,
                const OptionalTensor &key, const at::Tensor &scalars, c10::string_view config, bool save,
                OptionalTensors effects) {
  c10::impl::ExcludeDispatchKeyGuard off(at::autocast::get_autocast_dispatch_key_from_device_type(device));
  at::ScalarType type = at::autocast::get_autocast_dtype(device);
  auto cast = [&](const at::Tensor &t) { return at::autocast::cached_cast(type, t, device); };
  OptionalTensor castBias = isDefined(bias) ? OptionalTensor(cast(*bias)) : std::nullopt;
  return analogLinear(cast(x), cast(weight), castBias, range, key, scalars, std::string(config), save, listOf(effects));
}

} // namespace

TORCH_LIBRARY_IMPL(mho, Autograd, m) {
  m.impl("analog_linear", forwardWithGraph);
  m.impl("analog_linear_backward", backwardWithGraph);
}
TORCH_LIBRARY_IMPL(mho, AutocastCPU, m) { m.impl("analog_linear", autocastForward<at::kCPU>); }
TORCH_LIBRARY_IMPL(mho, AutocastCUDA, m) { m.impl("analog_linear", autocastForward<at::kCUDA>); }

} // namespace mho::ops

// A layer's op against the evaluator, which runs on the same tensors without torch's op.
#pragma once

#include "frontends/torch/ops/Bridge.h"
#include "tests/frontends/effects.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>

namespace mho::nn {

/// What a layer computes on a backend, without torch's op: y and the gradients of x and weight at `grad`.
inline std::vector<torch::Tensor> onBackend(const std::string &backend, AnalogLinear &layer, const torch::Tensor &x,
                                            const torch::Tensor &key, const torch::Tensor &grad) {
  LinearSpec spec = layer->spec(layer->is_training());
  auto linear = Linear::get(spec, backend);
  TORCH_CHECK(linear, linear.message());
  std::vector<torch::Tensor> tensors;
  for (const EffectTensor &tensor : effectTensors(spec.effects)) {
    std::string name = tensor.name;
    std::replace(name.begin(), name.end(), '.', '_');
    auto parameters = layer->named_parameters();
    tensors.push_back(parameters.contains(name) ? parameters[name].detach() : layer->named_buffers()[name]);
  }
  std::vector<float> strengths;
  for (const EffectUse &use : spec.effects)
    for (const EffectStrength &strength : use.effect->strengths)
      strengths.push_back(float(layer->strength(use.name, strength.name)));
  int64_t sets = int64_t(spec.savedBits().size()), words = (layer->options.out_features() + 31) / 32;
  torch::Tensor weight = layer->weight.detach(), y = torch::empty({x.size(0), weight.size(0)});
  torch::Tensor saturation = torch::empty({sets * layer->tiles(), x.size(0), words}, torch::kInt);
  torch::Tensor dx = torch::empty_like(x), dweight = torch::empty_like(weight), range = layer->input_range;
  auto bind = [&](auto &args) {
    args.x = ops::refOf(x, "x"), args.weight = ops::refOf(weight, "weight");
    if (spec.inputRange == mho::InputRange::Given)
      args.range = ops::refOf(range.detach(), "range");
    if (spec.draws())
      args.key = ops::refOf(key, "key", at::kLong);
    if (sets)
      args.saturation = ops::refOf(saturation, "saturation", at::kInt);
    args.effects = ops::refsOf(tensors, spec);
    args.scalars = layer->config().scalars(layer->tiles());
    args.effectStrengths = strengths;
  };
  LinearForwardArgs forward;
  bind(forward);
  forward.y = ops::refOf(y, "y");
  ops::check((*linear)->forward(forward, {}), "forward");
  LinearBackwardArgs backward;
  bind(backward);
  backward.grad = ops::refOf(grad, "grad");
  backward.dx = ops::refOf(dx, "dx"), backward.dweight = ops::refOf(dweight, "dweight");
  ops::check((*linear)->backward(backward, {}), "backward");
  return {y, dx, dweight};
}

/// The layer's op against the evaluator. `tolerance` is relative to the largest element.
inline void expectEvaluator(AnalogLinear &layer, const torch::Tensor &values, double tolerance = 0) {
  torch::Tensor x = values.clone().requires_grad_(), key = keyOf(5);
  torch::Tensor y = layer->forwardWithKey(x, key), grad = whole(y.sizes(), 3);
  y.backward(grad);
  std::vector<torch::Tensor> expected = onBackend("reference", layer, values, key, grad);
  std::vector<torch::Tensor> actual{y.detach(), x.grad(), layer->weight.grad()};
  const char *names[] = {"y", "dx", "dweight"};
  for (size_t i = 0; i < actual.size(); ++i)
    if (tolerance > 0)
      EXPECT_LE((actual[i] - expected[i]).abs().max().item<double>(),
                tolerance * expected[i].abs().max().item<double>())
          << names[i];
    else
      EXPECT_TRUE(torch::equal(actual[i], expected[i])) << names[i];
}

} // namespace mho::nn

#include "bench/Interleave.h"

#include <ATen/Functions.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

namespace mho::bench {
namespace {

/// x W^T through oneDNN, in true fp32.
at::Tensor oneDnnLinear(const at::Tensor &x, const at::Tensor &w) {
  static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
  torch::jit::Stack stack{
      x, w, c10::IValue(), std::string("none"), c10::List<std::optional<at::Scalar>>(), c10::IValue()};
  op.callBoxed(stack);
  return stack[0].toTensor();
}

/// left right^T by each library.
Rivals product(const at::Tensor &left, const at::Tensor &right) {
  return {[=] { benchmark::DoNotOptimize(at::linear(left, right)); },
          [=] { benchmark::DoNotOptimize(oneDnnLinear(left, right)); }};
}

} // namespace

std::vector<Rivals> digitalProducts(const Layer &layer, bool withBackward) {
  const at::Tensor &x = layer.input(), &w = layer.weights(), &g = layer.outputGradient();
  std::vector<Rivals> products{product(x, w)};
  if (withBackward) {
    products.push_back(product(g, w.t()));     // dx
    products.push_back(product(g.t(), x.t())); // dW
  }
  return products;
}

double secondsOf(const Action &action) {
  using Clock = std::chrono::steady_clock;
  auto start = Clock::now();
  action();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void Interleaved::warmUp() const {
  for (const Action &action : actions)
    action();
}

void Interleaved::round() {
  for (size_t i = 0; i < actions.size(); ++i)
    times[i].push_back(secondsOf(actions[i]));
}

} // namespace mho::bench

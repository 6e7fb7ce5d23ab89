// Effects whose derivative reads the largest weight, in AnalogLinear: against the formula's own in plain loops.
#include "tests/frontends/effects.h"

#include <gtest/gtest.h>

namespace mho::nn {
namespace {

using torch::Tensor;

/// w a^2 / 4: its derivative is a^2 / 4, for the largest weight is a constant.
Effect relative(const std::string &name, const std::string &axes) {
  Effect effect = Effect::fromText("analog.effect @" + name + " on weight(%w) params(%a over (" + axes +
                                   R"()) surrogate(derived) {
    %quarter = arith.constant 0.25 : f32
    %b = arith.mulf %a, %a : f32
    %c = arith.mulf %b, %quarter : f32
    %r = arith.mulf %w, %c : f32
    analog.yield %r : f32
  })");
  return effect.bind("a", Effect::largestWeight());
}

/// What the effects make of a weight's element, of columns of a tile.
Tensor factorOf(const Tensor &w, const std::vector<std::string> &axes, int64_t tileRows) {
  std::vector<Tensor> factors;
  for (const Tensor &tile : w.abs().split(tileRows, 1)) {
    Tensor factor = torch::ones_like(tile);
    for (const std::string &over : axes) {
      Tensor largest = over == "t, n" ? tile.amax(1, /*keepdim=*/true) : tile.max();
      factor = factor * largest.square() / 4;
    }
    factors.push_back(factor);
  }
  return torch::cat(factors, 1);
}

struct Relative {
  const char *name;
  std::vector<std::string> axes;
  bool recomputes;
};

class WeightRange : public testing::TestWithParam<std::tuple<Relative, int64_t>> {};

/// Whole numbers and quarters: every sum is exact.
TEST_P(WeightRange, ScalesTheGradient) {
  const auto &[relatives, rows] = GetParam();
  const int64_t inputs = 40, outputs = 21, tileRows = 10;
  torch::manual_seed(5);
  std::vector<Effect> effects;
  for (const std::string &axes : relatives.axes)
    effects.push_back(relative("relative" + std::to_string(effects.size()), axes));
  if (relatives.recomputes)
    effects.push_back(Effect::fromText(R"(analog.effect @square on tile(%y) surrogate(derived) {
      %r = arith.mulf %y, %y : f32
      analog.yield %r : f32
    })"));
  AnalogLinear layer = layerOf(tiled(tileRows), effects, inputs, outputs);
  Tensor x = whole({rows, inputs}, 1).requires_grad_(), grad = whole({rows, outputs}, 1);
  torch::NoGradGuard guard;
  layer->weight.copy_(whole({outputs, inputs}, 2));
  Tensor factor = factorOf(layer->weight, relatives.axes, tileRows);
  Tensor w = (layer->weight * factor).detach();
  Tensor y = torch::zeros({rows, outputs}), dx = torch::zeros_like(x), dw = torch::zeros_like(w);
  for (int64_t k = 0; k < inputs; k += tileRows) {
    Tensor part = x.slice(1, k, k + tileRows), cells = w.slice(1, k, k + tileRows), a = part.matmul(cells.t());
    Tensor g = relatives.recomputes ? 2 * grad * a : grad;
    y += relatives.recomputes ? a.square() : a;
    dx.slice(1, k, k + tileRows).copy_(g.matmul(cells));
    dw.slice(1, k, k + tileRows).copy_(g.t().matmul(part));
  }
  torch::AutoGradMode mode(true);
  Tensor out = layer(x);
  EXPECT_TRUE(torch::equal(out, y));
  out.backward(grad);
  EXPECT_TRUE(torch::equal(x.grad(), dx));
  EXPECT_TRUE(torch::equal(layer->weight.grad(), dw * factor));
  EXPECT_EQ(layer->weight.grad().abs().max().item<float>() > 0, rows > 0);
}

INSTANTIATE_TEST_SUITE_P(
    Effects, WeightRange,
    testing::Combine(testing::Values(Relative{"Channel", {"t, n"}, false}, Relative{"Tensor", {"t"}, false},
                                     Relative{"Both", {"t, n", "t"}, false}, Relative{"Recomputed", {"t, n"}, true}),
                     testing::Values<int64_t>(0, 1, 5, 65)),
    [](const auto &info) { return std::get<0>(info.param).name + std::to_string(std::get<1>(info.param)); });

/// Noise before the effect is not differentiated through; the derivative is that at the weight without it.
TEST(WeightRange, OfANoisyWeight) {
  torch::manual_seed(6);
  AnalogConfig config = tiled(10);
  config.weightNoise = 0.25;
  Effect square = Effect::fromText(R"(analog.effect @square on weight(%w) surrogate(derived) {
    %r = arith.mulf %w, %w : f32
    analog.yield %r : f32
  })");
  AnalogLinear layer = layerOf(config, {square}, 20, 7);
  Tensor x = whole({9, 20}, 3), grad = whole({9, 7}, 3);
  {
    torch::NoGradGuard guard;
    layer->weight.copy_(whole({7, 20}, 4));
  }
  layer(x).backward(grad);
  torch::NoGradGuard guard;
  EXPECT_TRUE(torch::equal(layer->weight.grad(), 2 * layer->weight * grad.t().matmul(x)));
}

} // namespace
} // namespace mho::nn

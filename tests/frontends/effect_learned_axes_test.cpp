// Effects of one site that learn over different axes, beside each other and beside the range of the DAC.
#include "tests/frontends/effects.h"

#include <gtest/gtest.h>

namespace mho::nn {
namespace {

using torch::Tensor;

constexpr int64_t kInputs = 24, kOutputs = 11, kTileRows = 8, kTiles = 3;

/// v + o, with a learned o: its gradient is the sum of those of the elements.
Effect offset(const std::string &name, const std::string &site, const std::string &axes, const Tensor &value) {
  Effect effect = Effect::fromText("analog.effect @" + name + " on " + site + "(%v) params(%o over (" + axes +
                                   R"() learnable) surrogate(own) {
    %r = arith.addf %v, %o : f32
    analog.yield %r : f32
  } derivative {
  ^bb0(%o: f32, %v: f32, %g: f32):
    analog.yield %g : f32 reduce(%g : f32)
  } tail {
  ^bb0(%sum: f32, %o: f32):
    analog.yield %sum : f32
  })");
  return effect.bind("o", value);
}

Tensor gradientOf(AnalogLinear &layer, const std::string &name) { return layer->named_parameters()[name].grad(); }

/// Repeats a value per tile along the tile's inputs.
Tensor spread(const Tensor &perTile) { return perTile.repeat_interleave(kTileRows); }

/// Sums over the inputs of each tile: [T] of [K].
Tensor perTile(const Tensor &perInput) { return perInput.view({kTiles, kTileRows}).sum(1); }

class LearnedAxes : public testing::TestWithParam<int64_t> {
protected:
  LearnedAxes() { torch::manual_seed(7); }
  const int64_t rows = GetParam();
  Tensor x = whole({rows, kInputs}, 2), grad = whole({rows, kOutputs}, 2);
  Tensor tile = whole({kTiles}, 3), channel = whole({kOutputs}, 3), input = whole({kInputs}, 3), one = whole({}, 3);
};

TEST_P(LearnedAxes, OfAWeight) {
  AnalogLinear layer = layerOf(tiled(kTileRows),
                               {offset("a", "weight", "t", tile), offset("b", "weight", "n", channel),
                                offset("c", "weight", "", one), offset("d", "weight", "t", tile)},
                               kInputs, kOutputs);
  torch::NoGradGuard guard;
  layer->weight.copy_(whole({kOutputs, kInputs}, 2));
  Tensor w = layer->weight + 2 * spread(tile) + channel.unsqueeze(1) + one, dw = grad.t().matmul(x);
  torch::AutoGradMode mode(true);
  Tensor y = layer(x);
  EXPECT_TRUE(torch::equal(y, x.matmul(w.t())));
  y.backward(grad);
  EXPECT_TRUE(torch::equal(layer->weight.grad(), dw));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "a_o"), perTile(dw.sum(0))));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "b_o"), dw.sum(1)));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "c_o"), dw.sum()));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "d_o"), perTile(dw.sum(0))));
}

TEST_P(LearnedAxes, OfAnInput) {
  AnalogLinear layer =
      layerOf(tiled(kTileRows),
              {offset("a", "input", "t", tile), offset("b", "input", "k", input), offset("c", "input", "", one)},
              kInputs, kOutputs);
  torch::NoGradGuard guard;
  layer->weight.copy_(whole({kOutputs, kInputs}, 2));
  Tensor codes = x + spread(tile) + input + one, dx = grad.matmul(layer->weight);
  torch::AutoGradMode mode(true);
  Tensor y = layer(x);
  EXPECT_TRUE(torch::equal(y, codes.matmul(layer->weight.t())));
  y.backward(grad);
  EXPECT_TRUE(torch::equal(gradientOf(layer, "a_o"), perTile(dx.sum(0))));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "b_o"), dx.sum(0)));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "c_o"), dx.sum()));
}

TEST_P(LearnedAxes, OfATile) {
  AnalogLinear layer =
      layerOf(tiled(kTileRows),
              {offset("a", "tile", "t", tile), offset("b", "tile", "n", channel), offset("c", "tile", "", one)},
              kInputs, kOutputs);
  torch::NoGradGuard guard;
  layer->weight.copy_(whole({kOutputs, kInputs}, 2));
  Tensor sum = x.matmul(layer->weight.t()) + tile.sum() + kTiles * (channel + one);
  torch::AutoGradMode mode(true);
  Tensor y = layer(x);
  EXPECT_TRUE(torch::equal(y, sum));
  y.backward(grad);
  EXPECT_TRUE(torch::equal(gradientOf(layer, "a_o"), grad.sum().expand({kTiles})));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "b_o"), kTiles * grad.sum(0)));
  EXPECT_TRUE(torch::equal(gradientOf(layer, "c_o"), kTiles * grad.sum()));
}

INSTANTIATE_TEST_SUITE_P(Effects, LearnedAxes, testing::Values<int64_t>(0, 1, 5, 130));

/// Beside a DAC with learned ranges, which are per tile: an offset of all inputs has the sum of the gradients of one
/// per tile, and the ranges theirs.
TEST(LearnedAxes, BesideLearnedRanges) {
  std::vector<Tensor> offsets, ranges;
  for (std::string axes : {"t", ""}) {
    torch::manual_seed(8);
    AnalogConfig config = tiled(kTileRows);
    config.inputBits = 3;
    config.inputRange = InputRange::Learned;
    config.inputRangeFromData = 0; // 3 and 3 levels a side: whole numbers
    Tensor value = axes.empty() ? torch::tensor(1.0f) : torch::ones({kTiles});
    AnalogLinear layer = layerOf(config, {offset("a", "input", axes, value)}, kInputs, kOutputs);
    {
      torch::NoGradGuard guard;
      layer->weight.copy_(whole({kOutputs, kInputs}, 2));
    }
    layer(whole({9, kInputs}, 4)).backward(whole({9, kOutputs}, 2));
    offsets.push_back(gradientOf(layer, "a_o"));
    ranges.push_back(gradientOf(layer, "input_range"));
  }
  EXPECT_TRUE(torch::equal(offsets[0].sum(), offsets[1]));
  EXPECT_TRUE(torch::equal(ranges[0], ranges[1]));
  EXPECT_GT(ranges[0].abs().max().item<float>(), 0);
  EXPECT_NE(offsets[1].item<float>(), 0);
}

} // namespace
} // namespace mho::nn

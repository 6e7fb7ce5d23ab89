// Effects on the output of AnalogLinear, and the sums that effects on the tile give them.
#include "tests/frontends/effects.h"

#include <gmock/gmock.h>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

Effect gainOfOutput() {
  return Effect::fromText(R"(analog.effect @gain on output(%y) params(%g over (n)) surrogate(derived) {
    %r = arith.mulf %y, %g : f32
    analog.yield %r : f32
  })");
}

/// Three copies of the accumulator, of which two are 10 too large or too small: their sums' median is the first's.
Effect copies() {
  return Effect::fromText(R"(analog.effect @copies on tile(%y) strengths(%off = 10.0) surrogate(straight_through) {
    %up = arith.addf %y, %off : f32
    %down = arith.subf %y, %off : f32
    %zero = arith.constant 0.0 : f32
    analog.yield %zero, %y, %up, %down : f32, f32, f32, f32
  })");
}

Effect vote() {
  return Effect::fromText(R"(analog.effect @vote on output(%y) sums(%a, %b, %c) surrogate(straight_through) {
    %low = arith.minimumf %a, %b : f32
    %high = arith.maximumf %a, %b : f32
    %middle = arith.minimumf %high, %c : f32
    %median = arith.maximumf %low, %middle : f32
    %r = arith.addf %median, %y : f32
    analog.yield %r : f32
  })");
}

TEST(OutputEffect, ScalesTheSum) {
  torch::manual_seed(1);
  const int64_t inputs = 40, outputs = 21;
  Tensor gain = whole({outputs}, 3), x = whole({9, inputs}, 3).requires_grad_(), grad = whole({9, outputs}, 3);
  AnalogLinear layer = layerOf(tiled(16), {gainOfOutput().bind("g", gain)}, inputs, outputs);
  {
    torch::NoGradGuard guard;
    layer->weight.copy_(whole({outputs, inputs}, 3));
  }
  Tensor y = layer(x);
  y.backward(grad);
  torch::NoGradGuard guard;
  Tensor scaled = grad * gain;
  EXPECT_TRUE(torch::equal(y, x.matmul(layer->weight.t()) * gain));
  EXPECT_TRUE(torch::equal(x.grad(), scaled.matmul(layer->weight)));
  EXPECT_TRUE(torch::equal(layer->weight.grad(), scaled.t().matmul(x)));
}

TEST(OutputEffect, VotesOnSumsOverTheTiles) {
  torch::manual_seed(2);
  for (int64_t rows : {0, 1, 70}) {
    AnalogLinear layer(AnalogLinearOptions(40, 21).config(tiled(16)).effects({copies(), vote()}));
    Tensor x = whole({rows, 40}, 3).requires_grad_(), grad = whole({rows, 21}, 3);
    {
      torch::NoGradGuard guard;
      layer->weight.copy_(whole({21, 40}, 3));
      layer->bias.copy_(whole({21}, 3));
    }
    Tensor y = layer(x);
    EXPECT_TRUE(torch::equal(y, x.matmul(layer->weight.t()) + layer->bias));
    y.backward(grad);
    EXPECT_TRUE(torch::equal(layer->bias.grad(), grad.sum(0)));
    EXPECT_TRUE(torch::equal(x.grad(), grad.matmul(layer->weight))) << "straight through both";
    layer->setStrength("copies", "off", 0);
    EXPECT_TRUE(torch::equal(layer(x), y));
  }
}

TEST(OutputEffect, DrawsForEachOutputOnce) {
  Effect noise = Effect::fromText(R"(analog.effect @offset on output(%y) surrogate(straight_through) {
    %n = analog.normal map word : f32
    %r = arith.addf %y, %n : f32
    analog.yield %r : f32
  })");
  AnalogLinear layer = layerOf(tiled(16), {noise}, 40, 21);
  Tensor x = torch::zeros({500, 40}), grad = torch::ones({500, 21});
  x.requires_grad_();
  Tensor y = layer->forwardWithKey(x, keyOf(7));
  y.backward(grad);
  torch::NoGradGuard guard;
  // One draw each, though there are three tiles: a standard deviation of 1 (10500 draws: +-.035 are five errors).
  EXPECT_NEAR(y.std().item<double>(), 1, 0.035);
  EXPECT_TRUE(torch::equal(x.grad(), grad.matmul(layer->weight)));
  EXPECT_TRUE(torch::equal(layer->forwardWithKey(x, keyOf(7)), y));
}

TEST(OutputEffect, RefusesWhatDoesNotFit) {
  EXPECT_THAT(refusal([] { layerOf(tiled(), {copies()}); }),
              HasSubstr("the effects on the tile yield 3 further values to be summed, and those on the output take 0"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {vote()}); }), HasSubstr("take 3 sums; the layer needs as many of both"));
  EXPECT_THAT(refusal([] {
                AnalogLinear(
                    AnalogLinearOptions(40, 21).config(tiled()).effect(gainOfOutput().bind("g", torch::ones({21}))));
              }),
              HasSubstr("the effect 'gain' on the output is not surrogate(straight_through), which a layer with a bias "
                        "needs; leave the bias out: AnalogLinearOptions(...).bias(false)"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {gainOfOutput().bind("g", torch::ones({21})).before("bias")}); }),
              HasSubstr("acts on the output, which the bias is part of; it cannot stand before it"));
}

} // namespace
} // namespace mho::nn

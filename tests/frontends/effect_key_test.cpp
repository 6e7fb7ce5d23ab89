// Effects that hold a key: faults of a chip stay while other noise is drawn anew.
#include "tests/frontends/effects.h"

#include <gmock/gmock.h>
#include <torch/serialize.h>
#include <torch/utils.h>

#include <sstream>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

/// A cell is 0 with the probability `rate`.
Effect deadCells() {
  return Effect::fromText(R"(analog.effect @dead on weight(%w) strengths(%rate = 0.25) surrogate(straight_through) {
    %zero = arith.constant 0.0 : f32
    %u = analog.uniform : f32
    %is = arith.cmpf olt, %u, %rate : f32
    %r = arith.select %is, %zero, %w : f32
    analog.yield %r : f32
  })");
}

/// A layer of weights 1000 with dead cells and little noise on the tile; one input at a time shows which cells are
/// dead.
AnalogLinear chip(const Effect &dead) {
  AnalogLinear layer = layerOf(tiled(), {dead, jitter("tile")});
  torch::NoGradGuard guard;
  layer->weight.fill_(1000);
  return layer;
}

Tensor readings(AnalogLinear &layer) {
  torch::NoGradGuard guard;
  return layer(torch::eye(40));
}

Tensor faults(AnalogLinear &layer) { return readings(layer) < 500; }

TEST(HeldKey, FaultsStayWhileOtherNoiseIsDrawnAnew) {
  torch::manual_seed(1);
  AnalogLinear layer = chip(deadCells().heldKey());
  Tensor first = readings(layer), second = readings(layer);
  EXPECT_FALSE(torch::equal(first, second)) << "noise of the tile";
  EXPECT_TRUE(torch::equal(first < 500, second < 500));
  // 840 cells: 5 standard deviations are 63.
  EXPECT_NEAR((first < 500).sum().item<double>(), 210, 63);
  AnalogLinear other = chip(deadCells().heldKey());
  EXPECT_FALSE(torch::equal(faults(other), faults(layer))) << "every layer is a chip of its own";
  AnalogLinear each = chip(deadCells());
  EXPECT_FALSE(torch::equal(faults(each), faults(each))) << "a key that is not held";
}

TEST(HeldKey, ASeedNamesTheChip) {
  AnalogLinear layer = chip(deadCells().heldKey(7)), same = chip(deadCells().heldKey(7)),
               other = chip(deadCells().heldKey(8));
  EXPECT_TRUE(torch::equal(layer->named_buffers()["dead_key"], keyOf(7)));
  EXPECT_TRUE(torch::equal(faults(layer), faults(same)));
  EXPECT_FALSE(torch::equal(faults(layer), faults(other)));
  layer->named_buffers()["dead_key"].copy_(keyOf(8));
  EXPECT_TRUE(torch::equal(faults(layer), faults(other))) << "the buffer is what the kernel reads";
}

TEST(HeldKey, IsSavedLoadedClonedAndKeepsItsType) {
  torch::manual_seed(2);
  AnalogLinear layer = chip(deadCells().heldKey());
  Tensor expected = faults(layer);
  std::stringstream file;
  torch::save(layer, file);
  AnalogLinear same = chip(deadCells().heldKey()), digital(AnalogLinearOptions(40, 21).bias(false));
  torch::load(same, file);
  EXPECT_TRUE(torch::equal(faults(same), expected));
  file.seekg(0);
  torch::load(digital, file);
  EXPECT_TRUE(torch::equal(faults(digital), expected)) << "the effects come with the archive";
  AnalogLinear copy(std::dynamic_pointer_cast<AnalogLinearImpl>(layer->clone()));
  EXPECT_TRUE(torch::equal(faults(copy), expected));
  layer->to(torch::kDouble);
  EXPECT_EQ(layer->named_buffers()["dead_key"].scalar_type(), torch::kLong);
}

TEST(HeldKey, ActsInEvaluationToo) {
  AnalogLinear layer = chip(deadCells().heldKey(7));
  Tensor expected = faults(layer);
  layer->eval();
  EXPECT_TRUE(torch::equal(faults(layer), expected)) << "a chip keeps its faults";
  EXPECT_TRUE(torch::equal(readings(layer), readings(layer))) << "without noise";
  AnalogLinear never = chip(deadCells().heldKey(7).inEvaluation(false));
  never->eval();
  EXPECT_FALSE(faults(never).any().item<bool>());
}

/// y is linear in x and in W, so that sum g y = sum x dx = sum W dW.
TEST(HeldKey, BackwardDrawsTheSame) {
  torch::manual_seed(3);
  Effect gain = Effect::fromText(R"(analog.effect @spread on tile(%y) surrogate(derived) {
    %u = analog.uniform : f32
    %r = arith.mulf %y, %u : f32
    analog.yield %r : f32
  })");
  AnalogLinear layer = layerOf(tiled(), {gain.heldKey()});
  Tensor x = torch::randn({9, 40}).requires_grad_(), g = torch::randn({9, 21}), y = layer(x);
  y.backward(g);
  double expected = (g * y).sum().item<double>();
  EXPECT_NEAR((x * x.grad()).sum().item<double>(), expected, 1e-4 * std::abs(expected));
  EXPECT_NEAR((layer->weight * layer->weight.grad()).sum().item<double>(), expected, 1e-4 * std::abs(expected));
}

TEST(HeldKey, RefusesWhatDoesNotFit) {
  EXPECT_THAT(refusal([] { gain("input", "k").heldKey(); }), HasSubstr("draws nothing, and has no use for a key"));
  Effect named = Effect::fromText(R"(analog.effect @e on weight(%w) params(%key over (k)) surrogate(straight_through) {
    %n = analog.normal : f32
    %r = math.fma %n, %key, %w : f32
    analog.yield %r : f32
  })");
  EXPECT_THAT(refusal([&] { layerOf(tiled(), {named.bind("key", 1).heldKey()}); }),
              HasSubstr("has a parameter 'key', as the key of its own would be called"));
}

} // namespace
} // namespace mho::nn

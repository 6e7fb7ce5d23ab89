// Effects that are text in AnalogLinear: strengths, when they act, errors, saving and moving.
#include "tests/frontends/effects.h"

#include <gmock/gmock.h>
#include <torch/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace mho::nn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using torch::Tensor;

//===-- strengths and modes ---------------------------------------------------------------------------------------===//

TEST(Effect, StrengthsChangeWithoutAnotherKernel) {
  AnalogLinear layer = layerOf(tiled(), {reram()});
  Tensor x = torch::eye(40), key = keyOf(9);
  std::string before = layer->spec(true).canonical();
  Tensor weaker = layer->forwardWithKey(x, key) - layer->weight.t();
  layer->setStrength("reram_noise", "s", 2);
  EXPECT_EQ(layer->spec(true).canonical(), before) << "kernels are known by this text";
  EXPECT_TRUE(torch::allclose(layer->forwardWithKey(x, key) - layer->weight.t(), 2 * weaker, 1e-4, 1e-6));
  EXPECT_EQ(layer->strength("reram_noise", "s"), 2);
  EXPECT_THAT(refusal([&] { layer->setStrength("reram_noise", "t", 2); }), HasSubstr("no strength 't'; it has 's'"));
  EXPECT_THAT(refusal([&] { layer->setStrength("noise", "s", 2); }),
              HasSubstr("no effect 'noise'; it has 'reram_noise'"));
  EXPECT_THAT(refusal([&] { layer->setStrength("reram_noise", "s", NAN); }), HasSubstr("expected a finite number"));
}

TEST(Effect, ABackwardPassHasTheStrengthsOfItsForwardPass) {
  AnalogLinear layer = layerOf(tiled(), {gain("input", "k").bind("a", 1), tileClip().strength("bound", 1)});
  Tensor x = torch::randn({5, 40}), y = layer(x);
  Tensor expected = torch::autograd::grad({y.sum()}, {layer->weight}, {}, /*retain_graph=*/true)[0];
  layer->setStrength("tile_clip", "bound", 100);
  EXPECT_TRUE(torch::equal(torch::autograd::grad({y.sum()}, {layer->weight})[0], expected));
}

TEST(Effect, NoiseBelongsToTraining) {
  torch::manual_seed(8);
  Tensor x = torch::randn({3, 40});
  AnalogLinear layer = layerOf(tiled(), {reram(), gain("input", "k").bind("a", 2)});
  layer->eval();
  EXPECT_TRUE(torch::allclose(layer(x), (2 * x).mm(layer->weight.t()), 1e-5, 1e-5)) << "the gain stays";
  AnalogLinear always = layerOf(tiled(), {reram().inEvaluation(true)});
  always->eval();
  EXPECT_FALSE(torch::equal(always(x), always(x)));
  AnalogLinear never = layerOf(tiled(), {gain("input", "k").bind("a", 2).inEvaluation(false)});
  never->eval();
  EXPECT_TRUE(torch::allclose(never(x), x.mm(never->weight.t()), 1e-5, 1e-5));
  AnalogConfig noisy = tiled();
  noisy.noiseInEval = true;
  layer->setConfig(noisy);
  EXPECT_FALSE(torch::equal(layer(x), layer(x)));
  noisy.perfect = true;
  layer->setConfig(noisy);
  EXPECT_TRUE(torch::allclose(layer(x), x.mm(layer->weight.t()), 1e-5, 1e-5));
}

TEST(Effect, StreamsThatMeet) {
  Effect first = jitter(), second = jitter().named("other").streams({first.spec().drawStreams()});
  std::string said = refusal([&] { layerOf(tiled(), {first, second}); });
  EXPECT_THAT(said,
              AllOf(HasSubstr("'jitter' and 'other' both draw from stream"), HasSubstr("Effect::streams({...})")));
  EXPECT_THAT(refusal([&] { layerOf(tiled(), {first, first}); }), HasSubstr("two effects are called 'jitter'"));
  AnalogLinear both = layerOf(tiled(), {first, jitter().named("other")}),
               moved = layerOf(tiled(), {jitter().streams({70})});
  Tensor x = torch::eye(40), key = keyOf(2);
  both->setStrength("other", "s", 0);
  both->weight.data().zero_();
  moved->weight.data().zero_();
  Tensor alone = both->forwardWithKey(x, key);
  both->setStrength("other", "s", 0.5);
  EXPECT_FALSE(torch::equal(both->forwardWithKey(x, key), 2 * alone)) << "draws of its own";
  EXPECT_FALSE(torch::equal(moved->forwardWithKey(x, key), alone));
  EXPECT_THAT(refusal([&] { layerOf(tiled(), {jitter().streams({7})}); }), HasSubstr("stream 7; expected 64 to 255"));
  EXPECT_THAT(refusal([&] { layerOf(tiled(), {jitter().streams({70, 71})}); }),
              HasSubstr("draws 1 numbers, and has 2"));
}

//===-- errors ----------------------------------------------------------------------------------------------------===//

TEST(Effect, ErrorsPointIntoTheText) {
  EXPECT_THAT(refusal([] { Effect::fromText("analog.effect @e on weight(%w)\n  surrogate(derivd) {}"); }),
              AllOf(StartsWith("<effect text>:2:13: "), HasSubstr("got 'derivd'")));
  EXPECT_THAT(refusal([] {
                Effect::fromText("analog.effect @e on weight(%w) surrogate(derived) {\n"
                                 "  %r = arith.maxsi %w, %w : f32\n  analog.yield %r : f32\n}");
              }),
              StartsWith("<effect text>:2:"));
  std::string path = (std::filesystem::temp_directory_path() / "mho-effect-test.mlir").string();
  std::ofstream(path) << "// A comment.\nanalog.effect @e on weight(%w) surrogate(derived) {\n"
                         "  %r = math.cos %w : f32\n  analog.yield %r : f32\n}\n";
  EXPECT_THAT(refusal([&] { Effect::fromFile(path); }), AllOf(StartsWith(path + ":3:8: "), HasSubstr("math.cos")));
  std::filesystem::remove(path);
  EXPECT_THAT(refusal([&] { Effect::fromFile(path); }), HasSubstr("cannot read the effect's file '" + path + "'"));
}

TEST(Effect, WhatIsNotThere) {
  std::string two = "analog.effect @a on weight(%w) surrogate(derived) { analog.yield %w : f32 }\n"
                    "analog.effect @b on input(%x) surrogate(derived) { analog.yield %x : f32 }\n";
  EXPECT_THAT(refusal([&] { Effect::fromText(two); }), HasSubstr("expected the name of one of its effects: @a, @b"));
  EXPECT_THAT(refusal([&] { Effect::fromText(two, "c"); }), HasSubstr("(@a, @b), got 'c'"));
  EXPECT_EQ(Effect::fromText(two, "b").site(), EffectSite::Input);
  EXPECT_THAT(refusal([] { Effect::fromText(""); }), HasSubstr("expected an analog.effect, found none"));
  EXPECT_THAT(refusal([] { reram().bind("b", 1); }), HasSubstr("'reram_noise' has no parameter 'b'; it has 'a'"));
  EXPECT_THAT(refusal([] { reram().strength("t", 1); }), HasSubstr("has no strength 't'; it has 's'"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {Effect::fromFile(kExamples + "reram_noise.mlir")}); }),
              HasSubstr("'a' of the effect 'reram_noise' is bound to nothing"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {learnedClip(torch::ones({2}))}); }),
              HasSubstr("'bound' of the effect 'learned_clip' has shape [2], and this layer needs [3]"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {learnedClip(Effect::largestWeight())}); }),
              HasSubstr("is learnable, and the largest weight is a constant"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {gain("input", "m").bind("a", 1)}); }), HasSubstr("over the rows (m)"));
  EXPECT_THAT(refusal([] { layerOf(tiled(), {jitter().named("adc")}); }), HasSubstr("'adc' is a built-in effect"));
  Effect range = Effect::fromText("analog.effect @input on input(%x) params(%range over (k)) surrogate(derived) {\n"
                                  "  analog.yield %x : f32\n}");
  EXPECT_THAT(refusal([&] { layerOf(tiled(), {range.bind("range", 1)}); }),
              HasSubstr("two tensors called 'input_range'"));
}

//===-- state -----------------------------------------------------------------------------------------------------===//

TEST(Effect, SavesAndLoads) {
  AnalogLinear layer = layerOf(tiled(), {learnedClip(1.5), reram(), gain("weight", "n").bind("a", 2)});
  layer->setStrength("reram_noise", "s", 0.1);
  layer->named_parameters()["learned_clip_bound"].data()[1] = 7;
  Tensor x = torch::randn({5, 40}), key = keyOf(4), expected = layer->forwardWithKey(x, key);
  AnalogLinear digital(AnalogLinearOptions(40, 21).bias(false));
  loadFrom(digital, saved(layer));
  EXPECT_TRUE(digital->missingKeys().empty());
  EXPECT_TRUE(torch::equal(digital->forwardWithKey(x, key), expected)) << "the archive brings the effects";
  EXPECT_EQ(digital->strength("reram_noise", "s"), layer->strength("reram_noise", "s"));
  AnalogLinear same = layerOf(tiled(), {learnedClip(3), reram(), gain("weight", "n").bind("a", 5)});
  loadFrom(same, saved(layer));
  EXPECT_TRUE(torch::equal(same->forwardWithKey(x, key), expected));
  // What the archive lacks keeps its value and is named; what would be lost is an error.
  AnalogLinear plain = layerOf(tiled(), {});
  loadFrom(same, saved(plain));
  EXPECT_THAT(same->missingKeys(), ElementsAre("learned_clip_bound", "gain_a"));
  Tensor before = plain->weight.clone();
  EXPECT_THAT(errorOf([&] { loadFrom(plain, saved(layer)); }),
              HasSubstr("the tensor 'learned_clip.bound' of an effect"));
  EXPECT_TRUE(torch::equal(plain->weight, before));
}

TEST(Effect, ClonesAndMoves) {
  AnalogLinear layer = layerOf(tiled(), {learnedClip(1.5), reram(), gain("weight", "n").bind("a", 2)});
  layer->named_parameters()["learned_clip_bound"].data()[0] = 7;
  layer->setStrength("reram_noise", "s", 0.1);
  Tensor x = torch::randn({5, 40}), key = keyOf(4), expected = layer->forwardWithKey(x, key);
  auto copy = std::dynamic_pointer_cast<AnalogLinearImpl>(layer->clone());
  EXPECT_TRUE(torch::equal(copy->forwardWithKey(x, key), expected));
  copy->named_parameters()["learned_clip_bound"].data().fill_(0);
  EXPECT_TRUE(torch::equal(copy->forwardWithKey(x, key), torch::zeros({5, 21}))) << "its own tensor acts";
  EXPECT_TRUE(torch::equal(layer->forwardWithKey(x, key), expected));
  layer->to(torch::kDouble);
  EXPECT_EQ(layer->weight.scalar_type(), torch::kDouble);
  EXPECT_EQ(layer->named_parameters()["learned_clip_bound"].scalar_type(), torch::kFloat);
  layer->to(torch::kFloat);
  EXPECT_TRUE(torch::equal(layer->forwardWithKey(x, key), expected));
}

TEST(Effect, IsPrinted) {
  std::ostringstream text;
  text << layerOf(tiled(), {reram().strength("s", 2), learnedClip(1)});
  EXPECT_THAT(text.str(), HasSubstr("reram_noise(a=largest_weight, s=2), learned_clip(bound=tensor)"));
}

TEST(Effect, ConvertsANetwork) {
  torch::nn::Sequential network(torch::nn::Linear(40, 30), torch::nn::ReLU(), torch::nn::Linear(30, 10));
  EXPECT_THAT(refusal([&] { convert_to_analog(*network, tiled(), nullptr, {learnedClip(torch::ones({3}))}); }),
              HasSubstr("has shape [3], and this layer needs [2]"));
  EXPECT_TRUE(analogLayers(*network).empty()) << "nothing was changed";
  convert_to_analog(*network, tiled(), nullptr, {learnedClip(1), reram()});
  ASSERT_EQ(analogLayers(*network).size(), 2);
  EXPECT_EQ(network->named_parameters()["0.learned_clip_bound"].sizes(), at::IntArrayRef({3}));
  EXPECT_EQ(network->named_parameters()["2.learned_clip_bound"].sizes(), at::IntArrayRef({2}));
  network->forward(torch::randn({4, 40})).sum().backward();
  EXPECT_TRUE(network->named_parameters()["0.learned_clip_bound"].grad().defined());
}

} // namespace
} // namespace mho::nn

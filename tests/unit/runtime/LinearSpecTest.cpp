// The layer's spec as text.
#include "runtime/LinearSpec.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::HasSubstr;

TEST(LinearSpec, CanonicalTextIsReadBack) {
  LinearSpec spec;
  EXPECT_EQ(spec.canonical(), "tile=balanced:0 range=none weight_scale=channel output_scale=channel");
  spec.tiling = TilingKind::Fixed;
  spec.tileRows = 256;
  spec.inputRange = InputRange::Dynamic;
  spec.quantizeInput = spec.quantizeWeight = spec.weightNoise = spec.dropConnect = spec.outputNoise = true;
  spec.adc = spec.bias = true;
  spec.weightScale = ScalePer::Tensor;
  EXPECT_EQ(spec.canonical(), "tile=fixed:256 range=dynamic weight_scale=tensor output_scale=channel dac weight_codes "
                              "weight_noise drop_connect output_noise adc adc_mask bias");
  std::string error;
  EXPECT_EQ(LinearSpec::parse(spec.canonical(), error), spec);
  EXPECT_EQ(error, "");
  spec.inputRange = InputRange::Given;
  spec.rangeGradient = RangeGradient::Lsq;
  spec.normals = NormalMap::Word;
  spec.noisyBackward = true;
  EXPECT_EQ(spec.canonical(), "tile=fixed:256 range=given weight_scale=tensor output_scale=channel range_gradient=lsq "
                              "normals=word dac weight_codes weight_noise drop_connect output_noise adc adc_mask "
                              "noisy_backward bias");
  EXPECT_EQ(LinearSpec::parse(spec.canonical(), error), spec);
  EXPECT_EQ(error, "");
}

TEST(LinearSpec, Storage) {
  LinearSpec spec, wide;
  for (auto [storage, word] : {std::pair(ElementType::F16, "f16"), {ElementType::BF16, "bf16"}}) {
    spec.storage = storage;
    EXPECT_EQ(spec.canonical(), wide.canonical() + " storage=" + word);
    EXPECT_FALSE(spec == wide);
    std::string error;
    EXPECT_EQ(LinearSpec::parse(spec.canonical(), error).storage, storage);
    EXPECT_EQ(error, "");
  }
}

TEST(LinearSpec, WhatNoEffectReadsMakesNoOtherKernel) {
  LinearSpec a, b;
  b.weightScale = b.outputScale = ScalePer::Tensor;
  b.maskSaturated = false;
  b.rangeGradient = RangeGradient::Paper;
  b.normals = NormalMap::Word;
  b.noisyBackward = true;
  b.tileRows = -3;
  EXPECT_EQ(a, b);
}

TEST(LinearSpec, WordsThatItDoesNotKnow) {
  for (const char *word : {"dacc", "range=sometimes", "tile=balanced", "tile=balanced:x", "tile=round:4", "colour=red",
                           "output_scale=row", "range_gradient=best", "normals=16", "storage=f64", "=", "dac=1"}) {
    std::string error;
    LinearSpec::parse(std::string("adc ") + word, error);
    EXPECT_THAT(error, HasSubstr("unknown word '" + std::string(word) + "'")) << word;
  }
}

TEST(LinearSpec, Contradictions) {
  LinearSpec spec;
  spec.adc = true;
  EXPECT_THAT(spec.validate(), HasSubstr("adc is relative to the input range"));
  spec.inputRange = InputRange::Given;
  EXPECT_EQ(spec.validate(), "");
}

TEST(LinearSpec, Tiles) {
  LinearSpec spec;
  spec.tileRows = 3;
  EXPECT_EQ(spec.tiles(0), 0);
  EXPECT_EQ(spec.tiles(3), 1);
  EXPECT_EQ(spec.tiles(7), 3);
  EXPECT_EQ(spec.tileBegin(7, 1), 3) << "3, 2, 2";
  EXPECT_EQ(spec.tileBegin(7, 2), 5);
  spec.tiling = TilingKind::Fixed;
  EXPECT_EQ(spec.tileBegin(7, 2), 6) << "3, 3, 1";
  EXPECT_EQ(spec.tileBegin(7, 3), 7);
  spec.tileRows = 0;
  EXPECT_EQ(spec.tiles(5000), 1);
}

/// An effect of one draw with a parameter and a strength, on a site.
EffectUse effectOn(const std::string &site, const std::string &name, const std::string &axes = "t") {
  auto text = EffectText::parse("analog.effect @" + name + " on " + site + "(%v) params(%a over (" + axes +
                                    ")) strengths(%s = 0.5) surrogate(straight_through) {\n"
                                    "  %n = analog.normal : f32\n  %g = arith.mulf %s, %a : f32\n"
                                    "  %r = math.fma %g, %n, %v : f32\n  analog.yield %r : f32\n}\n",
                                "a file.mlir", "");
  EXPECT_TRUE(text) << text.message();
  return EffectUse(*text);
}

TEST(LinearSpec, EffectsAreReadBack) {
  LinearSpec spec;
  spec.bias = true;
  spec.effects = {effectOn("weight", "first", "t, n"), effectOn("tile", "second"), effectOn("input", "third")};
  spec.effects[0].sources = {ParamSource::LargestWeight};
  spec.effects[0].name = "renamed";
  spec.effects[1].streams = {70};
  EXPECT_EQ(placeAt(spec.effects[1], "adc", /*after=*/true), "");
  EXPECT_EQ(spec.validate(), "");
  EXPECT_TRUE(spec.draws());
  std::string error;
  LinearSpec read = LinearSpec::parse(spec.canonical(), error);
  ASSERT_EQ(error, "");
  EXPECT_EQ(read, spec);
  ASSERT_EQ(read.effects.size(), 3);
  EXPECT_EQ(read.effects[0].effect->name, "first");
  EXPECT_EQ(read.effects[0].effect->source, "a file.mlir");
  EXPECT_EQ(read.effects[1].place, 2);
  ASSERT_EQ(read.effectStrengths().size(), 3);
  EXPECT_EQ(read.effectStrengths()[0].name, "renamed.s");
  EXPECT_EQ(read.effectStrengths()[0].value, 0.5f);
  ASSERT_EQ(effectTensors(read.effects).size(), 2);
  EXPECT_EQ(effectTensors(read.effects)[1].name, "third.a");
}

TEST(LinearSpec, EffectsThatAreNoText) {
  LinearSpec spec;
  spec.effects = {effectOn("weight", "noise")};
  const std::string whole = spec.canonical();
  auto problem = [](const std::string &text) {
    std::string error;
    LinearSpec::parse(text, error);
    return error;
  };
  EXPECT_THAT(problem(whole.substr(0, whole.size() - 1)), HasSubstr("the text of the effect 'noise' is cut off"));
  EXPECT_THAT(problem("dac\nnoise"), HasSubstr("expected a line that begins an effect, got 'noise'"));
  for (const char *word : {"of=", "at=before:", "params=", "source=", "text="}) {
    std::string changed = whole;
    changed.insert(changed.find(word) + std::string(word).size(), "x");
    EXPECT_NE(problem(changed), "") << word;
  }
  std::string broken = whole;
  broken.replace(broken.find("analog.normal"), 13, "analog.nothin");
  EXPECT_THAT(problem(broken), HasSubstr("a file.mlir:2:"));
}

TEST(LinearSpec, SavedBitsAreInTheOrderOfTheTile) {
  auto masked = [](const std::string &name) {
    auto text = EffectText::parse("analog.effect @" + name +
                                      " on tile(%y) surrogate(masked) {\n"
                                      "  %b = arith.cmpf ogt, %y, %y : f32\n  analog.yield %y : f32 bits(%b)\n}",
                                  kEffectSource, "");
    EXPECT_TRUE(text) << text.message();
    return EffectUse(*text);
  };
  LinearSpec spec;
  spec.inputRange = InputRange::Given;
  spec.adc = true;
  spec.effects = {masked("after"), masked("before"), effectOn("tile", "noise")};
  EXPECT_EQ(placeAt(spec.effects[0], "adc", /*after=*/true), "");
  EXPECT_THAT(spec.savedBits(), testing::ElementsAre("before", "adc", "after"));
  spec.maskSaturated = false;
  EXPECT_THAT(spec.savedBits(), testing::ElementsAre("before", "after"));
}

TEST(LinearScalars, PackAndUnpackAgree) {
  LinearScalars s;
  s.outputNoise = 3;
  s.rangeShare = 0.5f;
  EXPECT_EQ(LinearScalars::unpack(s.pack().data()).pack(), s.pack());
}

} // namespace
} // namespace mho

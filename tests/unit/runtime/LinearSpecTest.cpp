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
}

TEST(LinearSpec, WhatNoEffectReadsMakesNoOtherKernel) {
  LinearSpec a, b;
  b.weightScale = b.outputScale = ScalePer::Tensor;
  b.maskSaturated = false;
  b.tileRows = -3;
  EXPECT_EQ(a, b);
}

TEST(LinearSpec, WordsThatItDoesNotKnow) {
  for (const char *word : {"dacc", "range=sometimes", "tile=balanced", "tile=balanced:x", "tile=round:4", "colour=red",
                           "output_scale=row", "=", "dac=1"}) {
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

TEST(LinearScalars, PackAndUnpackAgree) {
  LinearScalars s;
  s.outputNoise = 3;
  s.rangeShare = 0.5f;
  EXPECT_EQ(LinearScalars::unpack(s.pack().data()).pack(), s.pack());
}

} // namespace
} // namespace mho

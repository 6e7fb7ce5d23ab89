// AnalogConfig: JSON both ways, impossible values, what a layer's spec becomes.
#include "tests/frontends/noisy_layer.h"

#include <gmock/gmock.h>

#include <cmath>

namespace mho::nn {
namespace {

using testing::HasSubstr;

std::string refusalOf(const std::string &json) {
  return refusal([&] { AnalogConfig::fromJson(json); });
}

TEST(AnalogConfig, JsonRoundTrip) {
  AnalogConfig config;
  config.tiling = Tiling::Fixed;
  config.tileRows = 256;
  config.inputRange = InputRange::Learned;
  config.inputBits = config.adcBits = 8;
  config.weightNoise = 0.1;
  config.dropConnect = 0.25;
  config.outputNoisePer = NoisePer::Layer;
  config.adcGradient = AdcGradient::StraightThrough;
  config.rangeGradient = RangeGradient::Lsq;
  config.normals = NormalMap::Word;
  config.noisyBackward = true;
  config.noiseInEval = true;
  config.clip = Clip::RowStd;
  AnalogConfig read = AnalogConfig::fromJson(config.toJson());
  EXPECT_EQ(read, config);
  EXPECT_EQ(read.dropConnect, 0.25);
  EXPECT_EQ(read.clip, Clip::RowStd);
  EXPECT_EQ(AnalogConfig::fromJson("{}"), AnalogConfig());
}

TEST(AnalogConfig, UnknownKeysAndWrongTypes) {
  EXPECT_THAT(refusalOf(R"({"tile_row": 3})"), HasSubstr("unknown key 'tile_row'; did you mean 'tile_rows'?"));
  EXPECT_THAT(refusalOf(R"({"tile_rows": 3.5})"), HasSubstr("tile_rows = 3.5 is impossible; expected a whole number"));
  EXPECT_THAT(refusalOf(R"({"weight_noise": "much"})"),
              HasSubstr(R"(weight_noise = "much" is impossible; expected a number)"));
  EXPECT_THAT(refusalOf(R"({"noise_in_eval": 1})"), HasSubstr("expected true or false"));
  EXPECT_THAT(refusalOf(R"({"clip": "std"})"), HasSubstr("expected one of none, layer_std, row_std, fixed"));
  EXPECT_THAT(refusalOf("[1]"), HasSubstr("expected a JSON object"));
}

TEST(AnalogConfig, MalformedTextsSayWhereAndWhy) {
  EXPECT_THAT(refusalOf("{\"clip\":"), HasSubstr("malformed JSON at byte 9"));
  EXPECT_THAT(refusalOf("{\"clip\":"), HasSubstr("unexpected end of input"));
  EXPECT_THAT(refusalOf(R"({"tile_rows": 12,})"), HasSubstr("malformed JSON at byte 18"));
  EXPECT_THAT(refusalOf(""), HasSubstr("malformed JSON"));
  EXPECT_THAT(refusalOf(R"({"weight_noise": 1e999})"), HasSubstr("'1e999'; keep numbers within the range of a double"));
  EXPECT_THAT(refusalOf(R"({"adc_bits": 0, "tile_rows": 5, "adc_bits": 8})"),
              HasSubstr("the key 'adc_bits' is given twice"));
}

TEST(AnalogConfig, ImpossibleValuesNameKeyValueAndRange) {
  EXPECT_THAT(refusalOf(R"({"input_bits": 1})"), HasSubstr("input_bits = 1 is impossible; allowed: 0 (none), 2 to 24"));
  EXPECT_THAT(refusalOf(R"({"adc_bits": 25})"), HasSubstr("adc_bits = 25"));
  EXPECT_THAT(refusalOf(R"({"weight_noise": -0.1})"), HasSubstr("weight_noise = -0.1 is impossible; allowed: 0 to"));
  EXPECT_THAT(refusalOf(R"({"drop_connect": 1.0})"),
              HasSubstr("drop_connect = 1 is impossible; allowed: 0 to below 1"));
  EXPECT_THAT(refusalOf(R"({"tile_rows": 18446744073709551615})"),
              HasSubstr("tile_rows = 18446744073709551615 is impossible; allowed: 0 to 1073741824"));
  EXPECT_THAT(refusalOf(R"({"input_range_from_data": 2000000000})"), HasSubstr("allowed: 0 to 1073741824"));
  EXPECT_THAT(refusalOf(R"({"tile_rows": -1})"), HasSubstr("tile_rows = -1"));
  EXPECT_THAT(refusalOf(R"({"clip_sigma": 0})"), HasSubstr("clip_sigma = 0"));
  AnalogConfig config;
  config.weightNoise = std::nan("");
  EXPECT_THAT(config.problem(), HasSubstr("weight_noise = nan"));
}

TEST(AnalogConfig, Contradictions) {
  EXPECT_THAT(refusalOf(R"({"input_bits": 8})"), HasSubstr("input_bits = 8 needs an input range"));
  EXPECT_THAT(refusalOf(R"({"adc_bits": 8})"), HasSubstr("adc_bits = 8 needs an input range"));
  EXPECT_THAT(refusalOf(R"({"output_noise": 0.1})"), HasSubstr("output_noise = 0.1 is relative to the input range"));
  EXPECT_THAT(refusalOf(R"({"input_range": "learned"})"), HasSubstr("input_range = learned needs input_bits"));
  EXPECT_EQ(refusalOf(R"({"weight_noise": 0.1, "weight_scale": "per_tensor"})"), "no error");
  EXPECT_EQ(refusalOf(R"({"input_range": "dynamic", "adc_bits": 8, "output_scale": "per_tensor"})"), "no error");
}

TEST(AnalogConfig, NoiseBelongsToTraining) {
  AnalogConfig config;
  config.inputRange = InputRange::Fixed;
  config.inputBits = config.adcBits = 8;
  config.weightNoise = config.outputNoise = config.dropConnect = 0.1;
  EXPECT_TRUE(config.spec(true, false).draws());
  EXPECT_FALSE(config.spec(false, false).draws());
  EXPECT_TRUE(config.spec(false, false).adc) << "converters stay";
  config.noiseInEval = true;
  EXPECT_EQ(config.spec(false, true), config.spec(true, true));
  config.perfect = true;
  EXPECT_EQ(config.spec(true, false), LinearSpec());
}

TEST(AnalogConfig, TilesOfAPerfectLayer) {
  AnalogConfig config;
  config.tiling = Tiling::Fixed;
  config.tileRows = 16;
  config.perfect = true;
  EXPECT_EQ(config.tiles(40), 3);
  EXPECT_EQ(config.tileBegin(40, 2), 32);
}

TEST(AnalogConfig, NamesOfClips) {
  EXPECT_EQ(clipNamed("row_std"), Clip::RowStd);
  EXPECT_EQ(clipNamed("std"), std::nullopt);
  EXPECT_EQ(clipNames(), "none, layer_std, row_std, fixed");
}

TEST(AnalogConfig, Strengths) {
  AnalogConfig config;
  config.inputBits = 8;
  config.weightBits = 4;
  config.adcBits = 10;
  config.outputNoise = 0.04;
  config.outputBound = 10;
  LinearScalars s = config.scalars(4);
  EXPECT_EQ(s.inputHalfLevels, 127);
  EXPECT_EQ(s.weightHalfLevels, 7);
  EXPECT_EQ(s.outputHalfLevels, 511);
  EXPECT_FLOAT_EQ(s.outputNoise, 0.04f);
  config.outputNoisePer = NoisePer::Layer;
  EXPECT_FLOAT_EQ(config.scalars(4).outputNoise, 0.02f) << "sigma / sqrt(T)";
}

} // namespace
} // namespace mho::nn

// The fields of AnalogConfig by name, with what is allowed: one list for checking, reading and writing. Private.
#pragma once

#include "frontends/torch/nn/AnalogConfig.h"

#include <sstream>
#include <string>
#include <vector>

namespace mho::nn {

/// Allowed numbers: low to high, both included unless said otherwise.
struct Range {
  double low, high;
  bool belowHigh = false;  ///< high itself is not allowed
  bool zeroIsNone = false; ///< 0 is allowed too and leaves the effect out

  bool contains(double value) const { // false for NaN
    return (zeroIsNone && value == 0) || (value >= low && (belowHigh ? value < high : value <= high));
  }
};
inline constexpr double kHuge = 1e30;
inline constexpr Range kStrength{0, kHuge}, kPositive{1e-30, kHuge}, kShare{0, 1},
    kProbability{.low = 0, .high = 1, .belowHigh = true};
inline constexpr Range kCount{0, 1 << 30};
inline constexpr Range kBits{.low = 2, .high = 24, .zeroIsNone = true};

/// Names of the values of an enumeration, in order.
using Names = std::vector<const char *>;

/// Names of the kinds of clipping.
inline const Names kClips{"none", "layer_std", "row_std", "fixed"};

/// Calls visit(key, field, range or names) for every field, in the order of the text.
template <class Config, class Visitor> void visitFields(Config &c, Visitor visit) {
  visit("perfect", c.perfect, Range{});
  visit("tiling", c.tiling, Names{"balanced", "fixed"});
  visit("tile_rows", c.tileRows, kCount);
  visit("input_range", c.inputRange, Names{"none", "fixed", "dynamic", "learned"});
  visit("input_bits", c.inputBits, kBits);
  visit("input_range_init", c.inputRangeInit, kPositive);
  visit("input_range_from_data", c.inputRangeFromData, kCount);
  visit("input_range_alpha", c.inputRangeAlpha, kPositive);
  visit("range_gradient", c.rangeGradient, Names{"sign_filtered", "paper", "lsq"});
  visit("range_decay", c.rangeDecay, kStrength);
  visit("range_share", c.rangeShare, kShare);
  visit("weight_bits", c.weightBits, kBits);
  visit("weight_scale", c.weightScale, Names{"per_channel", "per_tensor"});
  visit("weight_noise", c.weightNoise, kStrength);
  visit("drop_connect", c.dropConnect, kProbability);
  visit("output_noise", c.outputNoise, kStrength);
  visit("output_noise_per", c.outputNoisePer, Names{"tile", "layer"});
  visit("output_scale", c.outputScale, Names{"per_channel", "per_tensor"});
  visit("adc_bits", c.adcBits, kBits);
  visit("output_bound", c.outputBound, kPositive);
  visit("adc_gradient", c.adcGradient, Names{"masked", "straight_through"});
  visit("normals", c.normals, Names{"half", "word"});
  visit("noisy_backward", c.noisyBackward, Range{});
  visit("noise_in_eval", c.noiseInEval, Range{});
  visit("clip", c.clip, kClips);
  visit("clip_sigma", c.clipSigma, kPositive);
  visit("clip_value", c.clipValue, kPositive);
}

template <class... Parts> std::string textOf(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// "a, b, c".
std::string listOf(const Names &names);

/// What is wrong with a number outside its range.
std::string rangeProblem(const char *key, const std::string &value, Range range);

} // namespace mho::nn

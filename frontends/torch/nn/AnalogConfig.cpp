#include "frontends/torch/nn/AnalogConfig.h"

#include "frontends/torch/nn/ConfigFields.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace mho::nn {
namespace {

/// Keeps the problem of the first field that has one.
struct RangeChecker {
  std::string &problem;
  void operator()(const char *, bool, Range) const {}
  template <class Enum> void operator()(const char *, Enum, const Names &) const {}
  template <class Number> void operator()(const char *key, Number value, Range range) const {
    if (problem.empty() && !range.contains(double(value)))
      problem = rangeProblem(key, textOf(value), range);
  }
};

/// Empty, or why a layer's structure cannot be had.
std::string structureProblem(const AnalogConfig &config) { return config.spec(true, false).validate(); }

float halfLevels(int64_t bits) { return bits ? float((int64_t(1) << (bits - 1)) - 1) : 127.0f; }

} // namespace

std::string listOf(const Names &names) {
  std::string text;
  for (const char *name : names)
    text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

std::string rangeProblem(const char *key, const std::string &value, Range range) {
  std::ostringstream text;
  text.precision(std::numeric_limits<int>::digits10 + 1); // counts in full
  text << key << " = " << value << " is impossible; allowed: " << (range.zeroIsNone ? "0 (none), " : "") << range.low
       << " to " << (range.belowHigh ? "below " : "") << range.high;
  return text.str();
}

std::string AnalogConfig::problem() const {
  std::string problem;
  visitFields(*this, RangeChecker{problem});
  if (!problem.empty() || perfect)
    return problem;
  bool noRange = inputRange == InputRange::None;
  if (noRange && inputBits)
    return textOf("input_bits = ", inputBits, " needs an input range; set input_range to fixed, dynamic or learned");
  if (noRange && outputNoise > 0)
    return textOf("output_noise = ", outputNoise,
                  " is relative to the input range; set input_range to fixed, dynamic or learned");
  if (noRange && adcBits)
    return textOf("adc_bits = ", adcBits,
                  " needs an input range for its bound; set input_range to fixed, dynamic or learned");
  if (inputRange == InputRange::Learned && !inputBits)
    return "input_range = learned needs input_bits: without a DAC nothing clips, so nothing is learned; set input_bits "
           "or input_range = fixed";
  return structureProblem(*this);
}

void AnalogConfig::validate() const {
  if (std::string text = problem(); !text.empty())
    throw std::invalid_argument("analog config: " + text);
}

LinearSpec AnalogConfig::tilingSpec() const {
  LinearSpec spec;
  spec.tiling = tiling == Tiling::Fixed ? TilingKind::Fixed : TilingKind::Balanced;
  spec.tileRows = tileRows;
  return spec;
}

LinearSpec AnalogConfig::spec(bool training, bool bias) const {
  LinearSpec spec = perfect ? LinearSpec() : tilingSpec();
  spec.bias = bias;
  if (perfect)
    return spec;
  bool noise = training || noiseInEval;
  spec.quantizeInput = inputBits > 0;
  spec.quantizeWeight = weightBits > 0;
  spec.weightNoise = noise && weightNoise > 0;
  spec.dropConnect = noise && dropConnect > 0;
  spec.outputNoise = noise && outputNoise > 0;
  spec.adc = adcBits > 0;
  spec.maskSaturated = adcGradient == AdcGradient::Masked;
  spec.rangeGradient = rangeGradient;
  spec.normals = normals;
  spec.noisyBackward = noisyBackward;
  spec.weightScale = weightScale == Scale::PerTensor ? ScalePer::Tensor : ScalePer::Channel;
  spec.outputScale = outputScale == Scale::PerTensor ? ScalePer::Tensor : ScalePer::Channel;
  bool usesRange = spec.quantizeInput || spec.outputNoise || spec.adc;
  if (usesRange)
    spec.inputRange = inputRange == InputRange::Dynamic ? mho::InputRange::Dynamic : mho::InputRange::Given;
  return spec;
}

LinearScalars AnalogConfig::scalars(int64_t tiles) const {
  LinearScalars s;
  s.inputHalfLevels = halfLevels(inputBits);
  s.weightHalfLevels = halfLevels(weightBits);
  s.weightNoise = float(weightNoise);
  s.dropProbability = float(dropConnect);
  double shares = outputNoisePer == NoisePer::Layer ? std::sqrt(double(std::max<int64_t>(1, tiles))) : 1;
  s.outputNoise = float(outputNoise / shares);
  s.outputBound = float(outputBound);
  s.outputHalfLevels = halfLevels(adcBits);
  s.rangeDecay = float(rangeDecay);
  s.rangeShare = float(rangeShare);
  return s;
}

} // namespace mho::nn

#include "frontends/torch/nn/AnalogConfig.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace mho::nn {
namespace {

using Json = nlohmann::ordered_json;

/// Allowed numbers, both ends included.
struct Range {
  double low, high;
};
constexpr double kHuge = 1e30;
constexpr Range kStrength{0, kHuge}, kPositive{1e-30, kHuge}, kShare{0, 1};
constexpr Range kCount{0, 1 << 30};
constexpr Range kBits{2, 24}; ///< or 0

/// Names of the values of an enumeration, in order.
using Names = std::vector<const char *>;

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
  visit("range_decay", c.rangeDecay, kStrength);
  visit("range_share", c.rangeShare, kShare);
  visit("weight_bits", c.weightBits, kBits);
  visit("weight_scale", c.weightScale, Names{"per_channel", "per_tensor"});
  visit("weight_noise", c.weightNoise, kStrength);
  visit("drop_connect", c.dropConnect, Range{0, std::nextafter(1.0, 0.0)});
  visit("output_noise", c.outputNoise, kStrength);
  visit("output_noise_per", c.outputNoisePer, Names{"tile", "layer"});
  visit("output_scale", c.outputScale, Names{"per_channel", "per_tensor"});
  visit("adc_bits", c.adcBits, kBits);
  visit("output_bound", c.outputBound, kPositive);
  visit("adc_gradient", c.adcGradient, Names{"masked", "straight_through"});
  visit("noise_in_eval", c.noiseInEval, Range{});
  visit("clip", c.clip, Names{"none", "layer_std", "row_std", "fixed"});
  visit("clip_sigma", c.clipSigma, kPositive);
  visit("clip_value", c.clipValue, kPositive);
}

template <class... Parts> std::string textOf(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

std::string listOf(const Names &names) {
  std::string text;
  for (const char *name : names)
    text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

/// Adds the problem of one field's value, if it has one.
struct RangeChecker {
  std::string &problem;
  void add(const std::string &text) const {
    if (problem.empty())
      problem = text;
  }
  void operator()(const char *, bool, Range) const {}
  template <class Enum> void operator()(const char *, Enum, const Names &) const {}
  void operator()(const char *key, double value, Range range) const {
    if (!(value >= range.low && value <= range.high)) // NaN too
      add(textOf(key, " = ", value, " is impossible; allowed: ", range.low, " to ", range.high));
  }
  void operator()(const char *key, int64_t value, Range range) const {
    bool isBits = range.low == kBits.low;
    if (isBits && value == 0)
      return;
    if (value < range.low || value > range.high)
      add(textOf(key, " = ", value, " is impossible; allowed: ", isBits ? "0 (none), " : "", int64_t(range.low), " to ",
                 int64_t(range.high)));
  }
};

/// Reads one field from the object, if it is there.
struct FieldReader {
  const Json &object;
  [[noreturn]] void wrongType(const char *key, const std::string &expected) const {
    throw std::invalid_argument(
        textOf("analog config: ", key, " = ", object[key].dump(), " is impossible; expected ", expected));
  }
  void operator()(const char *key, bool &field, Range) const {
    if (!object.contains(key))
      return;
    if (!object[key].is_boolean())
      wrongType(key, "true or false");
    field = object[key].get<bool>();
  }
  void operator()(const char *key, double &field, Range) const {
    if (!object.contains(key))
      return;
    if (!object[key].is_number())
      wrongType(key, "a number");
    field = object[key].get<double>();
  }
  void operator()(const char *key, int64_t &field, Range) const {
    if (!object.contains(key))
      return;
    if (!object[key].is_number_integer())
      wrongType(key, "a whole number");
    field = object[key].get<int64_t>();
  }
  template <class Enum> void operator()(const char *key, Enum &field, const Names &names) const {
    if (!object.contains(key))
      return;
    for (size_t i = 0; i < names.size(); ++i)
      if (object[key] == names[i]) {
        field = Enum(i);
        return;
      }
    wrongType(key, "one of " + listOf(names));
  }
};

/// Number of letters to change, add or remove to get from a to b.
size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

void rejectUnknownKeys(const Json &object) {
  AnalogConfig config;
  std::vector<std::string> known;
  visitFields(config, [&](const char *key, auto &, const auto &) { known.push_back(key); });
  for (const auto &[key, value] : object.items()) {
    const std::string &name = key;
    auto nearer = [&](const std::string &a, const std::string &b) {
      return editDistance(name, a) < editDistance(name, b);
    };
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::invalid_argument("analog config: unknown key '" + name + "'; did you mean '" +
                                  *std::min_element(known.begin(), known.end(), nearer) + "'?");
  }
}

float halfLevels(int64_t bits) { return bits ? float((int64_t(1) << (bits - 1)) - 1) : 127.0f; }

} // namespace

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
  std::string contradiction = spec(true, false).validate();
  return contradiction;
}

void AnalogConfig::validate() const {
  if (std::string text = problem(); !text.empty())
    throw std::invalid_argument("analog config: " + text);
}

std::string AnalogConfig::toJson() const {
  Json object;
  visitFields(*this, [&](const char *key, const auto &field, const auto &allowed) {
    if constexpr (std::is_same_v<std::decay_t<decltype(allowed)>, Names>)
      object[key] = allowed[size_t(field)];
    else
      object[key] = field;
  });
  return object.dump(2);
}

AnalogConfig AnalogConfig::fromJson(const std::string &text) {
  Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object())
    throw std::invalid_argument("analog config: expected a JSON object, got '" + text.substr(0, 60) + "'");
  rejectUnknownKeys(object);
  AnalogConfig config;
  visitFields(config, FieldReader{object});
  config.validate();
  return config;
}

LinearSpec AnalogConfig::spec(bool training, bool bias) const {
  LinearSpec spec;
  spec.bias = bias;
  if (perfect)
    return spec;
  bool noise = training || noiseInEval;
  spec.tiling = tiling == Tiling::Fixed ? TilingKind::Fixed : TilingKind::Balanced;
  spec.tileRows = tileRows;
  spec.quantizeInput = inputBits > 0;
  spec.quantizeWeight = weightBits > 0;
  spec.weightNoise = noise && weightNoise > 0;
  spec.dropConnect = noise && dropConnect > 0;
  spec.outputNoise = noise && outputNoise > 0;
  spec.adc = adcBits > 0;
  spec.maskSaturated = adcGradient == AdcGradient::Masked;
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

#include "runtime/LinearSpec.h"

#include "dialect/Numerics/Tiling.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace mho {
namespace {

/// The words without a value: effects that are there or not.
struct Flag {
  const char *word;
  bool LinearSpec::*member;
};
constexpr Flag kFlags[] = {{"dac", &LinearSpec::quantizeInput},
                           {"weight_codes", &LinearSpec::quantizeWeight},
                           {"weight_noise", &LinearSpec::weightNoise},
                           {"drop_connect", &LinearSpec::dropConnect},
                           {"output_noise", &LinearSpec::outputNoise},
                           {"adc", &LinearSpec::adc},
                           {"adc_mask", &LinearSpec::maskSaturated},
                           {"noisy_backward", &LinearSpec::noisyBackward},
                           {"bias", &LinearSpec::bias}};

constexpr const char *kRangeNames[] = {"none", "given", "dynamic"};
constexpr const char *kRangeGradientNames[] = {"sign_filtered", "paper", "lsq"};
constexpr const char *kNormalNames[] = {"half", "word"};
constexpr const char *kScaleNames[] = {"channel", "tensor"};
constexpr const char *kStorageNames[] = {"f32", "f16", "bf16"};
constexpr const char *kTilingNames[] = {"balanced", "fixed"};

/// Position of `word` among `names`, or -1.
template <size_t N> int positionOf(const std::string &word, const char *const (&names)[N]) {
  for (size_t i = 0; i < N; ++i)
    if (word == names[i])
      return int(i);
  return -1;
}

/// "kind:rows" into the spec; false if it is not that.
bool parseTiling(const std::string &value, LinearSpec &spec) {
  size_t colon = value.find(':');
  int kind = positionOf(value.substr(0, colon), kTilingNames);
  if (kind < 0 || colon == std::string::npos)
    return false;
  const char *begin = value.data() + colon + 1, *end = value.data() + value.size();
  auto [stop, problem] = std::from_chars(begin, end, spec.tileRows);
  spec.tiling = TilingKind(kind);
  return problem == std::errc() && stop == end;
}

/// One "name=value" word; false if it is unknown.
bool parseChoice(const std::string &name, const std::string &value, LinearSpec &spec) {
  if (name == "tile")
    return parseTiling(value, spec);
  auto choose = [&](auto &field, const auto &names) {
    int i = positionOf(value, names);
    field = std::decay_t<decltype(field)>(i);
    return i >= 0;
  };
  if (name == "range")
    return choose(spec.inputRange, kRangeNames);
  if (name == "range_gradient")
    return choose(spec.rangeGradient, kRangeGradientNames);
  if (name == "normals")
    return choose(spec.normals, kNormalNames);
  if (name == "storage")
    return choose(spec.storage, kStorageNames);
  if (name == "weight_scale")
    return choose(spec.weightScale, kScaleNames);
  return name == "output_scale" && choose(spec.outputScale, kScaleNames);
}

bool parseWord(const std::string &word, LinearSpec &spec) {
  if (size_t equals = word.find('='); equals != std::string::npos)
    return parseChoice(word.substr(0, equals), word.substr(equals + 1), spec);
  for (const Flag &flag : kFlags)
    if (word == flag.word)
      return spec.*flag.member = true;
  return false;
}

} // namespace

std::string LinearSpec::canonical() const {
  // Choices that no effect of this layer reads are written as their defaults: they make no other kernel.
  bool scalesWeight = quantizeWeight || weightNoise, scalesOutput = outputNoise || adc;
  std::string text =
      std::string("tile=") + kTilingNames[int(tiling)] + ":" + std::to_string(std::max<int64_t>(0, tileRows));
  text += std::string(" range=") + kRangeNames[int(inputRange)];
  text += std::string(" weight_scale=") + kScaleNames[scalesWeight ? int(weightScale) : 0];
  text += std::string(" output_scale=") + kScaleNames[scalesOutput ? int(outputScale) : 0];
  if (quantizeInput && inputRange == InputRange::Given && rangeGradient != RangeGradient::SignFiltered)
    text += std::string(" range_gradient=") + kRangeGradientNames[int(rangeGradient)];
  if ((weightNoise || outputNoise) && normals != NormalMap::Half)
    text += std::string(" normals=") + kNormalNames[int(normals)];
  if (storage != ElementType::F32)
    text += std::string(" storage=") + kStorageNames[int(storage)];
  auto isRead = [&](bool LinearSpec::*flag) {
    return (flag != &LinearSpec::maskSaturated || adc) && (flag != &LinearSpec::noisyBackward || drawsWeight());
  };
  for (const Flag &flag : kFlags)
    if (this->*flag.member && isRead(flag.member))
      text += std::string(" ") + flag.word;
  for (const EffectUse &use : effects)
    text += "\n" + use.write();
  return text;
}

LinearSpec LinearSpec::parse(const std::string &text, std::string &error) {
  LinearSpec spec;
  spec.maskSaturated = false;
  error.clear();
  size_t end = text.find('\n');
  std::istringstream words(text.substr(0, end));
  for (std::string word; words >> word;)
    if (!parseWord(word, spec)) {
      error = "unknown word '" + word + "' in the layer's spec '" + text.substr(0, end) +
              "'; known: tile=balanced|fixed:rows, range=none|given|dynamic, "
              "range_gradient=sign_filtered|paper|lsq, normals=half|word, weight_scale=channel|tensor, "
              "output_scale=channel|tensor, storage=f32|f16|bf16";
      for (const Flag &flag : kFlags)
        error += std::string(", ") + flag.word;
      return spec;
    }
  std::string rest = end == std::string::npos ? "" : text.substr(end + 1);
  while (!rest.empty()) {
    Expected<EffectUse> use = EffectUse::read(rest);
    if (!use) {
      error = use.message();
      return spec;
    }
    spec.effects.push_back(std::move(*use));
    rest.erase(0, rest.find_first_not_of('\n')); // what separates it from the next
  }
  return spec;
}

std::string LinearSpec::validate() const {
  bool hasRange = inputRange != InputRange::None;
  auto needsRange = [](const char *effect) {
    return std::string(effect) +
           " is relative to the input range, and the layer has range=none; give it an input range";
  };
  if (quantizeInput && !hasRange)
    return needsRange("dac");
  if (outputNoise && !hasRange)
    return needsRange("output_noise");
  if (adc && !hasRange)
    return needsRange("adc");
  for (const EffectUse &use : effects)
    if (bias && use.effect->site == EffectSite::Output && !use.effect->straightThrough)
      return "the effect '" + use.name +
             "' on the output is not surrogate(straight_through), which a layer with a bias " +
             "needs; leave the bias out: AnalogLinearOptions(...).bias(false)";
  return problemOf(effects, inputRange);
}

bool LinearSpec::draws() const {
  return weightNoise || dropConnect || outputNoise ||
         std::any_of(effects.begin(), effects.end(), [](const EffectUse &use) { return use.drawsAnew(); });
}

bool LinearSpec::drawsWeight() const {
  return weightNoise || dropConnect || std::any_of(effects.begin(), effects.end(), [](const EffectUse &use) {
           return use.effect->site == EffectSite::Weight && use.effect->draws > 0;
         });
}

std::vector<std::string> LinearSpec::savedBits() const {
  std::vector<std::string> names;
  int places = int(usualOrder(EffectSite::Tile).size());
  for (int place = 0; place <= places; ++place) {
    for (const EffectUse &use : effects)
      if (use.effect->site == EffectSite::Tile && use.place == place)
        names.insert(names.end(), use.effect->savedBits, use.name);
    if (place + 1 == places && adc && maskSaturated)
      names.emplace_back("adc");
  }
  return names;
}

std::vector<EffectStrength> LinearSpec::effectStrengths() const {
  std::vector<EffectStrength> list;
  for (const EffectUse &use : effects)
    for (const EffectStrength &strength : use.effect->strengths)
      list.push_back({use.name + "." + strength.name, strength.value});
  return list;
}

int64_t LinearSpec::tiles(int64_t inputs) const { return tileCount(inputs, tileRows); }

int64_t LinearSpec::tileBegin(int64_t inputs, int64_t tile) const {
  return mho::tileBegin(inputs, tileRows, tiling == TilingKind::Fixed, tile);
}

} // namespace mho

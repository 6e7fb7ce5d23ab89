#include "runtime/EffectUse.h"

#include "dialect/Numerics/EffectStream.h"
#include "runtime/LinearSpec.h"

#include <algorithm>
#include <sstream>

namespace mho {
namespace {

constexpr const char *kSources[] = {"largest_weight", "input_range", "tensor"};

std::string joined(const std::vector<std::string> &words, const char *between) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : between) + word;
  return text;
}

std::vector<std::string> split(const std::string &text, char at) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, at);)
    words.push_back(word);
  return words;
}

bool isWhole(const std::string &word) {
  constexpr size_t kMostDigits = 9;
  return !word.empty() && word.size() <= kMostDigits &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Fields of the first line of a block.
constexpr const char *kBlock = "effect ";
/// Stands before `source=` where the effect holds a key.
const std::string kHeld = " key=held";

/// "t, n".
std::string axesText(const std::string &axes) {
  std::string text;
  for (char axis : axes)
    text += (text.empty() ? "" : ", ") + std::string(1, axis);
  return "(" + text + ")";
}

bool has(const std::string &axes, char axis) { return axes.find(axis) != std::string::npos; }

} // namespace

EffectUse::EffectUse(std::shared_ptr<const EffectText> text)
    : effect(std::move(text)), name(effect->name), sources(effect->params.size(), ParamSource::Tensor) {
  // A weight's effects come before devices die: a dead one is exactly 0. Those of the output follow the bias.
  place = effect->site == EffectSite::Weight ? 2 : effect->site == EffectSite::Output ? 1 : 0;
}

std::vector<int64_t> EffectUse::drawStreams() const {
  if (!streams.empty())
    return streams;
  std::vector<int64_t> list;
  for (int64_t i = 0; i < effect->draws; ++i)
    list.push_back(effectStream(name, i));
  return list;
}

const std::vector<std::string> &usualOrder(EffectSite site) {
  static const std::vector<std::string> orders[] = {
      {"dac"}, {"weight_codes", "weight_noise", "drop_connect"}, {"output_noise", "adc"}, {"bias"}};
  return orders[int(site)];
}

std::string siteName(EffectSite site) {
  static constexpr const char *names[] = {"input", "weight", "tile", "output"};
  return names[int(site)];
}

std::string placeAt(EffectUse &use, const std::string &word, bool after) {
  const std::vector<std::string> &order = usualOrder(use.effect->site);
  auto found = std::find(order.begin(), order.end(), word);
  if (found == order.end())
    return "the effect '" + use.name + "' acts on the " + siteName(use.effect->site) + ", whose built-in effects are " +
           joined(order, ", ") + "; got '" + word + "'";
  use.place = int(found - order.begin()) + int(after);
  return "";
}

std::string placeName(const EffectUse &use) {
  const std::vector<std::string> &order = usualOrder(use.effect->site);
  return size_t(use.place) < order.size() ? "before:" + order[use.place] : "after:" + order.back();
}

std::string sourceName(ParamSource source) { return kSources[int(source)]; }

std::optional<ParamSource> sourceNamed(const std::string &name) {
  for (int i = 0; i < int(std::size(kSources)); ++i)
    if (name == kSources[i])
      return ParamSource(i);
  return std::nullopt;
}

//===-- as text ---------------------------------------------------------------------------------------------------===//

std::string EffectUse::write() const {
  std::vector<std::string> words, numbers;
  for (ParamSource source : sources)
    words.push_back(sourceName(source));
  for (int64_t stream : streams)
    numbers.push_back(std::to_string(stream));
  return kBlock + name + " of=" + effect->name + " at=" + placeName(*this) + " params=" + joined(words, ",") +
         " streams=" + joined(numbers, ",") + (holdsKey ? kHeld : "") +
         " source=" + std::to_string(effect->source.size()) + " text=" + std::to_string(effect->text.size()) + "\n" +
         effect->source + effect->text;
}

Expected<EffectUse> EffectUse::read(std::string &text) {
  std::string line = text.substr(0, text.find('\n'));
  auto wrong = [&] { return Status::error("expected a line that begins an effect, got '" + line + "'"); };
  size_t held = line.find(kHeld);
  std::vector<std::string> fields =
      split(held == std::string::npos ? line : std::string(line).erase(held, kHeld.size()), ' ');
  static const std::vector<std::string> keys{"of=", "at=", "params=", "streams=", "source=", "text="};
  if (fields.size() != keys.size() + 2 || line.rfind(kBlock, 0) != 0)
    return wrong();
  std::vector<std::string> values;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (fields[i + 2].rfind(keys[i], 0) != 0)
      return wrong();
    values.push_back(fields[i + 2].substr(keys[i].size()));
  }
  if (!isWhole(values[4]) || !isWhole(values[5]))
    return wrong();
  size_t sourceSize = std::stoul(values[4]), textSize = std::stoul(values[5]);
  size_t begin = line.size() + 1, size = begin + sourceSize + textSize;
  if (text.size() < size)
    return Status::error("the text of the effect '" + fields[1] + "' is cut off");
  auto effect = EffectText::parse(text.substr(begin + sourceSize, textSize), text.substr(begin, sourceSize), values[0]);
  if (!effect)
    return effect.error();
  EffectUse use(*effect);
  use.name = fields[1];
  use.holdsKey = held != std::string::npos;
  use.sources.clear();
  for (const std::string &word : split(values[2], ',')) {
    std::optional<ParamSource> source = sourceNamed(word);
    if (!source)
      return wrong();
    use.sources.push_back(*source);
  }
  if (use.sources.size() != use.effect->params.size())
    return wrong();
  for (const std::string &number : split(values[3], ',')) {
    if (!isWhole(number))
      return wrong();
    use.streams.push_back(std::stol(number));
  }
  std::vector<std::string> place = split(values[1], ':');
  if (place.size() != 2 || (place[0] != "before" && place[0] != "after"))
    return wrong();
  if (std::string problem = placeAt(use, place[1], place[0] == "after"); !problem.empty())
    return Status::error(problem);
  text.erase(0, size);
  return use;
}

//===-- what is possible ------------------------------------------------------------------------------------------===//

namespace {

bool isIdentifier(const std::string &name) {
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && isLetter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return isLetter(c) || (c >= '0' && c <= '9'); });
}

/// What is wrong with one parameter's source.
std::string sourceProblem(const EffectParam &param, ParamSource source, InputRange range) {
  std::string over = axesText(param.axes);
  switch (source) {
  case ParamSource::LargestWeight:
    if (param.learnable)
      return "is learnable, and the largest weight is a constant; bind it to a tensor";
    if (!has(param.axes, 't'))
      return "varies over " + over + ", and the largest weight differs from tile to tile: (t, n) or (t)";
    return "";
  case ParamSource::InputRange:
    if (range == InputRange::None)
      return "is the input range, and the layer has none; give it an input range";
    if (!has(param.axes, 't') || (range == InputRange::Dynamic && !has(param.axes, 'm')))
      return "varies over " + over + ", and the input range over " + (range == InputRange::Dynamic ? "(t, m)" : "(t)");
    if (param.learnable)
      return "is learnable, and the input range learns from the DAC alone; bind it to a tensor";
    return "";
  case ParamSource::Tensor:
    if (has(param.axes, 'm'))
      return "varies over the rows (m) of each batch, so that no tensor of the layer can be it; bind it to the input "
             "range";
    return "";
  }
  return "";
}

std::string useProblem(const EffectUse &use, InputRange range) {
  if (!isIdentifier(use.name))
    return "expected letters, digits and '_' of an effect's name, the first no digit, got '" + use.name + "'";
  // Fusion names strengths after their effect.
  for (const char *builtIn : {"quantize_input", "quantize_weight", "inject_noise", "drop_connect", "rescale", "adc"})
    if (use.name == builtIn)
      return "'" + use.name + "' is a built-in effect; give yours another name: Effect::named(\"...\")";
  const EffectText &effect = *use.effect;
  if (effect.site == EffectSite::Output && use.place == 0)
    return "the effect '" + use.name + "' acts on the output, which the bias is part of; it cannot stand before it";
  for (size_t i = 0; i < effect.params.size(); ++i)
    if (std::string problem = sourceProblem(effect.params[i], use.sources[i], range); !problem.empty())
      return "the parameter '" + effect.params[i].name + "' of the effect '" + use.name + "' " + problem;
  if (use.holdsKey && effect.draws == 0)
    return "the effect '" + use.name + "' draws nothing, and has no use for a key of its own; leave out heldKey()";
  if (use.holdsKey && std::any_of(effect.params.begin(), effect.params.end(),
                                  [](const EffectParam &param) { return param.name == "key"; }))
    return "the effect '" + use.name + "' has a parameter 'key', as the key of its own would be called; rename it";
  if (!use.streams.empty() && int64_t(use.streams.size()) != effect.draws)
    return "the effect '" + use.name + "' draws " + std::to_string(effect.draws) + " numbers, and has " +
           std::to_string(use.streams.size()) + " streams; give one for each";
  for (int64_t stream : use.streams)
    if (stream < kFirstUserStream || stream >= kStreams)
      return "the effect '" + use.name + "' has stream " + std::to_string(stream) + "; expected " +
             std::to_string(kFirstUserStream) + " to " + std::to_string(kStreams - 1);
  return "";
}

} // namespace

/// Sums over the tiles that effects on the tile give and those on the output take.
static std::string sumsProblem(const std::vector<EffectUse> &uses) {
  int64_t given = 0, taken = 0;
  for (const EffectUse &use : uses) {
    given += use.effect->further;
    taken += use.effect->sums;
  }
  if (given == taken)
    return "";
  return "the effects on the tile yield " + std::to_string(given) + " further values to be summed, and those on the " +
         "output take " + std::to_string(taken) + " sums; the layer needs as many of both";
}

std::string problemOf(const std::vector<EffectUse> &uses, InputRange range) {
  std::vector<std::pair<int64_t, std::string>> taken;
  for (size_t i = 0; i < uses.size(); ++i) {
    if (std::string problem = useProblem(uses[i], range); !problem.empty())
      return problem;
    for (size_t j = 0; j < i; ++j)
      if (uses[i].name == uses[j].name)
        return "two effects are called '" + uses[i].name + "'; give one another name: Effect::named(\"...\")";
    for (int64_t stream : uses[i].drawStreams()) {
      for (const auto &[number, name] : taken)
        if (number == stream)
          return "the effects '" + name + "' and '" + uses[i].name + "' both draw from stream " +
                 std::to_string(stream) + ", so that their noise would be the same; give one others: " +
                 "Effect::streams({...}), or another name: Effect::named(\"...\")";
      taken.emplace_back(stream, uses[i].name);
    }
  }
  if (std::string problem = sumsProblem(uses); !problem.empty())
    return problem;
  std::vector<EffectTensor> tensors = effectTensors(uses);
  for (const EffectTensor &a : tensors)
    for (const EffectTensor &b : tensors)
      if (a.name == "d" + b.name)
        return "the tensor '" + a.name + "' is called like the gradient of '" + b.name +
               "'; give one of the effects another name: Effect::named(\"...\")";
  if (size_t count = tensors.size(); count > kMostEffectTensors)
    return "the layer's effects have " + std::to_string(count) + " tensors; at most " +
           std::to_string(kMostEffectTensors) + " are possible";
  return "";
}

//===-- tensors ---------------------------------------------------------------------------------------------------===//

std::string tensorName(const EffectUse &use, const EffectParam &param) { return use.name + "." + param.name; }

std::string keyName(const EffectUse &use) { return use.name + ".key"; }

std::vector<int64_t> EffectTensor::sizes(int64_t tiles, int64_t outputs, int64_t inputs) const {
  if (isKey)
    return {2};
  std::vector<int64_t> list;
  for (char axis : axes)
    list.push_back(axis == 't' ? tiles : axis == 'n' ? outputs : inputs);
  return list;
}

std::vector<EffectTensor> effectTensors(const std::vector<EffectUse> &uses) {
  std::vector<EffectTensor> list;
  for (const EffectUse &use : uses) {
    for (size_t i = 0; i < use.sources.size(); ++i)
      if (const EffectParam &param = use.effect->params[i]; use.sources[i] == ParamSource::Tensor)
        list.push_back({tensorName(use, param), use.effect->site, param.axes, param.learnable});
    if (use.holdsKey)
      list.push_back({keyName(use), use.effect->site, "", /*learnable=*/false, /*isKey=*/true});
  }
  return list;
}

} // namespace mho

// Saving, loading and printing of AnalogLinear.
#include "frontends/torch/nn/AnalogLinear.h"

#include <torch/utils.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace mho::nn {
namespace {

/// Names in an archive beside the tensors.
constexpr const char *kConfigKey = "analog_config";
constexpr const char *kCommitsKey = "range_commits";
constexpr const char *kPendingKey = "range_pending";
constexpr const char *kEffectsKey = "analog_effects";

/// Each effect as its size and its text.
std::string textOf(const std::vector<Effect> &effects) {
  std::string all;
  for (const Effect &effect : effects) {
    std::string text = effect.write();
    all += std::to_string(text.size()) + "\n" + text;
  }
  return all;
}

std::vector<Effect> effectsOf(std::string text) {
  std::vector<Effect> effects;
  while (!text.empty()) {
    size_t end = text.find('\n'), size = 0;
    auto [stop, problem] = std::from_chars(text.data(), text.data() + std::min(end, text.size()), size);
    TORCH_CHECK_VALUE(problem == std::errc() && end != std::string::npos && size <= text.size() - end - 1,
                      "load: the archive's effects are damaged at '", text.substr(0, 20), "'");
    effects.push_back(Effect::read(text.substr(end + 1, size)));
    text.erase(0, end + 1 + size);
  }
  return effects;
}

/// The effects of an analog layer that reads an archive of others: its own, with the strengths that the archive has.
/// Throws where a tensor of the archive would find no place.
std::vector<Effect> merged(const std::vector<Effect> &own, const std::vector<Effect> &saved) {
  std::vector<Effect> effects = own;
  for (const Effect &other : saved) {
    auto same = std::find_if(effects.begin(), effects.end(), [&](const Effect &e) { return e.name() == other.name(); });
    for (const auto &[i, tensor] : other.tensors()) {
      auto has = [name = tensor.name](const auto &entry) { return entry.second.name == name; };
      std::vector<std::pair<size_t, EffectTensor>> mine;
      if (same != effects.end())
        mine = same->tensors();
      TORCH_CHECK_VALUE(std::any_of(mine.begin(), mine.end(), has), "the archive has the tensor '", tensor.name,
                        "' of an effect that this AnalogLinear does not have; add it with "
                        "AnalogLinearOptions().effect(...), or load into a digital layer, which takes it over");
    }
    for (const EffectStrength &strength : other.strengths())
      if (same != effects.end() && same->hasStrength(strength.name))
        *same = same->strength(strength.name, strength.value);
  }
  return effects;
}

} // namespace

void AnalogLinearImpl::save(torch::serialize::OutputArchive &archive) const {
  torch::nn::Module::save(archive);
  if (!isAnalog())
    return;
  archive.write(kConfigKey, c10::IValue(config().toJson()));
  archive.write(kCommitsKey, c10::IValue(commits));
  archive.write(kPendingKey, c10::IValue(estimated));
  if (!options.effects().empty())
    archive.write(kEffectsKey, c10::IValue(textOf(options.effects())));
}

void AnalogLinearImpl::load(torch::serialize::InputArchive &archive) {
  // Everything is read and checked before anything is changed, against a layer that shares weight and bias with this
  // one and has the ranges that the archive's config asks for.
  c10::IValue text, count, pending, effectsText;
  std::optional<AnalogConfig> saved;
  std::vector<Effect> effects = options.effects();
  if (archive.try_read(kConfigKey, text)) {
    saved = AnalogConfig::fromJson(text.toStringRef());
    if (isAnalog())
      checkSameShape(*saved);
    archive.read(kCommitsKey, count);
    archive.read(kPendingKey, pending);
    if (archive.try_read(kEffectsKey, effectsText)) {
      std::vector<Effect> theirs = effectsOf(effectsText.toStringRef());
      effects = isAnalog() || !effects.empty() ? merged(effects, theirs) : theirs;
    }
  }
  std::vector<std::string> lacking;
  if (isAnalog() && !saved)
    lacking.push_back(kConfigKey);
  std::map<std::string, torch::Tensor> values;
  auto read = [&](const std::string &key, const torch::Tensor &target, bool isBuffer) {
    torch::Tensor value;
    if (!archive.try_read(key, value, isBuffer)) {
      TORCH_CHECK_VALUE(key != "weight" && key != "bias", "the archive has no '", key, "'; is it a linear layer's?");
      lacking.push_back(key);
      return;
    }
    TORCH_CHECK_VALUE(value.sizes() == target.sizes(), "the archive's ", key, " has shape ", value.sizes(),
                      ", this AnalogLinear's has ", target.sizes());
    values[key] = value;
  };
  AnalogLinearImpl expected(weight, bias, saved ? *saved : options.config(), effects);
  for (const auto &item : expected.named_parameters(/*recurse=*/false))
    read(item.key(), item.value(), /*isBuffer=*/false);
  for (const auto &item : expected.named_buffers(/*recurse=*/false))
    read(item.key(), item.value(), /*isBuffer=*/true);

  if (saved) {
    options.effects(effects);
    isAnalog() ? setConfig(*saved) : toAnalog(*saved);
    commits = count.toInt();
    estimated = pending.toBool();
    uncommitted = 0;
  }
  torch::NoGradGuard noGradient;
  for (auto tensors : {named_parameters(/*recurse=*/false), named_buffers(/*recurse=*/false)})
    for (auto &item : tensors)
      if (auto it = values.find(item.key()); it != values.end())
        item.value().copy_(it->second);
  missing = std::move(lacking);
}

void AnalogLinearImpl::pretty_print(std::ostream &stream) const {
  stream << "mho::nn::AnalogLinear(in_features=" << options.in_features() << ", out_features=" << options.out_features()
         << ", bias=" << (options.bias() ? "true" : "false");
  if (isAnalog())
    stream << ", tiles=" << tiles() << (config().summary().empty() ? "" : ", ") << config().summary();
  else
    stream << ", digital";
  for (const Effect &effect : options.effects())
    stream << ", " << effect.summary();
  stream << ")";
}

} // namespace mho::nn

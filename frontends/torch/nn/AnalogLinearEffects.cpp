// Effects that are text in AnalogLinear: their tensors, their strengths, and when they act.
#include "frontends/torch/nn/AnalogLinear.h"

#include <torch/utils.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace mho::nn {
namespace {

/// What a layer of this config and these effects computes.
LinearSpec specOf(const AnalogConfig &config, const std::vector<Effect> &effects, bool training, bool bias) {
  LinearSpec spec = config.spec(training, bias);
  for (const Effect &effect : effects) {
    if (config.perfect || !effect.acts(training, config.noiseInEval))
      continue;
    spec.effects.push_back(effect.spec());
    const std::vector<ParamSource> &sources = effect.spec().sources;
    bool usesRange = std::find(sources.begin(), sources.end(), ParamSource::InputRange) != sources.end();
    if (usesRange && config.inputRange != InputRange::None)
      spec.inputRange = config.inputRange == InputRange::Dynamic ? mho::InputRange::Dynamic : mho::InputRange::Given;
  }
  return spec;
}

/// Name of a tensor in the module: torch's names have no dots.
std::string moduleName(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

} // namespace

/// Throws unless the effects and their tensors fit the layer, whose own tensors have other names.
void AnalogLinearImpl::checkEffects(const AnalogConfig &config, const std::vector<Effect> &further) const {
  std::vector<Effect> effects = options.effects();
  effects.insert(effects.end(), further.begin(), further.end());
  if (effects.empty())
    return;
  auto require = [](bool fits, const std::string &problem) {
    if (!fits)
      throw std::invalid_argument("AnalogLinear: " + problem);
  };
  AnalogConfig imperfect = config; // the effects act when it is no longer perfect
  imperfect.perfect = false;
  std::string problem = specOf(imperfect, effects, /*training=*/true, options.bias()).validate();
  require(problem.empty(), problem);
  std::set<std::string> names{
      "weight", "bias", "input_range", "range_estimate", "range_samples", "next_range_estimate", "next_range_samples"};
  int64_t count = config.tiles(options.in_features());
  for (const Effect &effect : effects)
    for (const auto &[i, tensor] : effect.tensors()) {
      require(names.insert(moduleName(tensor.name)).second,
              "there would be two tensors called '" + moduleName(tensor.name) +
                  "'; give the effect another name: Effect::named(\"...\")");
      if (!tensor.isKey)
        effect.tensor(i, tensor.sizes(count, options.out_features(), options.in_features()), torch::kMeta);
    }
}

void AnalogLinearImpl::registerEffects() {
  effect_tensors.clear();
  for (const Effect &effect : options.effects())
    for (const auto &[i, tensor] : effect.tensors()) {
      std::vector<int64_t> sizes = tensor.sizes(tiles(), options.out_features(), options.in_features());
      torch::Tensor value = tensor.isKey ? effect.key(weight.device()) : effect.tensor(i, sizes, weight.device());
      std::string name = moduleName(tensor.name);
      effect_tensors.push_back(tensor.learnable ? register_parameter(name, value) : register_buffer(name, value));
    }
}

LinearSpec AnalogLinearImpl::spec(bool training) const {
  return specOf(config(), options.effects(), training, options.bias());
}

void AnalogLinearImpl::refreshModes() {
  std::array<float, LinearScalars::kCount> packed = config().scalars(tiles()).pack();
  for (bool training : {false, true}) {
    LinearSpec spec = this->spec(training);
    std::vector<float> strengths(packed.begin(), packed.end());
    std::vector<size_t> tensors;
    size_t next = 0;
    for (const Effect &effect : options.effects()) {
      bool acts = std::any_of(spec.effects.begin(), spec.effects.end(),
                              [&](const EffectUse &use) { return use.name == effect.name(); });
      for (size_t i = 0; i < effect.tensors().size(); ++i, ++next)
        if (acts)
          tensors.push_back(next);
      for (const EffectStrength &strength : effect.strengths())
        if (acts)
          strengths.push_back(strength.value);
    }
    // A new tensor: a graph that waits for its backward pass keeps the one that its forward pass had.
    modes[training] = {spec.canonical(), spec.draws(), spec.inputRange == mho::InputRange::Given,
                       torch::tensor(at::ArrayRef<float>(strengths), torch::kFloat), // whatever the default type is
                       std::move(tensors)};
  }
}

std::vector<torch::Tensor> AnalogLinearImpl::tensorsOf(const Mode &mode) const {
  std::vector<torch::Tensor> tensors;
  for (size_t i : mode.effectTensors)
    tensors.push_back(effect_tensors[i]);
  return tensors;
}

static std::vector<Effect>::const_iterator find(const std::vector<Effect> &effects, const std::string &name) {
  auto found = std::find_if(effects.begin(), effects.end(), [&](const Effect &e) { return e.name() == name; });
  std::string names;
  for (const Effect &effect : effects)
    names += (names.empty() ? "'" : "', '") + effect.name();
  if (found == effects.end())
    throw std::invalid_argument("this AnalogLinear has no effect '" + name + "'; it has " +
                                (names.empty() ? "none" : names + "'"));
  return found;
}

double AnalogLinearImpl::strength(const std::string &effect, const std::string &strength) const {
  return find(options.effects(), effect)->strengthOf(strength);
}

void AnalogLinearImpl::setStrength(const std::string &effect, const std::string &strength, double value) {
  auto found = find(options.effects(), effect);
  options.effects()[size_t(found - options.effects().begin())] = found->strength(strength, value);
  if (isAnalog())
    refreshModes();
}

} // namespace mho::nn

#include "frontends/torch/nn/Effect.h"

#include "frontends/torch/nn/OpArguments.h"

#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace mho::nn {
namespace {

template <class... Parts> [[noreturn]] void refuse(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw std::invalid_argument(text.str());
}

/// Place of the entry called `name`; throws with the names that there are.
template <class List>
size_t placeOf(const List &list, const std::string &name, const char *what, const EffectUse &use) {
  std::string names;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].name == name)
      return i;
    names += (i ? "', '" : "'") + list[i].name;
  }
  refuse("the effect '", use.name, "' has no ", what, " '", name, "'; it has ", names.empty() ? "none" : names + "'");
}

} // namespace

Effect::Effect(EffectUse effectUse) : use(std::move(effectUse)), values(use.effect->strengths) {}

Effect Effect::fromText(const std::string &text, const std::string &name) {
  auto effect = EffectText::parse(text, kEffectSource, name);
  if (!effect)
    refuse(effect.message());
  return Effect(EffectUse(*effect));
}

Effect Effect::fromFile(const std::string &path, const std::string &name) {
  auto effect = EffectText::load(path, name);
  if (!effect)
    refuse(effect.message());
  return Effect(EffectUse(*effect));
}

Effect Effect::bind(const std::string &parameter, const Binding &binding) const {
  size_t place = placeOf(parameters(), parameter, "parameter", use);
  if (binding.isTensor && !binding.values.defined())
    refuse("the parameter '", parameter, "' of the effect '", use.name, "' is bound to a tensor that is not defined");
  Effect changed = *this;
  changed.use.sources[place] = binding.source;
  changed.bindings.insert_or_assign(parameter, binding);
  return changed;
}

size_t Effect::indexOf(const std::string &name) const { return placeOf(values, name, "strength", use); }

Effect Effect::strength(const std::string &name, double value) const {
  Effect changed = *this;
  float &strength = changed.values[indexOf(name)].value;
  strength = float(value);
  if (!std::isfinite(strength))
    refuse("the strength '", name, "' of the effect '", use.name, "' is ", value, "; expected a finite number");
  return changed;
}

double Effect::strengthOf(const std::string &name) const { return values[indexOf(name)].value; }

bool Effect::hasStrength(const std::string &name) const {
  return std::any_of(values.begin(), values.end(), [&](const EffectStrength &s) { return s.name == name; });
}

std::string Effect::summary() const {
  std::ostringstream text;
  text << use.name << "(";
  const char *between = "";
  for (size_t i = 0; i < parameters().size(); ++i, between = ", ")
    text << between << parameters()[i].name << "=" << sourceName(use.sources[i]);
  for (const EffectStrength &strength : values) {
    text << between << strength.name << "=" << strength.value;
    between = ", ";
  }
  text << ")";
  return text.str();
}

Effect Effect::named(const std::string &name) const {
  Effect changed = *this;
  changed.use.name = name;
  return changed;
}

Effect Effect::streams(std::vector<int64_t> streams) const {
  Effect changed = *this;
  changed.use.streams = std::move(streams);
  return changed;
}

Effect Effect::heldKey(std::optional<int64_t> seed) const {
  if (!draws())
    refuse("the effect '", use.name, "' draws nothing, and has no use for a key of its own; leave out heldKey()");
  Effect changed = *this;
  changed.use.holdsKey = true;
  changed.seed = seed;
  return changed;
}

Effect Effect::before(const std::string &word) const { return placed(word, /*after=*/false); }

Effect Effect::after(const std::string &word) const { return placed(word, /*after=*/true); }

Effect Effect::placed(const std::string &word, bool after) const {
  Effect changed = *this;
  if (std::string problem = placeAt(changed.use, word, after); !problem.empty())
    refuse(problem);
  return changed;
}

Effect Effect::inEvaluation(bool acts) const {
  Effect changed = *this;
  changed.evaluates = acts;
  return changed;
}

const EffectUse &Effect::spec() const {
  for (const EffectParam &parameter : parameters())
    if (!bindings.contains(parameter.name))
      refuse("the parameter '", parameter.name, "' of the effect '", use.name,
             "' is bound to nothing; say what it is: ", "bind(\"", parameter.name,
             "\", Effect::largestWeight()), Effect::inputRange(), a number or a tensor");
  return use;
}

bool Effect::acts(bool training, bool noiseInEval) const {
  return training || evaluates.value_or(!use.drawsAnew() || noiseInEval);
}

std::vector<std::pair<size_t, EffectTensor>> Effect::tensors() const {
  std::vector<EffectTensor> described = effectTensors({use});
  std::vector<std::pair<size_t, EffectTensor>> list;
  for (size_t i = 0; i < use.sources.size(); ++i)
    if (use.sources[i] == ParamSource::Tensor)
      list.emplace_back(i, described[list.size()]);
  if (use.holdsKey)
    list.emplace_back(use.sources.size(), described[list.size()]);
  return list;
}

torch::Tensor Effect::key(torch::Device device) const {
  if (!seed)
    return drawKey(device);
  return torch::tensor({*seed, int64_t(0)}, torch::TensorOptions(torch::kLong).device(device));
}

torch::Tensor Effect::tensor(size_t i, const std::vector<int64_t> &sizes, torch::Device device) const {
  const Binding &binding = bindings.at(parameters()[i].name);
  auto options = torch::TensorOptions(torch::kFloat).device(device);
  if (!binding.values.defined())
    return torch::full(sizes, binding.fill, options);
  if (binding.values.sizes() != at::IntArrayRef(sizes))
    refuse("the parameter '", parameters()[i].name, "' of the effect '", use.name, "' has shape ",
           binding.values.sizes(), ", and this layer needs ", at::IntArrayRef(sizes));
  return binding.values.detach().to(options).contiguous().clone();
}

//===-- as text ---------------------------------------------------------------------------------------------------===//

std::string Effect::write() const {
  std::ostringstream text;
  text.precision(9); // NOLINT(cppcoreguidelines-avoid-magic-numbers): a float and back
  text << (evaluates ? *evaluates ? "always" : "training" : "usual");
  for (const EffectStrength &strength : values)
    text << " " << strength.value;
  text << "\n" << use.write();
  return text.str();
}

Effect Effect::read(const std::string &text) {
  size_t end = text.find('\n');
  std::string rest = end == std::string::npos ? "" : text.substr(end + 1);
  Expected<EffectUse> use = EffectUse::read(rest);
  if (!use)
    refuse("an effect in the archive: ", use.message());
  Effect effect(std::move(*use));
  std::istringstream line(text.substr(0, end));
  std::string mode;
  line >> mode;
  if (mode != "usual" && mode != "always" && mode != "training")
    refuse("an effect in the archive: expected usual, always or training, got '", mode, "'");
  if (mode != "usual")
    effect.evaluates = mode == "always";
  for (EffectStrength &strength : effect.values)
    if (!(line >> strength.value))
      refuse("an effect in the archive: expected a value of the strength '", strength.name, "'");
  for (size_t i = 0; i < effect.parameters().size(); ++i) {
    Binding binding(effect.use.sources[i]); // tensors are filled by who reads them
    effect.bindings.insert_or_assign(effect.parameters()[i].name, binding);
  }
  return effect;
}

} // namespace mho::nn

// An effect of your own as text, for the layers (docs/effects.md).
//
//   auto noise = mho::nn::Effect::fromFile("reram_noise.mlir").bind("a", mho::nn::Effect::largestWeight());
//   mho::nn::AnalogLinear layer(mho::nn::AnalogLinearOptions(784, 512).config(config).effect(noise.strength("s", 2)));
//
// The text is verified here: what is wrong with it throws std::invalid_argument, at its place. An Effect is a value:
// every method gives a changed copy.
#pragma once

#include "runtime/EffectUse.h"

#include <torch/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mho::nn {

class Effect {
public:
  /// What a parameter is. A number or a tensor becomes a tensor of each layer: a parameter where the text calls it
  /// `learnable`, else a buffer, called "<effect>_<parameter>". Its shape follows the axes that the text names: T tiles
  /// (t), O outputs (n), K inputs (k).
  class Binding {
  public:
    Binding(double fill) : fill(fill) {} // NOLINT(google-explicit-constructor): bind("a", 2.5)
    Binding(torch::Tensor values) : values(values), isTensor(true) {} // NOLINT(google-explicit-constructor)

  private:
    friend class Effect;
    explicit Binding(ParamSource source) : source(source) {}
    ParamSource source = ParamSource::Tensor;
    double fill = 0;
    torch::Tensor values;
    bool isTensor = false; ///< made of a tensor, which must be defined
  };

  /// The effect called `name` of a text or file; it may be left out where there is one only.
  static Effect fromText(const std::string &text, const std::string &name = "");
  static Effect fromFile(const std::string &path, const std::string &name = "");

  /// Max |W| of each channel and tile, or of each tile where the parameter does not vary over the outputs (n).
  static Binding largestWeight() { return Binding(ParamSource::LargestWeight); }
  /// The layer's input range, whatever kind it is of.
  static Binding inputRange() { return Binding(ParamSource::InputRange); }

  /// Says what a parameter is. Throws for a name that the effect does not have.
  Effect bind(const std::string &parameter, const Binding &binding) const;
  /// Another value of a strength than the text's. Throws for an unknown name and a value that is not finite.
  Effect strength(const std::string &name, double value) const;
  /// Another name: of its tensors and strengths in a layer, and of the streams that its draws take.
  Effect named(const std::string &name) const;
  /// A stream of your own choice for each draw, 64 to 255.
  Effect streams(std::vector<int64_t> streams) const;
  /// Where it acts, by the word of a built-in effect of its site (present or not): input dac; weight weight_codes,
  /// weight_noise, drop_connect; tile output_noise, adc. Usual: before dac, before drop_connect, before output_noise.
  Effect before(const std::string &word) const;
  Effect after(const std::string &word) const;
  /// Draws from a key of its own, which stays for the life of a layer instead of changing with each forward: faults of
  /// a chip, offsets of its converters. The key is a buffer of the layer, int64 [2], called "<effect>_key": saved,
  /// loaded, cloned. It is (seed, 0), the same in each layer; without a seed each layer draws one from torch's default
  /// generator when it gets the effect.
  Effect heldKey(std::optional<int64_t> seed = std::nullopt) const;
  /// Does it act in evaluation too? Usual: an effect that draws anew in each forward does where the config's
  /// noiseInEval is set, others do.
  Effect inEvaluation(bool acts) const;

  const std::string &name() const { return use.name; }
  EffectSite site() const { return use.effect->site; }
  bool draws() const { return use.effect->draws > 0; }
  bool holdsKey() const { return use.holdsKey; }
  const std::vector<EffectParam> &parameters() const { return use.effect->params; }
  /// With the values that the layers get.
  const std::vector<EffectStrength> &strengths() const { return values; }
  double strengthOf(const std::string &name) const;
  bool hasStrength(const std::string &name) const;
  /// "reram_noise(a=largest_weight, s=2)"
  std::string summary() const;

  //===-- for the layers ------------------------------------------------------------------------------------------===//

  /// Throws std::invalid_argument, naming them, where parameters are not bound.
  const EffectUse &spec() const;
  bool acts(bool training, bool noiseInEval) const;
  /// The parameters that are tensors of a layer, by their places among the parameters; a key that the effect holds
  /// comes after them.
  std::vector<std::pair<size_t, EffectTensor>> tensors() const;
  /// A fresh tensor for parameter `i` of these sizes, on this device. Throws for values of another shape.
  torch::Tensor tensor(size_t i, const std::vector<int64_t> &sizes, torch::Device device) const;
  /// A fresh key for an effect that holds one.
  torch::Tensor key(torch::Device device) const;
  /// The effect with its strengths, not its tensors, as text; and back.
  std::string write() const;
  static Effect read(const std::string &text);

private:
  explicit Effect(EffectUse use);
  size_t indexOf(const std::string &name) const;
  Effect placed(const std::string &word, bool after) const;

  EffectUse use;
  std::vector<EffectStrength> values;
  std::map<std::string, Binding> bindings; ///< by parameter
  std::optional<bool> evaluates;
  std::optional<int64_t> seed; ///< of the key that it holds
};

} // namespace mho::nn

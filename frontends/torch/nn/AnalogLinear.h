// A linear layer on a simulated analog chip, shaped like torch::nn::Linear.
//
//   mho::nn::AnalogLinear layer(mho::nn::AnalogLinearOptions(784, 512).config(config));
//   torch::Tensor y = layer(x);                      // noise in training only, unless the config says otherwise
//
// Without a config the layer is digital, just as nn.Linear, until toAnalog() or mho::convert_to_analog() turns it, in
// place: declare the members of your own modules as AnalogLinear.
#pragma once

#include "frontends/torch/nn/AnalogConfig.h"
#include "frontends/torch/nn/Effect.h"

#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>
#include <torch/serialize/archive.h>
#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mho::nn {

struct AnalogLinearOptions {
  AnalogLinearOptions(int64_t in_features, int64_t out_features)
      : in_features_(in_features), out_features_(out_features) {}
  TORCH_ARG(int64_t, in_features);
  TORCH_ARG(int64_t, out_features);
  TORCH_ARG(bool, bias) = true;
  /// Nothing: digital.
  TORCH_ARG(std::optional<AnalogConfig>, config) = std::nullopt;
  /// Effects of your own, beside those of the config; those of one place act in this order.
  TORCH_ARG(std::vector<Effect>, effects) = {};

public:
  /// Adds one.
  AnalogLinearOptions &effect(const Effect &effect) {
    effects_.push_back(effect);
    return *this;
  }
};

/// How hard a batch drives the converters, per crossbar tile: float32 [T] each, undefined where the config has no such
/// converter; 0 for an empty batch. Dynamic ranges clip no input. Inputs are counted as the layer gets them, before
/// effects that are text.
struct AnalogStats {
  torch::Tensor clippedInputs; ///< share of inputs beyond the DAC's range
  torch::Tensor saturatedAdcs; ///< share of accumulators beyond the ADC's range
};

/// Parameters `weight` [out, in] and `bias` [out] as nn.Linear; `input_range` [T], a parameter if learned, a buffer if
/// fixed; buffers `range_estimate`, `range_samples` and their `next_` [T] of a learned range; `<effect>_<parameter>`, a
/// parameter where the effect's text calls it learnable, else a buffer. These stay float32 whatever to() makes of
/// weight and bias.
///
/// A learned range is estimated from the inputs of the first inputRangeFromData steps. A training forward uses the
/// estimate with its own batch folded in, but takes nothing over; commitRanges() does, after the optimizer step:
/// mho::optim::Analog calls it, with another optimizer it is yours to call (a warning says so). Of several forwards
/// before one commit, as in gradient accumulation, the last one counts: each starts from the same committed estimate,
/// so that recomputing a forward changes nothing.
class AnalogLinearImpl : public torch::nn::Cloneable<AnalogLinearImpl> {
public:
  AnalogLinearImpl(int64_t in_features, int64_t out_features)
      : AnalogLinearImpl(AnalogLinearOptions(in_features, out_features)) {}
  /// Throws std::invalid_argument for an impossible config and for effects that do not fit the layer.
  explicit AnalogLinearImpl(const AnalogLinearOptions &options);
  /// Takes over existing tensors: an optimizer that holds them keeps working. `bias` may be undefined. Throws as above.
  AnalogLinearImpl(const torch::Tensor &weight, const torch::Tensor &bias, const std::optional<AnalogConfig> &config,
                   const std::vector<Effect> &effects = {});

  void reset() override;
  /// Initialises weight and bias as nn.Linear does.
  void reset_parameters();
  void pretty_print(std::ostream &stream) const override;

  /// input [..., in] -> [..., out]. Where noise acts, its seed is drawn from torch's default generator.
  torch::Tensor forward(const torch::Tensor &input);
  /// The same with noise of a key of one's own, int64 [2] = (seed, step): equal keys, equal noise.
  torch::Tensor forwardWithKey(const torch::Tensor &input, const torch::Tensor &key);

  bool isAnalog() const { return options.config().has_value(); }
  /// Turns a digital layer analog in place; weight and bias stay the same tensors. Its effects are those of the options
  /// and then these.
  void toAnalog(const AnalogConfig &config, const std::vector<Effect> &effects = {});
  /// Throws std::invalid_argument unless toAnalog() would take these effects with this config.
  void checkEffects(const AnalogConfig &config, const std::vector<Effect> &effects = {}) const;
  /// Another config of the same shape: noise, bits, bounds may change, tiles and the kind of range may not. Throws for
  /// these and for an impossible config, and has then changed nothing.
  void setConfig(const AnalogConfig &config);
  /// Throws for a digital layer.
  const AnalogConfig &config() const;
  /// Number of crossbar tiles.
  int64_t tiles() const;

  /// Another value of a strength of an effect that is text; no kernel is compiled for it. Throws for an unknown name
  /// and for a value that is not finite.
  void setStrength(const std::string &effect, const std::string &strength, double value);
  double strength(const std::string &effect, const std::string &strength) const;
  /// What a layer in training or evaluation computes, in the words of the op: built-in effects of strength 0 are
  /// left out.
  LinearSpec spec(bool training) const;

  /// Takes the range estimate of the last training forward into the parameter: called after an optimizer step.
  void commitRanges();
  /// Shares of clipped inputs and saturated ADCs for a batch [..., in], in the present mode and with the ranges that a
  /// forward of this batch would use; changes nothing.
  AnalogStats stats(const torch::Tensor &input);

  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Device device, bool non_blocking = false) override;

  void save(torch::serialize::OutputArchive &archive) const override;
  /// Also reads an archive of an nn.Linear: what it lacks keeps its value and is named by missingKeys(). An archive of
  /// an analog layer brings its config and the strengths of its effects, to a digital layer without effects these too;
  /// another layer keeps its own. Throws for a tensor of another shape and for an effect's tensor that this layer does
  /// not have, and has then changed nothing.
  void load(torch::serialize::InputArchive &archive) override;
  const std::vector<std::string> &missingKeys() const { return missing; }

  AnalogLinearOptions options;
  torch::Tensor weight, bias, input_range;
  torch::Tensor range_estimate, range_samples, next_range_estimate, next_range_samples;

private:
  /// What a forward pass in one mode hands to the op.
  struct Mode {
    std::string config;
    bool draws = false, usesRange = false;
    torch::Tensor scalars;
    std::vector<size_t> effectTensors; ///< of effect_tensors
  };
  void registerRanges();
  void registerEffects();
  std::vector<torch::Tensor> tensorsOf(const Mode &mode) const;
  void refreshModes();
  void checkSameShape(const AnalogConfig &config) const;
  void moveTo(std::optional<torch::Device> device, std::optional<torch::Dtype> dtype, bool non_blocking);
  const Mode &mode() const { return modes[is_training()]; }
  bool estimates() const;
  torch::Tensor estimatedRange(const torch::Tensor &input, torch::Tensor &nextEstimate,
                               torch::Tensor &nextSamples) const;
  torch::Tensor effectiveRange(const torch::Tensor &input);
  torch::Tensor clippedShares(const torch::Tensor &rows, const torch::Tensor &range) const;
  torch::Tensor saturatedShares(const torch::Tensor &rows, const torch::Tensor &range) const;

  Mode modes[2]; ///< evaluation, training
  std::vector<torch::Tensor> effect_tensors;
  int64_t commits = 0;     ///< estimates taken over so far; counted on the host, so that a forward asks no tensor
  bool estimated = false;  ///< is there an estimate that waits for its commit?
  int64_t uncommitted = 0; ///< training forwards in a row that found one waiting
  std::vector<std::string> missing;
};

TORCH_MODULE(AnalogLinear);

/// Layers with their paths in a module.
using AnalogLayers = std::vector<std::pair<std::string, std::shared_ptr<AnalogLinearImpl>>>;

/// Every analog layer in a module, itself included, once each, with the first of its paths. Throws for a module that is
/// itself an analog layer and not held by a shared pointer.
AnalogLayers analogLayers(torch::nn::Module &module);

} // namespace mho::nn

#include "frontends/torch/nn/AnalogLinear.h"

#include "frontends/torch/nn/OpArguments.h"
#include "frontends/torch/ops/Ops.h"

#include <torch/nn/functional/linear.h>
#include <torch/nn/init.h>
#include <torch/utils.h>

#include <cmath>
#include <unordered_set>

namespace mho::nn {

AnalogLinearImpl::AnalogLinearImpl(const AnalogLinearOptions &options) : options(options) {
  if (isAnalog()) {
    config().validate();
    checkEffects(config());
  }
  reset();
}

AnalogLinearImpl::AnalogLinearImpl(const torch::Tensor &weight, const torch::Tensor &bias,
                                   const std::optional<AnalogConfig> &config, const std::vector<Effect> &effects)
    : options(
          AnalogLinearOptions(weight.size(1), weight.size(0)).bias(bias.defined()).config(config).effects(effects)) {
  if (isAnalog()) {
    config->validate();
    checkEffects(*config);
  }
  this->weight = register_parameter("weight", weight, weight.requires_grad());
  this->bias = register_parameter("bias", bias, bias.defined() && bias.requires_grad());
  registerRanges();
}

void AnalogLinearImpl::reset() {
  weight = register_parameter("weight", torch::empty({options.out_features(), options.in_features()}));
  bias = options.bias() ? register_parameter("bias", torch::empty({options.out_features()}))
                        : register_parameter("bias", {}, /*requires_grad=*/false);
  reset_parameters();
  registerRanges();
}

void AnalogLinearImpl::reset_parameters() {
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5)); // NOLINT(cppcoreguidelines-avoid-magic-numbers)
  if (!bias.defined())
    return;
  double bound = 1 / std::sqrt(double(options.in_features()));
  torch::nn::init::uniform_(bias, -bound, bound);
}

/// Registers the tensors that the config asks for, on the weight's device.
void AnalogLinearImpl::registerRanges() {
  if (!isAnalog())
    return;
  registerEffects();
  refreshModes();
  if (!config().hasRangeTensor())
    return;
  auto vector = [&](double value) {
    return torch::full({tiles()}, value, weight.options().dtype(torch::kFloat).requires_grad(false));
  };
  if (config().inputRange == InputRange::Fixed) {
    input_range = register_buffer("input_range", vector(config().inputRangeInit));
    return;
  }
  input_range = register_parameter("input_range", vector(config().inputRangeInit));
  range_estimate = register_buffer("range_estimate", vector(0));
  range_samples = register_buffer("range_samples", vector(0));
  next_range_estimate = register_buffer("next_range_estimate", vector(0));
  next_range_samples = register_buffer("next_range_samples", vector(0));
}

const AnalogConfig &AnalogLinearImpl::config() const {
  TORCH_CHECK_VALUE(isAnalog(),
                    "this AnalogLinear is digital: it has no config before toAnalog() or convert_to_analog()");
  return *options.config();
}

int64_t AnalogLinearImpl::tiles() const { return config().tiles(options.in_features()); }

void AnalogLinearImpl::toAnalog(const AnalogConfig &config, const std::vector<Effect> &effects) {
  TORCH_CHECK_VALUE(!isAnalog(), "this AnalogLinear is analog already; setConfig() changes its config");
  config.validate();
  checkEffects(config, effects);
  options.effects().insert(options.effects().end(), effects.begin(), effects.end());
  options.config(config);
  registerRanges();
}

/// Throws unless the ranges that the layer has fit another config.
void AnalogLinearImpl::checkSameShape(const AnalogConfig &config) const {
  TORCH_CHECK_VALUE(config.inputRange == this->config().inputRange,
                    "setConfig() keeps the kind of input range; convert a digital layer with the new config instead");
  int64_t inputs = options.in_features(), count = config.tiles(inputs);
  TORCH_CHECK_VALUE(count == tiles(), "setConfig() keeps the number of tiles (", tiles(), ", asked for ", count,
                    "); convert a digital layer with the new config instead");
  for (int64_t t = 0; t < count; ++t)
    TORCH_CHECK_VALUE(config.tileBegin(inputs, t) == this->config().tileBegin(inputs, t),
                      "setConfig() keeps the bounds of the tiles (tile ", t, " begins at input ",
                      this->config().tileBegin(inputs, t), ", asked for ", config.tileBegin(inputs, t),
                      "); convert a digital layer with the new config instead");
}

void AnalogLinearImpl::setConfig(const AnalogConfig &config) {
  config.validate();
  checkSameShape(config);
  checkEffects(config);
  options.config(config);
  refreshModes();
}

torch::Tensor AnalogLinearImpl::forward(const torch::Tensor &input) {
  bool draws = isAnalog() && mode().draws;
  return forwardWithKey(input, draws ? drawKey(input.device()) : torch::Tensor());
}

torch::Tensor AnalogLinearImpl::forwardWithKey(const torch::Tensor &input, const torch::Tensor &key) {
  if (!isAnalog())
    return torch::nn::functional::linear(input, weight, bias);
  torch::Tensor range = effectiveRange(input);
  return std::get<0>(ops::analogLinear(input, weight, orNothing(bias), orNothing(range),
                                       mode().draws ? orNothing(key) : std::nullopt, mode().scalars, mode().config,
                                       /*save=*/false, tensorsOf(mode())));
}

/// Weight and bias as torch::nn::Module does; ranges, their estimates and tensors of effects move, but keep their type:
/// in fewer bits an estimate would stop growing, and the kernels take float32 only.
void AnalogLinearImpl::moveTo(std::optional<torch::Device> device, std::optional<torch::Dtype> dtype,
                              bool non_blocking) {
  auto move = [&](torch::Tensor &tensor, bool cast) {
    tensor.set_data(
        tensor.to(device.value_or(tensor.device()), cast && dtype ? *dtype : tensor.scalar_type(), non_blocking));
  };
  for (auto &item : named_parameters(/*recurse=*/false))
    move(item.value(), item.key() == "weight" || item.key() == "bias");
  for (auto &item : named_buffers(/*recurse=*/false))
    move(item.value(), false);
}

void AnalogLinearImpl::to(torch::Device device, torch::Dtype dtype, bool non_blocking) {
  moveTo(device, dtype, non_blocking);
}
void AnalogLinearImpl::to(torch::Dtype dtype, bool non_blocking) { moveTo(std::nullopt, dtype, non_blocking); }
void AnalogLinearImpl::to(torch::Device device, bool non_blocking) { moveTo(device, std::nullopt, non_blocking); }

AnalogLayers analogLayers(torch::nn::Module &module) {
  AnalogLayers layers;
  std::unordered_set<const torch::nn::Module *> seen;
  auto add = [&](const std::string &path, const std::shared_ptr<AnalogLinearImpl> &layer) {
    if (layer && layer->isAnalog() && seen.insert(layer.get()).second)
      layers.emplace_back(path, layer);
  };
  for (const auto &item : module.named_modules("", /*include_self=*/false))
    add(item.key(), std::dynamic_pointer_cast<AnalogLinearImpl>(item.value()));
  if (dynamic_cast<AnalogLinearImpl *>(&module)) {
    TORCH_CHECK_VALUE(!module.weak_from_this().expired(),
                      "analogLayers: this AnalogLinearImpl is not held by a shared pointer; make it with "
                      "mho::nn::AnalogLinear or std::make_shared");
    add("", std::static_pointer_cast<AnalogLinearImpl>(module.shared_from_this()));
  }
  return layers;
}

} // namespace mho::nn

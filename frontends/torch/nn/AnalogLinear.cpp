#include "frontends/torch/nn/AnalogLinear.h"

#include "frontends/torch/ops/Ops.h"

#include <torch/nn/functional/linear.h>
#include <torch/nn/init.h>
#include <torch/utils.h>

#include <cmath>

namespace mho::nn {

AnalogLinearImpl::AnalogLinearImpl(const AnalogLinearOptions &options) : options(options) {
  if (isAnalog())
    config().validate();
  reset();
}

AnalogLinearImpl::AnalogLinearImpl(const torch::Tensor &weight, const torch::Tensor &bias, const AnalogConfig &config)
    : options(AnalogLinearOptions(weight.size(1), weight.size(0)).bias(bias.defined()).config(config)) {
  config.validate();
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
  double bound = options.in_features() > 0 ? 1 / std::sqrt(double(options.in_features())) : 0;
  torch::nn::init::uniform_(bias, -bound, bound);
}

/// Registers the tensors that the config asks for, on the weight's device.
void AnalogLinearImpl::registerRanges() {
  if (!isAnalog())
    return;
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

void AnalogLinearImpl::refreshModes() {
  for (bool training : {false, true}) {
    LinearSpec spec = config().spec(training, options.bias());
    modes[training] = {spec.canonical(), spec.draws(), spec.inputRange == mho::InputRange::Given};
  }
  std::array<float, LinearScalars::kCount> packed = config().scalars(tiles()).pack();
  scalars = torch::tensor(at::ArrayRef<float>(packed));
}

const AnalogConfig &AnalogLinearImpl::config() const {
  TORCH_CHECK_VALUE(isAnalog(),
                    "this AnalogLinear is digital: it has no config before toAnalog() or convert_to_analog()");
  return *options.config();
}

int64_t AnalogLinearImpl::tiles() const { return config().spec(true, false).tiles(options.in_features()); }

void AnalogLinearImpl::toAnalog(const AnalogConfig &config) {
  TORCH_CHECK_VALUE(!isAnalog(), "this AnalogLinear is analog already; setConfig() changes its config");
  config.validate();
  options.config(config);
  registerRanges();
}

void AnalogLinearImpl::setConfig(const AnalogConfig &config) {
  const AnalogConfig &old = this->config();
  config.validate();
  int64_t count = config.spec(true, false).tiles(options.in_features());
  TORCH_CHECK_VALUE(config.inputRange == old.inputRange && count == tiles(),
                    "setConfig() keeps the kind of input range and the number of tiles (", tiles(), ", asked for ",
                    count, "); convert a digital layer with the new config instead");
  options.config(config);
  refreshModes();
}

/// Is a learned range still being estimated from data?
bool AnalogLinearImpl::estimates() const {
  return is_training() && config().inputRange == InputRange::Learned && commits < config().inputRangeFromData;
}

/// The range of this forward: the parameter, or while it is estimated what the data so far say. Which of the two is a
/// choice among tensors, so that no forward waits for a device.
torch::Tensor AnalogLinearImpl::effectiveRange(const torch::Tensor &input) {
  if (!mode().usesRange || !estimates())
    return mode().usesRange ? input_range : torch::Tensor();
  ops::updateRangeEstimate(input.detach(), range_estimate, range_samples, next_range_estimate, next_range_samples,
                           mode().config, config().inputRangeAlpha);
  estimated = true;
  return torch::where(next_range_samples > 0, next_range_estimate, input_range);
}

torch::Tensor AnalogLinearImpl::forward(const torch::Tensor &input) {
  torch::Tensor key;
  if (isAnalog() && mode().draws) {
    key = torch::zeros({2}, torch::TensorOptions(torch::kLong).device(input.device()));
    key.select(0, 0).random_(std::numeric_limits<int64_t>::min(), std::optional<int64_t>()); // all 2^64 seeds
  }
  return forwardWithKey(input, key);
}

torch::Tensor AnalogLinearImpl::forwardWithKey(const torch::Tensor &input, const torch::Tensor &key) {
  if (!isAnalog())
    return torch::nn::functional::linear(input, weight, bias);
  auto given = [](const torch::Tensor &t) { return t.defined() ? ops::OptionalTensor(t) : std::nullopt; };
  torch::Tensor range = effectiveRange(input);
  return std::get<0>(ops::analogLinear(input, weight, given(bias), given(range),
                                       mode().draws ? given(key) : std::nullopt, scalars, mode().config,
                                       /*save=*/false));
}

void AnalogLinearImpl::commitRanges() {
  if (!isAnalog() || !estimated)
    return;
  torch::NoGradGuard noGradient;
  input_range.copy_(torch::where(next_range_samples > 0, next_range_estimate, input_range));
  range_estimate.copy_(next_range_estimate);
  range_samples.copy_(next_range_samples);
  ++commits;
  estimated = false;
}

AnalogStats AnalogLinearImpl::stats(const torch::Tensor &input) {
  torch::NoGradGuard noGradient;
  AnalogStats stats;
  LinearSpec spec = config().spec(is_training(), options.bias());
  spec.maskSaturated = true; // the bits are wanted, whatever the gradient
  torch::Tensor x = input.reshape({-1, options.in_features()});
  if (mode().usesRange && spec.quantizeInput) {
    std::vector<torch::Tensor> shares;
    for (int64_t t = 0; t < tiles(); ++t) {
      int64_t begin = spec.tileBegin(options.in_features(), t), end = spec.tileBegin(options.in_features(), t + 1);
      shares.push_back((x.narrow(1, begin, end - begin).abs() > input_range[t]).to(torch::kFloat).mean());
    }
    stats.clippedInputs = torch::stack(shares);
  }
  if (!spec.adc)
    return stats;
  auto given = [](const torch::Tensor &t) { return t.defined() ? ops::OptionalTensor(t) : std::nullopt; };
  torch::Tensor key = torch::zeros({2}, torch::TensorOptions(torch::kLong).device(x.device()));
  torch::Tensor words = std::get<1>(ops::analogLinear(
      x, weight, given(bias), given(mode().usesRange ? input_range : torch::Tensor()),
      spec.draws() ? ops::OptionalTensor(key.random_()) : std::nullopt, scalars, spec.canonical(), /*save=*/true));
  // One bit at a time: 32 times the memory of the words is not needed.
  torch::Tensor count = torch::zeros({tiles()}, torch::TensorOptions(torch::kLong).device(x.device()));
  for (int64_t bit = 0; bit < 32; ++bit)
    count += torch::bitwise_right_shift(words, bit).bitwise_and_(1).sum(at::IntArrayRef({1, 2}));
  stats.saturatedAdcs = count.to(torch::kFloat) / std::max<int64_t>(1, x.size(0) * options.out_features());
  return stats;
}

AnalogLayers analogLayers(torch::nn::Module &module) {
  AnalogLayers layers;
  for (const auto &item : module.named_modules("", /*include_self=*/false))
    if (auto layer = std::dynamic_pointer_cast<AnalogLinearImpl>(item.value()); layer && layer->isAnalog())
      layers.emplace_back(item.key(), layer);
  if (auto *self = dynamic_cast<AnalogLinearImpl *>(&module); self && self->isAnalog())
    layers.emplace_back("", std::static_pointer_cast<AnalogLinearImpl>(module.shared_from_this()));
  return layers;
}

} // namespace mho::nn

// Input ranges of AnalogLinear: their estimate from data, and how hard a batch drives the converters.
#include "frontends/torch/nn/AnalogLinear.h"

#include "frontends/torch/nn/OpArguments.h"
#include "frontends/torch/ops/Ops.h"

#include <torch/utils.h>

#include <algorithm>
#include <limits>

namespace mho::nn {

torch::Tensor drawKey(torch::Device device) {
  torch::Tensor key = torch::zeros({2}, torch::TensorOptions(torch::kLong).device(device));
  key.select(0, 0).random_(std::numeric_limits<int64_t>::min(), std::optional<int64_t>());
  return key;
}

/// Is a learned range still being estimated from data?
bool AnalogLinearImpl::estimates() const {
  return mode().usesRange && is_training() && config().inputRange == InputRange::Learned &&
         commits < config().inputRangeFromData;
}

/// The range of a forward of `input` while it is estimated: what the data so far say, the parameter where they say
/// nothing. Which of the two is a choice among tensors, so that no forward waits for a device.
torch::Tensor AnalogLinearImpl::estimatedRange(const torch::Tensor &input, torch::Tensor &nextEstimate,
                                               torch::Tensor &nextSamples) const {
  ops::updateRangeEstimate(input, range_estimate, range_samples, nextEstimate, nextSamples, mode().config,
                           config().inputRangeAlpha);
  return torch::where(nextSamples > 0, nextEstimate, input_range);
}

/// The range that this forward hands to the op.
torch::Tensor AnalogLinearImpl::effectiveRange(const torch::Tensor &input) {
  if (!estimates())
    return mode().usesRange ? input_range : torch::Tensor();
  torch::Tensor range = estimatedRange(input, next_range_estimate, next_range_samples);
  constexpr int64_t kMany = 10; // more forwards between two steps than recomputation needs
  if (estimated && ++uncommitted >= kMany) {
    TORCH_WARN_ONCE("mho::nn::AnalogLinear: ", uncommitted,
                    " training forwards in a row found the estimate of the input range not taken over. Use "
                    "mho::optim::Analog, or call commitRanges() after each optimizer step; with gradient accumulation "
                    "over so many batches this is as it should be");
  }
  estimated = true;
  return range;
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
  uncommitted = 0;
}

/// Share of each tile's inputs [rows, in] beyond the range, float32 [T]; an undefined range is dynamic.
torch::Tensor AnalogLinearImpl::clippedShares(const torch::Tensor &rows, const torch::Tensor &range) const {
  torch::Tensor shares = torch::zeros({tiles()}, rows.options().dtype(torch::kFloat));
  for (int64_t t = 0; range.defined() && t < tiles(); ++t) {
    int64_t inputs = options.in_features(), begin = config().tileBegin(inputs, t);
    torch::Tensor tile = rows.narrow(1, begin, config().tileBegin(inputs, t + 1) - begin);
    shares.select(0, t).copy_((tile.abs() > range[t]).sum() / double(std::max<int64_t>(1, tile.numel())));
  }
  return shares;
}

/// Share of each tile's accumulators [rows, out] that saturate, float32 [T].
torch::Tensor AnalogLinearImpl::saturatedShares(const torch::Tensor &rows, const torch::Tensor &range) const {
  LinearSpec spec = this->spec(is_training());
  spec.maskSaturated = true; // the bits are wanted, whatever the gradient
  std::vector<std::string> sets = spec.savedBits();
  torch::Tensor words = std::get<1>(ops::analogLinear(
      rows, weight, orNothing(bias), orNothing(range), spec.draws() ? orNothing(drawKey(rows.device())) : std::nullopt,
      mode().scalars, spec.canonical(), /*save=*/true, tensorsOf(mode())));
  words = words.narrow(0, (std::find(sets.begin(), sets.end(), "adc") - sets.begin()) * tiles(), tiles());
  // One bit at a time: 32 times the memory of the words is not needed.
  torch::Tensor count = torch::zeros({tiles()}, torch::TensorOptions(torch::kLong).device(rows.device()));
  for (int64_t bit = 0; bit < 32; ++bit)
    count += torch::bitwise_right_shift(words, bit).bitwise_and_(1).sum(at::IntArrayRef({1, 2}));
  return (count / double(std::max<int64_t>(1, rows.size(0) * options.out_features()))).to(torch::kFloat);
}

AnalogStats AnalogLinearImpl::stats(const torch::Tensor &input) {
  torch::NoGradGuard noGradient;
  TORCH_CHECK_VALUE(input.dim() >= 1 && input.size(-1) == options.in_features(), "stats: expected an input [..., ",
                    options.in_features(), "], got shape ", input.sizes());
  LinearSpec spec = this->spec(is_training());
  torch::Tensor rows = input.dim() == 1 ? input.unsqueeze(0) : input.flatten(0, -2), range;
  if (estimates()) {
    torch::Tensor estimate = torch::empty_like(range_estimate), samples = torch::empty_like(range_samples);
    range = estimatedRange(input, estimate, samples);
  } else if (mode().usesRange) {
    range = input_range;
  }
  return {.clippedInputs = spec.quantizeInput ? clippedShares(rows, range) : torch::Tensor(),
          .saturatedAdcs = spec.adc ? saturatedShares(rows, range) : torch::Tensor()};
}

} // namespace mho::nn

#include "frontends/torch/optim/Clip.h"

#include <torch/library.h>
#include <torch/utils.h>

#include <cmath>
#include <numeric>
#include <unordered_set>

namespace mho::optim {
namespace {

void checkPositive(const char *name, double number) {
  TORCH_CHECK_VALUE(std::isfinite(number) && number > 0, "clip_weight: ", name, " = ", number,
                    " is impossible; expected a positive number");
}

void checkArguments(const torch::Tensor &weight, nn::Clip kind, double sigma, double value) {
  TORCH_CHECK_TYPE(at::isFloatingType(weight.scalar_type()), "clip_weight: expected a weight of a floating type, got ",
                   toString(weight.scalar_type()));
  TORCH_CHECK_VALUE(kind != nn::Clip::RowStd || weight.dim() > 0,
                    "clip_weight: row_std needs a weight [rows, ...], got a scalar; use layer_std or fixed");
  if (kind == nn::Clip::LayerStd || kind == nn::Clip::RowStd)
    checkPositive("sigma", sigma);
  if (kind == nn::Clip::Fixed)
    checkPositive("value", value);
}

nn::Clip kindNamed(c10::string_view name) {
  std::optional<nn::Clip> kind = nn::clipNamed(std::string(name));
  TORCH_CHECK_VALUE(kind, "clip_weight: kind = '", name, "' is impossible; expected one of ", nn::clipNames());
  return *kind;
}

/// torch.ops.mho.clip_weight: clipWeight() for other languages.
void clipWeightOp(at::Tensor &weight, c10::string_view kind, double sigma, double value) {
  clipWeight(weight, kindNamed(kind), sigma, value);
}

void clipWeightMeta(at::Tensor &weight, c10::string_view kind, double sigma, double value) {
  checkArguments(weight, kindNamed(kind), sigma, value);
}

/// Clamps to +-sigma deviations over `dims`.
void clampToDeviations(torch::Tensor &weight, const std::vector<int64_t> &dims, double sigma) {
  torch::Tensor wide = weight.scalar_type() == torch::kDouble ? weight : weight.to(torch::kFloat);
  torch::Tensor bound = sigma * wide.std(dims, /*unbiased=*/true, /*keepdim=*/true);
  weight.clamp_(-bound, bound);
}

} // namespace

TORCH_LIBRARY_FRAGMENT(mho, m) {
  m.def("clip_weight(Tensor(a!) weight, str kind, float sigma=2.5, float value=1.0) -> ()",
        torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(clipWeightOp)));
  m.impl("clip_weight", torch::dispatch(c10::DispatchKey::Meta, TORCH_FN(clipWeightMeta)));
}

void clipWeight(torch::Tensor weight, nn::Clip kind, double sigma, double value) {
  torch::NoGradGuard noGradient;
  checkArguments(weight, kind, sigma, value);
  std::vector<int64_t> dims(weight.dim());
  std::iota(dims.begin(), dims.end(), 0);
  switch (kind) {
  case nn::Clip::None:
    return;
  case nn::Clip::Fixed:
    weight.clamp_(-value, value);
    return;
  case nn::Clip::LayerStd:
    if (weight.numel() > 1)
      clampToDeviations(weight, dims, sigma);
    return;
  case nn::Clip::RowStd:
    if (weight.numel() > weight.size(0))
      clampToDeviations(weight, {dims.begin() + 1, dims.end()}, sigma);
    return;
  }
}

void clipWeights(const nn::AnalogLayers &layers) {
  std::unordered_set<const c10::TensorImpl *> clipped;
  for (const auto &[path, layer] : layers) {
    const nn::AnalogConfig &config = layer->config();
    if (config.clip != nn::Clip::None && clipped.insert(layer->weight.unsafeGetTensorImpl()).second)
      clipWeight(layer->weight, config.clip, config.clipSigma, config.clipValue);
  }
}

void afterStep(const nn::AnalogLayers &layers) {
  clipWeights(layers);
  for (const auto &[path, layer] : layers)
    layer->commitRanges();
}

} // namespace mho::optim

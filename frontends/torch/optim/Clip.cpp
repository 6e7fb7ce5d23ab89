#include "frontends/torch/optim/Clip.h"

#include <torch/library.h>
#include <torch/utils.h>

namespace mho::optim {
namespace {

/// The kind of clipping by the name that configs use, strengths checked as there.
nn::Clip checkedKind(c10::string_view kind, double sigma, double value) {
  nn::AnalogConfig config = nn::AnalogConfig::fromJson("{\"clip\": \"" + std::string(kind) + "\"}");
  config.clipSigma = sigma;
  config.clipValue = value;
  config.validate();
  return config.clip;
}

/// torch.ops.mho.clip_weight: clipWeight() for other languages.
void clipWeightOp(at::Tensor &weight, c10::string_view kind, double sigma, double value) {
  clipWeight(weight, checkedKind(kind, sigma, value), sigma, value);
}

void clipWeightMeta(at::Tensor &, c10::string_view kind, double sigma, double value) {
  checkedKind(kind, sigma, value);
}

} // namespace

TORCH_LIBRARY_FRAGMENT(mho, m) {
  m.def("clip_weight(Tensor(a!) weight, str kind, float sigma=2.5, float value=1.0) -> ()",
        torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd, TORCH_FN(clipWeightOp)));
  m.impl("clip_weight", torch::dispatch(c10::DispatchKey::Meta, TORCH_FN(clipWeightMeta)));
}

void clipWeight(torch::Tensor weight, nn::Clip kind, double sigma, double value) {
  torch::NoGradGuard noGradient;
  if (weight.numel() == 0 || kind == nn::Clip::None)
    return;
  if (kind == nn::Clip::Fixed) {
    weight.clamp_(-value, value);
    return;
  }
  torch::Tensor rows = weight.reshape({kind == nn::Clip::RowStd ? weight.size(0) : 1, -1});
  if (rows.size(1) < 2)
    return;
  torch::Tensor bound = sigma * rows.to(torch::kFloat).std(/*dim=*/1, /*unbiased=*/true, /*keepdim=*/true);
  bound = bound.to(weight.scalar_type());
  weight.copy_(rows.clamp(-bound, bound).reshape(weight.sizes()));
}

void clipWeights(const nn::AnalogLayers &layers) {
  for (const auto &[path, layer] : layers)
    clipWeight(layer->weight, layer->config().clip, layer->config().clipSigma, layer->config().clipValue);
}

void afterStep(const nn::AnalogLayers &layers) {
  clipWeights(layers);
  for (const auto &[path, layer] : layers)
    layer->commitRanges();
}

} // namespace mho::optim

#include "frontends/torch/optim/Clip.h"

#include <torch/utils.h>

namespace mho::optim {

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

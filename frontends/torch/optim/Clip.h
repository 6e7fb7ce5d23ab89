// Weight clipping after an optimizer step (AIHWKIT-Lightning, Eq. 1): a range that conductances can be mapped to.
#pragma once

#include "frontends/torch/nn/AnalogLinear.h"

namespace mho::optim {

/// Clamps a weight [rows, ...] in place, without a graph. LayerStd: to sigma unbiased standard deviations of the whole
/// weight; RowStd: of each row; Fixed: to `value`. A weight or row of one element has no deviation and stays.
void clipWeight(torch::Tensor weight, nn::Clip kind, double sigma, double value);

// The same as an op: torch.ops.mho.clip_weight(weight, kind, sigma=2.5, value=1.0), in place; kind: none, layer_std,
// row_std or fixed.

/// Clips every layer as its config says.
void clipWeights(const nn::AnalogLayers &layers);

/// What belongs after each optimizer step: clipWeights(), and the layers' range estimates become their parameters.
void afterStep(const nn::AnalogLayers &layers);

} // namespace mho::optim

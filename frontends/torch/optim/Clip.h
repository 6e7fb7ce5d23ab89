// Weight clipping after an optimizer step (AIHWKIT-Lightning, Eq. 1): a range that conductances can be mapped to.
#pragma once

#include "frontends/torch/nn/AnalogLinear.h"

namespace mho::optim {

/// Clamps a weight [rows, ...] in place, without a graph. LayerStd: to `sigma` unbiased standard deviations of the
/// whole weight; RowStd: of each row; Fixed: to `value`; None: not. Deviations are taken in float32, or float64 for a
/// float64 weight; a narrower weight is rounded to its type after that. A weight or row of one element has no deviation
/// and stays. A NaN stays; LayerStd and RowStd make NaN of the whole weight or row that a NaN or an infinity is in.
///
/// Throws c10::Error for a sigma or value, where the kind uses it, that is not positive and finite, for a weight that
/// is not of a floating type, and for RowStd of a weight without dimensions.
void clipWeight(torch::Tensor weight, nn::Clip kind, double sigma, double value);

// The same as an op: torch.ops.mho.clip_weight(weight, kind, sigma=2.5, value=1.0), in place; kind: none, layer_std,
// row_std or fixed.

/// Clips the weight of every layer as its config says, once: a weight that several layers share (tied weights) is
/// clipped as the first of them that clips says.
void clipWeights(const nn::AnalogLayers &layers);

/// What belongs after each optimizer step: clipWeights(), and the layers' range estimates become their parameters.
void afterStep(const nn::AnalogLayers &layers);

} // namespace mho::optim

// The networks of the demo: one architecture, ordinary or made of mho's analog layers.
#pragma once

#include <torch/nn/modules/container/sequential.h>

#include "frontends/demo/FashionMnist.h"

namespace mho::demo {

/// 784-512-256-10 with ReLU, ordinary torch layers.
torch::nn::Sequential makeDigital();

/// The same network made hardware-aware: on crossbar tiles of at most 256 rows, with learned 8-bit input ranges, an
/// 8-bit ADC, output noise, and weight noise drawn anew in each forward pass of the training.
torch::nn::Sequential makeHardwareAware();

/// A copy of a trained digital network on the same chip: tiles, converters and noise as there, input ranges calibrated
/// on training samples.
torch::nn::Sequential mapOntoChip(torch::nn::Sequential &digital, const Dataset &calibration);

/// From now on the chip has this weight noise, in units of the channel's largest |weight|, in eval mode too.
void setWeightNoise(torch::nn::Sequential &network, double strength);

} // namespace mho::demo

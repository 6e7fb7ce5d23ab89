// The network and the chip of the tests of conversion, optimizers and training.
#pragma once

#include "frontends/torch/Torch.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

namespace mho {

inline nn::AnalogConfig chip() {
  nn::AnalogConfig config;
  config.tileRows = 8;
  config.inputRange = nn::InputRange::Learned;
  config.inputBits = config.adcBits = 8;
  config.weightNoise = 0.05;
  config.inputRangeFromData = 3;
  config.clip = nn::Clip::LayerStd;
  config.clipSigma = 1.5;
  return config;
}

inline torch::nn::Sequential network() {
  return torch::nn::Sequential(torch::nn::Linear(20, 16), torch::nn::ReLU(), torch::nn::Linear(16, 4));
}

} // namespace mho

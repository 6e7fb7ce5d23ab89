#include "frontends/demo/Networks.h"

#include "frontends/torch/Torch.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <stdexcept>
#include <vector>

namespace mho::demo {

namespace {

/// The chip that both networks run on: converters, output noise and ADC bound as in the standard PCM model of Rasch et
/// al. (2023), "Hardware-aware training for large-scale and diverse deep learning inference workloads", supplementary
/// table 1.
nn::AnalogConfig chip(double weightNoise) {
  nn::AnalogConfig config;
  config.tileRows = 256;
  config.inputRange = nn::InputRange::Learned;
  config.inputBits = 8;
  config.weightNoise = weightNoise;
  config.outputNoise = 0.04;
  config.adcBits = 8;
  config.outputBound = 10;
  config.noiseInEval = true;
  config.clip = nn::Clip::LayerStd;
  config.clipSigma = 2.5;
  return config;
}

/// Weight noise of the hardware-aware training: about the middle of the strengths that it is tested at.
constexpr double kTrainingNoise = 0.2;

/// Largest |x| over each tile's columns, float [tiles].
torch::Tensor tileMaxima(const torch::Tensor &x, const nn::AnalogConfig &config) {
  const int64_t inputs = x.size(1);
  std::vector<torch::Tensor> maxima;
  for (int64_t t = 0; t < config.tiles(inputs); ++t)
    maxima.push_back(x.slice(1, config.tileBegin(inputs, t), config.tileBegin(inputs, t + 1)).abs().max());
  return torch::stack(maxima);
}

} // namespace

torch::nn::Sequential makeDigital() {
  return torch::nn::Sequential(torch::nn::Linear(784, 512), torch::nn::ReLU(), torch::nn::Linear(512, 256),
                               torch::nn::ReLU(), torch::nn::Linear(256, 10));
}

torch::nn::Sequential makeHardwareAware() {
  torch::nn::Sequential network = makeDigital();
  convert_to_analog(*network, chip(kTrainingNoise));
  return network;
}

torch::nn::Sequential mapOntoChip(torch::nn::Sequential &digital, const Dataset &calibration) {
  torch::NoGradGuard noGradient;
  torch::nn::Sequential mapped(std::dynamic_pointer_cast<torch::nn::SequentialImpl>(digital->clone()));
  convert_to_analog(*mapped, chip(0));
  torch::Tensor x = calibration.images;
  for (size_t i = 0; i < digital->size(); ++i) {
    if (auto layer = std::dynamic_pointer_cast<nn::AnalogLinearImpl>(mapped->ptr(i)))
      layer->input_range.copy_(tileMaxima(x, layer->config()));
    torch::nn::AnyModule module = *(digital->begin() + i);
    x = module.forward(x);
  }
  return mapped;
}

void setWeightNoise(torch::nn::Sequential &network, double strength) {
  for (const auto &module : network->children())
    if (auto layer = std::dynamic_pointer_cast<nn::AnalogLinearImpl>(module))
      layer->setConfig(chip(strength));
}

} // namespace mho::demo

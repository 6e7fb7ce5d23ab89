// One training step of an analog layer: a noisy forward pass on the simulated chip, exact gradients, a clipped update.
#include "frontends/torch/Torch.h"

#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <cstdio>

int main() {
  torch::manual_seed(1);

  mho::nn::AnalogConfig config;
  config.tileRows = 256; // crossbar tiles of at most 256 rows
  config.inputRange = mho::nn::InputRange::Learned;
  config.inputBits = 8;
  config.weightNoise = 0.05; // in units of the channel's largest |weight|
  config.adcBits = 8;

  torch::nn::Sequential network(torch::nn::Linear(600, 10));
  mho::convert_to_analog(*network, config);
  mho::optim::Analog<torch::optim::AdamW> optimizer(*network, torch::optim::AdamWOptions(1e-3));

  const torch::Tensor x = torch::randn({64, 600}), target = torch::randn({64, 10});
  const torch::Tensor before = network->parameters()[0].detach().clone();
  const torch::Tensor loss = torch::nn::functional::mse_loss(network->forward(x), target);
  loss.backward();
  optimizer.step();

  const double moved = (network->parameters()[0] - before).abs().max().item<double>();
  std::printf("loss %.4f, largest change of a weight %.2e\n", loss.item<double>(), moved);
  return loss.isfinite().item<bool>() && moved > 0 ? 0 : 1;
}

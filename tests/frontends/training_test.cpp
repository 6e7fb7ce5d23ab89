// A short training with noise: it learns, and resumes bit for bit.
#include "tests/frontends/chip_network.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim.h>
#include <torch/serialize.h>
#include <torch/utils.h>

#include <sstream>

namespace mho {
namespace {

using torch::Tensor;

/// Trains `steps` steps on fixed data from the generator's present state.
void train(torch::nn::Sequential &net, torch::optim::Optimizer &optimizer, int steps) {
  Tensor x = torch::arange(12 * 20).reshape({12, 20}).sin(), target = torch::arange(12).remainder(4);
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    torch::nn::functional::cross_entropy(net->forward(x), target).backward();
    optimizer.step();
  }
}

TEST(Training, ResumesBitForBit) {
  torch::manual_seed(4);
  torch::nn::Sequential net = network(), resumed = network();
  convert_to_analog(*net, chip());
  optim::Analog<torch::optim::AdamW> optimizer(*net, torch::optim::AdamWOptions(1e-2));
  train(net, optimizer, 2); // within the estimation of the ranges
  std::stringstream model, state;
  torch::save(net, model);
  torch::save(optimizer, state);
  Tensor generator = at::detail::getDefaultCPUGenerator().get_state();
  train(net, optimizer, 4);

  convert_to_analog(*resumed, chip());
  torch::load(resumed, model);
  optim::Analog<torch::optim::AdamW> second(*resumed, torch::optim::AdamWOptions(1e-2));
  torch::load(second, state);
  at::Generator restored = at::detail::getDefaultCPUGenerator();
  restored.set_state(generator);
  train(resumed, second, 4);
  auto a = net->named_parameters(), b = resumed->named_parameters();
  for (const auto &item : a)
    EXPECT_TRUE(torch::equal(item.value(), b[item.key()])) << item.key();
}

TEST(Training, LearnsWithNoise) {
  torch::manual_seed(5);
  torch::nn::Sequential net = network();
  convert_to_analog(*net, chip());
  optim::Analog<torch::optim::AdamW> optimizer(*net, torch::optim::AdamWOptions(1e-2));
  train(net, optimizer, 300);
  net->eval();
  Tensor x = torch::arange(12 * 20).reshape({12, 20}).sin(), target = torch::arange(12).remainder(4);
  EXPECT_GE(net->forward(x).argmax(1).eq(target).sum().item<int64_t>(), 11) << "12 samples of 4 classes";
}

} // namespace
} // namespace mho

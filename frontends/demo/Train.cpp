#include "frontends/demo/Train.h"

#include "frontends/demo/Progress.h"

#include <torch/nn/functional/loss.h>
#include <torch/optim/schedulers/step_lr.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace mho::demo {

namespace {

constexpr int64_t kBatch = 256;

std::string describe(int64_t epoch, int64_t epochs, double loss) {
  char text[64];
  std::snprintf(text, sizeof text, "epoch %lld/%lld  loss %.3f", static_cast<long long>(epoch),
                static_cast<long long>(epochs), loss);
  return text;
}

} // namespace

void train(torch::nn::Sequential &network, torch::optim::Optimizer &optimizer, const Dataset &data, int64_t epochs,
           const std::string &title) {
  torch::optim::StepLR schedule(optimizer, /*step_size=*/1, /*gamma=*/0.8);
  Progress progress(title, epochs * data.size(), "images");
  network->train();
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    const torch::Tensor order = torch::randperm(data.size(), torch::kInt64);
    for (int64_t begin = 0; begin < data.size(); begin += kBatch) {
      const int64_t count = std::min(kBatch, data.size() - begin);
      const torch::Tensor rows = order.narrow(0, begin, count);
      optimizer.zero_grad();
      const torch::Tensor loss = torch::nn::functional::cross_entropy(
          network->forward(data.images.index_select(0, rows)), data.labels.index_select(0, rows));
      const double value = loss.item<double>();
      if (!std::isfinite(value))
        throw std::runtime_error("the loss of the " + title + " network became " + std::to_string(value) +
                                 " in epoch " + std::to_string(epoch));
      loss.backward();
      optimizer.step();
      progress.advance(count, describe(epoch, epochs, value));
    }
    schedule.step();
  }
  progress.finish("trained " + std::to_string(epochs) + " epochs");
}

double accuracy(torch::nn::Sequential &network, const Dataset &data) {
  torch::NoGradGuard noGradient;
  network->eval();
  const torch::Tensor guess = network->forward(data.images).argmax(1);
  return guess.eq(data.labels).to(torch::kFloat64).mean().item<double>() * 100;
}

} // namespace mho::demo

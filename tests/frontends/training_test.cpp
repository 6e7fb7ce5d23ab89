// Conversion, clipping optimizers, and a short training that resumes bit for bit.
#include "frontends/torch/Torch.h"

#include <gmock/gmock.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/moduledict.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim.h>
#include <torch/serialize.h>
#include <torch/utils.h>

#include <sstream>

namespace mho {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using torch::Tensor;

nn::AnalogConfig chip() {
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

torch::nn::Sequential network() {
  return torch::nn::Sequential(torch::nn::Linear(20, 16), torch::nn::ReLU(), torch::nn::Linear(16, 4));
}

/// Members of every kind.
struct NetImpl : torch::nn::Module {
  NetImpl() {
    body = register_module("body", network());
    list = register_module("list", torch::nn::ModuleList(torch::nn::Linear(4, 4), torch::nn::ReLU()));
    dict = register_module("dict", torch::nn::ModuleDict());
    dict->update({{"a", torch::nn::Linear(4, 4).ptr()}});
    head = register_module("head", nn::AnalogLinear(4, 2));
  }
  torch::nn::Sequential body{nullptr};
  torch::nn::ModuleList list{nullptr};
  torch::nn::ModuleDict dict{nullptr};
  nn::AnalogLinear head{nullptr};
};

struct TypedImpl : torch::nn::Module {
  TypedImpl() {
    body = register_module("body", network());
    tail = register_module("tail", torch::nn::Linear(4, 2));
  }
  torch::nn::Sequential body{nullptr};
  torch::nn::Linear tail{nullptr};
};

TEST(Convert, ReachesEveryContainerAndTypedMember) {
  auto net = std::make_shared<NetImpl>();
  Tensor weight = net->body->ptr<torch::nn::LinearImpl>(2)->weight;
  EXPECT_THAT(convert_to_analog(*net, chip()), ElementsAre("body.0", "body.2", "list.0", "dict.a", "head"));
  EXPECT_EQ(nn::analogLayers(*net).size(), 5u);
  EXPECT_TRUE(net->head->isAnalog());
  EXPECT_TRUE(net->body->ptr<nn::AnalogLinearImpl>(2)->weight.is_same(weight)) << "parameters keep their identity";
  EXPECT_NE(net->list->ptr<nn::AnalogLinearImpl>(0), nullptr);
  EXPECT_NE(std::dynamic_pointer_cast<nn::AnalogLinearImpl>((*net->dict)["a"]), nullptr);
  EXPECT_EQ(net->body->forward(torch::randn({3, 20})).size(1), 4) << "the Sequential runs the new layers";
  EXPECT_TRUE(convert_to_analog(*net, chip()).empty()) << "nothing is left to convert";
}

TEST(Convert, WhatItCannotReachIsAnErrorAndNothingChanges) {
  auto net = std::make_shared<TypedImpl>();
  try {
    convert_to_analog(*net, chip());
    FAIL() << "expected an error";
  } catch (const c10::Error &error) {
    EXPECT_THAT(error.what(), HasSubstr("'tail' is a torch::nn::Linear member"));
    EXPECT_THAT(error.what(), HasSubstr("declare it as mho::nn::AnalogLinear"));
  }
  EXPECT_TRUE(nn::analogLayers(*net).empty());
  auto notTail = [](const std::string &path, const torch::nn::Module &) { return path != "tail"; };
  EXPECT_THAT(convert_to_analog(*net, chip(), notTail), ElementsAre("body.0", "body.2"));
  nn::AnalogConfig impossible = chip();
  impossible.adcBits = 1;
  EXPECT_THROW(convert_to_analog(*net, impossible), std::invalid_argument);
  torch::nn::Linear alone(3, 3);
  EXPECT_THROW(convert_to_analog(*alone, chip()), c10::Error);
}

TEST(Convert, ASharedLayerStaysShared) {
  torch::nn::Linear shared(4, 4);
  torch::nn::Sequential net(shared, torch::nn::ReLU(), shared);
  convert_to_analog(*net, chip());
  EXPECT_EQ(net->ptr(0), net->ptr(2));
}

TEST(Clip, LiteralValues) {
  Tensor w = torch::tensor({{1.0f, -1.0f, 5.0f}, {0.0f, 0.0f, 0.0f}});
  Tensor fixed = w.clone();
  optim::clipWeight(fixed, nn::Clip::Fixed, 0, 2);
  EXPECT_TRUE(torch::equal(fixed, torch::tensor({{1.0f, -1.0f, 2.0f}, {0.0f, 0.0f, 0.0f}})));
  Tensor layer = w.clone(), row = w.clone();
  optim::clipWeight(layer, nn::Clip::LayerStd, 1, 0);
  EXPECT_FLOAT_EQ(layer[0][2].item<float>(), w.std().item<float>());
  optim::clipWeight(row, nn::Clip::RowStd, 1, 0);
  EXPECT_FLOAT_EQ(row[0][2].item<float>(), w[0].std().item<float>());
  Tensor single = torch::tensor({{3.0f}});
  optim::clipWeight(single, nn::Clip::RowStd, 1, 0);
  EXPECT_EQ(single.item<float>(), 3) << "one weight has no deviation";
}

TEST(Optimizer, ClipsAfterTheStepAndCommitsRanges) {
  torch::manual_seed(2);
  torch::nn::Sequential net = network();
  convert_to_analog(*net, chip());
  auto layer = net->ptr<nn::AnalogLinearImpl>(0);
  optim::Analog<torch::optim::SGD> optimizer(*net, torch::optim::SGDOptions(0.5));
  float before = (layer->weight.abs().max() / layer->weight.std()).item<float>();
  net->forward(torch::randn({32, 20})).pow(2).mean().backward();
  optimizer.step();
  EXPECT_GT(before, 1.5);
  // Clipping shrinks the deviation too, so the bound is that before the clipping.
  EXPECT_LT((layer->weight.abs().max() / layer->weight.std()).item<float>(), before);
  EXPECT_FALSE(torch::equal(layer->input_range, torch::full_like(layer->input_range, 3)));
}

TEST(Optimizer, ClosuresSchedulersAndGroups) {
  torch::nn::Sequential net = network();
  convert_to_analog(*net, chip());
  optim::Analog<torch::optim::LBFGS> closures(*net, torch::optim::LBFGSOptions(0.1).max_iter(2));
  Tensor x = torch::randn({8, 20});
  int calls = 0;
  Tensor loss = closures.step([&] {
    ++calls;
    closures.zero_grad();
    Tensor value = net->forward(x).pow(2).mean();
    value.backward();
    return value;
  });
  EXPECT_TRUE(loss.isfinite().item<bool>());
  EXPECT_GE(calls, 1);
  std::vector<torch::optim::OptimizerParamGroup> groups{torch::optim::OptimizerParamGroup(net->parameters())};
  optim::Analog<torch::optim::AdamW> adam(std::move(groups), *net, torch::optim::AdamWOptions(1e-2));
  torch::optim::StepLR schedule(adam, 1, 0.5);
  net->forward(x).pow(2).mean().backward();
  adam.step();
  schedule.step(); // LibTorch's first step only counts
  schedule.step();
  EXPECT_DOUBLE_EQ(adam.param_groups()[0].options().get_lr(), 5e-3);
}

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

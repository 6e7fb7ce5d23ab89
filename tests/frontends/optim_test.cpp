// Clipping, and optimizers that clip and commit ranges after their step.
#include "tests/frontends/chip_network.h"
#include "tests/frontends/noisy_layer.h"

#include <gmock/gmock.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/optim.h>
#include <torch/utils.h>

#include <cmath>

namespace mho {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using torch::Tensor;

constexpr nn::Clip kKinds[] = {nn::Clip::LayerStd, nn::Clip::RowStd, nn::Clip::Fixed};

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

std::string refusal(const Tensor &weight, nn::Clip kind, double sigma, double value) {
  return nn::errorOf([&] { optim::clipWeight(weight, kind, sigma, value); });
}

TEST(Clip, RefusesWhatMakesNoSense) {
  Tensor w = torch::ones({2, 2});
  EXPECT_THAT(refusal(w, nn::Clip::LayerStd, -1, 1), HasSubstr("sigma = -1 is impossible"));
  EXPECT_THAT(refusal(w, nn::Clip::RowStd, NAN, 1), HasSubstr("sigma = nan is impossible"));
  EXPECT_THAT(refusal(w, nn::Clip::Fixed, 1, 0), HasSubstr("value = 0 is impossible"));
  EXPECT_THAT(refusal(w, nn::Clip::Fixed, 1, INFINITY), HasSubstr("value = inf is impossible"));
  EXPECT_THAT(refusal(w.to(torch::kInt), nn::Clip::Fixed, 1, 1), HasSubstr("floating type, got Int"));
  EXPECT_THAT(refusal(w.sum(), nn::Clip::RowStd, 1, 1), HasSubstr("got a scalar"));
  EXPECT_EQ(refusal(w, nn::Clip::Fixed, -1, 1), "no error") << "it uses no sigma";
}

TEST(Clip, TypesAndStrides) {
  Tensor w = torch::randn({6, 4, 3}, torch::kDouble);
  for (nn::Clip kind : kKinds) {
    Tensor wide = w.clone(), narrow = w.to(torch::kBFloat16),
           strided = w.to(torch::kFloat).transpose(0, 2).contiguous();
    optim::clipWeight(wide, kind, 0.8, 0.4);
    Tensor rows = kind == nn::Clip::RowStd ? w.flatten(1) : w.reshape({1, -1});
    Tensor bound = kind == nn::Clip::Fixed ? torch::tensor(0.4, torch::kDouble) : 0.8 * rows.std(1, true, true);
    EXPECT_TRUE(torch::allclose(wide, rows.clamp(-bound, bound).view_as(w), 1e-14, 0)) << "in double";
    Tensor view = strided.transpose(0, 2), contiguous = w.to(torch::kFloat);
    optim::clipWeight(view, kind, 0.8, 0.4);
    optim::clipWeight(contiguous, kind, 0.8, 0.4);
    EXPECT_TRUE(torch::allclose(view, contiguous, 1e-6, 0)) << "deviations summed in another order";
    Tensor expected = narrow.to(torch::kFloat);
    optim::clipWeight(narrow, kind, 0.8, 0.4);
    optim::clipWeight(expected, kind, 0.8, 0.4);
    EXPECT_TRUE(torch::equal(narrow, expected.to(torch::kBFloat16))) << "float32, rounded once";
  }
}

TEST(Clip, NanAndEmpty) {
  Tensor w = torch::tensor({{1.0f, NAN, -5.0f}, {3.0f, -1.0f, 0.0f}});
  Tensor fixed = w.clone(), row = w.clone(), empty = torch::empty({0, 3});
  optim::clipWeight(fixed, nn::Clip::Fixed, 0, 2);
  EXPECT_TRUE(
      torch::allclose(fixed, torch::tensor({{1.0f, NAN, -2.0f}, {2.0f, -1.0f, 0.0f}}), 0, 0, /*equal_nan=*/true));
  optim::clipWeight(row, nn::Clip::RowStd, 1, 0);
  EXPECT_TRUE(row[0].isnan().all().item<bool>());
  EXPECT_FALSE(row[1].isnan().any().item<bool>()) << "the other row has a deviation of its own";
  for (nn::Clip kind : kKinds)
    optim::clipWeight(empty, kind, 1, 1);
}

/// The chip of these tests with a kind of clipping that bites.
nn::AnalogConfig clipping(nn::Clip kind) {
  nn::AnalogConfig config = chip();
  config.clip = kind;
  config.clipValue = 0.1;
  return config;
}

/// A step of Analog<Optimizer> equals the plain optimizer's, clipped.
template <class Optimizer, class Options> void expectClippedStep(nn::Clip kind, const Options &options) {
  torch::nn::Sequential net = network();
  convert_to_analog(*net, clipping(kind));
  torch::nn::Sequential twin(std::dynamic_pointer_cast<torch::nn::SequentialImpl>(net->clone()));
  optim::Analog<Optimizer> analog(*net, options);
  Optimizer plain(twin->parameters(), options);
  Tensor x = torch::randn({32, 20});
  auto step = [&](torch::optim::Optimizer &optimizer, torch::nn::Sequential &trained) {
    torch::manual_seed(7);
    optimizer.step([&] {
      optimizer.zero_grad();
      Tensor loss = trained->forward(x).pow(2).mean();
      loss.backward();
      return loss;
    });
  };
  step(analog, net), step(plain, twin);
  auto layer = net->ptr<nn::AnalogLinearImpl>(0), other = twin->ptr<nn::AnalogLinearImpl>(0);
  EXPECT_FALSE(torch::equal(layer->weight, other->weight)) << "clipping acts";
  optim::clipWeight(other->weight, kind, chip().clipSigma, 0.1);
  EXPECT_TRUE(torch::equal(layer->weight, other->weight));
  EXPECT_TRUE(torch::equal(layer->bias, other->bias));
  EXPECT_FALSE(torch::equal(layer->input_range, torch::full_like(layer->input_range, 3))) << "and ranges are committed";
}

TEST(Optimizer, AStepIsThePlainOneClipped) {
  for (nn::Clip kind : kKinds) {
    expectClippedStep<torch::optim::SGD>(kind, torch::optim::SGDOptions(0.05));
    expectClippedStep<torch::optim::Adam>(kind, torch::optim::AdamOptions(1e-2));
    expectClippedStep<torch::optim::LBFGS>(kind, torch::optim::LBFGSOptions(0.1).max_iter(2));
  }
}

TEST(Optimizer, SharedLayersAreOne) {
  torch::manual_seed(3);
  nn::AnalogLinear layer(nn::AnalogLinearOptions(20, 20).config(clipping(nn::Clip::LayerStd)));
  torch::nn::Sequential net(layer, torch::nn::ReLU(), layer);
  ASSERT_EQ(nn::analogLayers(*net).size(), 1u);
  EXPECT_EQ(nn::analogLayers(*net)[0].first, "0");
  optim::Analog<torch::optim::SGD> optimizer(*net, torch::optim::SGDOptions(0.1));
  EXPECT_EQ(optimizer.param_groups()[0].params().size(), 3u) << "weight, bias, input_range";
  net->forward(torch::randn({8, 20})).pow(2).mean().backward();
  Tensor expected = layer->weight.detach() - 0.1 * layer->weight.grad();
  optim::clipWeight(expected, nn::Clip::LayerStd, chip().clipSigma, 0);
  optimizer.step();
  EXPECT_TRUE(torch::allclose(layer->weight, expected, 1e-6, 1e-7)) << "stepped and clipped once";
}

TEST(Optimizer, TiedWeightsAreClippedOnce) {
  nn::AnalogLinear first(nn::AnalogLinearOptions(20, 20).config(clipping(nn::Clip::LayerStd)));
  auto second = std::make_shared<nn::AnalogLinearImpl>(first->weight, torch::Tensor(), clipping(nn::Clip::RowStd));
  torch::nn::Sequential net(first, second);
  EXPECT_EQ(optim::distinctParameters(*net).size(), 4u) << "one weight, one bias, two ranges";
  Tensor expected = first->weight.detach().clone();
  optim::clipWeight(expected, nn::Clip::LayerStd, chip().clipSigma, 0);
  optim::clipWeights(nn::analogLayers(*net));
  EXPECT_TRUE(torch::equal(second->weight, expected));
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

} // namespace
} // namespace mho

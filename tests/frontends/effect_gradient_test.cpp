// Effects whose gradients need more than the output's gradient, in AnalogLinear: a tile's accumulators again, and
// learned parameters of the weight and of the end of a tile. Against torch's own autograd of the formula in double.
#include "tests/frontends/effects.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <cmath>
#include <fstream>
#include <iterator>

namespace mho::nn {
namespace {

using torch::Tensor;

/// Sums of K products in fp32 differ from the exact ones by at most K * 2^-24 of the sum of magnitudes; the terms below
/// are of one size, and no sum is of more than 1300 * 40: 1e-4 of the largest element is some hundred times what is
/// seen.
void expectNear(const Tensor &actual, const Tensor &expected, const char *what) {
  ASSERT_TRUE(actual.defined()) << what;
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  double scale = expected.abs().max().item<double>();
  EXPECT_GT(scale, 0) << what;
  EXPECT_LE((actual.to(torch::kDouble) - expected).abs().max().item<double>(), 1e-4 * scale) << what;
}

/// y = sum over tiles of a_t / (1 + nu_t |a_t|).
Tensor saturated(const Tensor &x, const Tensor &w, const Tensor &nu, int64_t tileRows) {
  std::vector<Tensor> xs = x.split(tileRows, 1), ws = w.split(tileRows, 1);
  Tensor y;
  for (size_t t = 0; t < xs.size(); ++t) {
    Tensor a = xs[t].matmul(ws[t].t()), part = a / (1 + nu[t] * a.abs());
    y = y.defined() ? y + part : part;
  }
  return y;
}

class Saturation : public testing::TestWithParam<int64_t> {};

TEST_P(Saturation, LearnsItsStrengthThroughTheAccumulators) {
  const int64_t rows = GetParam(), inputs = 64, outputs = 40, tileRows = 32;
  torch::manual_seed(1);
  Effect effect =
      Effect::fromFile(kExamples + "saturation.mlir", "learned_saturation").bind("nu", torch::tensor({0.125, 0.5}));
  AnalogLinear layer = layerOf(tiled(tileRows), {effect}, inputs, outputs);
  Tensor x = torch::randn({rows, inputs}).requires_grad_(), grad = torch::randn({rows, outputs});
  Tensor nu = layer->named_parameters()["learned_saturation_nu"];
  layer(x).backward(grad);

  auto exact = [](const Tensor &t) { return t.detach().to(torch::kDouble).requires_grad_(); };
  Tensor x64 = exact(x), w64 = exact(layer->weight), nu64 = exact(nu);
  Tensor y64 = saturated(x64, w64, nu64, tileRows);
  y64.backward(grad.to(torch::kDouble));
  expectNear(layer(x).detach(), y64.detach(), "y");
  expectNear(x.grad(), x64.grad(), "dx");
  expectNear(layer->weight.grad(), w64.grad(), "dweight");
  expectNear(nu.grad(), nu64.grad(), "dnu");
}

INSTANTIATE_TEST_SUITE_P(Effects, Saturation, testing::Values(1, 5, 64, 65, 1300));

/// Each gradient alone, as a frozen layer or a first layer asks for it.
TEST(EffectGradient, OfAnyLeafAlone) {
  torch::manual_seed(2);
  Effect effect = Effect::fromFile(kExamples + "saturation.mlir", "learned_saturation").bind("nu", 0.25);
  AnalogLinear layer(AnalogLinearOptions(70, 33).config(tiled(32)).effect(effect));
  Tensor x = torch::randn({9, 70}).requires_grad_(), grad = torch::randn({9, 33});
  std::vector<Tensor> leaves{x, layer->weight, layer->bias, layer->named_parameters()["learned_saturation_nu"]};
  std::vector<Tensor> together = torch::autograd::grad({layer(x)}, leaves, {grad});
  for (size_t i = 0; i < leaves.size(); ++i) {
    for (Tensor &leaf : leaves)
      leaf.requires_grad_(leaf.is_same(leaves[i]));
    Tensor alone = torch::autograd::grad({layer(x)}, {leaves[i]}, {grad})[0];
    EXPECT_TRUE(torch::equal(alone, together[i])) << "leaf " << i;
  }
}

/// Where planes are larger than the memory for them, blocks of rows and of outputs are computed one after the other:
/// 2 tiles of 9000 x 512 accumulators are 37 MB.
TEST(EffectGradient, InBlocksHasTheBitsOfSmallerBatches) {
  torch::manual_seed(3);
  const int64_t rows = 9000, inputs = 40, outputs = 512;
  Effect effect = Effect::fromFile(kExamples + "saturation.mlir", "saturation");
  AnalogLinear layer = layerOf(tiled(20), {effect}, inputs, outputs);
  Tensor x = torch::randn({rows, inputs}).requires_grad_(), grad = torch::randn({rows, outputs});
  Tensor whole = torch::autograd::grad({layer(x)}, {x}, {grad})[0];
  Tensor part = x.detach().slice(0, 8500).requires_grad_();
  EXPECT_TRUE(
      torch::equal(whole.slice(0, 8500), torch::autograd::grad({layer(part)}, {part}, {grad.slice(0, 8500)})[0]));
}

/// A parameter without axes is one number, its gradient one too: what its tiles' would add up to.
TEST(EffectGradient, OfOneNumberForAll) {
  torch::manual_seed(5);
  std::ifstream file(kExamples + "saturation.mlir");
  std::string text{std::istreambuf_iterator<char>(file), {}}, declared = "%nu over (t) learnable";
  text = text.substr(text.find("analog.effect @learned_saturation")); // and no use of it over (t)
  text = text.substr(0, text.find("func.func"));
  ASSERT_NE(text.find(declared), std::string::npos);
  std::string ofAll = text;
  ofAll.replace(text.find(declared), declared.size(), "%nu learnable");
  Tensor x = torch::randn({70, 64}), grad = torch::randn({70, 33}), weight = torch::randn({33, 64});
  std::vector<Tensor> gradients;
  for (const std::string &source : {text, ofAll}) {
    AnalogLinear layer = layerOf(tiled(32), {Effect::fromText(source, "learned_saturation").bind("nu", 0.25)}, 64, 33);
    layer->weight.data().copy_(weight);
    layer(x).backward(grad);
    gradients.push_back(layer->named_parameters()["learned_saturation_nu"].grad());
  }
  EXPECT_EQ(gradients[0].dim(), 1);
  EXPECT_EQ(gradients[1].dim(), 0);
  EXPECT_EQ(gradients[0].sum().item<float>(), gradients[1].item<float>()) << "two tiles, added in ascending order";
}

/// Both bounds of a weight clip learn from the weights beyond them, by LSQ's gradient: the sum over the root of the
/// number of weights that share the bound.
TEST(EffectGradient, TheBoundsOfAWeightClipLearn) {
  torch::manual_seed(4);
  const int64_t inputs = 50, outputs = 21, tileRows = 25;
  Effect effect = Effect::fromFile(kExamples + "lsq_clip.mlir").bind("low", 0.06).bind("high", 0.09);
  AnalogLinear layer = layerOf(tiled(tileRows), {effect}, inputs, outputs);
  Tensor x = torch::randn({9, inputs}), grad = torch::randn({9, outputs});
  layer(x).backward(grad);

  Tensor w = layer->weight.detach().to(torch::kDouble);
  Tensor g = grad.to(torch::kDouble).t().matmul(x.to(torch::kDouble)), inside = (w >= -0.06f) & (w <= 0.09f);
  auto perColumn = [&](const Tensor &summands) { // [T, O]
    return summands.view({outputs, 2, tileRows}).sum(2).t() / std::sqrt(double(tileRows));
  };
  expectNear(layer->weight.grad(), g * inside, "dweight");
  auto parameters = layer->named_parameters();
  expectNear(parameters["lsq_clip_low"].grad(), perColumn(-g * (w < -0.06f)), "dlow");
  expectNear(parameters["lsq_clip_high"].grad(), perColumn(g * (w > 0.09f)), "dhigh");
}

} // namespace
} // namespace mho::nn

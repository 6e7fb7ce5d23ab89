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

constexpr double kUnit = 0x1p-24; ///< largest relative error of one fp32 rounding

/// |actual - expected| <= bound, element by element; a bound is far below what it bounds, or it would tell nothing.
void expectWithin(const Tensor &actual, const Tensor &expected, const Tensor &bound, const char *what) {
  ASSERT_TRUE(actual.defined()) << what;
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  EXPECT_LT(bound.max().item<double>(), 0.01 * expected.abs().max().item<double>()) << what;
  Tensor error = (actual.to(torch::kDouble) - expected).abs();
  EXPECT_TRUE((error <= bound).all().item<bool>())
      << what << ": error " << error.max().item<double>() << ", bound " << bound.max().item<double>();
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

/// What the roundings of a layer with a saturating end of tile may add up to, everything in double. A sum of n terms
/// is off by at most n units of the sum of their magnitudes, in any order (n + 8: the few operations around it). An
/// error e of an accumulator a changes a / (1 + nu |a|) by at most e, its derivative by 2 nu e, and the summand of dnu,
/// a |a| / (1 + nu |a|)^2, by 2 |a| e / (1 + nu |a|)^3. Its sum is a reduction (SPEC.md): 64 rows of 4 columns run up
/// to 256 additions, then 4 and one for each block.
struct SaturationBounds {
  SaturationBounds(const Tensor &x, const Tensor &w, const Tensor &nu, const Tensor &g, int64_t tileRows) {
    const int64_t rows = x.size(0), outputs = w.size(0), additions = 256 + 4 + rows / 64 + outputs / 64 + 2;
    std::vector<Tensor> xs = x.abs().split(tileRows, 1), ws = w.abs().split(tileRows, 1), dxs, dws, dnus;
    std::vector<Tensor> signedXs = x.split(tileRows, 1), signedWs = w.split(tileRows, 1);
    y = torch::zeros_like(g);
    for (size_t t = 0; t < xs.size(); ++t) {
      Tensor a = xs[t].matmul(ws[t].t()), accumulator = (tileRows + 8) * kUnit * a;
      Tensor gradient = g.abs() * (2 * nu[t] * accumulator + 8 * kUnit);
      y += accumulator + double(xs.size() + 8) * kUnit * a;
      dxs.push_back(gradient.matmul(ws[t]) + (outputs + 8) * kUnit * g.abs().matmul(ws[t]));
      dws.push_back(gradient.t().matmul(xs[t]) + (rows + 8) * kUnit * g.abs().t().matmul(xs[t]));
      Tensor size = signedXs[t].matmul(signedWs[t].t()).abs(), load = 1 + nu[t] * size;
      Tensor summand = 2 * size * accumulator / load.pow(3) + (additions + 8) * kUnit * (size / load).square();
      dnus.push_back((g.abs() * summand).sum());
    }
    dx = torch::cat(dxs, 1), dw = torch::cat(dws, 1), dnu = torch::stack(dnus);
  }
  Tensor y, dx, dw, dnu;
};

/// The saturation whose derivatives are those of its code.
Effect derivedSaturation() {
  return Effect::fromText(
      R"(analog.effect @learned_saturation on tile(%y) params(%nu over (t) learnable) surrogate(derived) {
    %one = arith.constant 1.0 : f32
    %absolute = math.absf %y : f32
    %load = math.fma %nu, %absolute, %one : f32
    %result = arith.divf %y, %load : f32
    analog.yield %result : f32
  })");
}

/// Rows, and whether the derivatives are derived or those of the example's own.
class Saturation : public testing::TestWithParam<std::tuple<int64_t, bool>> {};

TEST_P(Saturation, LearnsItsStrengthThroughTheAccumulators) {
  const int64_t inputs = 64, outputs = 40, tileRows = 32;
  auto [rows, derived] = GetParam();
  torch::manual_seed(1);
  Effect effect =
      (derived ? derivedSaturation() : Effect::fromFile(kExamples + "saturation.mlir", "learned_saturation"))
          .bind("nu", torch::tensor({0.125, 0.5}));
  AnalogLinear layer = layerOf(tiled(tileRows), {effect}, inputs, outputs);
  Tensor x = torch::randn({rows, inputs}).requires_grad_(), grad = torch::randn({rows, outputs});
  Tensor nu = layer->named_parameters()["learned_saturation_nu"];
  layer(x).backward(grad);

  auto exact = [](const Tensor &t) { return t.detach().to(torch::kDouble).requires_grad_(); };
  Tensor x64 = exact(x), w64 = exact(layer->weight), nu64 = exact(nu), g64 = grad.to(torch::kDouble);
  Tensor y64 = saturated(x64, w64, nu64, tileRows);
  y64.backward(g64);
  torch::NoGradGuard guard;
  SaturationBounds bounds(x64, w64, nu64, g64, tileRows);
  expectWithin(layer(x), y64, bounds.y, "y");
  expectWithin(x.grad(), x64.grad(), bounds.dx, "dx");
  expectWithin(layer->weight.grad(), w64.grad(), bounds.dw, "dweight");
  expectWithin(nu.grad(), nu64.grad(), bounds.dnu, "dnu");
}

INSTANTIATE_TEST_SUITE_P(Effects, Saturation, testing::Combine(testing::Values(1, 5, 64, 65, 1300), testing::Bool()));

/// y = sum over tiles of y_t (1 + c p_t), p_t = sum |w| x^2, and its gradients by hand: dx_k = w_k (1 + c p) + 2 c y
/// |w_k| x_k and dw_k = x_k (1 + c p) + c y sign(w_k) x_k^2 of each output; with bounds of what roundings add up to, as
/// in SaturationBounds. All in double.
struct SelfHeating {
  SelfHeating(const Tensor &x, const Tensor &w, const Tensor &g, double c, int64_t tileRows) {
    const int64_t rows = x.size(0), outputs = w.size(0);
    std::vector<Tensor> xs = x.split(tileRows, 1), ws = w.split(tileRows, 1), dxs, dws, dxBounds, dwBounds;
    y = yBound = torch::zeros_like(g);
    Tensor size = g.abs();
    for (size_t t = 0; t < xs.size(); ++t) {
      Tensor a = xs[t], v = ws[t], power = a.square(), load = v.abs();
      Tensor product = a.matmul(v.t()), most = a.abs().matmul(load.t()), gain = 1 + c * power.matmul(load.t());
      Tensor ofProduct = g * gain, ofHeat = g * c * product; // gradients of the two sums
      y = y + product * gain;
      dxs.push_back(ofProduct.matmul(v) + 2 * a * ofHeat.matmul(load));
      dws.push_back(ofProduct.t().matmul(a) + v.sign() * ofHeat.t().matmul(power));
      const double sum = (tileRows + 8) * kUnit, bigger = (outputs + 8) * kUnit, longer = (rows + 8) * kUnit;
      yBound = yBound + (2 * sum + double(xs.size() + 8) * kUnit) * most * gain;
      Tensor product1 = size * gain, heat1 = size * c * most; // their magnitudes, each off by sum + 8 units
      dxBounds.push_back((sum + 8 * kUnit + bigger) * (product1.matmul(load) + 2 * a.abs() * heat1.matmul(load)));
      dwBounds.push_back((sum + 8 * kUnit + longer) * (product1.t().matmul(a.abs()) + heat1.t().matmul(power)));
    }
    dx = torch::cat(dxs, 1), dw = torch::cat(dws, 1);
    dxBound = torch::cat(dxBounds, 1), dwBound = torch::cat(dwBounds, 1);
  }
  Tensor y, dx, dw, yBound, dxBound, dwBound;
};

/// Through a further accumulator, and the factors that it is made of; the tiles are of 32, 32 and 6 inputs.
TEST(EffectGradient, ThroughFurtherAccumulators) {
  for (int64_t rows : {1, 5, 65}) {
    torch::manual_seed(6);
    SCOPED_TRACE(rows);
    Effect effect = Effect::fromFile(kExamples + "self_heating.mlir").strength("c", 0.25);
    AnalogConfig config = tiled(32);
    config.tiling = Tiling::Fixed;
    AnalogLinear layer = layerOf(config, {effect}, 70, 33);
    Tensor x = torch::randn({rows, 70}).requires_grad_(), grad = torch::randn({rows, 33});
    Tensor y = layer(x);
    y.backward(grad);
    torch::NoGradGuard guard;
    auto exact = [](const Tensor &t) { return t.detach().to(torch::kDouble); };
    SelfHeating expected(exact(x), exact(layer->weight), exact(grad), 0.25, 32);
    expectWithin(y.detach(), expected.y, expected.yBound, "y");
    expectWithin(x.grad(), expected.dx, expected.dxBound, "dx");
    expectWithin(layer->weight.grad(), expected.dw, expected.dwBound, "dweight");
  }
}

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

/// Where planes are larger than the memory for them (32 MiB), blocks of rows and of outputs are computed one after the
/// other: 2 tiles of 9000 x 512 accumulators are 37 MB, those of each part below are computed at once. Two accumulators
/// have two planes of gradients, of which half the rows suffice.
class InBlocks : public testing::TestWithParam<std::pair<const char *, int64_t>> {};

TEST_P(InBlocks, HaveTheBitsOfTheWhole) {
  torch::manual_seed(3);
  const auto [name, rows] = GetParam();
  const int64_t inputs = 40, outputs = 512;
  Effect effect = Effect::fromFile(kExamples + name + ".mlir", name);
  AnalogLinear layer = layerOf(tiled(20), {effect}, inputs, outputs), half = layerOf(tiled(20), {effect}, inputs, 256);
  Tensor x = torch::randn({rows, inputs}).requires_grad_(), grad = torch::randn({rows, outputs});
  std::vector<Tensor> inBlocks = torch::autograd::grad({layer(x)}, {x, layer->weight}, {grad}), dxs, dws;
  for (auto [begin, end] : {std::pair<int64_t, int64_t>{0, rows / 2}, {rows / 2, rows}}) {
    Tensor part = x.detach().slice(0, begin, end).requires_grad_();
    dxs.push_back(torch::autograd::grad({layer(part)}, {part}, {grad.slice(0, begin, end)})[0]);
  }
  for (int64_t begin : {0, 256}) {
    half->weight.set_data(layer->weight.detach().slice(0, begin, begin + 256).clone());
    dws.push_back(torch::autograd::grad({half(x)}, {half->weight}, {grad.slice(1, begin, begin + 256)})[0]);
  }
  EXPECT_TRUE(torch::equal(inBlocks[0], torch::cat(dxs)));
  EXPECT_TRUE(torch::equal(inBlocks[1], torch::cat(dws)));
}

INSTANTIATE_TEST_SUITE_P(EffectGradient, InBlocks,
                         testing::Values(std::pair("saturation", 9000), std::pair("self_heating", 4500)));

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

  Tensor w = layer->weight.detach().to(torch::kDouble), x64 = x.to(torch::kDouble), g64 = grad.to(torch::kDouble);
  Tensor g = g64.t().matmul(x64), inside = (w >= -0.06f) & (w <= 0.09f);
  // Sums of 9 products, then of 25 of these; n + 8 units of the magnitudes each.
  Tensor ofWeight = (9 + 8) * kUnit * g64.abs().t().matmul(x64.abs());
  auto perColumn = [&](const Tensor &summands) { // [T, O]
    return summands.view({outputs, 2, tileRows}).sum(2).t() / std::sqrt(double(tileRows));
  };
  Tensor ofBound = perColumn(ofWeight + (tileRows + 8) * kUnit * g.abs());
  expectWithin(layer->weight.grad(), g * inside, ofWeight, "dweight");
  auto parameters = layer->named_parameters();
  expectWithin(parameters["lsq_clip_low"].grad(), perColumn(-g * (w < -0.06f)), ofBound, "dlow");
  expectWithin(parameters["lsq_clip_high"].grad(), perColumn(g * (w > 0.09f)), ofBound, "dhigh");
}

} // namespace
} // namespace mho::nn

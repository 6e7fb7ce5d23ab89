// Effects that are text in AnalogLinear: what they compute, and their gradients.
#include "tests/frontends/evaluator.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <torch/autograd.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <thread>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

/// A layer of three tiles in loops: y = sum over tiles of end(sum over k of x_k a_k w_ok c_ok), `a` and `c` gains of
/// the inputs and cells, and its gradients with end's derivative `slope`.
struct ClosedForm {
  Tensor inputGain = torch::ones({40}), cellGain = torch::ones({21, 40});
  std::function<float(float)> end = [](float v) { return v; }, slope = [](float) { return 1.f; };

  std::vector<Tensor> of(const Tensor &xs, const Tensor &ws, const Tensor &gs) const {
    Tensor ys = torch::zeros({xs.size(0), 21}), dxs = torch::zeros_like(xs), dws = torch::zeros_like(ws);
    auto x = xs.accessor<float, 2>(), w = ws.accessor<float, 2>(), g = gs.accessor<float, 2>(),
         y = ys.accessor<float, 2>(), dx = dxs.accessor<float, 2>(), dw = dws.accessor<float, 2>(),
         c = cellGain.accessor<float, 2>();
    auto a = inputGain.accessor<float, 1>();
    for (int64_t b = 0; b < xs.size(0); ++b)
      for (int64_t o = 0; o < 21; ++o)
        for (auto [begin, end] : {std::pair(0, 14), {14, 27}, {27, 40}}) {
          float sum = 0;
          for (int k = begin; k < end; ++k)
            sum += x[b][k] * a[k] * w[o][k] * c[o][k];
          y[b][o] += this->end(sum);
          float gradient = g[b][o] * slope(sum);
          for (int k = begin; k < end; ++k) {
            dx[b][k] += gradient * a[k] * w[o][k] * c[o][k];
            dw[o][k] += gradient * x[b][k] * a[k] * c[o][k];
          }
        }
    return {ys, dxs, dws};
  }
};

/// y and the gradients of whole numbers, which are exact.
void expectClosedForm(AnalogLinear &layer, const ClosedForm &form, const Tensor &values, double tolerance = 0) {
  Tensor x = values.clone().requires_grad_(), y = layer(x), grad = whole(y.sizes(), 3);
  layer->zero_grad();
  y.backward(grad);
  std::vector<Tensor> expected = form.of(values, layer->weight.detach(), grad);
  const std::pair<const char *, Tensor> actual[] = {
      {"y", y.detach()}, {"dx", x.grad()}, {"dweight", layer->weight.grad()}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_LE((actual[i].second - expected[i]).abs().max().item<double>(), tolerance) << actual[i].first;
    EXPECT_GT(expected[i].abs().max().item<double>(), 0) << actual[i].first;
  }
}

//===-- forward ---------------------------------------------------------------------------------------------------===//

TEST(Effect, ReramNoiseIsTheEvaluators) {
  torch::manual_seed(1);
  // One input of 1 in each row: every accumulator is one product, so that the noise is compared bit for bit.
  AnalogLinear layer = layerOf(tiled(), {reram().strength("s", 2)});
  Tensor key = keyOf(5), grad = torch::ones({40, 21});
  Tensor y = layer->forwardWithKey(torch::eye(40), key);
  EXPECT_TRUE(torch::equal(y, onBackend("reference", layer, torch::eye(40), key, grad)[0]));
  EXPECT_FALSE(torch::equal(y, layer->weight.t()));
  // With the rest of a chip: sums of 16 products and of 3 tiles, each rounded once, 2^-24 of their size at most; a DAC
  // and no other quantiser, so that no difference becomes a step.
  AnalogConfig config = noisyConfig();
  config.adcBits = 0;
  config.inputRangeFromData = 0;
  AnalogLinear chip = layerOf(config, {reram()});
  expectEvaluator(chip, torch::randn({7, 40}), 64 * std::ldexp(1, -24));
}

TEST(Effect, ReramNoiseFollowsItsFormula) {
  torch::manual_seed(2);
  constexpr int64_t kInputs = 64, kOutputs = 1000;
  AnalogLinear layer = layerOf(tiled(32), {reram().strength("s", 0)}, kInputs, kOutputs);
  EXPECT_TRUE(torch::equal(layer->forwardWithKey(torch::eye(kInputs), keyOf(3)), layer->weight.t())) << "no noise";
  layer->setStrength("reram_noise", "s", 1.5);
  torch::NoGradGuard noGradient;
  Tensor noise = (layer->forwardWithKey(torch::eye(kInputs), keyOf(3)).t() - layer->weight).to(torch::kDouble);
  Tensor w = layer->weight.to(torch::kDouble);
  Tensor largest = w.abs().view({kOutputs, 2, 32}).amax(2).repeat_interleave(32, 1), level = w.abs() / largest;
  Tensor p = 0.0087 + level * (0.40075 + level * (-1.096325 + level * (1.134825 - 0.420375 * level)));
  Tensor normal = noise / (1.5 * largest * p);
  // 64000 draws: the mean is within 5 deviations, 5 / sqrt(64000) = 0.02, the variance within 5 sqrt(2 / 64000) =
  // 0.028.
  EXPECT_NEAR(normal.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(normal.var().item<double>(), 1, 0.028);
}

TEST(Effect, EverySiteAndPlaceIsItsFormulaAndTheEvaluators) {
  torch::manual_seed(3);
  AnalogConfig config = tiled();
  config.inputRange = InputRange::Fixed;
  config.inputRangeInit = 127; // codes are the inputs
  config.inputBits = 8;
  Tensor cells = whole({21, 40}, 2), inputs = whole({40}, 1), ones = torch::ones({40}), all = torch::ones({21, 40});
  Effect perCell = gain("weight", "n, k").bind("a", cells), perOutput = gain("tile", "n").bind("a", 2);
  Effect perInput = gain("input", "k").bind("a", inputs);
  Tensor x = whole({9, 40}, 4);
  auto twice = [](float v) { return 2 * v; };
  auto two = [](float) { return 2.f; };
  ClosedForm cellsAlone{ones, cells}, doubled{ones, all, twice, two}, both{inputs, cells}, inputsAlone{inputs, all};
  ClosedForm clipped{ones, cells, [](float v) { return std::clamp(2 * v, -8.f, 8.f); },
                     [](float v) { return std::fabs(2 * v) > 8 ? 0.f : 2.f; }};
  const std::pair<std::vector<Effect>, ClosedForm> cases[] = {
      {{perCell}, cellsAlone},
      {{perOutput.after("adc")}, doubled},
      {{perInput.named("in"), perCell}, both},
      {{perInput.after("dac")}, inputsAlone},
      {{perCell.before("weight_codes"), perOutput.named("out"), tileClip()}, clipped}};
  for (const auto &[effects, form] : cases) {
    AnalogLinear layer = layerOf(config, effects);
    layer->weight.data().copy_(whole({21, 40}, 3));
    SCOPED_TRACE(effects[0].name() + " " + placeName(effects[0].spec()));
    expectEvaluator(layer, x);
    expectClosedForm(layer, form, x);
  }
}

TEST(Effect, OrderIsThatOfThePlaces) {
  AnalogConfig config = tiled(0);
  config.inputRange = InputRange::Fixed;
  config.inputRangeInit = 7;
  config.inputBits = 4; // codes are whole from -7 to 7
  Effect half = gain("input", "k").bind("a", 0.5);
  auto of = [&](const Effect &effect) {
    AnalogLinear layer = layerOf(config, {effect}, 1, 1);
    layer->weight.data().fill_(1);
    return layer(torch::tensor({{3.f}})).item<double>();
  };
  EXPECT_EQ(of(half), 2) << "1.5 becomes the code 2";
  EXPECT_EQ(of(half.after("dac")), 1.5) << "the code 3, halved";
  EXPECT_THAT(refusal([&] { half.before("adc"); }), HasSubstr("acts on the input, whose built-in effects are dac"));
  config.adcBits = 4;
  config.outputBound = 1; // steps of 1
  Effect ofTile = gain("tile", "n").bind("a", 0.5), ofWeight = gain("weight", "n").bind("a", 0.5);
  EXPECT_EQ(of(ofTile), 2) << "1.5 becomes the code 2";
  EXPECT_EQ(of(ofTile.before("adc")), 2);
  EXPECT_EQ(of(ofTile.after("adc")), 1.5);
  config.adcBits = 0;
  config.weightBits = 4;
  EXPECT_EQ(of(ofWeight), 1.5) << "the code 7, halved";
  EXPECT_NEAR(of(ofWeight.before("weight_codes")), 3 * 4 / 7., 1e-6) << "3.5 becomes the code 4";
}

TEST(Effect, DeadDevicesStayDead) {
  AnalogConfig config = tiled();
  config.dropConnect = 0.5;
  auto zeros = [&](const Effect &effect) {
    return (layerOf(config, {effect})(torch::eye(40)) == 0).sum().item<int64_t>();
  };
  EXPECT_NEAR(double(zeros(jitter())), 420, 75) << "of 840, within 5 deviations of 14.5";
  EXPECT_EQ(zeros(jitter().after("drop_connect")), 0);
}

TEST(Effect, TheInputRangeAsAParameter) {
  torch::manual_seed(4);
  Tensor x = whole({9, 40}, 9);
  for (InputRange kind : {InputRange::Fixed, InputRange::Dynamic}) {
    AnalogConfig config = tiled();
    config.inputRange = kind;
    config.inputRangeInit = 2;
    AnalogLinear layer = layerOf(config, {gain("tile", "t, m, n").bind("a", Effect::inputRange())});
    layer->weight.data().copy_(whole({21, 40}, 3));
    Tensor y = layer(x), expected = torch::zeros_like(y);
    for (const auto &[begin, size] : {std::pair(0, 14), {14, 13}, {27, 13}}) {
      Tensor part = x.narrow(1, begin, size), product = part.mm(layer->weight.narrow(1, begin, size).t());
      expected += product * (kind == InputRange::Fixed ? torch::full({9, 1}, 2) : part.abs().amax(1, true));
    }
    EXPECT_TRUE(torch::equal(y, expected));
  }
  Effect none = gain("tile", "t").bind("a", Effect::inputRange());
  EXPECT_THAT(refusal([&] { layerOf(tiled(), {none}); }), HasSubstr("the layer has none; give it an input range"));
}

//===-- gradients -------------------------------------------------------------------------------------------------===//

TEST(Effect, ALearnedClipHasItsGradient) {
  torch::manual_seed(5);
  AnalogLinear layer = layerOf(tiled(), {learnedClip(torch::tensor({2.f, 3.f, 5.f}))});
  Tensor bound = layer->named_parameters()["learned_clip_bound"];
  layer->weight.data().copy_(whole({21, 40}, 3));
  Tensor x = whole({9, 40}, 6).requires_grad_();
  Tensor bounds = bound.detach().repeat_interleave(torch::tensor({14, 13, 13}));
  Tensor clipped = x.detach().clamp(-bounds, bounds), g = whole({9, 21}, 3);
  Tensor y = layer(x);
  EXPECT_TRUE(torch::equal(y, clipped.mm(layer->weight.t())));
  y.backward(g);
  Tensor throughWeight = g.mm(layer->weight.detach()), beyond = x.detach().abs() > bounds;
  EXPECT_TRUE(torch::equal(x.grad(), throughWeight * beyond.logical_not()));
  EXPECT_TRUE(torch::equal(layer->weight.grad(), g.t().mm(clipped)));
  Tensor summands = throughWeight * beyond * x.detach().sign();
  std::vector<Tensor> sums;
  for (const Tensor &tile : summands.split_with_sizes({14, 13, 13}, 1))
    sums.push_back(tile.sum());
  EXPECT_TRUE(torch::equal(bound.grad(), torch::stack(sums)));
  // Alone, and not asked for.
  EXPECT_TRUE(torch::equal(torch::autograd::grad({layer(x.detach())}, {bound}, {g})[0], torch::stack(sums)));
  bound.set_requires_grad(false);
  x.mutable_grad() = Tensor();
  layer(x).backward(g);
  EXPECT_TRUE(torch::equal(x.grad(), throughWeight * beyond.logical_not()));
}

TEST(Effect, ALearnedClipTrains) {
  torch::manual_seed(6);
  AnalogLinear layer = layerOf(tiled(), {learnedClip(0.5)});
  layer->weight.set_requires_grad(false);
  optim::Analog<torch::optim::SGD> optimizer(*layer, torch::optim::SGDOptions(1));
  Tensor x = torch::randn({64, 40}), target = x.mm(layer->weight.detach().t());
  double first = 0, last = 0;
  for (int step = 0; step < 50; ++step) {
    Tensor loss = (layer(x) - target).square().mean();
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    (step ? last : first) = loss.item<double>();
  }
  EXPECT_LT(last, first / 2) << "the bounds open until nothing is clipped";
  EXPECT_GT(layer->named_parameters()["learned_clip_bound"].min().item<double>(), 0.7);
}

TEST(Effect, SavedBitsBesideThoseOfAnAdc) {
  torch::manual_seed(7);
  AnalogConfig config = tiled();
  config.inputRange = InputRange::Fixed;
  config.inputRangeInit = 127;
  config.inputBits = 8;
  config.adcBits = 9;
  config.outputBound = 1. / 127; // 255 half-levels: a step of beta * A * lambda / 255 = A / 255
  for (const Effect &clip : {tileClip(), tileClip().after("adc")}) {
    AnalogLinear layer = layerOf(config, {clip.strength("bound", 9)});
    layer->weight.data().copy_(whole({21, 40}, 1));
    Tensor x = whole({40, 40}, 3);
    expectEvaluator(layer, x, 1e-6);
    // Sums are whole and the ADC ends at 1: their signs are left, and beyond 1 no gradient is.
    ClosedForm signs;
    signs.end = [](float v) { return std::clamp(v, -1.f, 1.f); };
    signs.slope = [](float v) { return std::fabs(v) > 1 ? 0.f : 1.f; };
    expectClosedForm(layer, signs, x, 1e-5); // sums of 3 times 255 steps of 1 / 255
    AnalogLinear plain = layerOf(config, {});
    plain->weight.data().copy_(layer->weight.data());
    if (clip.spec().place == 2) { // the effect comes after: the ADC saturates as without it
      EXPECT_TRUE(torch::equal(layer->stats(x).saturatedAdcs, plain->stats(x).saturatedAdcs));
    }
  }
}

TEST(Effect, ModesOfAutograd) {
  AnalogLinear layer = layerOf(tiled(), {learnedClip(0.5), reram()});
  Tensor x = torch::randn({3, 40}), key = keyOf(1), expected = layer->forwardWithKey(x, key);
  EXPECT_TRUE(expected.requires_grad());
  {
    torch::NoGradGuard noGradient;
    EXPECT_TRUE(torch::equal(layer->forwardWithKey(x, key), expected));
  }
  {
    c10::InferenceMode inference;
    EXPECT_TRUE(torch::equal(layer->forwardWithKey(x, key), expected));
  }
  Tensor bound = layer->named_parameters()["learned_clip_bound"];
  Tensor once = torch::autograd::grad({expected.sum()}, {bound}, {}, true, /*create_graph=*/true)[0];
  EXPECT_THAT(errorOf([&] { once.sum().backward(); }), HasSubstr("no second derivative"));
  Tensor buffer = torch::ones({40}).requires_grad_();
  AnalogLinear scaled = layerOf(tiled(), {gain("input", "k").bind("a", 1)});
  std::vector<Tensor> tensors{buffer};
  LinearSpec spec = scaled->spec(true);
  Tensor y = std::get<0>(ops::analogLinear(x, scaled->weight, std::nullopt, std::nullopt, std::nullopt,
                                           torch::ones({LinearScalars::kCount}), spec.canonical(), false, tensors));
  EXPECT_THAT(errorOf([&] { y.sum().backward(); }), HasSubstr("'gain.a' requires a gradient"));
}

TEST(Effect, ThreadsAgree) {
  AnalogLinear layer = layerOf(tiled(), {reram(), learnedClip(1)}, 150, 130);
  Tensor x = torch::randn({300, 150}), key = keyOf(3);
  int before = at::get_num_threads();
  std::vector<Tensor> results;
  for (int threads : {1, 2}) {
    at::set_num_threads(threads);
    layer->zero_grad();
    Tensor y = layer->forwardWithKey(x, key);
    y.square().sum().backward();
    results.insert(results.end(), {y.detach(), layer->named_parameters()["learned_clip_bound"].grad().clone()});
  }
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(results[0], results[2]));
  EXPECT_TRUE(torch::equal(results[1], results[3]));
  std::vector<Tensor> outputs(4);
  std::vector<std::thread> workers;
  for (Tensor &output : outputs)
    workers.emplace_back([&] { output = layer->forwardWithKey(x, key).detach(); });
  for (std::thread &worker : workers)
    worker.join();
  for (const Tensor &output : outputs)
    EXPECT_TRUE(torch::equal(output, results[0]));
}

} // namespace
} // namespace mho::nn

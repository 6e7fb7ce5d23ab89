// Gradients of the algebra: literal surrogates, and central differences of the program with each surrogate in place of
// its op.
#include "tests/reference/Layers.h"

using namespace mho::reference;

//===-- literal values --------------------------------------------------------------------------------------------===//

/// One tile, one output, weight 1: y = dequantised code of x summed over inputs.
static std::string dac(const std::string &attributes, const std::string &range = "t",
                       const std::string &gradient = "sign_filtered") {
  std::string type = range == "t" ? "tensor<?xf32>" : "tensor<?x?xf32>";
  return "func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: " + type +
         ") -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 2>} {\n"
         "  %c = analog.quantize_input %x range(%b over (" +
         range + ")) gradient " + gradient + " {half_levels = 4.0 : f32" + attributes + "} : tensor<?x?xf32>, " + type +
         " -> tensor<?x?xf32>\n"
         "  %p = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>\n"
         "  %q = analog.rescale %p range(%b over (" +
         range + ")) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, " + type +
         " -> tensor<?x?x?xf32>\n"
         "  %y = analog.accumulate %q : (tensor<?x?x?xf32>) -> tensor<?x?xf32>\n  return %y : tensor<?x?xf32>\n}";
}

TEST(DacGradient, PassesInsideAndAtTheRangeAndIsZeroBeyond) {
  Program program(dac(""));
  auto g =
      program.gradient("f", {Tensor::of({5, 1}, {.3, 2, -2, 2.5, -2.5}), Tensor::of({1, 1}, {3}), Tensor::of({1}, {2})},
                       Tensor::of({5, 1}, {1, 1, 1, 1, 1}));
  expectValues(*g[0], {3, 3, 3, 0, 0});
}

TEST(DacGradient, WeightsContractWithTheDequantisedCode) {
  Program program(dac(""));
  // Codes of .3 and 2.5 with step .5: 1 (.6) and 4; dequantised .5 and 2.
  auto g = program.gradient("f", {Tensor::of({2, 1}, {.3, 2.5}), Tensor::of({1, 1}, {3}), Tensor::of({1}, {2})},
                            Tensor::of({2, 1}, {10, 100}));
  expectValues(*g[1], {10 * .5 + 100 * 2});
}

TEST(RangeGradient, KeepsOnlySignsThatEnlargeTheRange) {
  Program program(dac(""));
  // x at or above beta counts g < 0, x at or below -beta counts g > 0; beta 2 in front.
  Tensor x = Tensor::of({6, 1}, {2, 3, 3, -2, -3, 1}), gy = Tensor::of({6, 1}, {-1, -10, 100, 1000, -10000, 100000});
  auto g = program.gradient("f", {x, Tensor::of({1, 1}, {1}), Tensor::of({1}, {2})}, gy);
  expectValues(*g[2], {2 * (-11 - 1000)});
}

TEST(RangeGradient, OfThePaperKeepsEverySign) {
  Program program(dac("", "t", "paper"));
  Tensor x = Tensor::of({6, 1}, {2, 3, 3, -2, -3, 1}), gy = Tensor::of({6, 1}, {-1, -10, 100, 1000, -10000, 100000});
  auto g = program.gradient("f", {x, Tensor::of({1, 1}, {1}), Tensor::of({1}, {2})}, gy);
  expectValues(*g[2], {2 * ((-1 - 10 + 100) - (1000 - 10000))});
}

TEST(RangeGradient, LsqTakesTheRoundingErrorsOfTheOthers) {
  // Range 2 in 4 levels: 0.3 is 0.6 steps and rounds up by 0.4 steps, -1.1 is -2.2 steps and rounds up by 0.2 steps.
  Program program(dac("", "t", "lsq"));
  Tensor x = Tensor::of({5, 1}, {.3, -1.1, 1, 2, -3}), gy = Tensor::of({5, 1}, {1, 10, 1000, -100, 10000});
  auto g = program.gradient("f", {x, Tensor::of({1, 1}, {1}), Tensor::of({1}, {2})}, gy);
  EXPECT_NEAR(g[2]->reals[0], 1 * .4 / 4 + 10 * .2 / 4 - 100 - 10000, 1e-3); // 2^-24 of 10100
}

/// y = beta / L * round(clamp(x) * L / beta) as a function of beta, the numbers rounded to held: its derivative is
/// lsq's.
TEST(RangeGradient, LsqIsTheDerivativeBetweenTheJumps) {
  Program program(dac("", "t", "lsq"));
  Tensor x = Tensor::of({4, 1}, {.3, -1.1, 2.5, -2.6}), w = Tensor::of({1, 1}, {1}),
         gy = Tensor::of({4, 1}, {1, 2, 4, -3});
  auto loss = [&](double beta) {
    Tensor y = program.one("f", {x, w, Tensor::of({1}, {beta})});
    double sum = 0;
    for (size_t i = 0; i < y.reals.size(); ++i)
      sum += y.reals[i] * gy.reals[i];
    return sum;
  };
  // Rounding is straight through: code - q moves with q, so that the codes' own derivative at fixed codes, code / L, is
  // what a step of beta that changes no code shows, and lsq has (code - q) / L: the difference is sum of g * q / L.
  double step = 0x1p-6, q = 1 * .6 / 4 + 2 * -2.2 / 4;
  double slope = (loss(2 + step) - loss(2 - step)) / (2 * step);
  auto g = program.gradient("f", {x, w, Tensor::of({1}, {2})}, gy);
  EXPECT_NEAR(g[2]->reals[0], slope - q, 1e-4);
}

TEST(RangeGradient, IsTakenPerTile) {
  Program program(dac(""));
  Tensor x = Tensor::of({1, 4}, {3, 1, 1, 3});
  auto g =
      program.gradient("f", {x, Tensor::of({1, 4}, {1, 1, 1, 2}), Tensor::of({2}, {2, 2})}, Tensor::of({1, 1}, {-1}));
  expectValues(*g[2], {-2, -4});
}

TEST(RangeGradient, DecaysWhereTheUnclippedShareExceedsTheThreshold) {
  // Tile 0: 1 of 2 strictly inside. Tile 1: 2 of 2.
  Tensor x = Tensor::of({1, 4}, {2, 1, 1, 1}), w = Tensor::of({1, 4}, {0, 0, 0, 0}), beta = Tensor::of({2}, {2, 4}),
         gy = Tensor::of({1, 1}, {1});
  Program strict(dac(", decay = 0.5 : f32, share = 0.5 : f32"));
  expectValues(*strict.gradient("f", {x, w, beta}, gy)[2], {0, 2});
  Program loose(dac(", decay = 0.5 : f32, share = 0.25 : f32"));
  expectValues(*loose.gradient("f", {x, w, beta}, gy)[2], {1, 2});
  Program inclusive(dac(", decay = 0.5 : f32, share = 0.5 : f32", "t", "paper"));
  expectValues(*inclusive.gradient("f", {x, w, beta}, gy)[2], {1, 2});
  Program lsq(dac(", decay = 0.5 : f32, share = 0.5 : f32", "t", "lsq"));
  expectValues(*lsq.gradient("f", {x, w, beta}, gy)[2], {0, 2});
}

TEST(DynamicRange, MasksNothingAndHasNoGradient) {
  Program program(dac("", "t, m"));
  auto g = program.gradient("f", {Tensor::of({2, 1}, {5, 1}), Tensor::of({1, 1}, {3}), Tensor::of({1, 2}, {2, 2})},
                            Tensor::of({2, 1}, {1, 1}));
  expectValues(*g[0], {3, 3});
  EXPECT_FALSE(g[2].has_value());
}

/// y = ADC(x w) with bound 4 in 4 levels: codes are whole numbers.
static std::string adc(const std::string &gradient) {
  return "func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %s: tensor<?xf32>) -> tensor<?x?xf32> attributes "
         "{analog.tiling = "
         "#analog.tiling<balanced, rows = 1>} {\n"
         "  %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>\n"
         "  %q = analog.adc %p bound(%s over (t)) {lambda = 2.0 : f32, half_levels = 4.0 : f32" +
         gradient +
         "} : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>\n"
         "  %y = analog.accumulate %q : (tensor<?x?x?xf32>) -> tensor<?x?xf32>\n  return %y : tensor<?x?xf32>\n}";
}

TEST(AdcGradient, IsZeroWhereTheRoundedCodeLiesStrictlyBeyondTheBound) {
  // 4.5 rounds to the even 4 and passes; 4.75 rounds to 5.
  Tensor x = Tensor::of({5, 1}, {4, 4.5, 4.75, -4.5, -5}), one = Tensor::of({1, 1}, {1}), s = Tensor::of({1}, {2});
  Tensor gy = Tensor::of({5, 1}, {1, 2, 3, 4, 5});
  Program masked(adc(""));
  auto g = masked.gradient("f", {x, one, s}, gy);
  expectValues(*g[0], {1, 2, 0, 4, 0});
  EXPECT_FALSE(g[2].has_value()) << "the bound is a constant";
  Program through(adc(", gradient = #analog<gradient straight_through>"));
  expectValues(*through.gradient("f", {x, one, s}, gy)[0], {1, 2, 3, 4, 5});
}

TEST(AdcGradient, MasksEachTileAlone) {
  Program program(adc(""));
  auto g = program.gradient("f", {Tensor::of({1, 2}, {9, 2}), Tensor::of({1, 2}, {1, 1}), Tensor::of({2}, {2, 2})},
                            Tensor::of({1, 1}, {1}));
  expectValues(*g[0], {0, 1});
  expectValues(*g[1], {0, 2});
}

TEST(BiasGradient, IsTheSumOverRows) {
  Program program(LayerText().str());
  Tensor gy = Tensor::of({2, 5}, {1, 2, 3, 4, 5, 10, 20, 30, 40, 50});
  expectValues(*program.gradient("f", layerInputs(2), gy)[2], {11, 22, 33, 44, 55});
}

//===-- noise -----------------------------------------------------------------------------------------------------===//

TEST(NoiseGradient, TheInputGradientUsesTheNoiseFreeQuantisedWeights) {
  LayerText with, without;
  with.noise = true;
  with.lambda = without.lambda = "100.0"; // nothing saturates, so that both have the same mask
  Program noisy(with.str()), clean(without.str());
  std::vector<Tensor> inputs = layerInputs();
  Tensor gy = randomTensor({4, 5}, 7);
  EXPECT_NE(noisy.one("f", inputs).reals, clean.one("f", inputs).reals);
  auto a = noisy.gradient("f", inputs, gy), b = clean.gradient("f", inputs, gy);
  for (size_t i : {0, 1, 2, 3})
    expectValues(*a[i], b[i]->reals);
}

TEST(NoiseGradient, TheSaturationMaskIsThatOfTheNoisyForward) {
  LayerText text;
  text.noise = true;
  text.lambda = "0.3";
  Program noisy(text.str());
  text.noise = false;
  Program clean(text.str());
  std::vector<Tensor> inputs = layerInputs(16);
  Tensor gy = randomTensor({16, 5}, 7);
  EXPECT_NE(noisy.gradient("f", inputs, gy)[0]->reals, clean.gradient("f", inputs, gy)[0]->reals);
}

//===-- errors ----------------------------------------------------------------------------------------------------===//

TEST(GradientErrors, NameTheShapeOfTheOutputGradientAndTheOpWithoutGradient) {
  Program program(LayerText().str());
  auto wrong = evaluateGradient(program.function("f"), layerInputs(2), Tensor::zeros({2, 4}));
  EXPECT_EQ(llvm::toString(wrong.takeError()), "expected the output gradient to be 2x5, got 2x4");
  Program constant(R"(
    func.func @f(%w: tensor<?x?xf32>) -> tensor<?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 0>} {
      %a = analog.absmax %w per tensor : tensor<?x?xf32> -> tensor<?xf32>
      return %a : tensor<?xf32>
    })");
  auto none = evaluateGradient(constant.function("f"), {Tensor::zeros({1, 1})}, Tensor::zeros({1}));
  EXPECT_EQ(llvm::toString(none.takeError()), "'analog.absmax' has no hand-written gradient");
}

//===-- central differences ---------------------------------------------------------------------------------------===//

namespace {
struct CentralDifferences : testing::TestWithParam<const char *> {
  EvaluateOptions options;
  void SetUp() override {
    options.precision = Precision::F64;
    options.smooth = true;
  }
  static double objective(Program &program, const std::vector<Tensor> &inputs, const Tensor &gy,
                          const EvaluateOptions &options) {
    Tensor y = program.one("f", inputs, options);
    double sum = 0;
    for (size_t i = 0; i < y.reals.size(); ++i)
      sum += y.reals[i] * gy.reals[i];
    return sum;
  }
  /// d objective / d inputs[which], one element at a time.
  Tensor differences(Program &program, std::vector<Tensor> inputs, size_t which, const Tensor &gy) const {
    Tensor result = Tensor::zeros(inputs[which].shape);
    const double step = 1e-6;
    for (size_t i = 0; i < result.reals.size(); ++i) {
      double centre = inputs[which].reals[i];
      inputs[which].reals[i] = centre + step;
      double up = objective(program, inputs, gy, options);
      inputs[which].reals[i] = centre - step;
      double down = objective(program, inputs, gy, options);
      inputs[which].reals[i] = centre;
      result.reals[i] = (up - down) / (2 * step);
    }
    return result;
  }
};
} // namespace

// The objective is piecewise multilinear: the differences are exact but for rounding, 1e-16 / 1e-6 times values of
// order 1 to 10.
constexpr double kDifferenceTolerance = 1e-8;

TEST_P(CentralDifferences, InputWeightAndBiasGradients) {
  LayerText text;
  text.tiling = GetParam();
  text.lambda = "0.6"; // some accumulators saturate, most do not
  Program program(text.str());
  std::vector<Tensor> inputs = layerInputs();
  int64_t tiles = text.tiling.find("rows = 0") == std::string::npos ? 3 : 1;
  inputs[3] = Tensor::of({tiles}, std::vector<double>(tiles, .75));
  inputs[4] = randomTensor({tiles, 5}, 4, 1, 1.5);
  Tensor gy = randomTensor({4, 5}, 7);
  auto gradients = program.gradient("f", inputs, gy, options);
  for (size_t which : {0, 1, 2})
    expectValues(*gradients[which], differences(program, inputs, which, gy).reals, kDifferenceTolerance);
}

INSTANTIATE_TEST_SUITE_P(Tilings, CentralDifferences,
                         testing::Values("balanced, rows = 3", "fixed, rows = 3", "balanced, rows = 0"));

/// Straight through the clamp: the true gradient of the layer whose converter never saturates.
TEST_F(CentralDifferences, AStraightThroughAdcIsOneWithoutABound) {
  LayerText saturating, boundless;
  saturating.gradient = "straight_through";
  saturating.lambda = "0.6";
  boundless.lambda = "1.0e6";
  Program program(saturating.str()), linear(boundless.str());
  std::vector<Tensor> inputs = layerInputs();
  inputs[3] = Tensor::of({3}, {.75, .75, .75});
  Tensor gy = randomTensor({4, 5}, 7);
  auto gradients = program.gradient("f", inputs, gy, options);
  for (size_t which : {0, 1, 2})
    expectValues(*gradients[which], differences(linear, inputs, which, gy).reals, kDifferenceTolerance);
  EXPECT_NE(gradients[0]->reals, differences(program, inputs, 0, gy).reals) << "something saturates";
}

/// A range over rows is a constant that masks nothing: the true gradient at inputs within it.
TEST_F(CentralDifferences, ARangePerRowIsAConstant) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %r: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 3>} {
      %c = analog.quantize_input %x range(%r over (t, m)) {half_levels = 127.0 : f32} : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
      %p = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      %a = analog.rescale %p range(%r over (t, m)) {half_levels = 127.0 : f32} : tensor<?x?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })");
  std::vector<Tensor> inputs{randomTensor({4, 7}, 1), randomTensor({5, 7}, 2), randomTensor({3, 4}, 3, 1.5, 3)};
  Tensor gy = randomTensor({4, 5}, 7);
  auto gradients = program.gradient("f", inputs, gy, options);
  for (size_t which : {0, 1})
    expectValues(*gradients[which], differences(program, inputs, which, gy).reals, kDifferenceTolerance);
  EXPECT_FALSE(gradients[2]) << "no gradient of a constant";
}

TEST_F(CentralDifferences, RangeGradientIsBetaTimesTheTrueOneWhereTheSignFilterPassesAll) {
  Program program(dac(""));
  // Above the range g < 0, below it g > 0: the filter keeps every clipped input.
  std::vector<Tensor> inputs{Tensor::of({3, 3}, {3, 1, -4, .5, -3, .25, 2.5, -.125, 1}),
                             Tensor::of({1, 3}, {-.5, .75, .3}), Tensor::of({2}, {2, 3.5})};
  Tensor gy = Tensor::of({3, 1}, {1.5, 2, 2.5});
  auto gradients = program.gradient("f", inputs, gy, options);
  Tensor expected = differences(program, inputs, 2, gy);
  for (size_t t = 0; t < 2; ++t)
    expected.reals[t] *= inputs[2].reals[t];
  expectValues(*gradients[2], expected.reals, kDifferenceTolerance);
  EXPECT_LT(expected.reals[0], -1);
  EXPECT_LT(expected.reals[1], -1);
}

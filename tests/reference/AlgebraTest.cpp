// Each op of the algebra with literal values, one test per code path.
#include "tests/reference/Program.h"

using namespace mho::reference;

static std::string text(const std::string &tiling, const std::string &function) {
  std::string result = function;
  size_t at = result.rfind("{ //body");
  result.replace(at, 8, "attributes {analog.tiling = #analog.tiling<" + tiling + ">} {");
  return result;
}

//===-- absmax and the tilings ------------------------------------------------------------------------------------===//

static std::string absmax(const std::string &per, const std::string &tiling, const std::string &result) {
  return text(tiling, "func.func @f(%w: tensor<?x?xf32>) -> " + result + " { //body\n  %a = analog.absmax %w per " +
                          per + " : tensor<?x?xf32> -> " + result + "\n  return %a : " + result + "\n}");
}

static const Tensor kSeven = Tensor::of({2, 7}, {1, -2, 3, -4, 5, -6, 7, /**/ -7, 6, -5, 4, -3, 2, -1});

TEST(AbsMax, BalancedTilesGiveTheFirstTilesOneRowMore) {
  // 7 inputs, tiles of at most 3 rows: 3, 2, 2.
  Program program(absmax("channel", "balanced, rows = 3", "tensor<?x?xf32>"));
  Tensor a = program.one("f", {kSeven});
  EXPECT_EQ(a.shapeText(), "3x2");
  expectValues(a, {3, 7, 5, 4, 7, 2});
}

TEST(AbsMax, FixedTilesLeaveTheLastOneShort) {
  Program program(absmax("channel", "fixed, rows = 3", "tensor<?x?xf32>"));
  expectValues(program.one("f", {kSeven}), {3, 7, 6, 4, 7, 1});
}

TEST(AbsMax, NoRowsMeanOneTile) {
  Program program(absmax("row", "balanced, rows = 0", "tensor<?x?xf32>"));
  expectValues(program.one("f", {kSeven}), {7, 7});
}

TEST(AbsMax, PerTensorTakesTheWholeTile) {
  Program program(absmax("tensor", "balanced, rows = 3", "tensor<?xf32>"));
  expectValues(program.one("f", {kSeven}), {7, 5, 7});
}

TEST(AbsMax, NaNStaysInItsTileAndChannel) {
  Program program(absmax("channel", "fixed, rows = 1", "tensor<?x?xf32>"));
  expectValues(program.one("f", {Tensor::of({2, 2}, {kNaN, 1, -kInf, 2})}), {kNaN, kInf, 1, 2});
}

TEST(AbsMax, NoInputsGiveNoTile) {
  Program program(absmax("channel", "balanced, rows = 3", "tensor<?x?xf32>"));
  EXPECT_EQ(program.one("f", {Tensor::zeros({2, 0})}).shapeText(), "0x2");
}

//===-- quantisers ------------------------------------------------------------------------------------------------===//

static std::string quantizeInput(const std::string &levels, const std::string &range) {
  return text("balanced, rows = 2",
              "func.func @f(%x: tensor<?x?xf32>, %b: tensor<" + std::string(range == "t" ? "?" : "?x?") +
                  "xf32>) -> tensor<?x?xf32> { //body\n  %c = analog.quantize_input %x range(%b over (" + range +
                  ")) {half_levels = " + levels + " : f32} : tensor<?x?xf32>, tensor<" + (range == "t" ? "?" : "?x?") +
                  "xf32> -> tensor<?x?xf32>\n  return %c : tensor<?x?xf32>\n}");
}

TEST(QuantizeInput, RoundsTiesToEvenAndClampsToTheRange) {
  Program program(quantizeInput("4.0", "t"));
  // s = 4 / 8 = .5: halves at odd inputs.
  Tensor x = Tensor::of({3, 2}, {1, 3, -1, -3, 9, -kInf});
  expectValues(program.one("f", {x, Tensor::of({1}, {8})}), {0, 2, 0, -2, 4, -4});
}

TEST(QuantizeInput, ScalesByOneDivisionInFloat) {
  Program program(quantizeInput("127.0", "t"));
  // Near ties: x * (127 / beta) in float rounds otherwise than (x * 127) / beta in float, and than the exact quotient.
  Tensor x = Tensor::of({1, 2}, {0.17598426342010498, 0.2019685059785843}), beta = Tensor::of({1}, {0.3});
  expectValues(program.one("f", {x, beta}), {74, 86});
  EvaluateOptions options;
  options.precision = Precision::F64;
  expectValues(program.one("f", {x, Tensor::of({1}, {float(0.3)})}, options), {75, 85});
}

TEST(QuantizeInput, EveryTileHasItsOwnRange) {
  Program program(quantizeInput("10.0", "t"));
  Tensor x = Tensor::of({1, 4}, {1, 2, 1, 2});
  expectValues(program.one("f", {x, Tensor::of({2}, {10, 2})}), {1, 2, 5, 10});
}

TEST(QuantizeInput, ADynamicRangeIsPerTileAndRow) {
  Program program(quantizeInput("10.0", "t, m"));
  Tensor x = Tensor::of({2, 3}, {1, 2, 3, 1, 2, 3});
  // balanced: tiles of 2 and 1 inputs. range [t, m]
  expectValues(program.one("f", {x, Tensor::of({2, 2}, {10, 2, 3, 5})}), {1, 2, 10, 5, 10, 6});
}

TEST(QuantizeInput, ZeroRangeGivesCodeZeroAndNaNRangeGivesNaN) {
  Program program(quantizeInput("127.0", "t"));
  Tensor x = Tensor::of({1, 2}, {3, kInf});
  expectValues(program.one("f", {x, Tensor::of({1}, {0})}), {0, 0});
  expectValues(program.one("f", {x, Tensor::of({1}, {1e-45})}), {0, 0}); // 127 / beta overflows
  expectValues(program.one("f", {x, Tensor::of({1}, {kNaN})}), {kNaN, kNaN});
  expectValues(program.one("f", {Tensor::of({1, 1}, {kNaN}), Tensor::of({1}, {1})}), {kNaN});
}

static std::string quantizeWeight() {
  return text("balanced, rows = 2", R"(
    func.func @f(%w: tensor<?x?xf32>, %a: tensor<?x?xf32>) -> tensor<?x?xf32> { //body
      %q = analog.quantize_weight %w scale(%a over (t, n)) {half_levels = 2.0 : f32} : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?xf32>
      return %q : tensor<?x?xf32>
    })");
}

TEST(QuantizeWeight, RoundsThenClampsInStepsOfItsTileAndChannel) {
  Program program(quantizeWeight());
  Tensor w = Tensor::of({2, 3}, {1, 5, -9, 3, -1, .75});
  // A [t, n]: steps 2, 4 in tile 0 (inputs 0, 1), steps 8, .5 in tile 1. Codes 0 (tie), 2 (2.5), -1; 1 (.75), 0, 2
  // (1.5).
  expectValues(program.one("f", {w, Tensor::of({2, 2}, {4, 8, 16, 1})}), {0, 4, -8, 4, 0, 1});
}

TEST(QuantizeWeight, ClampsCodesBeyondTheScale) {
  Program program(quantizeWeight());
  expectValues(program.one("f", {Tensor::of({1, 2}, {100, -kInf}), Tensor::of({1, 1}, {4})}), {4, -4});
}

TEST(QuantizeWeight, ZeroScaleGivesZero) {
  Program program(quantizeWeight());
  expectValues(program.one("f", {Tensor::of({1, 2}, {3, 0}), Tensor::of({1, 1}, {0})}), {0, 0});
}

//===-- contraction, rescale, ADC, sum ----------------------------------------------------------------------------===//

static std::string layer(const std::string &tiling, const std::string &planes, const std::string &bias = "") {
  return text(tiling, "func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>, %s: tensor<?x?xf32>) "
                      "-> tensor<?x?xf32> "
                      "{ //body\n  %p0 = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>\n" +
                          planes + "  %y = analog.accumulate %p" + (bias.empty() ? "1" : "1 bias(%b)") +
                          " : (tensor<?x?x?xf32>" + (bias.empty() ? "" : ", tensor<?xf32>") +
                          ") -> tensor<?x?xf32>\n  return %y : tensor<?x?xf32>\n}");
}

static const std::string kAdc =
    "  %p1 = analog.adc %p0 bound(%b over (t), %s over (t, n)) {lambda = 2.0 : f32, half_levels = 4.0 : f32} "
    ": (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>\n";

TEST(Mvm, OnePlanePerTile) {
  Program program(text("balanced, rows = 2", R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?x?xf32> { //body
      %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      return %p : tensor<?x?x?xf32>
    })"));
  Tensor p = program.one("f", {Tensor::of({1, 3}, {1, 2, 3}), Tensor::of({2, 3}, {1, 10, 100, 2, 20, 200})});
  EXPECT_EQ(p.shapeText(), "2x1x2");
  expectValues(p, {21, 42, 300, 600});
}

TEST(Mvm, RoundsTheSumOfATileOnce) {
  Program program(layer("balanced, rows = 0",
                        "  %p1 = analog.rescale %p0 range(%b over (t)) {half_levels = 1.0 : f32} : "
                        "tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>\n"));
  // 2^24 + 1 + 1: a float sum would stay at 2^24.
  Tensor y = program.one("f", {Tensor::of({1, 3}, {16777216, 1, 1}), Tensor::of({1, 3}, {1, 1, 1}),
                               Tensor::of({1}, {1}), Tensor::zeros({0, 0})});
  expectValues(y, {16777218});
}

TEST(Rescale, MultipliesByRangeOverLevels) {
  Program program(layer("balanced, rows = 1",
                        "  %p1 = analog.rescale %p0 range(%b over (t)) {half_levels = 4.0 : f32} : "
                        "tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>\n"));
  Tensor y = program.one(
      "f", {Tensor::of({1, 2}, {3, 5}), Tensor::of({1, 2}, {1, 1}), Tensor::of({2}, {8, 2}), Tensor::zeros({0, 0})});
  expectValues(y, {3 * 2 + 5 * .5});
}

TEST(Adc, RoundsTiesToEvenThenClampsAtTheBound) {
  Program program(layer("balanced, rows = 0", kAdc));
  // beta 2, A 4: bound (2 * 2) * 4 = 16, step 4.
  Tensor x = Tensor::of({5, 1}, {2, 6, 17, -100, kInf});
  Tensor y = program.one("f", {x, Tensor::of({1, 1}, {1}), Tensor::of({1}, {2}), Tensor::of({1, 1}, {4})});
  expectValues(y, {0, 8, 16, -16, 16});
}

TEST(Adc, ZeroBoundGivesZeroAndNaNStays) {
  Program program(layer("balanced, rows = 0", kAdc));
  Tensor x = Tensor::of({2, 1}, {2, kNaN}), one = Tensor::of({1, 1}, {1});
  expectValues(program.one("f", {x, one, Tensor::of({1}, {0}), Tensor::of({1, 1}, {4})}), {0, kNaN});
}

TEST(Accumulate, SumsTilesInAscendingOrderInFloatAndAddsTheBias) {
  Program program(layer("balanced, rows = 1",
                        "  %p1 = analog.rescale %p0 range(%s over (t, m)) {half_levels = 1.0 : f32} : "
                        "tensor<?x?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>\n",
                        "bias"));
  // (2^24 + 1) + 1 stays at 2^24 in float, in this order only.
  Tensor x = Tensor::of({2, 3}, {16777216, 1, 1, 1, 1, 16777216}), w = Tensor::of({1, 3}, {1, 1, 1});
  Tensor ones = Tensor::of({3, 2}, {1, 1, 1, 1, 1, 1});
  expectValues(program.one("f", {x, w, Tensor::of({1}, {-16777216}), ones}), {0, 2});
}

TEST(Accumulate, DoublePrecisionKeepsWhatFloatLoses) {
  Program program(layer("balanced, rows = 1",
                        "  %p1 = analog.rescale %p0 range(%s over (t, m)) {half_levels = 1.0 : f32} : "
                        "tensor<?x?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>\n",
                        "bias"));
  EvaluateOptions options;
  options.precision = Precision::F64;
  Tensor x = Tensor::of({1, 3}, {16777216, 1, 1}), w = Tensor::of({1, 3}, {1, 1, 1}),
         ones = Tensor::of({3, 1}, {1, 1, 1});
  expectValues(program.one("f", {x, w, Tensor::of({1}, {-16777216}), ones}, options), {2});
}

TEST(NotANumber, ReachesTheOutputsItFeedsAndNoOther) {
  Program program(layer("balanced, rows = 1", kAdc));
  Tensor x = Tensor::of({2, 2}, {1, kNaN, 2, 2}), w = Tensor::of({2, 2}, {1, 1, 1, kNaN});
  Tensor y = program.one("f", {x, w, Tensor::of({2}, {2, 2}), Tensor::of({2, 2}, {2, 2, 2, 2})});
  expectValues(y, {kNaN, kNaN, 4, kNaN});
}

//===-- errors ----------------------------------------------------------------------------------------------------===//

TEST(Errors, NameWhatDoesNotFit) {
  Program program(layer("balanced, rows = 2", kAdc));
  Tensor x = Tensor::zeros({1, 4}), w = Tensor::zeros({3, 4}), beta = Tensor::zeros({2}), a = Tensor::zeros({2, 3});
  EXPECT_EQ(program.error("f", {x, w, beta}), "expected 4 inputs of @f, got 3");
  EXPECT_EQ(program.error("f", {Tensor::zeros({4}), w, beta, a}),
            "expected input 0 of @f to be a tensor<?x?xf32>, got 4");
  EXPECT_EQ(program.error("f", {Tensor::zeros({1, 5}), w, beta, a}),
            "expected inputs of the input (5) to match inputs of the weight (4)");
  EXPECT_EQ(program.error("f", {x, w, Tensor::zeros({3}), a}),
            "expected a scale of 'analog.adc' to have 2 elements along t, got 3 over (t)");
}

TEST(Errors, NameAnUnknownOperation) {
  Program program(R"(
    func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = arith.addf %x, %x : tensor<2xf32>
      return %y : tensor<2xf32>
    })");
  EXPECT_EQ(program.error("f", {Tensor::zeros({2})}), "the evaluator does not know 'arith.addf'");
}

//===-- functions -------------------------------------------------------------------------------------------------===//

TEST(Function, ConstantsAndScalarArithmetic) {
  Program program(R"(
    func.func @f(%s: f32) -> (f32, tensor<2xf32>, tensor<2xi64>) {
      %tenth = arith.constant 0.1 : f32
      %r = arith.mulf %s, %tenth : f32
      %t = arith.constant dense<[1.0, 2.5]> : tensor<2xf32>
      %k = arith.constant dense<[7, -1]> : tensor<2xi64>
      return %r, %t, %k : f32, tensor<2xf32>, tensor<2xi64>
    })");
  auto r = program.all("f", {Tensor::scalar(3)});
  expectValues(r[0], {3.0f * 0.1f});
  expectValues(r[1], {1, 2.5});
  EXPECT_EQ(r[2].words, (std::vector<int64_t>{7, -1}));
}

TEST(Function, StrengthsThatAreLeftOutHaveTheirDefault) {
  Program program(R"(
    func.func @f(%a: f32, %s: f32 {analog.value = 5.0 : f32}, %b: f32) -> f32 {
      %0 = arith.mulf %a, %s : f32
      %r = arith.addf %0, %b : f32
      return %r : f32
    })");
  expectValues(program.one("f", {Tensor::scalar(2), Tensor::scalar(3)}), {13});
  expectValues(program.one("f", {Tensor::scalar(2), Tensor::scalar(1), Tensor::scalar(3)}), {5});
}

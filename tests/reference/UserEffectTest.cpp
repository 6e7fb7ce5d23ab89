// Effects that are text: against formulas written out by hand with the draws of dialect/Numerics, against moments, and
// against derivatives in closed form.
#include "dialect/Numerics/EffectStream.h"
#include "dialect/Numerics/Philox.h"
#include "tests/reference/Effects.h"

using namespace mho::reference;

/// A module of `effect`, named @e, with @f(x, w, key): effects on `site` around one mvm in tiles of 3 inputs.
static std::string moduleOf(const std::string &effect, const std::string &site, bool draws) {
  std::string matrix = "tensor<?x?xf32>", planes = "tensor<?x?x?xf32>";
  std::string type = site == "tile" ? planes : matrix, source = site == "tile" ? "%p" : site == "input" ? "%x" : "%w";
  std::string apply = "  %v = analog.apply @e " + source + (draws ? " key(%key) : (" : " : (") + type +
                      (draws ? ", tensor<2xi64>" : "") + ") -> " + type + "\n";
  std::string mvm = "  %p = analog.mvm " + std::string(site == "input" ? "%v" : "%x") + ", " +
                    (site == "weight" ? "%v" : "%w") + " : " + matrix + ", " + matrix + " -> " + planes + "\n";
  return effect + "\nfunc.func @f(%x: " + matrix + ", %w: " + matrix + ", %key: tensor<2xi64>) -> " + matrix +
         " attributes {analog.tiling = #analog.tiling<balanced, rows = 3>} {\n" +
         (site == "tile" ? mvm + apply : apply + mvm) + "  %y = analog.accumulate " + (site == "tile" ? "%v" : "%p") +
         " : (" + planes + ") -> " + matrix + "\n  return %y : " + matrix + "\n}";
}

static Tensor identity(int64_t n) {
  Tensor result = Tensor::zeros({n, n});
  for (int64_t i = 0; i < n; ++i)
    result.at({i, i}) = 1;
  return result;
}

TEST(EffectStream, IsTheHashOfTheName) {
  // FNV-1a's published values.
  EXPECT_EQ(mho::hashName(""), 0x811c9dc5u);
  EXPECT_EQ(mho::hashName("a"), 0xe40c292cu);
  EXPECT_EQ(mho::hashName("foobar"), 0xbf9cf968u);
  EXPECT_EQ(mho::effectStream("foobar", 0), 64 + 0xbf9cf968u % 192);
  for (int64_t i = 0; i < mho::kUserStreams; ++i)
    for (int64_t j = 0; j < i; ++j)
      EXPECT_NE(mho::effectStream("noise", i), mho::effectStream("noise", j));
  for (int64_t i = 0; i < 400; ++i) {
    EXPECT_GE(mho::effectStream("noise", i), 64);
    EXPECT_LE(mho::effectStream("noise", i), 255);
  }
}

/// The noise of seed-formulas' ReRAM cell at u = |w| / A, by Horner's rule in float.
static float cellNoise(float u) {
  float p = std::fma(-0.420375f, u, 1.134825f);
  p = std::fma(p, u, -1.096325f);
  p = std::fma(p, u, 0.40075f);
  return std::fma(p, u, 0.0087f);
}

TEST(ReramNoise, IsTheFormulaWithTheDrawsOfItsName) {
  Program program(example("reram_noise"));
  // 70 inputs: tiles of 35.
  Tensor w = randomTensor({9, 70}, 7);
  Tensor y = program.one("layer", {identity(70), w, kKey});
  for (int64_t o = 0; o < 9; ++o)
    for (int64_t k = 0; k < 70; ++k) {
      int64_t tile = k / 35;
      float largest = 0;
      for (int64_t j = 35 * tile; j < 35 * (tile + 1); ++j)
        largest = std::max(largest, std::fabs(float(w.at({o, j}))));
      float v = float(w.at({o, k}));
      float n = mho::drawNormal({o, k - 35 * tile, mho::effectStream("reram_noise", 0), tile, 3, 1234567890123456789});
      float expected = std::fma(1.0f * largest * cellNoise(std::fabs(v) / largest), n, v);
      EXPECT_EQ(float(y.at({k, o})), expected) << "weight " << o << ", " << k;
    }
}

TEST(ReramNoise, HasTheStandardDeviationOfThePolynomial) {
  // Half of the largest conductance: p(.5) = .0506; the largest itself: p(1) = .0276.
  Program program(example("reram_noise"));
  int64_t cells = 20000;
  Tensor w = Tensor::zeros({cells, 2});
  for (int64_t o = 0; o < cells; ++o) {
    w.at({o, 0}) = -2;
    w.at({o, 1}) = 1;
  }
  Tensor y = program.one("layer", {identity(2), w, kKey});
  const double mean[] = {-2, 1}, deviation[] = {2 * 0.027575, 2 * 0.0506};
  for (int64_t k = 0; k < 2; ++k) {
    double sum = 0, squares = 0;
    for (int64_t o = 0; o < cells; ++o) {
      double d = y.at({k, o}) - mean[k];
      sum += d;
      squares += d * d;
    }
    // Four standard errors.
    EXPECT_NEAR(sum / cells, 0, 4 * deviation[k] / std::sqrt(cells));
    EXPECT_NEAR(std::sqrt(squares / cells), deviation[k], 4 * deviation[k] / std::sqrt(2 * cells) + 1e-4);
  }
}

TEST(ReramNoise, IsStraightThroughAndNoiseFreeBackwards) {
  Program program(example("reram_noise"));
  Tensor x = randomTensor({3, 70}, 1), w = randomTensor({4, 70}, 2), g = randomTensor({3, 4}, 3);
  auto gradients = program.gradient("layer", {x, w, kKey}, g);
  Tensor dx = Tensor::zeros({3, 70}), dw = Tensor::zeros({4, 70});
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t o = 0; o < 4; ++o)
      for (int64_t k = 0; k < 70; ++k) {
        dx.at({b, k}) += g.at({b, o}) * w.at({o, k});
        dw.at({o, k}) += g.at({b, o}) * x.at({b, k});
      }
  expectValues(gradients[0].value(), dx.reals, 1e-6);
  expectValues(gradients[1].value(), dw.reals, 1e-6);
}

TEST(Saturation, IsTheFormulaOfEachTile) {
  Program program(example("saturation"));
  Tensor x = randomTensor({3, 70}, 1), w = randomTensor({4, 70}, 2);
  Tensor y = program.one("layer", {x, w});
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t o = 0; o < 4; ++o) {
      double sum = 0;
      for (int64_t tile = 0; tile < 2; ++tile) {
        double a = 0;
        for (int64_t k = 35 * tile; k < 35 * (tile + 1); ++k)
          a += x.at({b, k}) * w.at({o, k});
        sum += a / (1 + 0.125 * std::fabs(a));
      }
      EXPECT_NEAR(y.at({b, o}), sum, 1e-5);
    }
}

TEST(Saturation, HasItsTrueDerivative) {
  // d/da a / (1 + nu |a|) = 1 / (1 + nu |a|)^2, one tile of one input.
  Program program(example("saturation"));
  for (double a : {-3.0, 0.5, 8.0}) {
    auto gradients =
        program.gradient("layer", {Tensor::of({1, 1}, {a}), Tensor::of({1, 1}, {2})}, Tensor::of({1, 1}, {1}));
    double slope = 1 / std::pow(1 + 0.125 * std::fabs(2 * a), 2);
    expectValues(gradients[0].value(), {2 * slope}, 1e-6);
    expectValues(gradients[1].value(), {a * slope}, 1e-6);
  }
}

TEST(LearnedClip, HasTheGradientsOfAClip) {
  // One input and one output: y = clip(x, bound) w.
  Program program(example("learned_clip"));
  Tensor x = Tensor::of({4, 1}, {-3, -0.5, 1, 2}), w = Tensor::of({1, 1}, {2}), bound = Tensor::of({1}, {1});
  Tensor g = Tensor::of({4, 1}, {1, 10, 100, 1000});
  expectValues(program.one("layer", {x, w, bound}), {-2, -1, 2, 2});
  auto gradients = program.gradient("layer", {x, w, bound}, g);
  expectValues(gradients[0].value(), {0, 20, 200, 0});
  expectValues(gradients[1].value(), {1 * -1 + 10 * -0.5 + 100 * 1 + 1000 * 1});
  expectValues(gradients[2].value(), {2 * (1000 - 1)});
}

/// The bounds' gradients by hand, and the derivative of the clipped layer, which they are but for the factor.
TEST(LsqClip, IsTheScaledDerivativeOfTheClip) {
  Program program(example("lsq_clip"));
  EvaluateOptions exact{Precision::F64};
  // 70 inputs: tiles of 35.
  Tensor x = randomTensor({3, 70}, 1), w = randomTensor({4, 70}, 2), g = randomTensor({3, 4}, 3);
  for (bool perTile : {false, true}) {
    int64_t bounds = perTile ? 2 : 8;
    std::string name = perTile ? "per_tile" : "layer";
    llvm::SmallVector<int64_t> shape = perTile ? llvm::SmallVector<int64_t>{2} : llvm::SmallVector<int64_t>{2, 4};
    Tensor low = Tensor::zeros(shape), high = low;
    for (int64_t i = 0; i < bounds; ++i)
      low.reals[i] = 0.3 + 0.05 * i, high.reals[i] = 0.9 - 0.06 * i;
    auto gradients = program.gradient(name, {x, w, low, high}, g, exact);
    std::vector<double> dlow(bounds), dhigh(bounds), dw(w.size());
    for (int64_t o = 0; o < 4; ++o)
      for (int64_t k = 0; k < 70; ++k) {
        double gradient = 0, v = w.at({o, k});
        for (int64_t b = 0; b < 3; ++b)
          gradient += g.at({b, o}) * x.at({b, k});
        int64_t at = perTile ? k / 35 : k / 35 * 4 + o;
        bool below = v<-low.reals[at], beyond = v> high.reals[at];
        dlow[at] += below ? -gradient : 0;
        dhigh[at] += beyond ? gradient : 0;
        dw[o * 70 + k] = below || beyond ? 0 : gradient;
      }
    double root = std::sqrt(perTile ? 35 * 4 : 35);
    expectValues(gradients[1].value(), dw, 1e-12);
    for (bool isHigh : {false, true}) {
      std::vector<double> scaled = isHigh ? dhigh : dlow;
      for (double &v : scaled)
        v /= root;
      expectValues(gradients[2 + isHigh].value(), scaled, 1e-12);
      for (int64_t i = 0; i < bounds; ++i) {
        // The layer is linear in a bound as long as no weight crosses it.
        double slope = centralDifference(program, name, {x, w, low, high}, g, 2 + isHigh, i, 0x1p-20);
        EXPECT_NEAR(gradients[2 + isHigh]->reals[i] * root, slope, 1e-7) << name << ", bound " << i;
      }
    }
  }
}

TEST(LearnedSaturation, HasTheDerivativesInElementAndParameter) {
  Program program(example("saturation"));
  EvaluateOptions exact{Precision::F64};
  Tensor x = randomTensor({3, 70}, 1), w = randomTensor({4, 70}, 2), g = randomTensor({3, 4}, 3);
  for (std::string name : {"per_tile", "of_all"}) {
    Tensor nu = name == "per_tile" ? Tensor::of({2}, {0.25, 0.5}) : Tensor::of({}, {0.25});
    std::vector<Tensor> inputs{x, w, nu};
    auto gradients = program.gradient(name, inputs, g, exact);
    for (int argument : {0, 1, 2})
      for (int64_t i = 0; i < inputs[argument].size(); i += argument < 2 ? 13 : 1) {
        double slope = centralDifference(program, name, inputs, g, argument, i, 0x1p-18);
        EXPECT_NEAR(gradients[argument]->reals[i], slope, 1e-7 * (1 + std::fabs(slope)))
            << name << ", argument " << argument << ", element " << i;
      }
  }
}

//===-- what the language offers ----------------------------------------------------------------------------------===//

/// Every scalar function with a derivative, one after another: d/dx of the composition against central differences of
/// the evaluator in double.
TEST(Derived, AgreesWithCentralDifferences) {
  const std::string steps[] = {
      "%r = math.fma %v, %c, %v : f32",
      "%r = arith.divf %c, %v : f32",
      "%r = arith.subf %c, %v : f32",
      "%r = arith.mulf %v, %v : f32",
      "%r = math.sqrt %v : f32",
      "%r = math.exp %v : f32",
      "%r = math.log %v : f32",
      "%r = math.tanh %v : f32",
      "%r = math.powf %v, %c : f32",
      "%r = math.powf %c, %v : f32",
      "%r = math.absf %v : f32",
      "%r = arith.negf %v : f32",
      "%r = arith.minimumf %v, %c : f32",
      "%r = arith.maximumf %v, %c : f32",
      "%r = math.copysign %v, %m : f32",
      "%b = arith.cmpf olt, %v, %c : f32 %q = arith.mulf %v, %v : f32 %r = arith.select %b, %q, %v : f32"};
  for (const std::string &step : steps) {
    Program program(moduleOf("analog.effect @e on input(%v) surrogate(derived) { %c = arith.constant 1.5 : f32 "
                             "%m = arith.constant -1.0 : f32 " +
                                 step + " analog.yield %r : f32 }",
                             "input", false));
    for (double x : {0.75, 2.5}) {
      auto value = [&](double at) {
        return program
            .one("f", {Tensor::of({1, 1}, {at}), Tensor::of({1, 1}, {1}), kKey}, {Precision::F64, false, true})
            .reals[0];
      };
      double h = 1e-5, slope = (value(x + h) - value(x - h)) / (2 * h);
      auto gradients = program.gradient("f", {Tensor::of({1, 1}, {x}), Tensor::of({1, 1}, {1}), kKey},
                                        Tensor::of({1, 1}, {1}), {Precision::F64, false, true});
      EXPECT_NEAR(gradients[0]->reals[0], slope, 1e-6) << step << " at " << x;
    }
  }
}

/// Where a value is infinite a constant beside it adds nothing, and powers that do not vary have no slope.
TEST(Derived, IsThatOfTheSpecWhereValuesAreSpecial) {
  const double inf = INFINITY;
  const std::tuple<const char *, double, double> cases[] = {
      {"%r = arith.mulf %v, %c : f32", inf, 1.5},
      {"%r = math.fma %v, %c, %v : f32", -inf, 2.5},
      {"%r = arith.divf %v, %c : f32", inf, 1 / 1.5f},
      {"%r = math.absf %v : f32", -inf, -1},
      {"%r = math.absf %v : f32", 0, 0},
      {"%r = math.copysign %v, %m : f32", inf, -1},
      {"%r = math.powf %v, %z : f32", 0, 0},
      {"%r = math.powf %z, %v : f32", 2, 0},
      {"%r = math.powf %v, %c : f32", 0, 0},
      {"%r = math.powf %c, %v : f32", -inf, 0},
  };
  for (const auto &[code, x, slope] : cases) {
    Program program(moduleOf("analog.effect @e on input(%v) surrogate(derived) { %c = arith.constant 1.5 : f32 "
                             "%m = arith.constant -1.0 : f32 %z = arith.constant 0.0 : f32 " +
                                 std::string(code) + " analog.yield %r : f32 }",
                             "input", false));
    auto gradients =
        program.gradient("f", {Tensor::of({1, 1}, {x}), Tensor::of({1, 1}, {1}), kKey}, Tensor::of({1, 1}, {1}));
    EXPECT_EQ(float(gradients[0]->reals[0]), float(slope)) << code << " at " << x;
  }
}

TEST(Derived, TakesTheDrawsOfTheForwardPass) {
  // Multiplicative noise of an input: y = x (1 + n / 2), dy/dx = 1 + n / 2; of a weight it is noise-free: dy/dw = 1.
  const std::string code = "(%v) surrogate(derived) { %h = arith.constant 0.5 : f32 %n = analog.normal : f32 "
                           "%s = arith.mulf %h, %n : f32 %d = arith.mulf %v, %s : f32 %r = arith.addf %v, %d : f32 "
                           "analog.yield %r : f32 }";
  Tensor x = Tensor::of({1, 1}, {3}), w = Tensor::of({1, 1}, {5}), g = Tensor::of({1, 1}, {1});
  float n = mho::drawNormal({0, 0, mho::effectStream("e", 0), 0, 3, 1234567890123456789});
  Program input(moduleOf("analog.effect @e on input" + code, "input", true));
  expectValues(input.one("f", {x, w, kKey}), {5 * 3 * (1 + n / 2)}, 1e-5);
  expectValues(input.gradient("f", {x, w, kKey}, g)[0].value(), {5 * (1 + n / 2)}, 1e-5);
  Program weight(moduleOf("analog.effect @e on weight" + code, "weight", true));
  expectValues(weight.one("f", {x, w, kKey}), {3 * 5 * (1 + n / 2)}, 1e-5);
  auto gradients = weight.gradient("f", {x, w, kKey}, g);
  expectValues(gradients[0].value(), {5});
  expectValues(gradients[1].value(), {3});
}

TEST(Masked, StopsTheGradientWhereTheBitIs) {
  for (std::string site : {"input", "weight", "tile"}) {
    Program program(moduleOf("analog.effect @e on " + site +
                                 "(%v) surrogate(masked) { %c = arith.constant 2.0 : f32 "
                                 "%b = arith.cmpf ogt, %v, %c : f32 %r = arith.minimumf %v, %c : f32 "
                                 "analog.yield %r : f32 bits(%b) }",
                             site, false));
    Tensor x = Tensor::of({2, 1}, {1, 3}), w = Tensor::of({1, 1}, {1});
    Tensor g = Tensor::of({2, 1}, {10, 20});
    auto gradients = program.gradient("f", {x, w, kKey}, g);
    expectValues(gradients[0].value(), {10, site == "weight" ? 20.0 : 0.0});
    expectValues(program.one("f", {x, w, kKey}), {1, site == "weight" ? 3.0 : 2.0});
  }
}

TEST(Indices, AreThoseOfTheElementsTile) {
  // Each accumulator becomes 100 tile + 10 row + column + tile_rows / 8: tiles of 3 and 2 inputs.
  Program program(moduleOf(R"(analog.effect @e on tile(%v) surrogate(derived) {
    %t = analog.index tile : i32
    %r = analog.index row : i32
    %c = analog.index column : i32
    %n = analog.index tile_rows : i32
    %tf = arith.sitofp %t : i32 to f32
    %rf = arith.sitofp %r : i32 to f32
    %cf = arith.sitofp %c : i32 to f32
    %nf = arith.sitofp %n : i32 to f32
    %k100 = arith.constant 100.0 : f32
    %k10 = arith.constant 10.0 : f32
    %k8 = arith.constant 0.125 : f32
    %a = math.fma %tf, %k100, %cf : f32
    %b = math.fma %rf, %k10, %a : f32
    %d = math.fma %nf, %k8, %b : f32
    analog.yield %d : f32
  })",
                           "tile", false));
  Tensor y = program.one("f", {Tensor::zeros({2, 5}), Tensor::zeros({3, 5}), kKey});
  // The sum over the two tiles.
  expectValues(y, {100.625, 102.625, 104.625, 120.625, 122.625, 124.625});
}

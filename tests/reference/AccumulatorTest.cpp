// Effects on the tile with further accumulators: the examples against formulas written out by hand, exact integer
// identities, and moments and rates of their draws.
#include "dialect/Numerics/EffectStream.h"
#include "dialect/Numerics/Philox.h"
#include "dialect/Transforms/Passes.h"
#include "tests/reference/Effects.h"

using namespace mho::reference;

/// Integer weights whose largest is `largest` in each row of each of two tiles of 35, so that a code is its weight.
static Tensor codes(int64_t rows, unsigned seed, int64_t largest) {
  Tensor w = integers({rows, 70}, seed, -largest, largest);
  for (int64_t o = 0; o < rows; ++o)
    w.at({o, o % 35}) = w.at({o, 35 + o % 35}) = o % 2 ? largest : -largest;
  return w;
}

/// x W^T in double.
static std::vector<double> product(const Tensor &x, const Tensor &w) {
  std::vector<double> y;
  for (int64_t b = 0; b < x.shape[0]; ++b)
    for (int64_t o = 0; o < w.shape[0]; ++o) {
      y.push_back(0);
      for (int64_t k = 0; k < x.shape[1]; ++k)
        y.back() += x.at({b, k}) * w.at({o, k});
    }
  return y;
}

/// The gradients of y = x W^T, of x and of W.
static void expectStraightThrough(Program &program, std::vector<Tensor> inputs, double scale = 1) {
  const Tensor &x = inputs[0], &w = inputs[1];
  Tensor g = integers({x.shape[0], w.shape[0]}, 9, -3, 3);
  auto gradients = program.gradient("layer", inputs, g);
  Tensor dx = Tensor::zeros(x.shape), dw = Tensor::zeros(w.shape);
  for (int64_t b = 0; b < x.shape[0]; ++b)
    for (int64_t o = 0; o < w.shape[0]; ++o)
      for (int64_t k = 0; k < x.shape[1]; ++k) {
        dx.at({b, k}) += g.at({b, o}) * w.at({o, k}) * scale;
        dw.at({o, k}) += g.at({b, o}) * x.at({b, k}) * scale;
      }
  expectValues(gradients[0].value(), dx.reals);
  expectValues(gradients[1].value(), dw.reals);
}

/// The fused kernel gives the bits of the function that it is made of.
static void expectFusedEqual(const std::string &text, std::vector<Tensor> inputs) {
  Tensor expected = Program(text).one("layer", inputs);
  Program fused(text);
  std::vector<std::unique_ptr<mlir::Pass>> passes;
  passes.push_back(mho::analog::createAnalogFusePass({}));
  passes.push_back(mho::analog::createAnalogInlineSurrogatesPass());
  fused.run(std::move(passes));
  mlir::func::FuncOp function = fused.function("layer");
  for (unsigned i = inputs.size(); i < function.getNumArguments(); ++i)
    inputs.push_back(Tensor::of(
        {},
        {function.getArgAttrOfType<mlir::FloatAttr>(i, mho::analog::AnalogDialect::kValueAttr).getValueAsDouble()}));
  expectValues(fused.all("layer", inputs)[0], expected.reals);
}

//===-- read noise ------------------------------------------------------------------------------------------------===//

TEST(PcmReadNoise, IsTheFormulaWithTheDrawsOfItsName) {
  Program program(example("pcm_read_noise"));
  Tensor x = randomTensor({3, 70}, 1), w = randomTensor({4, 70}, 2), beta = Tensor::of({2}, {0.75, 1.25});
  Tensor y = program.one("layer", {x, w, beta, kKey});
  int64_t stream = mho::effectStream("pcm_read_noise", 0);
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t o = 0; o < 4; ++o) {
      float sum = 0;
      for (int64_t t = 0; t < 2; ++t) {
        double product = 0, power = 0;
        float largest = 0, range = float(beta.at({t}));
        for (int64_t k = 35 * t; k < 35 * (t + 1); ++k) {
          float v = float(w.at({o, k})), in = std::clamp(float(x.at({b, k})), -range, range);
          float code = std::nearbyint(in * (127.0f / range));
          largest = std::max(largest, std::fabs(v));
          product += double(code) * v;
          power += double(code * code) * std::fabs(v);
        }
        float sigma = 0.0175f * std::sqrt(largest * float(power));
        float n = mho::drawNormal({b, o, stream, t, 3, kSeed});
        float part = std::fma(sigma, n, float(product)) * (range / 127.0f);
        sum = t == 0 ? part : sum + part;
      }
      EXPECT_EQ(float(y.at({b, o})), sum) << b << ", " << o;
    }
}

TEST(PcmReadNoise, HasTheVarianceOfTheCells) {
  // s * sqrt(A * sum |w| x^2) = .0175 * sqrt(2 * (2 * 9 + 1 * 25)); in codes the range of 127 changes nothing.
  Program program(example("pcm_read_noise"));
  int64_t outputs = 20000;
  Tensor w = Tensor::zeros({outputs, 2});
  for (int64_t o = 0; o < outputs; ++o) {
    w.at({o, 0}) = -2;
    w.at({o, 1}) = 1;
  }
  Tensor y = program.one("layer", {Tensor::of({1, 2}, {3, -5}), w, Tensor::of({1}, {127}), kKey});
  double sum = 0, squares = 0, deviation = 0.0175 * std::sqrt(2.0 * (2 * 9 + 25));
  for (double v : y.reals) {
    sum += v + 11;
    squares += (v + 11) * (v + 11);
  }
  // Four standard errors.
  EXPECT_NEAR(sum / outputs, 0, 4 * deviation / std::sqrt(outputs));
  EXPECT_NEAR(std::sqrt(squares / outputs), deviation, 4 * deviation / std::sqrt(2 * outputs));
}

TEST(PcmReadNoise, IsStraightThroughAndFuses) {
  std::string text = example("pcm_read_noise");
  Program program(text);
  Tensor x = integers({3, 70}, 1, -9, 9), w = integers({4, 70}, 2, -9, 9), beta = Tensor::of({2}, {127, 127});
  expectStraightThrough(program, {x, w, beta, kKey});
  expectFusedEqual(text, {randomTensor({3, 70}, 1), randomTensor({4, 70}, 2), Tensor::of({2}, {0.75, 1.25}), kKey});
}

//===-- IR drop ---------------------------------------------------------------------------------------------------===//

TEST(IrDrop, IsTheFormulaOfTheRows) {
  Program program(example("ir_drop"));
  // 70 inputs in tiles of 64 rows: 64, and 6 of 64.
  Tensor x = integers({3, 70}, 1, -127, 127), w = randomTensor({4, 70}, 2), beta = Tensor::of({2}, {127, 127});
  Tensor y = program.one("layer", {x, w, beta});
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t o = 0; o < 4; ++o) {
      double sum = 0, scale = 0;
      for (int64_t t = 0; t < 2; ++t) {
        double product = 0, current = 0, far = 0, largest = 0;
        for (int64_t j = 0; j < (t == 0 ? 64 : 6); ++j) {
          double v = w.at({o, 64 * t + j}), in = x.at({b, 64 * t + j});
          largest = std::max(largest, std::fabs(v));
          product += v * in;
          current += std::fabs(v) * std::fabs(in);
          far += v * in * (1 - std::pow(1 - j / 64.0, 2));
        }
        double a = 64 / 571428.57 * current / (largest * 127), c = a * (a * (0.05 * a - 0.2) + 0.5);
        sum += product - c * far;
        scale += std::fabs(product) + std::fabs(far);
      }
      // A dozen roundings of half an ulp.
      EXPECT_NEAR(y.at({b, o}), sum, 12 * scale * 0x1p-24);
    }
}

TEST(IrDrop, GrowsWithLoadAndDistance) {
  // A strong wire resistance, 64 rows at full conductance: what row 0 gives is not lost, what row 63 gives is lost
  // most.
  Program program(example("ir_drop", {{"%ir = 1.0", "%ir = 1000.0"}}));
  Tensor w = Tensor::zeros({1, 64});
  for (double &v : w.reals)
    v = 1;
  Tensor x = Tensor::zeros({64, 64});
  for (int64_t k = 0; k < 64; ++k)
    x.at({k, k}) = 127;
  Tensor y = program.one("layer", {x, w, Tensor::of({1}, {127})});
  EXPECT_EQ(y.reals[0], 127);
  for (int64_t k = 1; k < 64; ++k)
    EXPECT_LT(y.reals[k], y.reals[k - 1]);
  double a = 64 / 571428.57, c = a * (a * (0.05 * a - 0.2) + 0.5);
  EXPECT_NEAR(y.reals[63], 127 - 1000 * c * 127 * (1 - 1.0 / 4096), 127 * 0x1p-22);
}

TEST(IrDrop, IsStraightThroughAndFuses) {
  std::string text = example("ir_drop");
  Program program(text);
  Tensor x = integers({3, 70}, 1, -9, 9), w = integers({4, 70}, 2, -9, 9), beta = Tensor::of({2}, {127, 127});
  expectStraightThrough(program, {x, w, beta});
  expectFusedEqual(text, {randomTensor({3, 70}, 1), randomTensor({4, 70}, 2), Tensor::of({2}, {0.75, 1.25})});
}

TEST(IrDrop, OfAnEmptyColumnIsNone) {
  Program program(example("ir_drop"));
  expectValues(program.one("layer", {integers({2, 70}, 1, -9, 9), Tensor::zeros({1, 70}), Tensor::of({2}, {1, 1})}),
               {0, 0});
}

//===-- bit slices ------------------------------------------------------------------------------------------------===//

TEST(BitSlices, AreTheIntegerProductBehindFineAdcs) {
  Program program(example("bit_slices", {{"%step = 64.0", "%step = 1.0"}, {"%top = 255.0", "%top = 100000.0"}}));
  Tensor x = integers({5, 70}, 1, -20, 20), w = codes(6, 2, 127);
  expectValues(program.one("layer", {x, w, Tensor::of({2}, {127, 127})}), product(x, w));
}

TEST(BitSlices, HaveAnAdcEach) {
  // 100 * 127: slices of 3, 3, 3 and 1, sums of 300, 300, 300 and 100, in steps of 64: 5, 5, 5 and 2.
  Tensor x = Tensor::of({1, 1}, {100}), beta = Tensor::of({1}, {127});
  for (double sign : {1, -1}) {
    Tensor w = Tensor::of({1, 1}, {sign * 127});
    expectValues(Program(example("bit_slices")).one("layer", {x, w, beta}),
                 {sign * (5 + 4 * 5 + 16 * 5 + 64 * 2) * 64});
    // Clipped at 4 steps.
    Program low(example("bit_slices", {{"%top = 255.0", "%top = 4.0"}}));
    expectValues(low.one("layer", {x, w, beta}), {sign * (4 + 4 * 4 + 16 * 4 + 64 * 2) * 64});
  }
}

TEST(BitSlices, AreStraightThroughAndFuse) {
  std::string text = example("bit_slices");
  Program program(text);
  Tensor beta = Tensor::of({2}, {127, 127});
  expectStraightThrough(program, {integers({5, 70}, 1, -20, 20), codes(6, 2, 127), beta});
  expectFusedEqual(text, {randomTensor({3, 70}, 1), randomTensor({4, 70}, 2), Tensor::of({2}, {0.75, 1.25})});
  // A column of zeros, whose scale is 0.
  expectValues(program.one("layer", {integers({1, 70}, 1, -20, 20), Tensor::zeros({1, 70}), beta}), {0});
}

//===-- shifted input ---------------------------------------------------------------------------------------------===//

static const std::vector<std::pair<std::string, std::string>> kExactAdc = {
    {"%step = 16.0, %low = -128.0, %high = 127.0", "%step = 1.0, %low = -65536.0, %high = 65535.0"}};

TEST(ShiftedInput, IsCorrectedExactlyBehindAnExactAdc) {
  Program program(example("shifted_input", kExactAdc));
  Tensor x = integers({5, 70}, 1, -5, 25), w = codes(6, 2, 7), step = Tensor::of({2}, {1, 1}), clipped = x;
  for (double &v : clipped.reals)
    v = std::clamp(v, 0.0, 15.0);
  expectValues(program.one("layer", {x, w, step}), product(clipped, w));
  // Of inputs in steps of a half and a quarter.
  Tensor fine = x, scaled = clipped;
  for (int64_t b = 0; b < 5; ++b)
    for (int64_t k = 0; k < 70; ++k) {
      fine.at({b, k}) *= k < 35 ? 0.5 : 0.25;
      scaled.at({b, k}) *= k < 35 ? 0.5 : 0.25;
    }
  expectValues(program.one("layer", {fine, w, Tensor::of({2}, {0.5, 0.25})}), product(scaled, w));
}

TEST(ShiftedInput, IsShiftedInFrontOfTheAdc) {
  // 10 becomes 2; 2 * 7 lies below the first step of 16; 8 * 7 is added behind it. -9 becomes -8: -56 is floored to
  // -64.
  Program program(example("shifted_input"));
  Tensor w = Tensor::of({1, 1}, {7}), step = Tensor::of({1}, {1});
  expectValues(program.one("layer", {Tensor::of({2, 1}, {10, -9}), w, step}), {56, -64 + 56});
}

TEST(ShiftedInput, HasTheGradientsOfAClip) {
  // In steps of a half: -1 and 8 are clipped, 3 is code 6. dW contracts with the codes as they were before the shift.
  Program program(example("shifted_input", kExactAdc));
  Tensor x = Tensor::of({3, 1}, {-1, 3, 8}), w = Tensor::of({1, 1}, {7}), step = Tensor::of({1}, {0.5});
  auto gradients = program.gradient("layer", {x, w, step}, Tensor::of({3, 1}, {1, 10, 100}));
  expectValues(gradients[0].value(), {0, 70, 0});
  expectValues(gradients[1].value(), {0.5 * (1 * 0 + 10 * 6 + 100 * 15)});
  // Where the ADC clips (7 * 7 beyond 2 steps of 16), the digital correction alone has one.
  Program low(example("shifted_input", {{"%high = 127.0", "%high = 2.0"}}));
  gradients = low.gradient("layer", {x, w, step}, Tensor::of({3, 1}, {1, 10, 100}));
  expectValues(gradients[0].value(), {0, 70, 0});
  expectValues(gradients[1].value(), {0.5 * (1 * 0 + 10 * 6 + 100 * 8)});
}

TEST(ShiftedInput, HasAZeroPoint) {
  auto changes = kExactAdc;
  changes.insert(changes.end(), 2, {"%z = 0.0", "%z = -1.5"});
  Program program(example("shifted_input", changes));
  // In steps of a half from -1.5 to 6.
  Tensor x = Tensor::of({4, 1}, {-2, -1, 3, 8}), w = Tensor::of({1, 1}, {7}), step = Tensor::of({1}, {0.5});
  expectValues(program.one("layer", {x, w, step}), {7 * -1.5, 7 * -1, 7 * 3, 7 * 6});
  auto gradients = program.gradient("layer", {x, w, step}, Tensor::of({4, 1}, {1, 10, 100, 1000}));
  expectValues(gradients[0].value(), {0, 70, 700, 0});
  expectValues(gradients[1].value(), {1 * -1.5 + 10 * -1 + 100 * 3 + 1000 * 6});
}

/// y = sum w' (code - 8) + 8 sum w: the noise of w' has no part in the correction, nor in the gradients.
TEST(ShiftedInput, IsCorrectedByTheWeightsWithoutTheNoiseOfTheArray) {
  Program program(example("shifted_input", kExactAdc));
  Tensor x = integers({5, 70}, 1, 0, 15), w = codes(6, 2, 7), step = Tensor::of({2}, {1, 1});
  Tensor y = program.one("programmed_layer", {x, w, step, kKey}, {Precision::F64});
  for (int64_t b = 0; b < 5; ++b)
    for (int64_t o = 0; o < 6; ++o) {
      double expected = 0;
      for (int64_t tile = 0; tile < 2; ++tile) {
        double array = 0;
        for (int64_t row = 0; row < 35; ++row) {
          int64_t k = 35 * tile + row;
          double n = mho::drawNormal({o, row, mho::effectStream("programmed", 0), tile, 3, kSeed});
          array += (x.at({b, k}) - 8) * (w.at({o, k}) + 0.05f * 7.0 * n);
          expected += 8 * w.at({o, k});
        }
        expected += std::floor(array);
      }
      EXPECT_EQ(y.at({b, o}), expected);
    }
  Tensor g = integers({5, 6}, 9, -3, 3);
  auto noisy = program.gradient("programmed_layer", {x, w, step, kKey}, g);
  auto clean = program.gradient("layer", {x, w, step}, g);
  for (int argument : {0, 1})
    expectValues(noisy[argument].value(), clean[argument]->reals);
}

TEST(ShiftedInput, Fuses) {
  expectFusedEqual(example("shifted_input"),
                   {randomTensor({3, 70}, 1, 0, 5), randomTensor({4, 70}, 2), Tensor::of({2}, {0.25, 0.5})});
}

//===-- stuck cells -----------------------------------------------------------------------------------------------===//

TEST(StuckCells, AreTheIntegerProductWithoutFaults) {
  std::string text = example("stuck_cells", {{"%rate = 0.005", "%rate = 0.0"}});
  Program program(text);
  Tensor x = integers({5, 70}, 1, -20, 20), w = codes(6, 2, 127);
  expectValues(program.one("layer", {x, w, kKey}), product(x, w));
  expectStraightThrough(program, {x, w, kKey});
  expectFusedEqual(example("stuck_cells", {{"%rate = 0.005", "%rate = 0.25"}}),
                   {randomTensor({3, 70}, 1), randomTensor({4, 70}, 2), kKey});
}

/// What a cell of stuck_cells gives, of the draw of its copy (0 to 2) and array (0 positive, 1 negative).
static int cell(int64_t o, int64_t k, int copy, int array, int bit, float rate, int64_t tile = 0) {
  float u = mho::drawUniform({o, k, mho::effectStream("stuck_cells", 2 * copy + array), tile, 3, kSeed});
  return u < rate * 0.162187f ? 0 : u < rate ? 1 : bit;
}

TEST(StuckCells, AreDrawnFromTheKeyOfTheChipAndOutvoted) {
  const float rate = 0.5;
  Program program(example("stuck_cells", {{"%rate = 0.005", "%rate = 0.5"}}));
  // One input at a time; codes 127, -127, 0, 100, -3.
  Tensor w = Tensor::of({2, 5}, {127, -127, 0, 100, -3, -127, 64, 63, -64, 1});
  Tensor x = Tensor::zeros({5, 5});
  for (int64_t k = 0; k < 5; ++k)
    x.at({k, k}) = 1;
  Tensor y = program.one("layer", {x, w, kKey});
  for (int64_t o = 0; o < 2; ++o)
    for (int64_t k = 0; k < 5; ++k) {
      int code = int(w.at({o, k})), top = std::abs(code) >= 64;
      std::vector<int> copies;
      for (int copy = 0; copy < 3; ++copy)
        copies.push_back(cell(o, k, copy, 1, !(top && code < 0), rate) - cell(o, k, copy, 0, !(top && code > 0), rate));
      std::sort(copies.begin(), copies.end());
      int lower = (code < 0 ? -1 : 1) * (std::abs(code) - 64 * top);
      EXPECT_EQ(y.at({k, o}), 64 * copies[1] + lower) << "weight " << o << ", " << k;
    }
}

/// Each copy is converted for each tile and summed over the tiles by itself; the median is that of the sums.
TEST(StuckCells, VoteOnTheSumsOverTheTiles) {
  const float rate = 0.5;
  std::string text = example("stuck_cells", {{"%rate = 0.005", "%rate = 0.5"}, {"%most = 32767.0", "%most = 20.0"}});
  Program program(text);
  const int64_t rows = 4, outputs = 8;
  Tensor x = integers({rows, 70}, 1, -9, 9), w = codes(outputs, 2, 127);
  Tensor y = program.one("layer", {x, w, kKey});
  int differ = 0;
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t o = 0; o < outputs; ++o) {
      std::vector<int> sums(3), ofTiles;
      int lower = 0, medians = 0;
      for (int64_t tile = 0; tile < 2; ++tile) {
        ofTiles.assign(3, 0);
        for (int64_t row = 0; row < 35; ++row) {
          int64_t k = 35 * tile + row;
          int code = int(w.at({o, k})), top = std::abs(code) >= 64, v = int(x.at({b, k}));
          lower += v * (code < 0 ? -1 : 1) * (std::abs(code) - 64 * top);
          for (int copy = 0; copy < 3; ++copy)
            ofTiles[copy] += v * (cell(o, row, copy, 1, !(top && code < 0), rate, tile) -
                                  cell(o, row, copy, 0, !(top && code > 0), rate, tile));
        }
        for (int copy = 0; copy < 3; ++copy)
          sums[copy] += ofTiles[copy] = std::clamp(ofTiles[copy], -20, 20);
        std::sort(ofTiles.begin(), ofTiles.end());
        medians += ofTiles[1];
      }
      std::sort(sums.begin(), sums.end());
      EXPECT_EQ(y.at({b, o}), 64 * sums[1] + lower) << b << ", " << o;
      differ += medians != sums[1];
    }
  EXPECT_GT(differ, 0) << "the sum of the tiles' medians is another vote";
  expectFusedEqual(text, {x, w, kKey});
  expectStraightThrough(program, {x, w, kKey});
}

TEST(StuckCells, FailAtTheirRate) {
  // A weight of 0 holds 1 in all six cells; a copy reads +1 where the cell of the positive array alone never conducts,
  // p = q (1 - q), q = rate * share. Two of three copies do with probability 3 p^2 (1 - p) + p^3, and -1 likewise.
  Program program(example("stuck_cells", {{"%rate = 0.005", "%rate = 0.5"}}));
  int64_t outputs = 20000;
  Tensor w = Tensor::zeros({outputs, 2});
  for (int64_t o = 0; o < outputs; ++o)
    w.at({o, 1}) = 127;
  Tensor y = program.one("layer", {Tensor::of({1, 2}, {1, 0}), w, kKey});
  double q = 0.5 * 0.162187, p = q * (1 - q), expected = 3 * p * p * (1 - p) + p * p * p;
  for (double level : {64.0, -64.0}) {
    double share = double(llvm::count(y.reals, level)) / outputs;
    EXPECT_NEAR(share, expected, 4 * std::sqrt(expected / outputs)); // four standard errors
  }
  for (double v : y.reals)
    EXPECT_TRUE(v == 0 || std::fabs(v) == 64) << v;
}

//===-- what the language offers ----------------------------------------------------------------------------------===//

TEST(Accumulators, ArePairsOfLists) {
  // Eight-bit operands on four-bit arrays: x = 16 h + l, w likewise, four sums of products.
  auto split = [](const std::string &v) {
    return "%sixteen = arith.constant 16.0 : f32 %scaled = arith.divf %" + v +
           ", %sixteen : f32 %high = math.floor %scaled : f32 %negative = arith.negf %sixteen : f32 "
           "%low = math.fma %negative, %high, %" +
           v + " : f32 analog.yield %high, %low : f32, f32 }";
  };
  std::string text = tileModule(
      "analog.effect @e on tile(%y) accumulators(%hh = high * high, %hl = high * low, %lh = low * high, "
      "%ll = low * low) surrogate(straight_through) { %c = arith.constant 16.0 : f32 %cross = arith.addf %hl, %lh : "
      "f32 "
      "%top = math.fma %c, %hh, %cross : f32 %r = math.fma %c, %top, %ll : f32 analog.yield %r : f32 } inputs(%x) "
      "yields(high, low) { " +
          split("x") + " weights(%w) yields(high, low) { " + split("w"),
      "", "");
  Program program(text);
  Tensor x = integers({3, 19}, 1, -128, 127), w = integers({4, 19}, 2, -128, 127), none = Tensor::zeros({3, 3});
  expectValues(program.one("layer", {x, w, none, Tensor::zeros({3, 4}), kKey}), product(x, w));
  expectFusedEqual(text, {x, w, none, Tensor::zeros({3, 4}), kKey});
  expectStraightThrough(program, {x, w, none, Tensor::zeros({3, 4}), kKey});
}

TEST(Accumulators, SeeDrawsParametersStrengthsAndIndicesOfTheirElements) {
  std::string text = tileModule(
      R"(analog.effect @e on tile(%y) accumulators(%q = left * right) params(%p over (t, m), %r over (t, n)) strengths(%s = 0.5)
          surrogate(straight_through) {
        %n = analog.normal : f32
        %sum = math.fma %n, %q, %y : f32
        analog.yield %sum : f32
      } inputs(%x) yields(left) {
        %n = analog.normal map word : f32
        %product = arith.mulf %x, %p : f32
        %noisy = math.fma %s, %n, %product : f32
        analog.yield %noisy : f32
      } weights(%w) yields(right) {
        %u = analog.uniform : f32
        %row = analog.index row : i32
        %column = analog.index column : i32
        %place = arith.addi %row, %column : i32
        %f = arith.sitofp %place : i32 to f32
        %a = arith.mulf %w, %r : f32
        %b = math.fma %f, %u, %a : f32
        analog.yield %b : f32
      })",
      "params(%p over (t, m), %q over (t, n)) key(%key)", ", tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>");
  // Two tiles, of 8 and 3 inputs.
  Tensor x = integers({2, 11}, 1, -4, 4), w = integers({3, 11}, 2, -4, 4), p = randomTensor({2, 2}, 3),
         r = randomTensor({2, 3}, 4);
  Tensor y = Program(text).one("layer", {x, w, p, r, kKey});
  auto stream = [](int64_t i) { return mho::effectStream("e", i); };
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t o = 0; o < 3; ++o) {
      float sum = 0;
      for (int64_t t = 0; t < 2; ++t) {
        double product = 0, further = 0;
        for (int64_t j = 0; j < (t == 0 ? 8 : 3); ++j) {
          float in = float(x.at({b, 8 * t + j})), v = float(w.at({o, 8 * t + j}));
          float n = mho::gaussianFromWord(mho::drawWord({b, j, stream(1), t, 3, kSeed})),
                u = mho::drawUniform({o, j, stream(2), t, 3, kSeed});
          float left = std::fma(0.5f, n, in * float(p.at({t, b})));
          float right = std::fma(float(o + j), u, v * float(r.at({t, o})));
          product += double(in) * v;
          further += double(left) * right;
        }
        float part = std::fma(mho::drawNormal({b, o, stream(0), t, 3, kSeed}), float(further), float(product));
        sum = t == 0 ? part : sum + part;
      }
      EXPECT_EQ(float(y.at({b, o})), sum) << b << ", " << o;
    }
  expectFusedEqual(text, {x, w, p, r, kKey});
}

TEST(Accumulators, HaveNoGradientOfTheirOwn) {
  // y + x |w|, with a gradient of its own: twice that of y, 0 where the sum exceeds 10. Inputs 1 and 5, weights -2
  // and 3.
  Program program(tileModule(R"(analog.effect @e on tile(%y) accumulators(%q = x * magnitude) strengths(%top = 10.0)
          surrogate(own) {
        %r = arith.addf %y, %q : f32
        %beyond = arith.cmpf ogt, %r, %top : f32
        analog.yield %r : f32 bits(%beyond)
      } inputs(%x) weights(%w) yields(magnitude) {
        %magnitude = math.absf %w : f32
        analog.yield %magnitude : f32
      } derivative {
      ^bb0(%top: f32, %beyond: i1, %g: f32):
        %zero = arith.constant 0.0 : f32
        %twice = arith.addf %g, %g : f32
        %dy = arith.select %beyond, %zero, %twice : f32
        analog.yield %dy : f32
      })",
                             "", ""));
  Tensor x = Tensor::of({2, 1}, {1, 5}), w = Tensor::of({2, 1}, {-2, 3}), none = Tensor::zeros({1, 2});
  expectValues(program.one("layer", {x, w, none, none, kKey}), {0, 6, 0, 30});
  auto gradients = program.gradient("layer", {x, w, none, none, kKey}, Tensor::of({2, 2}, {1, 10, 100, 1000}));
  expectValues(gradients[0].value(), {2 * (1 * -2 + 10 * 3), 2 * 100 * -2});
  expectValues(gradients[1].value(), {2 * (1 * 1 + 100 * 5), 2 * 10 * 1});
}

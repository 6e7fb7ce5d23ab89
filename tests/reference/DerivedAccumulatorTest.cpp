// Gradients through further accumulators: a formula by hand, central differences, which draws they take, and what has
// no part in them.
#include "dialect/Numerics/EffectStream.h"
#include "dialect/Numerics/Philox.h"
#include "dialect/Transforms/Passes.h"
#include "tests/reference/Effects.h"

using namespace mho::reference;

static const EvaluateOptions kExact{Precision::F64};

/// y (1 + c p), y = sum w x and p = sum |w| x^2 of a tile: dx_k = w_k (1 + c p) + 2 c y |w_k| x_k, dw_k = x_k (1 + c p)
/// + c y sign(w_k) x_k^2.
TEST(SelfHeating, HasTheDerivativesByHand) {
  Program program(example("self_heating", {{"%c = 0.001", "%c = 0.25"}, {"rows = 64", "rows = 32"}}));
  // 70 inputs: tiles of 24, 23 and 23.
  const int64_t begins[] = {0, 24, 47, 70};
  Tensor x = randomTensor({3, 70}, 1), w = randomTensor({4, 70}, 2), g = randomTensor({3, 4}, 3);
  std::vector<double> y(12), dx(210), dw(280);
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t o = 0; o < 4; ++o)
      for (int64_t t = 0; t < 3; ++t) {
        double product = 0, heat = 0, gradient = g.at({b, o});
        for (int64_t k = begins[t]; k < begins[t + 1]; ++k) {
          product += x.at({b, k}) * w.at({o, k});
          heat += x.at({b, k}) * x.at({b, k}) * std::fabs(w.at({o, k}));
        }
        y[b * 4 + o] += product * (1 + 0.25 * heat);
        for (int64_t k = begins[t]; k < begins[t + 1]; ++k) {
          double in = x.at({b, k}), v = w.at({o, k});
          dx[b * 70 + k] += gradient * (v * (1 + 0.25 * heat) + 0.5 * product * std::fabs(v) * in);
          dw[o * 70 + k] += gradient * (in * (1 + 0.25 * heat) + 0.25 * product * (v < 0 ? -1 : 1) * in * in);
        }
      }
  expectValues(program.one("layer", {x, w}, kExact), y, 1e-12);
  auto gradients = program.gradient("layer", {x, w}, g, kExact);
  expectValues(gradients[0].value(), dx, 1e-12);
  expectValues(gradients[1].value(), dw, 1e-12);
}

TEST(DerivedAccumulators, AgreeWithCentralDifferences) {
  // Elements and several factors of both sides, shared by accumulators; parameters of either side, a strength, the
  // place of a row.
  Program program(tileModule(
      R"(analog.effect @e on tile(%y) accumulators(%a = wave * steep, %b = wave * w, %c = x * steep, %d = x * near)
          params(%p over (t, m), %r over (t, n)) strengths(%s = 0.5) surrogate(derived) {
        %ab = arith.mulf %a, %b : f32
        %bounded = math.tanh %c : f32
        %e0 = math.fma %ab, %p, %bounded : f32
        %e1 = math.fma %d, %r, %e0 : f32
        %e2 = math.fma %e1, %s, %y : f32
        analog.yield %e2 : f32
      } inputs(%x) yields(wave) {
        %scaled = arith.mulf %x, %p : f32
        %bent = math.tanh %scaled : f32
        %wave = math.fma %bent, %x, %s : f32
        analog.yield %wave : f32
      } weights(%w) yields(steep, near) {
        %scaled = arith.mulf %w, %r : f32
        %steep = math.exp %scaled : f32
        %row = analog.index column : i32
        %distance = arith.sitofp %row : i32 to f32
        %near = arith.mulf %w, %distance : f32
        analog.yield %steep, %near : f32, f32
      })",
      "params(%p over (t, m), %q over (t, n))", ", tensor<?x?xf32>, tensor<?x?xf32>"));
  // Two tiles, of 8 and 3 inputs.
  std::vector<Tensor> inputs{randomTensor({2, 11}, 1), randomTensor({3, 11}, 2), randomTensor({2, 2}, 3),
                             randomTensor({2, 3}, 4), kKey};
  Tensor g = randomTensor({2, 3}, 5);
  auto gradients = program.gradient("layer", inputs, g, kExact);
  for (int argument : {0, 1})
    for (int64_t i = 0; i < inputs[argument].size(); ++i) {
      double slope = centralDifference(program, "layer", inputs, g, argument, i, 0x1p-18);
      EXPECT_NEAR(gradients[argument]->reals[i], slope, 1e-7 * (1 + std::fabs(slope)))
          << "argument " << argument << ", element " << i;
    }
  EXPECT_FALSE(gradients[2]) << "parameters are constants";
  EXPECT_FALSE(gradients[3]);
}

/// Parameters of each site, two of the weight's with a constant between them, whose gradients are the code's
/// derivative.
TEST(DerivedParameters, AgreeWithCentralDifferences) {
  auto file = llvm::MemoryBuffer::getFile(MHO_SOURCE_DIR "/tests/tools/effects.mlir");
  std::string all = (*file)->getBuffer().str();
  Program program(all.substr(all.find("analog.effect @derived_load")));
  // Three tiles.
  std::vector<Tensor> inputs{randomTensor({3, 131}, 1),        randomTensor({2, 131}, 2),
                             Tensor::of({3}, {0.25, 0.5, 1}),  randomTensor({3, 2}, 3, 1, 2),
                             randomTensor({3, 2}, 4, 1, 2),    randomTensor({3, 2}, 5),
                             Tensor::of({3}, {0.75, 0.5, 1.5})};
  Tensor g = randomTensor({3, 2}, 6);
  auto gradients = program.gradient("derived_parameters", inputs, g, kExact);
  for (int argument : {0, 1, 2, 3, 5, 6})
    for (int64_t i = 0; i < inputs[argument].size(); ++i) {
      double slope = centralDifference(program, "derived_parameters", inputs, g, argument, i, 0x1p-20);
      EXPECT_NEAR(gradients[argument]->reals[i], slope, 1e-7 * (1 + std::fabs(slope)))
          << "argument " << argument << ", element " << i;
    }
  EXPECT_FALSE(gradients[4]) << "not learnable";
}

/// Of code that draws and takes a further accumulator, over axes of their own; the weight's noise is 0, for backward
/// has none.
TEST(DerivedParameters, OfDrawsAndAccumulatorsAgreeWithCentralDifferences) {
  auto file = llvm::MemoryBuffer::getFile(MHO_SOURCE_DIR "/tests/tools/effects-learned.mlir");
  Program program((*file)->getBuffer().str());
  std::vector<Tensor> inputs{
      randomTensor({3, 70}, 1), randomTensor({2, 70}, 2), randomTensor({2}, 3),    randomTensor({2, 2}, 4),
      Tensor::zeros({2, 2}),    randomTensor({2}, 5),     randomTensor({2, 3}, 6), kKey};
  Tensor g = randomTensor({3, 2}, 7);
  auto gradients = program.gradient("layer", inputs, g, kExact);
  for (int argument : {0, 1, 2, 3, 5, 6})
    for (int64_t i = 0; i < inputs[argument].size(); ++i) {
      double slope = centralDifference(program, "layer", inputs, g, argument, i, 0x1p-20);
      EXPECT_NEAR(gradients[argument]->reals[i], slope, 1e-7 * (1 + std::fabs(slope)))
          << "argument " << argument << ", element " << i;
    }
  EXPECT_FALSE(gradients[4]) << "not learnable";
}

/// Those of the derivative that the example has of its own, but for the order of their roundings.
TEST(DerivedParameters, AreThoseByHand) {
  std::string own = example("saturation"), derived = own;
  size_t begin = derived.find("} derivative"), end = derived.find("func.func @per_tile");
  derived.replace(begin, end - begin, "}\n");
  size_t kind = derived.find("learnable) surrogate(own)");
  derived.replace(kind, 25, "learnable) surrogate(derived)");
  std::vector<Tensor> inputs{randomTensor({5, 70}, 1), randomTensor({33, 70}, 2), Tensor::of({2}, {0.25, 0.5})};
  Tensor g = randomTensor({5, 33}, 3);
  auto expected = Program(own).gradient("per_tile", inputs, g, kExact),
       actual = Program(derived).gradient("per_tile", inputs, g, kExact);
  for (int argument : {0, 1, 2})
    expectValues(actual[argument].value(), expected[argument]->reals, 1e-12);
}

/// Without its roundings, the example of a shift is a clip of the input.
TEST(DerivedAccumulators, OfTheDigitalCorrectionAgreeWithCentralDifferences) {
  Program program(example("shifted_input", {{"%code = math.roundeven %clipped", "%code = arith.addf %clipped, %zero"},
                                            {"%code = math.floor %clipped", "%code = arith.minimumf %clipped, %high"},
                                            {"analog.mvm %code, %quantized", "analog.mvm %code, %w"},
                                            {"%high = 127.0", "%high = 1.0"},
                                            {"%z = 0.0", "%z = -0.75"},
                                            {"%z = 0.0", "%z = -0.75"}}));
  std::vector<Tensor> inputs{randomTensor({3, 70}, 1, -2, 5), randomTensor({4, 70}, 2), Tensor::of({2}, {0.25, 0.5})};
  Tensor g = randomTensor({3, 4}, 3);
  auto gradients = program.gradient("layer", inputs, g, kExact);
  for (int argument : {0, 1})
    for (int64_t i = 0; i < inputs[argument].size(); ++i) {
      double slope = centralDifference(program, "layer", inputs, g, argument, i, 0x1p-20);
      EXPECT_NEAR(gradients[argument]->reals[i], slope, 1e-7 * (1 + std::fabs(slope)))
          << "argument " << argument << ", element " << i;
    }
}

/// y + n0 q, q = sum of x (1 + n1) times w (1 + n2): dx takes n0 and n1, and n2 with noisy_backward only; dw n0 and n1.
TEST(DerivedAccumulators, TakeTheDrawsOfTheForwardPassButOfTheWeight) {
  auto factor = [](const std::string &v, const std::string &name) {
    return "(%" + v + ") yields(" + name + ") { %n = analog.normal : f32 %d = arith.mulf %" + v +
           ", %n : f32 %r = arith.addf %" + v + ", %d : f32 analog.yield %r : f32 }";
  };
  std::string text = tileModule("analog.effect @e on tile(%y) accumulators(%q = left * right) surrogate(derived) {"
                                " %n = analog.normal : f32 %p = arith.mulf %n, %q : f32 %r = arith.addf %y, %p : f32"
                                " analog.yield %r : f32 } inputs" +
                                    factor("x", "left") + " weights" + factor("w", "right"),
                                "key(%key)", ", tensor<2xi64>");
  std::string noisy = text;
  noisy.insert(noisy.find("analog.tiling = "), "analog.noisy_backward, ");
  auto n = [](int64_t row, int64_t column, int64_t i, int64_t tile) {
    return double(mho::drawNormal({row, column, mho::effectStream("e", i), tile, 3, kSeed}));
  };
  Tensor x = integers({2, 11}, 1, -4, 4), w = integers({3, 11}, 2, -4, 4), g = integers({2, 3}, 3, -3, 3),
         none = Tensor::zeros({2, 2});
  for (bool noisyBackward : {false, true}) {
    std::vector<double> dx(22), dw(33);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t o = 0; o < 3; ++o)
        for (int64_t k = 0; k < 11; ++k) {
          int64_t t = k / 8, j = k % 8;
          double gradient = g.at({b, o}), ofPlane = gradient * n(b, o, 0, t), left = 1 + n(b, j, 1, t);
          dx[b * 11 + k] +=
              gradient * w.at({o, k}) + ofPlane * w.at({o, k}) * (noisyBackward ? 1 + n(o, j, 2, t) : 1) * left;
          dw[o * 11 + k] += gradient * x.at({b, k}) + ofPlane * x.at({b, k}) * left;
        }
    Program program(noisyBackward ? noisy : text);
    auto gradients = program.gradient("layer", {x, w, none, Tensor::zeros({2, 3}), kKey}, g, kExact);
    expectValues(gradients[0].value(), dx, 1e-12);
    expectValues(gradients[1].value(), dw, 1e-12);
  }
}

TEST(DerivedAccumulators, OfNoPartSpreadNoInfinities) {
  // The sum of min(w, 2) x replaces that of w x; a third counts, and what counts has no derivative. An infinite weight
  // has a finite gradient.
  const std::string effect =
      R"(analog.effect @e on tile(%y) accumulators(%q = x * low, %n = sign * w) surrogate(derived) {
    %zero = arith.constant 0.0 : f32
    %is = arith.cmpf ogt, %n, %zero : f32
    %f = arith.uitofp %is : i1 to f32
    %r = arith.addf %q, %f : f32
    analog.yield %r : f32
  } inputs(%x) yields(sign) {
    %zero = arith.constant 0.0 : f32
    %is = arith.cmpf ogt, %x, %zero : f32
    %sign = arith.uitofp %is : i1 to f32
    analog.yield %sign : f32
  } weights(%w) yields(low) {
    %two = arith.constant 2.0 : f32
    %low = arith.minimumf %w, %two : f32
    analog.yield %low : f32
  })";
  Program program(tileModule(effect, "", ""));
  std::vector<Tensor> inputs{Tensor::of({2, 2}, {1, -3, 5, 7}), Tensor::of({1, 2}, {kInf, 1}), Tensor::zeros({1, 2}),
                             Tensor::zeros({1, 1}), kKey};
  Tensor g = Tensor::of({2, 1}, {1, 10});
  expectValues(program.one("layer", inputs), {1 * 2 - 3 * 1 + 1, 5 * 2 + 7 * 1 + 1});
  auto gradients = program.gradient("layer", inputs, g);
  expectValues(gradients[0].value(), {2, 1, 20, 10});
  expectValues(gradients[1].value(), {0, 1 * -3 + 10 * 7});

  // So do the kernels of its gradients.
  std::vector<std::unique_ptr<mlir::Pass>> passes;
  mho::analog::AnalogFusePassOptions keeping;
  keeping.saveForBackward = true;
  passes.push_back(mho::analog::createAnalogFusePass(keeping));
  passes.push_back(mho::analog::createAnalogDifferentiatePass());
  program.run(std::move(passes));
  inputs.insert(inputs.begin(), g);
  expectValues(program.all("layer_dx", inputs)[0], gradients[0]->reals);
  expectValues(program.all("layer_dw", inputs)[0], gradients[1]->reals);
}

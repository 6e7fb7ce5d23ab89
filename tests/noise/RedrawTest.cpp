// Noise that a gradient's kernel draws again is the forward pass's, bit for bit. Products with the unit matrix show the
// noisy factor itself.
#include "tests/noise/Draws.h"

namespace mho::noise {
namespace {

using reference::Tensor;

constexpr int64_t kInputs = 150, kOutputs = 70; // tiles of 64, 64 and 22 inputs

Tensor unit(int64_t size) {
  Tensor t = Tensor::zeros({size, size});
  for (int64_t i = 0; i < size; ++i)
    t.at({i, i}) = 1;
  return t;
}

/// Weight noise of the map, and a uniform draw for drop-connect, drawn or drawn again.
std::string noisyRegion(const std::string &name, const std::string &map, const std::string &redraw) {
  return name + R"( { ^bb0(%v: f32):
        %s = arith.constant 0.25 : f32
        %p = arith.constant 0.125 : f32
        %zero = arith.constant 0.0 : f32
        %n = analog.normal key(0) stream(0))" +
         map + redraw + R"( : f32
        %u = analog.uniform key(0) stream(2))" +
         redraw + R"( : f32
        %noisy = math.fma %s, %n, %v : f32
        %is = arith.cmpf olt, %u, %p : f32
        %r = arith.select %is, %zero, %noisy : f32
        analog.yield %r : f32 }
      )";
}

std::string kernel(const std::string &contract, const std::string &lhs, const std::string &rhs, const std::string &over,
                   const std::string &regions) {
  return "func.func @f(%a: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> {\n"
         "  %r = analog.tiled_mvm contract(" +
         contract +
         ") tile(t of k : #analog.tiling<balanced, rows = 64>)\n"
         "      lhs(%a over " +
         lhs + " : tensor<?x?xf32>) rhs(%w over " + rhs +
         " : tensor<?x?xf32>) keys(%key : tensor<2xi64>) results(value over " + over +
         ")\n"
         "      load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }\n      " +
         regions + "      : tensor<?x?xf32>\n  return %r : tensor<?x?xf32>\n}";
}

class Redraw : public testing::TestWithParam<std::string> {};

TEST_P(Redraw, OfWeightsInTheInputGradient) {
  Tensor weight = reference::normals({kOutputs, kInputs}, 7), key = Tensor::integers({2}, {99, 3});
  Program forward(kernel("k", "(m, k)", "(n, k)", "(m, n)",
                         noisyRegion("load_rhs", GetParam(), "") +
                             "accumulate(0 * 0)\n end_tile { ^bb0(%v: f32): analog.yield %v : f32 }\n"
                             " finish { ^bb0(%v: f32): analog.yield %v : f32 }\n"));
  Program gradient(kernel("n", "(m, n)", "(n, k)", "(m, k)",
                          noisyRegion("load_rhs", GetParam(), " redraw") +
                              "accumulate(0 * 0)\n finish { ^bb0(%v: f32): analog.yield %v : f32 }\n"));
  Tensor y = forward.run("f", {unit(kInputs), weight, key})[0];    // [k, o] of the noisy weight
  Tensor dx = gradient.run("f", {unit(kOutputs), weight, key})[0]; // [o, k]
  int64_t dropped = 0;
  for (int64_t o = 0; o < kOutputs; ++o)
    for (int64_t k = 0; k < kInputs; ++k) {
      ASSERT_EQ(dx.at({o, k}), y.at({k, o})) << o << ", " << k;
      ASSERT_NE(dx.at({o, k}), weight.at({o, k})) << "no noise at " << o << ", " << k;
      dropped += dx.at({o, k}) == 0;
    }
  EXPECT_NEAR(dropped, kOutputs * kInputs / 8., 6 * std::sqrt(kOutputs * kInputs * 7 / 64.));
}

/// The weight's gradient at the weight's own address: what finish adds is drawn there.
TEST_P(Redraw, OfWeightsInTheWeightGradient) {
  Tensor key = Tensor::integers({2}, {99, 3}), zero = Tensor::zeros({kOutputs, kInputs});
  Program forward(kernel("k", "(m, k)", "(n, k)", "(m, n)",
                         noisyRegion("load_rhs", GetParam(), "") +
                             "accumulate(0 * 0)\n end_tile { ^bb0(%v: f32): analog.yield %v : f32 }\n"
                             " finish { ^bb0(%v: f32): analog.yield %v : f32 }\n"));
  Program gradient(kernel("m", "(m, n)", "(m, k)", "(n, k)",
                          "load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }\n accumulate(0 * 0)\n " +
                              noisyRegion("finish", GetParam(), " redraw")));
  Tensor y = forward.run("f", {unit(kInputs), zero, key})[0];
  Tensor dw = gradient.run("f", {Tensor::zeros({3, kOutputs}), Tensor::zeros({3, kInputs}), key})[0];
  for (int64_t o = 0; o < kOutputs; ++o)
    for (int64_t k = 0; k < kInputs; ++k)
      ASSERT_EQ(dw.at({o, k}), y.at({k, o})) << o << ", " << k;
}

/// Input noise of the algebra: dW contracts with the input as the forward pass saw it.
TEST_P(Redraw, OfInputsInTheWeightGradient) {
  Program layer(R"(func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
      attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
    %n = analog.inject_noise %x scale() key(%key, stream = 3))" +
                GetParam() + R"( {sigma = 0.25 : f32} : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
    %p = analog.mvm %n, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
    %y = analog.accumulate %p : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
    return %y : tensor<?x?xf32>
  })");
  std::vector<Tensor> inputs{reference::normals({kOutputs, kInputs}, 7), unit(kInputs), Tensor::integers({2}, {99, 3})};
  Tensor y = layer.run("f", inputs)[0], grad = Tensor::zeros({kOutputs, kInputs});
  // Row b of the gradient picks row b of the input for output b.
  for (int64_t b = 0; b < kOutputs; ++b)
    grad.at({b, b}) = 1;
  Tensor dw = layer.run("f", inputs, &grad)[1];
  for (int64_t b = 0; b < kOutputs; ++b)
    for (int64_t k = 0; k < kInputs; ++k) {
      ASSERT_EQ(dw.at({b, k}), y.at({b, k})) << b << ", " << k;
      ASSERT_NE(y.at({b, k}), inputs[0].at({b, k})) << "no noise at " << b << ", " << k;
    }
}

std::string mapName(const testing::TestParamInfo<std::string> &info) { return info.param.empty() ? "half" : "word"; }

INSTANTIATE_TEST_SUITE_P(Maps, Redraw, testing::Values("", " map word"), mapName);

} // namespace
} // namespace mho::noise

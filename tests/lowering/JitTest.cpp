// The generated kernels against the evaluator: forward and both gradients.
#include "tests/lowering/Jit.h"

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

const char *kIdeal = R"(
#xbar = #analog.tiling<balanced, rows = 64>
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

const char *kConverters = R"(
#xbar = #analog.tiling<balanced, rows = 64>
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %q = analog.adc %r bound(%beta over (t), %A over (t, n)) {lambda = 3.0 : f32, half_levels = 7.0 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %q : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

const char *kNoise = R"(
#xbar = #analog.tiling<balanced, rows = 64>
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %wn = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.05 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %wn : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %o = analog.inject_noise %a scale(%beta over (t), %A over (t, n)) key(%key, stream = 1) {sigma = 0.1 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %o : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

using Shape = std::tuple<int64_t, int64_t, int64_t>; // rows, outputs, inputs
const Shape kShapes[] = {{1, 1, 1},      {5, 3, 64},   {9, 17, 65},   {64, 128, 63},
                         {67, 131, 700}, {2, 1, 5000}, {513, 5, 130}, {0, 3, 7}};

TEST(Jit, IdealForwardIsTheEvaluatorsOnIntegers) {
  Jit jit(kIdeal);
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2));
    EXPECT_EQ(forwardDifference(jit, {x, w}, {}), 0) << b << "x" << k << " -> " << o;
  }
}

TEST(Jit, ConvertersAreTheEvaluatorsOnIntegers) {
  Jit jit(kConverters);
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    int64_t tiles = (k + 63) / 64;
    // beta = L = 4: codes are integers and the sums exact; the bound 3 * 4 * 5 = 60 saturates many of them.
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2)),
           beta = Tensor::of({tiles}, std::vector<double>(tiles, 4));
    EXPECT_EQ(forwardDifference(jit, {x, w, beta}, {4, 0, 0.95f, 4, 3, 7}), 0) << b << "x" << k << " -> " << o;
  }
}

/// Both gradient functions of kConverters at one shape.
void expectGradients(Jit &jit, int64_t b, int64_t o, int64_t k) {
  int64_t tiles = (k + 63) / 64;
  std::vector<Tensor> inputs{Tensor::of({b, k}, integers(b * k, 1)), Tensor::of({o, k}, integers(o * k, 2)),
                             Tensor::of({tiles}, std::vector<double>(tiles, 4))};
  for (float strength : {4.f, 0.5f, 0.25f, 4.f, 3.f, 7.f})
    inputs.push_back(Tensor::scalar(strength));
  auto forward = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer"), inputs);
  ASSERT_TRUE(bool(forward));
  std::vector<Tensor> backward{Tensor::of({b, o}, integers(b * o, 3))};
  backward.insert(backward.end(), inputs.begin(), inputs.end());
  backward.push_back((*forward)[1]);
  expectResults(jit, *jit.fused, "layer_dw", backward, o, tiles);
  if (b > 0) // without rows the share of unclipped inputs is 0 / 0
    expectResults(jit, *jit.fused, "layer_dx", backward, b, tiles);
}

class JitOnIsa : public testing::TestWithParam<Isa> {};

TEST_P(JitOnIsa, WeightAndOutputNoiseAreTheEvaluators) {
  Jit jit(kNoise, false, GetParam());
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    int64_t tiles = (k + 63) / 64;
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2)),
           beta = Tensor::of({tiles}, std::vector<double>(tiles, 5));
    Tensor key = Tensor::integers({2}, {0x123456789abcdef, 7});
    // Products are at most 5 * 6.1 in size and a tile has at most 64 of them: fp32 sums in another order differ by at
    // most 64 * 2^-24 * 64 * 31 per tile, and every tile adds one rounding of the running sum.
    double bound = tiles * 2.0 * 64 * 0x1p-24 * 64 * 31;
    EXPECT_LE(forwardDifference(jit, {x, w, beta, key}, {0.05f, 0.1f}), bound) << b << "x" << k << " -> " << o;
  }
}

/// One product per output: no sum hides a bit of the draws.
TEST_P(JitOnIsa, DrawsHaveTheEvaluatorsBits) {
  Jit jit(kNoise, false, GetParam());
  ASSERT_TRUE(jit.engine);
  int64_t rows = 3, outputs = 1000;
  Tensor x = Tensor::of({rows, 1}, std::vector<double>(rows, 1)),
         w = Tensor::of({outputs, 1}, std::vector<double>(outputs, 1)), beta = Tensor::of({1}, {1}),
         key = Tensor::integers({2}, {0x123456789abcdef, 7});
  EXPECT_EQ(forwardDifference(jit, {x, w, beta, key}, {0.05f, 0.1f}), 0);
}

TEST_P(JitOnIsa, GradientsAreTheEvaluatorsOnIntegers) {
  Jit jit(kConverters, true, GetParam());
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    SCOPED_TRACE(testing::Message() << b << "x" << k << " -> " << o);
    expectGradients(jit, b, o, k);
  }
}

INSTANTIATE_TEST_SUITE_P(Jit, JitOnIsa, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

/// The fused gradient against the evaluator's own, at inputs that lie on the range, where the mask is strict.
TEST(Jit, InputsOnTheRangePassTheGradient) {
  Jit jit(kConverters, true);
  ASSERT_TRUE(jit.engine);
  Tensor x = Tensor::of({1, 2}, {4, 5}), w = Tensor::of({1, 2}, {1, 2}), beta = Tensor::of({1}, {4}),
         g = Tensor::of({1, 1}, {-3});
  auto own = mho::reference::evaluateGradient(jit.source->lookupSymbol<func::FuncOp>("layer"), {x, w, beta}, g);
  ASSERT_TRUE(bool(own));
  std::vector<Tensor> backward{g, x, w, beta};
  for (float strength : {4.f, 0.f, 0.95f, 4.f, 3.f, 7.f})
    backward.push_back(Tensor::scalar(strength));
  backward.push_back(Tensor::integers({1, 1, 1}, {0}));
  auto fused = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer_dx"), backward);
  ASSERT_TRUE(bool(fused));
  EXPECT_EQ((*fused)[0].reals, (std::vector<double>{-3, 0}));
  EXPECT_EQ((*own)[0]->reals, (*fused)[0].reals);
}

} // namespace

// Kernels whose bits must be the evaluator's whatever the numbers: draws at every address, input noise and its
// gradients, the order of reductions, schedules.
#include "tests/lowering/Jit.h"

#include <random>

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

Tensor reals(std::initializer_list<int64_t> shape, int seed) {
  Tensor t = Tensor::zeros(shape);
  std::mt19937 engine(seed);
  for (double &v : t.reals)
    v = std::normal_distribution<float>()(engine);
  return t;
}

Tensor identity(int64_t n) {
  Tensor t = Tensor::zeros({n, n});
  for (int64_t i = 0; i < n; ++i)
    t.at({i, i}) = 1;
  return t;
}

class JitEffects : public testing::TestWithParam<Isa> {};

const char *kWeightDraws = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>, %chip: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 96>} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %n = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.5 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %v = analog.inject_noise %n scale(%A over (t, n)) key(%chip, stream = 0) map word {sigma = 0.25 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %d = analog.drop_connect %v key(%key, stream = 2) {probability = 0.2 : f32} : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %d : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

/// Rows of the identity read out the noisy weight itself: normals of both maps, uniforms, two keys, three tiles.
TEST_P(JitEffects, EveryWeightDrawHasTheEvaluatorsBits) {
  Jit jit(kWeightDraws, false, GetParam());
  ASSERT_TRUE(jit.engine);
  int64_t inputs = 257, outputs = 21;
  EXPECT_EQ(forwardDifference(jit,
                              {identity(inputs), reals({outputs, inputs}, 1), Tensor::integers({2}, {-12345, 9}),
                               Tensor::integers({2}, {77, 4294967295})},
                              {0.5f, 0.25f, 0.2f}),
            0);
}

/// With the identity as input, forward reads out the noisy weight; with the identity as output gradient, the input
/// gradient reads out the weight it contracts with: the same bits where the layer asks for it, else no noise.
TEST_P(JitEffects, NoiseDrawnAgainInBackwardIsTheForwards) {
  int64_t inputs = 257, outputs = 21, tiles = 3;
  std::string noisy = kWeightDraws, attribute = "rows = 96>";
  noisy.insert(noisy.find(attribute) + attribute.size(), ", analog.noisy_backward");
  Tensor w = reals({outputs, inputs}, 1);
  std::vector<Tensor> layer{identity(inputs), w, Tensor::integers({2}, {-12345, 9}),
                            Tensor::integers({2}, {77, 4294967295})};
  for (float strength : {0.5f, 0.25f, 0.2f})
    layer.push_back(Tensor::scalar(strength));
  for (bool redraws : {true, false}) {
    Jit jit(redraws ? noisy : kWeightDraws, true, GetParam());
    ASSERT_TRUE(jit.engine);
    auto forward = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer"), layer);
    ASSERT_TRUE(bool(forward));
    std::vector<Tensor> backward = layer;
    backward[0] = Tensor::zeros({outputs, inputs}); // x, of which no gradient depends
    backward.insert(backward.begin(), identity(outputs));
    expectResults(jit, *jit.fused, "layer_dx", backward, outputs, tiles);
    auto dx = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer_dx"), backward);
    ASSERT_TRUE(bool(dx));
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t k = 0; k < inputs; ++k)
        ASSERT_EQ((*dx)[0].at({o, k}), redraws ? (*forward)[0].at({k, o}) : w.at({o, k})) << o << ", " << k;
  }
}

const char *kInputNoise = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %n = analog.inject_noise %x scale(%beta over (t)) key(%key, stream = 3) {sigma = 0.3 : f32} : (tensor<?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %c = analog.quantize_input %n range(%beta over (t)) {half_levels = 4.0 : f32, decay = 0.5 : f32, share = 0.25 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %q = analog.adc %r bound(%beta over (t), %A over (t, n)) {lambda = 3.0 : f32, half_levels = 7.0 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %q : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

/// Runs both gradient functions of a layer with an ADC on what its forward kernel saved, by the evaluator.
void expectGradientsOf(Jit &jit, std::vector<Tensor> inputs, ArrayRef<float> strengths, const Tensor &gy,
                       int64_t tiles) {
  for (float strength : strengths)
    inputs.push_back(Tensor::scalar(strength));
  auto forward = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer"), inputs);
  ASSERT_TRUE(bool(forward));
  std::vector<Tensor> backward{gy};
  backward.insert(backward.end(), inputs.begin(), inputs.end());
  backward.insert(backward.end(), forward->begin() + 1, forward->end());
  expectResults(jit, *jit.fused, "layer_dw", backward, gy.shape[1], tiles);
  expectResults(jit, *jit.fused, "layer_dx", backward, gy.shape[0], tiles);
}

/// Real inputs become integer codes, so forward and weight gradient are exact; the input gradient draws the noise again
/// to know what was clipped.
TEST_P(JitEffects, InputNoiseAndItsGradientsAreTheEvaluators) {
  Jit jit(kInputNoise, true, GetParam());
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : {std::array<int64_t, 3>{1, 1, 1}, {5, 33, 65}, {70, 7, 200}}) {
    SCOPED_TRACE(testing::Message() << b << "x" << k << " -> " << o);
    int64_t tiles = (k + 63) / 64;
    // beta = L = 4 makes the step 1.
    std::vector<Tensor> inputs{reals({b, k}, 1), Tensor::of({o, k}, integers(o * k, 2)),
                               Tensor::of({tiles}, std::vector<double>(tiles, 4)), Tensor::integers({2}, {5, 6})};
    for (double &v : inputs[0].reals)
      v = float(3 * v);
    std::vector<float> strengths{0.3f, 4, 0.5f, 0.25f, 4, 3, 7};
    expectGradientsOf(jit, inputs, strengths, Tensor::of({b, o}, integers(b * o, 3)), tiles);
  }
}

const char *kDac = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 150>} {
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %r : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

/// One output: a gradient's contraction is one product. What is left is the range gradient, whose bits depend on the
/// order of its sum: those of the evaluator's kernel and of its own gradient of the algebra.
void expectRangeGradient(const std::string &layer, Isa isa) {
  Jit jit(layer, true, isa);
  ASSERT_TRUE(jit.engine);
  int64_t b = 150, k = 431, tiles = 3;
  std::vector<Tensor> inputs{reals({b, k}, 1), reals({1, k}, 2), Tensor::of({tiles}, {.25, .5f, .125})};
  Tensor gy = reals({b, 1}, 3);
  std::vector<Tensor> backward{gy};
  backward.insert(backward.end(), inputs.begin(), inputs.end());
  for (float strength : {127.f, 1e-3f, .95f, 127.f})
    backward.push_back(Tensor::scalar(strength));
  expectResults(jit, *jit.fused, "layer_dx", backward, b, tiles);
  auto own = mho::reference::evaluateGradient(jit.source->lookupSymbol<func::FuncOp>("layer"), inputs, gy);
  auto fused = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer_dx"), backward);
  ASSERT_TRUE(own && fused);
  EXPECT_EQ((*own)[2]->reals, (*fused)[1].reals);
}

TEST_P(JitEffects, TheRangeGradientIsSummedInTheNormativeOrder) {
  for (std::string gradient : {"sign_filtered", "paper", "lsq"}) {
    SCOPED_TRACE(gradient);
    std::string layer = kDac, range = "range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x?xf32>,";
    layer.replace(layer.find(range), range.size(),
                  "range(%beta over (t)) gradient " + gradient + range.substr(range.find(" {")));
    expectRangeGradient(layer, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Jit, JitEffects, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

class JitSchedule : public testing::TestWithParam<Isa> {};

/// Blocks of any size: deep tiles are several blocks, a block holds parts of rows, micro-kernels of any height.
TEST_P(JitSchedule, AnyScheduleGivesTheSameBits) {
  for (StringRef schedule :
       {"{mc = 64 : i64, nc = 64 : i64, kc = 64 : i64, mr = 1 : i64, unroll = 1 : i64, prefetch_rows = 0 : i64}",
        "{mc = 128 : i64, nc = 192 : i64, kc = 64 : i64, mr = 4 : i64, unroll = 16 : i64}",
        "{mc = 64 : i64, nc = 64 : i64, kc = 4096 : i64, mr = 16 : i64, unroll = 2 : i64, prefetch_rows = 256 : "
        "i64}"}) {
    Jit jit(kInputNoise, true, GetParam(), schedule);
    ASSERT_TRUE(jit.engine) << schedule.str();
    int64_t b = 131, o = 200, k = 190, tiles = 3;
    std::vector<Tensor> inputs{reals({b, k}, 1), Tensor::of({o, k}, integers(o * k, 2)), Tensor::of({tiles}, {4, 4, 4}),
                               Tensor::integers({2}, {5, 6})};
    std::vector<float> strengths{0.3f, 4, 0.5f, 0.25f, 4, 3, 7};
    Jit inference(kInputNoise, false, GetParam(), schedule);
    EXPECT_EQ(forwardDifference(inference, inputs, strengths), 0) << schedule.str();
    expectGradientsOf(jit, inputs, strengths, Tensor::of({b, o}, integers(b * o, 3)), tiles);
  }
}

INSTANTIATE_TEST_SUITE_P(Jit, JitSchedule, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

} // namespace

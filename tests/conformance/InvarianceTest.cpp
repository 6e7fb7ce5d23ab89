// What must not change a bit: threads, the caller's floating-point modes, which results are wanted, where tensors lie.
// On the CPU backend only: the evaluator runs on one thread, computes in double and has nothing that could vary.
#include "tests/conformance/LayerCase.h"

#include <cfenv>
#include <functional>
#include <pmmintrin.h>

namespace mho::conformance {
namespace {

/// All effects at once, on sizes that several threads and blocks share.
LayerCase noisyLayer(ScalePer scale = ScalePer::Channel) {
  LayerCase layer{{}, {}, 200, 300, 190};
  layer.spec = exactSpecs()[4].second;
  layer.spec.weightNoise = layer.spec.outputNoise = true;
  layer.spec.tileRows = 96;
  layer.scalars = exactScalars();
  layer.scalars.weightNoise = 0.1f;
  layer.spec.weightScale = layer.spec.outputScale = scale;
  return layer;
}

struct Results {
  std::vector<float> y, dx, dweight, dbias, drange;
  bool operator==(const Results &o) const {
    return y == o.y && dx == o.dx && dweight == o.dweight && dbias == o.dbias && drange == o.drange;
  }
};

Results runLayer(const ParallelFor &parallelFor, int64_t rows = 200, int64_t outputs = 190,
                 ScalePer scale = ScalePer::Channel) {
  LayerCase layer = noisyLayer(scale);
  layer.rows = rows;
  layer.outputs = outputs;
  LayerRun run(layer);
  Status status = run.forward("cpu", parallelFor, true);
  EXPECT_TRUE(status) << status.message();
  status = run.backward("cpu", parallelFor);
  EXPECT_TRUE(status) << status.message();
  return {run.y.data, run.dx.data, run.dweight.data, run.dbias.data, run.drange.data};
}

TEST(Invariance, AnyNumberOfThreads) {
  Results one = runLayer(serial());
  for (int64_t threads : {2, 3, 7})
    EXPECT_TRUE(runLayer(pool(threads)) == one) << threads << " threads";
}

/// The maxima of whole tiles are found by blocks of rows and tiles before.
TEST(Invariance, AnyNumberOfThreadsWithScalesOfWholeTiles) {
  Results one = runLayer(serial(), 200, 190, ScalePer::Tensor);
  EXPECT_FALSE(one == runLayer(serial()));
  for (int64_t threads : {2, 3, 7})
    EXPECT_TRUE(runLayer(pool(threads), 200, 190, ScalePer::Tensor) == one) << threads << " threads";
}

/// One block of rows: gradients are cut between tiles.
TEST(Invariance, AnyNumberOfThreadsOnFewRows) {
  for (auto [rows, outputs] : {std::pair(1, 190), {33, 10}, {200, 5}}) {
    Results one = runLayer(serial(), rows, outputs);
    for (int64_t threads : {2, 3, 7})
      EXPECT_TRUE(runLayer(pool(threads), rows, outputs) == one) << threads << " threads, " << rows << " rows";
  }
}

/// Gradients that are no integers, and some so small that sums of them are denormal; computed with the caller's modes
/// as `setModes` sets them.
Results runTinyGradients(const std::function<void()> &setModes) {
  LayerCase layer = noisyLayer();
  LayerRun run(layer);
  std::mt19937 engine(3);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < run.grad.size(); ++i)
    run.grad.at(i) = normal(engine) * (i % layer.outputs < 60 ? 1 : 1e-39f);
  std::fenv_t before;
  std::fegetenv(&before);
  setModes();
  Status forward = run.forward("cpu", serial(), true), backward = run.backward("cpu", serial());
  std::fesetenv(&before);
  EXPECT_TRUE(forward) << forward.message();
  EXPECT_TRUE(backward) << backward.message();
  return {run.y.data, run.dx.data, run.dweight.data, run.dbias.data, run.drange.data};
}

TEST(Invariance, TheCallersModesOnSmallGradients) {
  Results expected = runTinyGradients([] {});
  auto isDenormal = [](float v) { return std::fpclassify(v) == FP_SUBNORMAL; };
  EXPECT_TRUE(std::any_of(expected.dbias.begin(), expected.dbias.end(), isDenormal));
  Results flushing = runTinyGradients([] { _mm_setcsr(_mm_getcsr() | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON); });
  EXPECT_TRUE(flushing.dbias == expected.dbias);
  EXPECT_TRUE(flushing == expected);
  Results upward = runTinyGradients([] { std::fesetround(FE_UPWARD); });
  EXPECT_TRUE(upward.dbias == expected.dbias);
  EXPECT_TRUE(upward == expected);
}

TEST(Invariance, TheCallersRoundingMode) {
  Results nearest = runLayer(serial());
  std::fesetround(FE_UPWARD);
  Results upward = runLayer(serial());
  EXPECT_EQ(std::fegetround(), FE_UPWARD) << "the caller's mode comes back";
  std::fesetround(FE_TONEAREST);
  EXPECT_TRUE(upward == nearest);
}

TEST(Invariance, TheRangeGradientWithoutTheInputGradient) {
  for (int64_t rows : {1, 200, 1100}) {
    LayerCase layer = noisyLayer();
    layer.rows = rows;
    LayerRun with(layer), without(layer);
    for (LayerRun *run : {&with, &without}) {
      Status status = run->forward("cpu", pool(2), true);
      ASSERT_TRUE(status) << status.message();
      status = run->backward("cpu", pool(2), run == &with);
      ASSERT_TRUE(status) << status.message();
    }
    EXPECT_EQ(with.drange.data, without.drange.data) << rows << " rows";
    EXPECT_TRUE(std::isnan(without.dx.data[0])) << "nothing was written";
  }
}

TEST(Invariance, InferenceAndTrainingForward) {
  LayerCase layer = noisyLayer();
  LayerRun inference(layer), training(layer);
  Status status = inference.forward("cpu", serial(), false);
  ASSERT_TRUE(status) << status.message();
  status = training.forward("cpu", serial(), true);
  ASSERT_TRUE(status) << status.message();
  EXPECT_EQ(inference.y.data, training.y.data);
}

TEST(Invariance, AKeyChangesTheNoiseAndNothingElseDoes) {
  LayerCase layer = noisyLayer();
  LayerRun first(layer), again(layer), other(layer);
  other.key[1] = 6;
  for (LayerRun *run : {&first, &again, &other})
    ASSERT_TRUE(run->forward("cpu", serial()));
  EXPECT_EQ(first.y.data, again.y.data);
  EXPECT_NE(first.y.data, other.y.data);
}

TEST(Invariance, NaNReachesExactlyTheOutputsItFeeds) {
  LayerCase layer = noisyLayer();
  LayerRun run(layer);
  run.x.at(3 * layer.inputs + 250) = NAN;
  run.weight.at(20 * layer.inputs + 10) = NAN;
  ASSERT_TRUE(run.forward("cpu", serial()));
  for (int64_t b = 0; b < layer.rows; ++b)
    for (int64_t o = 0; o < layer.outputs; ++o)
      ASSERT_EQ(std::isnan(run.y.at(b * layer.outputs + o)), b == 3 || o == 20) << b << ", " << o;
}

/// Weight noise makes accumulators real: a bound takes the place of equality. Both sum n = depth products of |x| <= 9
/// and |w| < 12 rounded to fp32; the kernel in fp32 with error below n u sum |x w|, u = 2^-24.
TEST(Invariance, WeightNoiseIsTheEvaluatorsWithinTheSumsError) {
  for (ScalePer scale : {ScalePer::Channel, ScalePer::Tensor}) {
    LayerCase layer{{}, exactScalars(), 40, 300, 70};
    layer.spec.tileRows = 96;
    layer.spec.weightNoise = layer.spec.dropConnect = true;
    layer.spec.weightScale = scale;
    layer.scalars.weightNoise = 0.1f;
    LayerRun run(layer);
    ASSERT_TRUE(run.forward("cpu", serial()));
    Tensor expected = run.evaluate(false).y;
    double depth = 300, bound = depth * 0x1p-24 * depth * 9 * 12;
    for (int64_t i = 0; i < run.y.size(); ++i)
      ASSERT_NEAR(run.y.at(i), expected.reals[i], bound) << "element " << i;
  }
}

} // namespace
} // namespace mho::conformance

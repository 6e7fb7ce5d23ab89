// The compiled layer: which kernels a call makes. What they compute is tests/conformance.
#include "runtime/Linear.h"
#include "runtime/KernelCache.h"
#include "tests/unit/runtime/TemporaryFolder.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

/// Set before the process's knobs are read: kernels of this program's tests, and of no other, are counted there.
const TemporaryFolder cacheFolder;
const int isSet = setenv("MHO_CACHE_DIR", cacheFolder.str().c_str(), 1);

TEST(Linear, AStridedInputCompilesItsOwnKernelAlone) {
  ASSERT_EQ(isSet, 0);
  KernelCache cache(cacheFolder.str(), 1 << 30);
  LinearSpec spec;
  spec.tiling = TilingKind::Fixed;
  spec.tileRows = 7; // of no other test here
  auto layer = Linear::get(spec, "cpu");
  ASSERT_TRUE(layer) << layer.message();
  float x[6] = {1, NAN, 2, NAN, 3, NAN}, weight[3] = {1, 10, 100}, y[1] = {0};
  LinearForwardArgs args;
  args.x = {x, ElementType::F32, 2, {1, 3}, {6, 2}};
  args.weight = {weight, ElementType::F32, 2, {1, 3}, {3, 1}};
  args.y = {y, ElementType::F32, 2, {1, 1}, {1, 1}};
  int64_t before = cache.usage().entries;
  Status status = (*layer)->forward(args, {});
  ASSERT_TRUE(status) << status.message();
  EXPECT_EQ(y[0], 321);
  EXPECT_EQ(cache.usage().entries, before + 1);
}

TEST(Linear, AnEffectIsKnownByItsContentAndNotByItsStrength) {
  ASSERT_EQ(isSet, 0);
  KernelCache cache(cacheFolder.str(), 1 << 30);
  auto layerOf = [](const std::string &factor, const std::string &source) {
    auto text = EffectText::parse("analog.effect @scale on weight(%w) params(%a over (n)) strengths(%s = 2.0) "
                                  "surrogate(derived) {\n  %c = arith.constant " +
                                      factor +
                                      " : f32\n  %0 = arith.mulf %w, %s : f32\n  %1 = arith.mulf %0, %a : f32\n"
                                      "  %r = arith.mulf %1, %c : f32\n  analog.yield %r : f32\n}",
                                  source, "");
    LinearSpec spec;
    spec.effects = {EffectUse(*text)};
    return *Linear::get(spec, "cpu");
  };
  float x[3] = {1, 2, 3}, weight[3] = {1, 10, 100}, y[1] = {0}, a[1] = {3};
  LinearForwardArgs args;
  args.x = {x, ElementType::F32, 2, {1, 3}, {3, 1}};
  args.weight = {weight, ElementType::F32, 2, {1, 3}, {3, 1}};
  args.y = {y, ElementType::F32, 2, {1, 1}, {1, 1}};
  args.effects = {{a, ElementType::F32, 1, {1}, {1}}};
  auto run = [&](const std::shared_ptr<Linear> &layer, std::vector<float> strengths) {
    args.effectStrengths = std::move(strengths);
    Status status = layer->forward(args, {});
    EXPECT_TRUE(status) << status.message();
    return y[0];
  };
  int64_t before = cache.usage().entries;
  auto layer = layerOf("1.0", "first.mlir");
  EXPECT_EQ(run(layer, {}), 321 * 2 * 3) << "the strength of the text";
  EXPECT_EQ(run(layer, {5}), 321 * 5 * 3);
  EXPECT_EQ(cache.usage().entries, before + 1);
  EXPECT_EQ(run(layerOf("1.0", "second.mlir"), {}), 321 * 2 * 3);
  EXPECT_EQ(cache.usage().entries, before + 1) << "the same text of another file";
  EXPECT_EQ(run(layerOf("2.0", "first.mlir"), {}), 321 * 2 * 3 * 2);
  EXPECT_EQ(cache.usage().entries, before + 2) << "another text";
}

TEST(Linear, AStridedTensorOfAnEffect) {
  auto text = EffectText::parse("analog.effect @gain on input(%x) params(%a over (k)) surrogate(derived) {\n"
                                "  %r = arith.mulf %x, %a : f32\n  analog.yield %r : f32\n}",
                                kEffectSource, "");
  LinearSpec spec;
  spec.effects = {EffectUse(*text)};
  auto layer = Linear::get(spec, "cpu");
  ASSERT_TRUE(layer) << layer.message();
  float x[3] = {1, 2, 3}, weight[3] = {1, 10, 100}, y[1] = {0}, a[6] = {1, NAN, 2, NAN, 3, NAN};
  LinearForwardArgs args;
  args.x = {x, ElementType::F32, 2, {1, 3}, {3, 1}};
  args.weight = {weight, ElementType::F32, 2, {1, 3}, {3, 1}};
  args.y = {y, ElementType::F32, 2, {1, 1}, {1, 1}};
  args.effects = {{a, ElementType::F32, 1, {3}, {2}}};
  Status status = (*layer)->forward(args, {});
  ASSERT_TRUE(status) << status.message();
  EXPECT_EQ(y[0], 1 + 40 + 900);
}

/// A pool may run another launch on a thread that waits for the parts of its own: here between the two halves of each.
TEST(Linear, ALaunchWithinAnotherLeavesItsPartialSumsAlone) {
  LinearSpec spec;
  spec.quantizeWeight = true;
  spec.weightScale = ScalePer::Tensor; // the largest weight of all rows: partial maxima of blocks of 64
  auto layer = Linear::get(spec, "cpu");
  ASSERT_TRUE(layer) << layer.message();
  const int64_t outputs = 300;
  std::vector<float> weight(outputs), other(outputs, 1000), y(outputs), ignored(outputs);
  for (int64_t i = 0; i < outputs; ++i)
    weight[i] = float(i % 128);
  float x[1] = {1};
  auto run = [&](std::vector<float> &w, std::vector<float> &out, const ParallelFor &parallelFor) {
    LinearForwardArgs args;
    args.x = {x, ElementType::F32, 2, {1, 1}, {1, 1}};
    args.weight = {w.data(), ElementType::F32, 2, {outputs, 1}, {1, 1}};
    args.y = {out.data(), ElementType::F32, 2, {1, outputs}, {outputs, 1}};
    Status status = (*layer)->forward(args, {parallelFor});
    EXPECT_TRUE(status) << status.message();
  };
  int launches = 0;
  run(weight, y, [&](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &part) {
    part(0, n / 2);
    run(other, ignored, runSerially);
    ++launches;
    part(n / 2, n);
  });
  EXPECT_EQ(launches, 2) << "the statistic, and the product";
  EXPECT_EQ(y, weight) << "127 levels of the largest, 127: whole numbers";
}

} // namespace
} // namespace mho

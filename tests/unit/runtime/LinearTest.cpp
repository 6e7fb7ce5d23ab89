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
  Status status = (*layer)->forward(args, runSerially);
  ASSERT_TRUE(status) << status.message();
  EXPECT_EQ(y[0], 321);
  EXPECT_EQ(cache.usage().entries, before + 1);
}

} // namespace
} // namespace mho

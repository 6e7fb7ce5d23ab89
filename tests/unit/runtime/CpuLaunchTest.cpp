// How a launch cuts its output and what memory it takes, on kernels written here by hand in place of generated code.
#include "runtime/CpuLaunch.h"

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <set>

namespace mho {
namespace {

using testing::HasSubstr;

/// What a body of two slots, a matrix and a vector of the tiles, finds in its table (see PackedCall.h).
struct Table {
  explicit Table(void **args) : args(args) {}
  template <class T> T at(int i) const { return *static_cast<T *>(args[i]); }
  float *data() const { return at<float *>(1); }
  int64_t rowStride() const { return at<int64_t>(5); }
  int64_t rowBegin() const { return at<int64_t>(22); }
  int64_t rowEnd() const { return at<int64_t>(23); }
  int64_t tileBegin() const { return at<int64_t>(24); }
  int64_t tileEnd() const { return at<int64_t>(25); }
  void **args;
};

/// What the calls of a launch did.
struct Record {
  InputTiles tiles;
  std::mutex mutex;
  std::map<std::pair<int64_t, int64_t>, int> visits; ///< by (first row of the block of 64, tile)
  std::set<float *> pages;                           ///< that were written, by their first address
};
Record *record = nullptr;

/// Writes every element of its block as a gradient kernel does.
void body(void **args) {
  Table table(args);
  std::lock_guard<std::mutex> lock(record->mutex);
  for (int64_t tile = table.tileBegin(); tile < table.tileEnd(); ++tile) {
    for (int64_t row = table.rowBegin(); row < table.rowEnd(); ++row) {
      for (int64_t column = record->tiles.begin(tile); column < record->tiles.begin(tile + 1); ++column) {
        float *element = table.data() + row * table.rowStride() + column;
        *element = 1;
        record->pages.insert(reinterpret_cast<float *>(reinterpret_cast<intptr_t>(element) & ~intptr_t(4095)));
      }
      if (row % 64 == 0)
        ++record->visits[{row, tile}];
    }
  }
}

/// Launches `body` on a gradient of B rows over K inputs.
class Gradient : public testing::Test {
protected:
  Status launch(int64_t rows, InputTiles tiles, bool discard, const ParallelFor &parallelFor) {
    seen.tiles = tiles;
    record = &seen;
    memory.assign(discard ? 1 : rows * tiles.inputs, 0);
    std::vector<float> sums(tiles.count());
    CpuCode code;
    code.slots = {{"dx", false, true, 2}, {"drange", false, true, 1}};
    code.body = body;
    code.reductions = reductions;
    SlotValue values[2];
    float *data = discard ? nullptr : memory.data();
    values[0].tensor = {data, ElementType::F32, 2, {rows, tiles.inputs}, {tiles.inputs, 1}};
    values[0].discard = discard;
    values[1].tensor = {sums.data(), ElementType::F32, 1, {tiles.count()}, {1}};
    return launchCpu(code, values, {rows, tiles.count(), true, tiles}, {parallelFor});
  }
  /// Every block of 64 rows of every tile, once.
  void expectWholeOutput(int64_t rows) {
    EXPECT_EQ(int64_t(seen.visits.size()), (rows + 63) / 64 * seen.tiles.count());
    for (auto [block, count] : seen.visits)
      EXPECT_EQ(count, 1) << "row " << block.first << ", tile " << block.second;
  }
  Record seen;
  std::vector<float> memory;
  std::vector<lowering::PartialShape> reductions;
};

TEST_F(Gradient, FewRowsGiveEveryThreadWork) {
  int64_t offered = 0;
  auto four = [&](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &piece) {
    offered = n;
    for (int64_t i = 0; i < 4; ++i)
      piece(n * i / 4, n * (i + 1) / 4);
  };
  ASSERT_TRUE(launch(5, {1000, 128, false}, false, four));
  EXPECT_EQ(offered, 8) << "one piece for each tile";
  expectWholeOutput(5);
  EXPECT_EQ(std::count(memory.begin(), memory.end(), 1.f), 5000);
}

TEST_F(Gradient, AnyCutCoversTheOutputOnce) {
  for (int64_t cut : {1, 2, 3, 5, 7, 100}) {
    seen.visits.clear();
    auto pieces = [&](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &piece) {
      for (int64_t begin = 0; begin < n; begin += cut)
        piece(begin, std::min(n, begin + cut));
    };
    ASSERT_TRUE(launch(300, {70, 16, true}, false, pieces));
    expectWholeOutput(300);
    EXPECT_EQ(std::count(memory.begin(), memory.end(), 1.f), 300 * 70) << "pieces of " << cut;
  }
}

/// A reduction that keeps the columns adds up the blocks of rows in ascending order: one piece has all of a tile's.
TEST_F(Gradient, ReductionsThatKeepTheColumnsLeaveTheRowsWhole) {
  int64_t offered = 0;
  auto one = [&](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &piece) {
    offered = n;
    for (int64_t i = 0; i < n; ++i)
      piece(i, i + 1);
  };
  using lowering::PartialOf;
  reductions = {{PartialOf::Block, PartialOf::Whole, true}};
  ASSERT_TRUE(launch(300, {70, 16, true}, false, one));
  EXPECT_EQ(offered, 5 * 5) << "blocks of rows times tiles";
  reductions.push_back({PartialOf::Whole, PartialOf::Element, false});
  seen.visits.clear();
  ASSERT_TRUE(launch(300, {70, 16, true}, false, one));
  EXPECT_EQ(offered, 5) << "tiles";
  expectWholeOutput(300);
}

/// The memory that a discarded result was written to, in bytes.
TEST_F(Gradient, ADiscardedResultTakesMemoryThatRowsDoNotEnlarge) {
  const InputTiles tiled{4096, 2048, false}, untiled{20000, 0, false};
  ASSERT_TRUE(launch(64, tiled, true, runSerially));
  expectWholeOutput(64);
  seen.visits.clear();
  ASSERT_TRUE(launch(1500, tiled, true, runSerially));
  expectWholeOutput(1500);
  EXPECT_LE(discardedFloats(tiled), int64_t(1) << 18);
  EXPECT_LE(int64_t(seen.pages.size()) * 4096, discardedFloats(tiled) * 4 + 2 * 4096);
  EXPECT_EQ(discardedFloats(untiled), 64 * 20000) << "one block of rows of the only tile";
}

TEST(CpuLaunch, RefusesAKeyWhoseStepIsOutOfRange) {
  CpuCode code;
  code.slots = {{"key", false, false, 1, ElementType::I64}};
  code.body = [](void **) { FAIL() << "the kernel ran"; };
  int64_t key[2] = {7, -1};
  SlotValue value;
  value.tensor = {key, ElementType::I64, 1, {2}, {1}};
  Status status = launchCpu(code, &value, {1, 1, false, {1, 0, false}}, {});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("expected step to be from 0 to 4294967295, got -1"));
}

TEST(CpuLaunch, RefusesAStridedTensorThatItsCodeDoesNotGather) {
  CpuCode code;
  code.slots = {{"x", false, false, 2}};
  code.body = [](void **) {};
  float x[8];
  SlotValue value;
  value.tensor = {x, ElementType::F32, 2, {2, 2}, {4, 2}};
  Status status = launchCpu(code, &value, {2, 2, false, {2, 0, false}}, {});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("'x' has a last stride of 2"));
  code.strided = {true};
  EXPECT_TRUE(launchCpu(code, &value, {2, 2, false, {2, 0, false}}, {}));
}

TEST(CpuLaunch, ManyArguments) {
  static int64_t sum = 0;
  CpuCode code;
  constexpr int kCount = 100; // more than any layer has
  code.slots.assign(kCount, {"", false, false, 1});
  code.body = [](void **args) {
    for (int i = 0; i < kCount; ++i)
      sum += *static_cast<int64_t *>(args[5 * i + 3]);
  };
  float data[1];
  std::vector<SlotValue> values(kCount);
  for (int i = 0; i < kCount; ++i)
    values[i].tensor = {data, ElementType::F32, 1, {i}, {1}};
  ASSERT_TRUE(launchCpu(code, values.data(), {1, 1, false, {1, 0, false}}, {}));
  EXPECT_EQ(sum, kCount * (kCount - 1) / 2);
}

} // namespace
} // namespace mho

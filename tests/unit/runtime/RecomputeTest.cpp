// Backward in blocks: whatever the blocks and threads, the bits of the kernels run whole.
#include "runtime/Recompute.h"
#include "runtime/Backend.h"
#include "runtime/LayerStages.h"

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <thread>

namespace mho {
namespace {

/// An amplifier that saturates, of a learned strength of each tile, with noise before it; inputs with noise of a
/// learned gain.
const char *kLayer = R"(
analog.effect @shaken on input(%x) params(%gain over (t) learnable) surrogate(own) {
  %n = analog.normal : f32
  %d = arith.mulf %gain, %n : f32
  %r = math.fma %x, %d, %x : f32
  analog.yield %r : f32
} derivative {
^bb0(%gain: f32, %x: f32, %g: f32):
  %dx = math.fma %gain, %g, %g : f32
  %summand = arith.mulf %g, %x : f32
  analog.yield %dx : f32 reduce(%summand : f32)
} tail {
^bb0(%sum: f32, %gain: f32):
  analog.yield %sum : f32
}
analog.effect @saturation on tile(%y) params(%nu over (t) learnable) surrogate(own) {
  %one = arith.constant 1.0 : f32
  %n = analog.normal : f32
  %noisy = arith.addf %y, %n : f32
  %absolute = math.absf %noisy : f32
  %load = math.fma %nu, %absolute, %one : f32
  %result = arith.divf %noisy, %load : f32
  analog.yield %result : f32
} derivative {
^bb0(%nu: f32, %y: f32, %g: f32):
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %square = arith.mulf %load, %load : f32
  %dy = arith.divf %g, %square : f32
  %area = arith.mulf %y, %absolute : f32
  %summand = arith.mulf %dy, %area : f32
  analog.yield %dy : f32 reduce(%summand : f32)
} tail {
^bb0(%sum: f32, %nu: f32):
  %negative = arith.negf %sum : f32
  analog.yield %negative : f32
}
func.func @layer(%x: tensor<?x?xf32> {analog.name = "x"}, %w: tensor<?x?xf32> {analog.name = "weight"}, %nu: tensor<?xf32> {analog.name = "nu"},
                 %gain: tensor<?xf32> {analog.name = "gain"}, %key: tensor<2xi64> {analog.name = "key"}) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %shaken = analog.apply @shaken %x params(%gain over (t)) key(%key) : (tensor<?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %planes = analog.mvm %shaken, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %amplified = analog.apply @saturation %planes params(%nu over (t)) key(%key) : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %amplified : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

constexpr int64_t kRows = 200, kOutputs = 150, kInputs = 131, kTiles = 3;

/// Two threads.
void inPieces(int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) {
  std::thread other([&] { body(n / 2, n); });
  body(0, n / 2);
  other.join();
}

class RecomputeTest : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
    ModuleArtifact artifact(mlir::parseSourceString<mlir::ModuleOp>(kLayer, &context));
    ASSERT_TRUE(artifact.mlirModule);
    Status status = runStages("layer", artifact, layerStages(artifact, {true, true}), {});
    ASSERT_TRUE(status) << status.message();
    Expected<Backend *> cpu = Backend::get("cpu");
    ASSERT_TRUE(cpu);
    for (const char *name : {"layer_dz", "layer_dx", "layer_dw"}) {
      auto kernel = (*cpu)->compile(artifact.mlirModule->lookupSymbol<mlir::func::FuncOp>(name), {});
      ASSERT_TRUE(kernel) << kernel.message();
      kernels.push_back(*kernel);
    }
    std::mt19937 engine(1);
    for (auto [name, count] :
         {std::pair("grad", kRows * kOutputs), {"x", kRows * kInputs}, {"weight", kOutputs * kInputs}})
      for (int64_t i = 0; i < count; ++i)
        memory[name].push_back(std::normal_distribution<float>()(engine));
    memory["nu"] = {0.25, 0.5, 0.125};
    memory["gain"] = {0.5, 1, 0.75};
  }

  TensorRef tensor(const std::string &name) {
    auto matrix = [&](int64_t rows, int64_t columns) -> TensorRef {
      std::vector<float> &data = memory[name];
      data.resize(rows * columns);
      return {data.data(), ElementType::F32, 2, {rows, columns}, {columns, 1}};
    };
    if (name == "key")
      return {key, ElementType::I64, 1, {2}, {1}};
    if (name == "nu" || name == "dnu" || name == "gain" || name == "dgain") {
      memory[name].resize(kTiles);
      return {memory[name].data(), ElementType::F32, 1, {kTiles}, {1}};
    }
    if (name == "grad")
      return matrix(kRows, kOutputs);
    return name == "x" || name == "dx" ? matrix(kRows, kInputs) : matrix(kOutputs, kInputs);
  }

  BoundGradient bound(size_t i) {
    InputTiles tiles{kInputs, 64, false};
    KernelOutput output{i == 2 ? kOutputs : kRows, i == 0 ? kOutputs : kTiles, i != 0, tiles};
    BoundGradient gradient{*kernels[i], {}, output};
    for (const KernelSlot &slot : kernels[i]->slots())
      gradient.values.emplace_back().tensor = slot.rank == 3 ? TensorRef() : tensor(slot.name);
    return gradient;
  }

  /// dx, dweight, dnu, dgain; `discards`: dx is needed for dgain alone and has no memory.
  std::vector<std::vector<float>> run(int64_t bytes, const ParallelFor &parallelFor, bool wantsInput = true,
                                      bool wantsWeight = true, bool discards = false) {
    for (const char *name : {"dx", "dweight", "dnu", "dgain"})
      memory[name].clear();
    BoundGradient tile = bound(0), input = bound(1), weight = bound(2);
    for (size_t i = 0; i < input.values.size(); ++i)
      if (discards && kernels[1]->slots()[i].name == "dx") {
        input.values[i].tensor.data = nullptr;
        input.values[i].discard = true;
      }
    Status status = runRecompute({kTiles, kRows, kOutputs}, tile, wantsInput ? &input : nullptr,
                                 wantsWeight ? &weight : nullptr, {parallelFor}, bytes);
    EXPECT_TRUE(status) << status.message();
    return {memory["dx"], memory["dweight"], memory["dnu"], memory["dgain"]};
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::vector<std::shared_ptr<const Kernel>> kernels;
  std::map<std::string, std::vector<float>> memory;
  int64_t key[2] = {77, 3};
};

TEST_F(RecomputeTest, BlocksAndThreadsChangeNoBit) {
  auto whole = run(kRecomputeBytes, runSerially);
  for (size_t i = 0; i < whole.size(); ++i)
    EXPECT_TRUE(std::any_of(whole[i].begin(), whole[i].end(), [](float v) { return v != 0; })) << i;
  // One row block or output block is 64, two are 128.
  int64_t ofRow = kTiles * kOutputs * 4;
  for (int64_t bytes : {int64_t(1), 64 * ofRow, 130 * ofRow, 199 * ofRow})
    for (const ParallelFor &parallelFor : {ParallelFor(runSerially), ParallelFor(inPieces)})
      EXPECT_EQ(run(bytes, parallelFor), whole) << bytes << " bytes";
}

TEST_F(RecomputeTest, MakesWhatIsAskedFor) {
  auto whole = run(kRecomputeBytes, runSerially);
  for (int64_t bytes : {int64_t(1), kRecomputeBytes}) {
    auto input = run(bytes, runSerially, true, false), weight = run(bytes, runSerially, false, true);
    EXPECT_EQ(input[0], whole[0]);
    EXPECT_EQ(input[2], whole[2]);
    EXPECT_EQ(input[3], whole[3]);
    EXPECT_EQ(weight[1], whole[1]);
    EXPECT_EQ(weight[2], whole[2]);
  }
}

/// A layer whose input asks for no gradient, but a parameter of an effect on it does.
TEST_F(RecomputeTest, DiscardsTheGradientOfTheInputInBlocks) {
  auto whole = run(kRecomputeBytes, runSerially);
  for (int64_t bytes : {int64_t(1), 130 * kTiles * kOutputs * 4, kRecomputeBytes})
    for (const ParallelFor &parallelFor : {ParallelFor(runSerially), ParallelFor(inPieces)}) {
      auto discarding = run(bytes, parallelFor, true, true, true);
      for (int i : {1, 2, 3})
        EXPECT_EQ(discarding[i], whole[i]) << bytes << " bytes, result " << i;
    }
}

/// Where the corners of a part lie in the planes that the kernel is given.
struct Corners {
  const float *first, *last;
};

/// A kernel of planes alone, which looks where its parts lie.
class Watch final : public Kernel {
public:
  explicit Watch(bool ofPlanes) : ofPlanes(ofPlanes), all{{"dz#2", false, ofPlanes, 3}, {"dz", false, ofPlanes, 3}} {}
  const std::vector<KernelSlot> &slots() const override { return all; }
  Status launch(const SlotValue *, const KernelOutput &, const LaunchContext &) const override {
    return Status::error("expected to run in parts");
  }
  bool runsInParts() const override { return true; }
  std::unique_ptr<PartLaunch> begin(const KernelOutput &) const override { return std::make_unique<Parts>(*this); }

  const bool ofPlanes; ///< it makes them: its columns are outputs
  std::vector<KernelSlot> all;
  mutable std::vector<Corners> seen; ///< plane after plane of each part

private:
  struct Parts final : PartLaunch {
    explicit Parts(const Watch &kernel) : kernel(kernel) {}
    Status run(const SlotValue *values, const OutputPart &part, const LaunchContext &) override {
      for (int i : {1, 0}) {
        const TensorRef &t = values[i].tensor;
        auto at = [&](int64_t tile, int64_t row, int64_t output) {
          return static_cast<const float *>(t.data) + tile * t.strides[0] + row * t.strides[1] + output * t.strides[2];
        };
        int64_t outputBegin = kernel.ofPlanes ? part.columnBegin : 0,
                outputEnd = kernel.ofPlanes ? part.columnEnd : t.sizes[2];
        kernel.seen.push_back({at(0, part.rowBegin, outputBegin), at(t.sizes[0] - 1, part.rowEnd - 1, outputEnd - 1)});
      }
      return Status::ok();
    }
    void finish(const SlotValue *) override {}
    const Watch &kernel;
  };
};

/// Both kernels find a block at the same place, and every block in the same memory, which is no larger than it must be.
TEST(RecomputeMemory, HoldsOneBlock) {
  const int64_t tiles = 3, rows = 200, outputs = 150, block = tiles * 64 * outputs;
  Watch tile(true), input(false);
  BoundGradient dz{tile, std::vector<SlotValue>(2), {rows, outputs, false, {}}},
      dx{input, std::vector<SlotValue>(2), {rows, tiles, true, {}}};
  Status status = runRecompute({tiles, rows, outputs}, dz, &dx, nullptr, {}, 2 * block * 4);
  ASSERT_TRUE(status) << status.message();
  ASSERT_EQ(tile.seen.size(), 8u); // 64, 64, 64 and 8 rows of two planes
  ASSERT_EQ(input.seen.size(), 8u);
  const float *memory = tile.seen[0].first;
  for (size_t i = 0; i < 8; ++i) {
    int64_t size = i < 6 ? block : tiles * 8 * outputs;
    EXPECT_EQ(tile.seen[i].first - memory, int64_t(i % 2) * size) << i;
    EXPECT_EQ(tile.seen[i].last - memory, int64_t(i % 2 + 1) * size - 1) << i;
    EXPECT_EQ(input.seen[i].first, tile.seen[i].first) << i;
    EXPECT_EQ(input.seen[i].last, tile.seen[i].last) << i;
  }
}

/// The same for blocks of outputs.
TEST(RecomputeMemory, HoldsOneBlockOfOutputs) {
  const int64_t tiles = 3, rows = 200, outputs = 150, block = tiles * rows * 64;
  Watch tile(true), weight(false);
  BoundGradient dz{tile, std::vector<SlotValue>(2), {rows, outputs, false, {}}},
      dw{weight, std::vector<SlotValue>(2), {outputs, tiles, true, {}}};
  Status status = runRecompute({tiles, rows, outputs}, dz, nullptr, &dw, {}, 2 * block * 4);
  ASSERT_TRUE(status) << status.message();
  ASSERT_EQ(tile.seen.size(), 6u); // 64, 64 and 22 outputs of two planes
  const float *memory = tile.seen[0].first;
  for (size_t i = 0; i < 6; ++i) {
    int64_t size = i < 4 ? block : tiles * rows * 22;
    EXPECT_EQ(tile.seen[i].first - memory, int64_t(i % 2) * size) << i;
    EXPECT_EQ(tile.seen[i].last - memory, int64_t(i % 2 + 1) * size - 1) << i;
  }
}

} // namespace
} // namespace mho

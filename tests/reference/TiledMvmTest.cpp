// tiled_mvm: fused and differentiated layers against the hand-written algebra, and each feature of the op with literal
// values.
#include "dialect/Transforms/Passes.h"
#include "tests/reference/Layers.h"

using namespace mho::reference;

//===-- against the algebra ---------------------------------------------------------------------------------------===//

namespace {
struct Layer {
  const char *name;
  LayerText text;
};
void PrintTo(const Layer &layer, std::ostream *os) { *os << layer.name; }
struct FusedLayer : testing::TestWithParam<Layer> {};
} // namespace

static void fuseAndDifferentiate(Program &program) {
  std::vector<std::unique_ptr<mlir::Pass>> passes;
  mho::analog::AnalogFusePassOptions options;
  options.saveForBackward = true;
  passes.push_back(mho::analog::createAnalogFusePass(options));
  passes.push_back(mho::analog::createAnalogDifferentiatePass());
  program.run(std::move(passes));
}

TEST_P(FusedLayer, ComputesTheBitsOfTheAlgebra) {
  Program algebra(GetParam().text.str()), fused(GetParam().text.str());
  fuseAndDifferentiate(fused);
  std::vector<Tensor> inputs = layerInputs(9);
  expectValues(fused.all("f", inputs)[0], algebra.one("f", inputs).reals);
}

TEST_P(FusedLayer, HasTheGradientsOfTheAlgebra) {
  Program algebra(GetParam().text.str()), fused(GetParam().text.str());
  fuseAndDifferentiate(fused);
  std::vector<Tensor> inputs = layerInputs(9);
  Tensor gy = randomTensor({9, 5}, 7);
  auto expected = algebra.gradient("f", inputs, gy);
  std::vector<Tensor> arguments{gy}, forward = fused.all("f", inputs);
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  arguments.insert(arguments.end(), forward.begin() + 1, forward.end());
  std::vector<Tensor> dx = fused.all("f_dx", arguments), dw = fused.all("f_dw", arguments);
  expectValues(dx[0], expected[0]->reals);
  expectValues(dw[0], expected[1]->reals);
  if (expected[3])
    expectValues(dx[1], expected[3]->reals);
}

static std::vector<Layer> layers() {
  std::vector<Layer> list(11);
  list[0].name = "Plain";
  list[1].name = "Noise";
  list[1].text.noise = list[1].text.absmax = true;
  list[2].name = "Saturating";
  list[2].text.lambda = "0.4";
  list[3].name = "StraightThrough";
  list[3].text.gradient = "straight_through";
  list[3].text.lambda = "0.4";
  list[4].name = "Dynamic";
  list[4].text.dynamic = list[4].text.noise = true;
  list[5].name = "Decay";
  list[5].text.decay = "0.01";
  list[5].text.share = "0.6";
  list[5].text.tiling = "fixed, rows = 3";
  list[6].name = "NoisyBackward";
  list[6].text.noise = list[6].text.noisyBackward = true;
  list[7].name = "PaperRange";
  list[7].text.rangeGradient = "paper";
  list[7].text.decay = "0.01";
  list[8].name = "LsqRange";
  list[8].text.rangeGradient = "lsq";
  list[8].text.noise = true;
  list[9].name = "Half";
  list[9].text.storage = "f16";
  list[9].text.noise = list[9].text.absmax = true;
  list[10].name = "BFloat";
  list[10].text.storage = "bf16";
  list[10].text.dynamic = true;
  return list;
}
INSTANTIATE_TEST_SUITE_P(Layers, FusedLayer, testing::ValuesIn(layers()),
                         [](const auto &info) { return std::string(info.param.name); });

/// One tensor as range over (t), as bias over (n) and as scale over (n): three parameters of the kernel.
TEST(FusedLayer, OneValueOverSeveralAxes) {
  const char *text = R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 3>} {
      %c = analog.quantize_input %x range(%b over (t)) {half_levels = 127.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
      %p = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      %r = analog.rescale %p range(%b over (t)) {half_levels = 127.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
      %n = analog.inject_noise %r scale(%b over (m)) key(%key, stream = 1) {sigma = 0.5 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
      %y = analog.accumulate %n bias(%b) : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })";
  Program algebra(text), fused(text);
  fuseAndDifferentiate(fused);
  std::vector<Tensor> inputs{randomTensor({3, 7}, 1), randomTensor({3, 7}, 2), Tensor::of({3}, {.5, .75, 1.25}),
                             Tensor::integers({2}, {3, 4})};
  expectValues(fused.all("f", inputs)[0], algebra.one("f", inputs).reals);
}

/// A normal that is the addend of a fused multiply-add, and one inside a surrogate: the noise-free weight is 2 w.
TEST(Differentiate, NoiseFreeCodeHasNoDrawAndKeepsTheRest) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 0>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) keys(%key : tensor<2xi64>)
          results(value over (m, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32):
          %two = arith.constant 2.0 : f32
          %n = analog.normal key(0) stream(0) : f32
          %f = math.fma %v, %two, %n : f32
          %s = analog.surrogate(%f) value { ^bb0(%i: f32):
            %m = analog.normal key(0) stream(1) : f32
            %g = math.fma %i, %m, %i : f32
            analog.yield %g : f32
          } derivative { ^bb0(%i: f32, %g: f32): analog.yield %g : f32 } : f32
          analog.yield %s : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })");
  fuseAndDifferentiate(program);
  auto dx = program.all("f_dx", {Tensor::of({1, 1}, {3}), Tensor::of({1, 2}, {1, 1}), Tensor::of({1, 2}, {5, -7}),
                                 Tensor::integers({2}, {1, 0})});
  expectValues(dx[0], {30, -42});
}

//===-- features --------------------------------------------------------------------------------------------------===//

TEST(TiledMvm, SeveralAccumulatorsStatisticsAndIndices) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %s: f32) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>) {
      %y, %sums, %counts = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<fixed, rows = 2>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%s : f32)
          stats(sum(lhs 0) over (t, m), count(rhs 0) over (t))
          results(value over (m, n), stat 0 over (t, m), stat 1 over (t))
        load_lhs { ^bb0(%v: f32, %p: f32, %sum: f32):
          %sq = arith.mulf %v, %v : f32
          analog.yield %v, %sq : f32, f32 }
        load_rhs { ^bb0(%v: f32, %p: f32, %count: f32):
          %i = analog.index column : i32
          %c = arith.sitofp %i : i32 to f32
          analog.yield %v, %c : f32, f32 }
        accumulate(0 * 0, 1 * 1)
        end_tile { ^bb0(%a: f32, %b: f32, %p: f32, %sum: f32, %count: f32):
          %i = analog.index tile_rows : i32
          %r = arith.sitofp %i : i32 to f32
          %0 = arith.mulf %b, %p : f32
          %1 = arith.addf %a, %0 : f32
          %2 = arith.addf %1, %sum : f32
          %3 = arith.addf %2, %count : f32
          %4 = arith.addf %3, %r : f32
          analog.yield %4 : f32 }
        finish { ^bb0(%t: f32, %p: f32): analog.yield %t : f32 }
        : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
      return %y, %sums, %counts : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
    })");
  auto r = program.all(
      "f", {Tensor::of({1, 3}, {1, 2, 3}), Tensor::of({2, 3}, {1, 10, 100, 2, 20, 200}), Tensor::scalar(1000)});
  // Tile 0: a = 21 / 42, b = 1 * 0 + 4 * 1 = 4, sum 3, count 2 * 2, rows 2. Tile 1: a = 300 / 600, b = 9 * 0, sum 3,
  // count 2, rows 2.
  expectValues(r[0], {21 + 4000 + 3 + 4 + 2 + 300 + 3 + 2 + 2, 42 + 4000 + 3 + 4 + 2 + 600 + 3 + 2 + 2});
  expectValues(r[1], {3, 3});
  expectValues(r[2], {4, 2});
}

TEST(TiledMvm, PacksBitsIntoWordsOf32Outputs) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?x?xi32> {
      %y, %bits = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 1>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
          results(value over (m, n), bits over (t, m, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32):
          %zero = arith.constant 0.0 : f32
          %b = arith.cmpf ogt, %a, %zero : f32
          analog.yield %a : f32 bits(%b) }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>, tensor<?x?x?xi32>
      return %bits : tensor<?x?x?xi32>
    }
    func.func @g(%g: tensor<?x?xf32>, %bits: tensor<?x?x?xi32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %dx = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 1>)
          lhs(%g over (m, n) : tensor<?x?xf32>, %bits over (t, m, n) : tensor<?x?x?xi32>) rhs(%w over (n, k) : tensor<?x?xf32>)
          results(value over (m, k))
        load_lhs { ^bb0(%v: f32, %b: i1):
          %zero = arith.constant 0.0 : f32
          %r = arith.select %b, %v, %zero : f32
          analog.yield %r : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %dx : tensor<?x?xf32>
    })");
  Tensor w = Tensor::zeros({40, 2});
  for (int64_t o : {0, 31, 33})
    w.at({o, 0}) = 1;
  w.at({32, 1}) = 1;
  Tensor bits = program.one("f", {Tensor::of({2, 2}, {1, 1, -1, 1}), w});
  EXPECT_EQ(bits.shapeText(), "2x2x2");
  EXPECT_EQ(bits.words, (std::vector<int64_t>{int32_t(0x80000001), 2, 0, 0, 0, 1, 0, 1}));
  // g = 1 where the bit is set: dx[m, k] counts the outputs whose bit of tile k is set and whose weight is 1.
  Tensor ones = Tensor::of({2, 40}, std::vector<double>(80, 1)), all = Tensor::of({40, 2}, std::vector<double>(80, 1));
  expectValues(program.one("g", {ones, bits, all}), {3, 1, 0, 1});
  EXPECT_EQ(program.error("g", {Tensor::zeros({2, 65}), bits, Tensor::zeros({65, 2})}),
            "expected lhs to have 3 words for 65 bits along n, got 2x2x2 over (t, m, n)");
}

static const char *kWeightGradient = R"(
    func.func @f(%g: tensor<?x?xf32>, %x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %dw0: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xi64>) {
      %dw, %sum, %count = analog.tiled_mvm contract(m) tile(t of k : #analog.tiling<balanced, rows = 2>)
          lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%x over (m, k) : tensor<?x?xf32>) epilogue(%w over (n, k) : tensor<?x?xf32>)
          init(%dw0 : tensor<?x?xf32>)
          results(value over (n, k), sum over (n), count over (t, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        finish { ^bb0(%s: f32, %w0: f32):
          %zero = arith.constant 0.0 : f32
          %positive = arith.cmpf ogt, %w0, %zero : f32
          analog.yield %s : f32 reduce(%w0, %positive : f32, i1) }
        : tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xi64>
      return %dw, %sum, %count : tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xi64>
    })";

TEST(TiledMvm, ContractsRowsAddsToInitAndReducesInFinish) {
  Program program(kWeightGradient);
  Tensor g = Tensor::of({2, 2}, {1, 2, 3, 4}), x = Tensor::of({2, 3}, {1, 10, 100, 2, 20, 200});
  Tensor w = Tensor::of({2, 3}, {1, -2, 3, -4, -5, 6}), init = Tensor::of({2, 3}, {.5, 0, 0, 0, 0, .25});
  auto r = program.all("f", {g, x, w, init});
  expectValues(r[0], {7.5, 70, 700, 10, 100, 1000.25});
  expectValues(r[1], {2, -3});
  EXPECT_TRUE(r[2].isInteger);
  EXPECT_EQ(r[2].words, (std::vector<int64_t>{1, 0, 1, 1})); // tiles of inputs (0, 1) and (2); [t, n]
}

TEST(TiledMvm, RejectsContradictingSizes) {
  Program program(kWeightGradient);
  Tensor g = Tensor::zeros({2, 2}), x = Tensor::zeros({2, 3}), w = Tensor::zeros({2, 3});
  EXPECT_EQ(program.error("f", {g, Tensor::zeros({3, 3}), w, w}),
            "expected rhs to have 2 elements along m, got 3x3 over (m, k)");
  EXPECT_EQ(program.error("f", {g, x, w, Tensor::zeros({3, 3})}),
            "expected init to have the shape of the value result, got 3x3");
}

TEST(TiledMvm, TheTailFinishesTheReducedValues) {
  Program program(R"(
    func.func @f(%g: tensor<?x?xf32>, %w: tensor<?x?xf32>, %x: tensor<?x?xf32>, %beta: tensor<?xf32>, %c: f32) -> (tensor<?xf32>, tensor<?xf32>) {
      %sum, %count = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 2>)
          lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) epilogue(%x over (m, k) : tensor<?x?xf32>)
          params(%beta over (t) : tensor<?xf32>, %c : f32)
          results(sum over (t), count over (t))
        load_lhs { ^bb0(%v: f32, %b: f32, %s: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32, %b: f32, %s: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        finish { ^bb0(%s: f32, %x0: f32, %b: f32, %p: f32):
          %out = arith.cmpf oge, %x0, %b : f32
          analog.yield reduce(%s, %out : f32, i1) }
        tail { ^bb0(%s: f32, %n: f32, %b: f32, %p: f32):
          %0 = arith.mulf %s, %b : f32
          %1 = arith.addf %n, %p : f32
          analog.yield %0, %1 : f32, f32 }
        : tensor<?xf32>, tensor<?xf32>
      return %sum, %count : tensor<?xf32>, tensor<?xf32>
    })");
  auto r = program.all("f", {Tensor::of({1, 1}, {1}), Tensor::of({1, 3}, {1, 2, 4}), Tensor::of({1, 3}, {5, 1, 5}),
                             Tensor::of({2}, {2, 3}), Tensor::scalar(.5)});
  expectValues(r[0], {6, 12});
  expectValues(r[1], {1.5, 1.5});
}

TEST(TiledMvm, ASurrogateRunsItsValueRegion) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 0>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
          results(value over (m, n))
        load_lhs { ^bb0(%v: f32):
          %r = analog.surrogate(%v) value { ^bb0(%i: f32):
            %0 = math.roundeven %i : f32
            analog.yield %0 : f32
          } derivative { ^bb0(%i: f32, %g: f32):
            %0 = arith.addf %g, %g : f32
            analog.yield %0 : f32
          } : f32
          analog.yield %r : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })");
  expectValues(program.one("f", {Tensor::of({1, 3}, {.5, 1.5, 2.6}), Tensor::of({1, 3}, {1, 10, 100})}), {320});
}

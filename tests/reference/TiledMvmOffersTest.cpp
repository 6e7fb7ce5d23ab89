// What tiled_mvm offers beyond the layers of today, by literal values: staged statistics, planes and reductions of
// end_tile, several sums in finish, tiles of another axis, several keys, the order of reductions.
#include "dialect/Reference/Elements.h"
#include "tests/reference/Layers.h"

using namespace mho::reference;

/// A-shift's digital correction in one kernel: the largest weight of a tile's row, then the sum of the codes it gives.
TEST(TiledMvm, AStatisticMapsItsElementsByTheOnesBeforeIt) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %levels: f32) -> (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>) {
      %y, %sums, %counts = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 2>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%levels : f32)
          stats(absmax(rhs 0) over (t, n), sum(rhs 0) over (t, n) map { ^bb0(%v: f32, %l: f32, %a: f32):
                  %s = arith.divf %l, %a : f32
                  %r = arith.mulf %v, %s : f32
                  %c = math.roundeven %r : f32
                  analog.yield %c : f32 },
                absmax(rhs 0) over (t) map { ^bb0(%v: f32, %l: f32, %a: f32, %sum: f32):
                  %r = arith.addf %v, %sum : f32
                  analog.yield %r : f32 })
          results(value over (m, n), stat 1 over (t, n), stat 2 over (t))
        load_lhs { ^bb0(%v: f32, %l: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32, %l: f32, %a: f32, %sum: f32, %m: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%acc: f32, %l: f32, %a: f32, %sum: f32, %m: f32):
          %r = arith.addf %acc, %sum : f32
          analog.yield %r : f32 }
        finish { ^bb0(%s: f32, %l: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
      return %y, %sums, %counts : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
    })");
  auto r =
      program.all("f", {Tensor::of({1, 3}, {1, 1, 1}), Tensor::of({2, 3}, {4, -2.2, 8, -1, .5, 0}), Tensor::scalar(4)});
  // Tile 0: maxima 4 and 1, codes (4, -2) and (-4, 2), sums 2 and -2; tile 1: maxima 8 and 0, codes 4 and 0 / 0 = NaN.
  expectValues(r[1], {2, -2, 4, kNaN});
  expectValues(r[0], {(4 - 2.2f) + 2 + 8 + 4, kNaN}, 1e-6);
  expectValues(r[2], {6, kNaN}); // of 4 + 2, -2.2 + 2, -1 - 2, .5 - 2
}

/// What a non-linear end of tile needs for its gradient: G at (t, m, n) and the sums of a parameter's gradient.
TEST(TiledMvm, EndTileGivesPlanesAndReductions) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %g: tensor<?x?xf32>) -> (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<?xi64>) {
      %p, %s, %c = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 2>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) epilogue(%g over (m, n) : tensor<?x?xf32>)
          results(planes over (t, m, n), tile_sum over (t, n), tile_count over (t))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32, %gy: f32):
          %r = arith.mulf %a, %gy : f32
          %b = arith.cmpf ogt, %a, %gy : f32
          analog.yield %r : f32 reduce(%a, %b : f32, i1) }
        : tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<?xi64>
      return %p, %s, %c : tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<?xi64>
    })");
  auto r = program.all(
      "f", {Tensor::of({2, 3}, {1, 2, 3, 4, 5, 6}), Tensor::of({1, 3}, {1, 10, 100}), Tensor::of({2, 1}, {2, 300})});
  expectValues(r[0], {42, 54 * 300, 600, 600 * 300});
  expectValues(r[1], {21 + 54, 300 + 600});
  EXPECT_EQ(r[2].words, (std::vector<int64_t>{1, 2}));
}

/// A gradient with two accumulators, an lhs operand over (t, m) at the tile of the output, and tiles of the output's
/// rows.
TEST(TiledMvm, SeveralSumsReachFinishAndTilesMayCutTheRows) {
  const char *text = R"(
    func.func @f(%g: tensor<?x?xf32>, %s: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<f32>, tensor<?xf32>) {
      %r, %all, %rows = analog.tiled_mvm contract(n) tile(t of AXIS : #analog.tiling<balanced, rows = 2>)
          lhs(%g over (m, n) : tensor<?x?xf32>, %s over (t, m) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
          results(value over (m, k), sum over (), sum over (m))
        load_lhs { ^bb0(%v: f32, %u: f32):
          %p = arith.mulf %v, %u : f32
          analog.yield %v, %p : f32, f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0, 1 * 0)
        finish { ^bb0(%a: f32, %b: f32):
          %r = arith.addf %a, %b : f32
          analog.yield %r : f32 reduce(%a, %b : f32, f32) }
        : tensor<?x?xf32>, tensor<f32>, tensor<?xf32>
      return %r, %all, %rows : tensor<?x?xf32>, tensor<f32>, tensor<?xf32>
    })";
  auto with = [&](const std::string &axis) {
    std::string program = text;
    return Program(program.replace(program.find("AXIS"), 4, axis));
  };
  Tensor g = Tensor::of({3, 1}, {1, 2, 3}), w = Tensor::of({1, 3}, {1, 10, 100});
  // Tiles of k: inputs (0, 1) and (2); s[t, m].
  Program ofColumns = with("k");
  auto r = ofColumns.all("f", {g, Tensor::of({2, 3}, {1, 2, 3, 4, 5, 6}), w});
  expectValues(r[0], {2, 20, 500, 6, 60, 1200, 12, 120, 2100});
  expectValues(r[1], {6 * 111});
  expectValues(r[2], {11 + 400, 44 + 1000, 99 + 1800});
  // Tiles of m: rows (0, 1) and (2).
  Program ofRows = with("m");
  r = ofRows.all("f", {g, Tensor::of({2, 3}, {1, 2, kNaN, kNaN, kNaN, 6}), w});
  expectValues(r[0], {2, 20, 200, 6, 60, 600, 21, 210, 2100});
  expectValues(r[2], {111, 444, 1998});
}

TEST(TiledMvm, DrawsFromTheKeyStreamAndMapThatTheyName) {
  Program program(R"(
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %a: tensor<2xi64>, %b: tensor<2xi64>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 1>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) keys(%a : tensor<2xi64>, %b : tensor<2xi64>)
          results(value over (m, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): %n = analog.normal key(1) stream(9) : f32 analog.yield %n : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%acc: f32):
          %n = analog.normal key(0) stream(9) map word : f32
          %u = analog.uniform key(0) stream(10) : f32
          %i = analog.index tile : i32
          %t = arith.sitofp %i : i32 to f32
          %0 = arith.addf %n, %u : f32
          %1 = arith.mulf %0, %t : f32
          %2 = arith.addf %acc, %1 : f32
          analog.yield %2 : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })");
  using mho::analog::GaussianMap;
  Tensor y = program.one("f", {Tensor::of({2, 2}, {1, 0, 0, 1}), Tensor::zeros({3, 2}), Tensor::integers({2}, {7, 0}),
                               Tensor::integers({2}, {8, 1})});
  Key first{7, 0}, second{8, 1};
  for (int64_t m = 0; m < 2; ++m)
    for (int64_t o = 0; o < 3; ++o) {
      Element weight, plane;
      weight.row = o, weight.tile = m;
      plane.row = m, plane.column = o, plane.tile = 1;
      float added = float(drawNormal(first, 9, GaussianMap::Word, plane)) + float(drawUniform(first, 10, plane));
      float tile0 = m == 0 ? float(drawNormal(second, 9, GaussianMap::Half, weight)) : 0.0f;
      float tile1 = (m == 1 ? float(drawNormal(second, 9, GaussianMap::Half, weight)) : 0.0f) + added;
      EXPECT_EQ(y.at({m, o}), tile0 + tile1) << m << ", " << o;
    }
}

/// The order of SPEC.md "Reductions" on numbers whose sum depends on it.
TEST(TiledMvm, ReducesInTheNormativeOrder) {
  Program program(R"(
    func.func @f(%g: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
      %tiles, %columns = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 100>)
          lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
          results(sum over (t), sum over (k))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        finish { ^bb0(%s: f32): analog.yield reduce(%s, %s : f32, f32) }
        : tensor<?xf32>, tensor<?xf32>
      return %tiles, %columns : tensor<?xf32>, tensor<?xf32>
    })");
  int64_t rows = 130, inputs = 200;
  Tensor g = randomTensor({rows, 1}, 3), w = randomTensor({1, inputs}, 4);
  auto r = program.all("f", {g, w});
  auto summand = [&](int64_t m, int64_t k) { return float(g.at({m, 0}) * w.at({0, k})); };
  for (int64_t t = 0; t < 2; ++t) {
    float total = 0;
    for (int64_t m0 = 0; m0 < rows; m0 += 64) {
      float partial = 0;
      for (int64_t k0 = 100 * t; k0 < 100 * t + 100; k0 += 64) {
        float lanes[16] = {};
        for (int64_t m = m0; m < std::min(m0 + 64, rows); ++m)
          for (int64_t k = k0; k < std::min(k0 + 64, 100 * t + 100); ++k)
            lanes[(k - k0) % 16] += summand(m, k);
        for (int half = 8; half; half /= 2)
          for (int i = 0; i < half; ++i)
            lanes[i] += lanes[i + half];
        partial += lanes[0];
      }
      total += partial;
    }
    EXPECT_EQ(r[0].at({t}), total) << "tile " << t;
  }
  float column = 0;
  for (int64_t m0 = 0; m0 < rows; m0 += 64) {
    float partial = 0;
    for (int64_t m = m0; m < std::min(m0 + 64, rows); ++m)
      partial += summand(m, 150);
    column += partial;
  }
  EXPECT_EQ(r[1].at({150}), column);
}

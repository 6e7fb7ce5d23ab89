// Statistics over (t): largest magnitudes, counts and sums of a whole tile, with maps that draw and see parameters and
// the statistics before them, of both sides and in every direction; code against evaluator, bit for bit.
#include "tests/lowering/Jit.h"

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

class JitStatistics : public testing::TestWithParam<Isa> {};

/// Sums that are exact in no order, each stage fed by the one before; accumulators stay integers.
const char *kForward = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %p: tensor<?xf32>, %key: tensor<2xi64>)
    -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %out:6 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<TILING, rows = 150>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      params(%p over (t) : tensor<?xf32>) keys(%key : tensor<2xi64>)
      stats(absmax(rhs 0) over (t),
            sum(rhs 0) over (t, n) map { ^bb0(%v: f32, %q: f32, %a: f32):
              %third = arith.constant 0.3333 : f32
              %0 = arith.mulf %v, %third : f32
              %1 = arith.addf %0, %a : f32
              analog.yield %1 : f32 },
            sum(rhs 0) over (t) map { ^bb0(%v: f32, %q: f32, %a: f32, %s: f32):
              %i = analog.index column : i32
              %c = arith.sitofp %i : i32 to f32
              %tenth = arith.constant 0.1 : f32
              %0 = arith.divf %s, %a : f32
              %1 = arith.mulf %c, %tenth : f32
              %2 = arith.addf %0, %1 : f32
              %3 = arith.mulf %2, %v : f32
              %4 = arith.addf %3, %q : f32
              analog.yield %4 : f32 },
            absmax(rhs 0) over (t) map { ^bb0(%v: f32, %q: f32, %a: f32, %s: f32, %all: f32):
              %n = analog.normal key(0) stream(0) : f32
              %0 = math.fma %n, %v, %all : f32
              analog.yield %0 : f32 },
            count(lhs 0) over (t),
            sum(lhs 0) over (t, m) map { ^bb0(%v: f32, %q: f32, %c: f32):
              %u = analog.uniform key(0) stream(2) : f32
              %0 = arith.mulf %v, %u : f32
              analog.yield %0 : f32 },
            sum(lhs 0) over (t) map { ^bb0(%v: f32, %q: f32, %c: f32, %s: f32):
              %u = analog.uniform key(0) stream(3) : f32
              %0 = arith.divf %s, %c : f32
              %1 = math.fma %u, %v, %0 : f32
              analog.yield %1 : f32 })
      results(value over (m, n), stat 3 over (t), stat 5 over (t, m), stat 6 over (t), stat 2 over (t), stat 4 over (t))
    load_lhs { ^bb0(%v: f32, %q: f32, %count: f32, %row: f32, %sum: f32):
      %b = arith.cmpf olt, %v, %sum : f32
      %0 = arith.select %b, %v, %q : f32
      analog.yield %0 : f32 }
    load_rhs { ^bb0(%v: f32, %q: f32, %a: f32, %row: f32, %sum: f32, %noisy: f32):
      %b = arith.cmpf olt, %v, %sum : f32
      %0 = arith.select %b, %v, %a : f32
      analog.yield %0 : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%acc: f32, %q: f32, %a: f32, %row: f32, %sum: f32, %noisy: f32, %count: f32, %lrow: f32, %lsum: f32):
      %0 = arith.addf %acc, %a : f32
      %1 = arith.mulf %0, %row : f32
      %2 = arith.addf %1, %sum : f32
      %3 = math.fma %2, %noisy, %count : f32
      %4 = arith.subf %3, %lrow : f32
      %5 = arith.mulf %4, %lsum : f32
      analog.yield %5 : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
  return %out#0, %out#1, %out#2, %out#3, %out#4, %out#5 : tensor<?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
})";

TEST_P(JitStatistics, OfTilesInForwardKernelsAreTheEvaluators) {
  for (const char *tiling : {"balanced", "fixed"}) {
    Jit jit(replaced(kForward, "TILING", tiling).c_str(), false, GetParam());
    ASSERT_TRUE(jit.engine);
    for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                           {7, 65, 149},
                           {64, 64, 150},
                           {65, 63, 151},
                           {130, 200, 320},
                           {0, 9, 20},
                           {5, 0, 20},
                           {3, 4, 0}}) {
      SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
      int64_t tiles = (k + 149) / 150;
      expectResults(
          jit, *jit.source, "layer",
          {matrix(m, k, 1), matrix(n, k, 2), Tensor::of({tiles}, integers(tiles, 4)), Tensor::integers({2}, {5, 6})}, m,
          n);
    }
  }
}

/// Of the rhs of both gradients, with rows that are contracted; finish sees those over (t). Two accumulators, so that
/// the tile's columns come in several parts, each over the whole contraction.
const char *kGradient = R"(
func.func @layer(%l: tensor<?x?xf32>, %r: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %out:3 = analog.tiled_mvm contract(CONTRACT) tile(t of k : #analog.tiling<balanced, rows = 150>)
      lhs(%l over (m, n) : tensor<?x?xf32>) rhs(%r over (CONTRACT, k) : tensor<?x?xf32>)
      stats(sum(rhs 0) over (t, CONTRACT),
            sum(rhs 0) over (t) map { ^bb0(%v: f32, %a: f32):
              %third = arith.constant 0.3333 : f32
              %0 = arith.mulf %v, %third : f32
              %1 = arith.addf %0, %a : f32
              analog.yield %1 : f32 })
      results(value over (ROW, k), sum over (t), stat 1 over (t))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %a: f32, %s: f32):
      %b = arith.cmpf olt, %v, %s : f32
      %0 = arith.select %b, %v, %a : f32
      %1 = arith.addf %v, %a : f32
      analog.yield %0, %1 : f32, f32 }
    accumulate(0 * 0, 0 * 1)
    finish { ^bb0(%a0: f32, %a1: f32, %s: f32):
      %0 = math.fma %a0, %s, %a1 : f32
      analog.yield %0 : f32 reduce(%0 : f32) }
    : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
  return %out#0, %out#1, %out#2 : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
})";

TEST_P(JitStatistics, OfTheRhsOfGradientsAreTheEvaluators) {
  for (bool weight : {false, true}) {
    std::string text = replaced(replaced(kGradient, "CONTRACT", weight ? "m" : "n"), "ROW", weight ? "n" : "m");
    Jit jit(text.c_str(), false, GetParam(), "{kc = 64 : i64, nc = 64 : i64}");
    ASSERT_TRUE(jit.engine);
    for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1}, {7, 150, 149}, {140, 65, 301}, {0, 9, 20}, {5, 0, 20}}) {
      SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
      expectResults(jit, *jit.source, "layer", {matrix(m, n, 1), matrix(weight ? m : n, k, 2)}, weight ? n : m,
                    (k + 149) / 150);
    }
  }
}

/// finish of a forward kernel draws as of tile 0.
TEST_P(JitStatistics, DrawsOfFinishAreTheEvaluators) {
  Jit jit(R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %out:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 50>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) keys(%key : tensor<2xi64>)
      results(value over (m, n), sum over (n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %n = analog.normal key(0) stream(1) : f32
      %0 = arith.addf %a, %n : f32
      analog.yield %0 : f32 }
    finish { ^bb0(%s: f32):
      %n = analog.normal key(0) stream(3) : f32
      %u = analog.uniform key(0) stream(4) : f32
      %0 = math.fma %n, %u, %s : f32
      analog.yield %0 : f32 reduce(%0 : f32) }
    : tensor<?x?xf32>, tensor<?xf32>
  return %out#0, %out#1 : tensor<?x?xf32>, tensor<?xf32>
})",
          false, GetParam());
  ASSERT_TRUE(jit.engine);
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1}, {7, 65, 120}, {66, 200, 100}, {66, 70, 0}}) {
    SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
    expectResults(jit, *jit.source, "layer", {matrix(m, k, 1), matrix(n, k, 2), Tensor::integers({2}, {5, 6})}, m, n);
  }
}

INSTANTIATE_TEST_SUITE_P(Jit, JitStatistics, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

} // namespace

// Gradient kernels of several accumulators, and of an end of a tile that needs its accumulators again: bits of the
// evaluator, on every instruction set.
#include "tests/lowering/Jit.h"

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

/// A forward kernel of integers, in tiles of 64 inputs.
std::string kernelOf(const std::string &regions) {
  return R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %tp: tensor<?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%tp over (t) : tensor<?xf32>)
      results(value over (m, n))
)" + regions +
         R"(
    finish { ^bb0(%s: f32): %two = arith.constant 2.0 : f32 %r = arith.mulf %s, %two : f32 analog.yield %r : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";
}

const char *kLoads = R"(
    load_lhs { ^bb0(%v: f32, %p: f32):
      %u = arith.mulf %v, %p : f32
      %one = arith.constant 1.0 : f32
      analog.yield %v, %u, %one : f32, f32, f32 }
    load_rhs { ^bb0(%v: f32, %p: f32):
      %half = arith.constant 0.5 : f32
      %h = arith.mulf %v, %half : f32
      %slice = math.floor %h : f32
      %rest = arith.subf %v, %slice : f32
      analog.yield %slice, %rest : f32, f32 }
    accumulate(0 * 0, 1 * 1, 2 * 0, 0 * 1)
)";

Tensor paramOf(int64_t tiles) { return Tensor::of({tiles}, integers(tiles, 5)); }
Tensor keyOf(int64_t) { return Tensor::integers({2}, {77, 3}); }

class JitKernelGradient : public testing::TestWithParam<Isa> {
protected:
  /// Gradients of the layer's kernels on what those before gave, by the evaluator.
  void expectGradients(const std::string &text, bool recomputes, Tensor (*third)(int64_t tiles)) {
    Jit jit(text.c_str(), true, GetParam());
    ASSERT_TRUE(jit.engine);
    ASSERT_EQ(bool(jit.fused->lookupSymbol<func::FuncOp>("layer_dz")), recomputes);
    for (auto [b, o, k] : {std::array<int64_t, 3>{1, 1, 1}, {5, 33, 70}, {67, 50, 131}}) {
      SCOPED_TRACE(testing::Message() << b << "x" << k << " -> " << o);
      int64_t tiles = (k + 63) / 64;
      std::vector<Tensor> inputs{Tensor::of({b, k}, integers(b * k, 1)), Tensor::of({o, k}, integers(o * k, 2)),
                                 third(tiles)};
      auto forward = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer"), inputs);
      ASSERT_TRUE(bool(forward));
      std::vector<Tensor> saved(forward->begin() + 1, forward->end()),
          arguments{Tensor::of({b, o}, integers(b * o, 3))};
      auto append = [&](std::vector<Tensor> first) {
        first.insert(first.end(), inputs.begin(), inputs.end());
        first.insert(first.end(), saved.begin(), saved.end());
        return first;
      };
      std::vector<Tensor> all = append(arguments);
      if (recomputes) {
        expectResults(jit, *jit.fused, "layer_dz", all, b, o);
        auto planes = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer_dz"), all);
        ASSERT_TRUE(bool(planes));
        int64_t notZero = llvm::count_if((*planes)[0].reals, [](double v) { return v != 0; });
        EXPECT_GE(notZero, b * o / 4);
        all = append(*planes);
      }
      expectResults(jit, *jit.fused, "layer_dx", all, b, tiles);
      expectResults(jit, *jit.fused, "layer_dw", all, o, tiles);
    }
  }
};

TEST_P(JitKernelGradient, OfSeveralAccumulators) {
  expectGradients(kernelOf(std::string(kLoads) + R"(
    end_tile { ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %p: f32):
      %two = arith.constant 2.0 : f32
      %0 = arith.mulf %two, %a : f32
      %1 = arith.subf %0, %b : f32
      %2 = arith.mulf %p, %c : f32
      %3 = arith.addf %1, %2 : f32
      %r = arith.addf %3, %d : f32
      analog.yield %r : f32 })"),
                  false, paramOf);
}

TEST_P(JitKernelGradient, OfProductsOfAccumulators) {
  expectGradients(kernelOf(std::string(kLoads) + R"(
    end_tile { ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %p: f32):
      %m = math.absf %a : f32
      %0 = math.fma %p, %d, %m : f32
      %zero = arith.constant 0.0 : f32
      %positive = arith.cmpf ogt, %b, %zero : f32
      %r = arith.select %positive, %0, %c : f32
      analog.yield %r : f32 })"),
                  true, paramOf);
}

/// The bits that forward kept, a range per row, and draws that are repeated: noise of whole numbers.
const char *kEffects = R"(
analog.effect @flip on tile(%y) surrogate(derived) {
  %u = analog.uniform : f32
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %minus = arith.constant -1.0 : f32
  %is = arith.cmpf olt, %u, %half : f32
  %sign = arith.select %is, %one, %minus : f32
  %r = arith.mulf %y, %sign : f32
  analog.yield %r : f32
}
analog.effect @limit on tile(%y) surrogate(masked) {
  %top = arith.constant 90.0 : f32
  %beyond = arith.cmpf ogt, %y, %top : f32
  %r = arith.minimumf %y, %top : f32
  analog.yield %r : f32 bits(%beyond)
}
analog.effect @relative on tile(%y) params(%a over (t, m), %b over (t, n)) surrogate(derived) {
  %s = arith.subf %a, %b : f32
  %0 = arith.addf %y, %s : f32
  %r = math.absf %0 : f32
  analog.yield %r : f32
}
analog.effect @dither on weight(%w) surrogate(straight_through) {
  %n = analog.normal : f32
  %i = math.roundeven %n : f32
  %r = arith.addf %w, %i : f32
  analog.yield %r : f32
}
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %range = analog.absmax %x per row : tensor<?x?xf32> -> tensor<?x?xf32>
  %largest = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %w0 = analog.apply @dither %w key(%key) : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %p = analog.mvm %x, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %p0 = analog.apply @flip %p key(%key) : (tensor<?x?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %p1 = analog.apply @limit %p0 : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %p2 = analog.apply @relative %p1 params(%range over (t, m), %largest over (t, n)) : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %p2 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

TEST_P(JitKernelGradient, OfEffectsThatKeepBitsDrawAndNeedTheAccumulator) { expectGradients(kEffects, true, keyOf); }

INSTANTIATE_TEST_SUITE_P(Jit, JitKernelGradient, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

} // namespace

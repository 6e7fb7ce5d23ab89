// The derivative of every op of the scalar vocabulary in kernels: bits of the evaluator, on every instruction set.
#include "tests/lowering/Jit.h"

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

/// All the ops one after the other, each of the element %v and what came before; no value is far from 1.
const char *kEveryOp = R"(
      %zero = arith.constant 0.0 : f32
      %half = arith.constant 0.5 : f32
      %m = math.absf %v : f32
      %a0 = arith.addf %m, %half : f32
      %a1 = math.sqrt %a0 : f32
      %a2 = math.log %a0 : f32
      %a3 = math.tanh %v : f32
      %a4 = math.exp %a3 : f32
      %a5 = math.powf %a0, %a3 : f32
      %a6 = math.powf %p, %a2 : f32
      %a7 = arith.divf %a4, %a0 : f32
      %a8 = math.fma %a5, %a6, %a7 : f32
      %a9 = arith.minimumf %a8, %p : f32
      %b0 = arith.maximumf %a9, %a1 : f32
      %b1 = arith.negf %b0 : f32
      %b2 = math.copysign %b1, %v : f32
      %b3 = math.roundeven %a8 : f32
      %b4 = math.floor %a4 : f32
      %b5 = math.ceil %b2 : f32
      %b6 = math.trunc %a6 : f32
      %c = arith.cmpf ogt, %a8, %b0 : f32
      %b7 = arith.select %c, %b3, %b4 : f32
      %i = arith.fptosi %b7 : f32 to i32
      %one = arith.constant 1 : i32
      %j = arith.andi %i, %one : i32
      %d = arith.cmpi eq, %j, %one : i32
      %b8 = arith.select %d, %b5, %b6 : f32
      %b9 = arith.subf %b8, %b7 : f32
      %c0 = arith.mulf %b9, %a1 : f32
      %r = arith.addf %c0, %b2 : f32
      analog.yield %r : f32 }
)";

class JitScalarGradient : public testing::TestWithParam<Isa> {};

/// One row and one column, so that no sum has more than one term.
TEST_P(JitScalarGradient, IsTheEvaluators) {
  std::string text = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %param: f32) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%param : f32)
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %p: f32):
)" + std::string(kEveryOp) +
                     "load_rhs { ^bb0(%v: f32, %p: f32):\n" + kEveryOp + R"(
    accumulate(0 * 0)
    end_tile { ^bb0(%s: f32, %p: f32):
      %t = math.roundeven %s : f32
      %u = arith.mulf %t, %p : f32
      analog.yield %u : f32 }
    finish { ^bb0(%s: f32, %p: f32):
      %t = arith.divf %s, %p : f32
      analog.yield %t : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";
  Jit jit(text.c_str(), true, GetParam());
  ASSERT_TRUE(jit.engine);
  const int64_t count = 200;
  std::vector<double> x, w;
  for (int64_t i = 0; i < count; ++i) {
    x.push_back(float((i - 100) * 0.0371)); // 0 among them
    w.push_back(float((i * 37 % count - 100) * 0.0291));
  }
  std::vector<Tensor> inputs{Tensor::of({1, 1}, {0.75}), Tensor::of({1, count}, x), Tensor::of({1, count}, w),
                             Tensor::scalar(1.75)};
  int64_t tiles = (count + 63) / 64;
  expectResults(jit, *jit.fused, "layer_dx", inputs, 1, tiles);
  expectResults(jit, *jit.fused, "layer_dw", inputs, 1, tiles);
  auto gradient = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer_dx"), inputs);
  ASSERT_TRUE(bool(gradient));
  EXPECT_GT(llvm::count_if((*gradient)[0].reals, [](double v) { return std::isfinite(v) && v != 0; }), count / 2)
      << "there is something to compare";
}

INSTANTIATE_TEST_SUITE_P(Jit, JitScalarGradient, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

} // namespace

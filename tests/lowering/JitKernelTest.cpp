// Kernels written as tiled_mvm, beyond what layers of today need, and every op of the scalar vocabulary that has a
// vector form: code against evaluator.
#include "tests/lowering/Jit.h"

#include <map>

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

class JitKernel : public testing::TestWithParam<Isa> {};

const char *kManyParts = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %d: tensor<?x?xf32>, %g: tensor<?x?xf32>, %beta: tensor<?xf32>, %one: tensor<f32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<TILING, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>, %d over (t, m) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      epilogue(%g over (m, n) : tensor<?x?xf32>, %d over (t, m) : tensor<?x?xf32>)
      params(%beta over (t) : tensor<?xf32>, %one : tensor<f32>) init(%init : tensor<?x?xf32>)
      stats(absmax(rhs 0) over (t, n),
            sum(rhs 0) over (t, n) map { ^bb0(%v: f32, %b: f32, %o: f32, %a: f32):
              %i = analog.index column : i32
              %c = arith.sitofp %i : i32 to f32
              %0 = arith.addf %v, %a : f32
              %1 = arith.addf %0, %c : f32
              analog.yield %1 : f32 },
            count(lhs 0) over (t, m), sum(lhs 1) over (t, m))
      results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %u: f32, %b: f32, %o: f32, %count: f32, %rows: f32):
      %0 = arith.addf %v, %u : f32
      analog.yield %v, %0 : f32, f32 }
    load_rhs { ^bb0(%v: f32, %b: f32, %o: f32, %a: f32, %s: f32):
      %i = analog.index column : i32
      %j = analog.index row : i32
      %k = arith.addi %i, %j : i32
      %three = arith.constant 3 : i32
      %l = arith.andi %k, %three : i32
      %c = arith.sitofp %l : i32 to f32
      analog.yield %v, %c, %b : f32, f32, f32 }
    accumulate(0 * 0, 1 * 1, 0 * 1)
    end_tile { ^bb0(%a0: f32, %a1: f32, %a2: f32, %gy: f32, %u: f32, %b: f32, %o: f32, %max: f32, %sum: f32, %count: f32, %rows: f32):
      %t = analog.index tile : i32
      %m = analog.index row : i32
      %n = analog.index column : i32
      %r = analog.index tile_rows : i32
      %tm = arith.addi %t, %m : i32
      %nr = arith.addi %n, %r : i32
      %all = arith.addi %tm, %nr : i32
      %z = arith.sitofp %all : i32 to f32
      %1 = math.fma %b, %a1, %a0 : f32
      %2 = arith.subf %1, %a2 : f32
      %3 = arith.addf %2, %gy : f32
      %4 = arith.addf %3, %u : f32
      %5 = arith.addf %4, %max : f32
      %6 = arith.addf %5, %sum : f32
      %7 = arith.addf %6, %count : f32
      %8 = arith.addf %7, %rows : f32
      %9 = arith.addf %8, %z : f32
      analog.yield %9 : f32 }
    finish { ^bb0(%s: f32, %gy: f32, %o: f32):
      %n = analog.index column : i32
      %c = arith.sitofp %n : i32 to f32
      %0 = arith.mulf %gy, %c : f32
      %1 = arith.addf %s, %0 : f32
      %2 = arith.addf %1, %o : f32
      analog.yield %2 : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

/// Three accumulators of two lhs and two rhs values, operands over t, staged statistics, indices, epilogue, a parameter
/// of no axis, init: small integers everywhere, so that all sums are exact.
TEST_P(JitKernel, ManyPartsAreTheEvaluators) {
  for (std::string tiling : {"balanced", "fixed"}) {
    std::string text = kManyParts;
    text.replace(text.find("TILING"), 6, tiling);
    Jit jit(text.c_str(), false, GetParam());
    ASSERT_TRUE(jit.engine);
    for (auto [b, o, k] : {std::array<int64_t, 3>{1, 1, 1}, {5, 33, 65}, {70, 131, 200}, {0, 3, 7}, {9, 17, 0}}) {
      int64_t tiles = (k + 63) / 64;
      auto matrix = [](int64_t rows, int64_t columns, int seed) {
        return Tensor::of({rows, columns}, integers(rows * columns, seed));
      };
      EXPECT_EQ(forwardDifference(jit,
                                  {matrix(b, k, 1), matrix(o, k, 2), matrix(tiles, b, 3), matrix(b, o, 4),
                                   Tensor::of({tiles}, integers(tiles, 5)), Tensor::scalar(1), matrix(b, o, 6)},
                                  {}),
                0)
          << tiling << " " << b << "x" << k << " -> " << o;
    }
  }
}

/// Planes and bits beside the sum over tiles, and planes alone.
const char *kPlanes = R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %g: tensor<?x?xf32>) -> (TYPES) {
  %out:COUNT = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      epilogue(%g over (m, n) : tensor<?x?xf32>) results(RESULTS)
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %e: f32):
      %0 = arith.mulf %a, %e : f32
      %1 = math.absf %a : f32
      %b = arith.cmpf ogt, %a, %e : f32
      analog.yield VALUES }
    FINISH : TYPES
  return NAMES : TYPES
})";

TEST_P(JitKernel, PlanesAreTheEvaluators) {
  using Texts = std::map<std::string, std::string>;
  const std::string plane = "tensor<?x?x?xf32>";
  for (Texts texts : {Texts{{"COUNT", "3"},
                            {"TYPES", "tensor<?x?xf32>, " + plane + ", tensor<?x?x?xi32>"},
                            {"RESULTS", "value over (m, n), planes over (t, m, n), bits over (t, m, n)"},
                            {"VALUES", "%0, %1 : f32, f32 bits(%b)"},
                            {"FINISH", "finish { ^bb0(%s: f32, %e: f32): analog.yield %s : f32 }"},
                            {"NAMES", "%out#0, %out#1, %out#2"}},
                      Texts{{"COUNT", "2"},
                            {"TYPES", plane + ", " + plane},
                            {"RESULTS", "planes over (t, m, n), planes over (t, m, n)"},
                            {"VALUES", "%0, %1 : f32, f32"},
                            {"FINISH", ""},
                            {"NAMES", "%out#0, %out#1"}}}) {
    std::string text = kPlanes;
    for (auto [from, to] : texts)
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
    Jit jit(text.c_str(), false, GetParam());
    ASSERT_TRUE(jit.engine);
    for (auto [b, o, k] : {std::array<int64_t, 3>{1, 1, 1}, {5, 33, 65}, {70, 131, 200}, {0, 3, 7}, {3, 2, 0}}) {
      auto matrix = [](int64_t rows, int64_t columns, int seed) {
        return Tensor::of({rows, columns}, integers(rows * columns, seed));
      };
      SCOPED_TRACE(std::to_string(b) + "x" + std::to_string(k) + " -> " + std::to_string(o));
      expectResults(jit, *jit.source, "layer", {matrix(b, k, 1), matrix(o, k, 2), matrix(b, o, 3)}, b, o);
    }
  }
}

/// Source rows of the lhs run along the output's rows: a block of these, not of the contraction, is drawn at once.
TEST(JitKernelSchedule, DrawsOfATallBlockFitTheScratch) {
  Jit jit(R"(
func.func @layer(%g: tensor<?x?xf32>, %x: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(m) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%x over (m, k) : tensor<?x?xf32>) keys(%key : tensor<2xi64>)
      results(value over (n, k))
    load_lhs { ^bb0(%v: f32):
      %n = analog.normal key(0) stream(1) : f32
      %r = arith.mulf %n, %v : f32
      analog.yield %r : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})",
          false, mho::lowering::hostIsa(), "{mc = 4096 : i64, kc = 64 : i64, nc = 64 : i64}");
  ASSERT_TRUE(jit.engine);
  // A contraction of one term: a product, which has one rounding.
  Tensor g = Tensor::of({1, 4096}, integers(4096, 1)), x = Tensor::of({1, 8}, integers(8, 2));
  expectResults(jit, *jit.source, "layer", {g, x, Tensor::integers({2}, {5, 6})}, 4096, 1);
}

/// y = `code` of x, one element at a time.
std::string elementwise(const std::string &code) {
  return R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %zero = arith.constant 0.0 : f32
      %half = arith.constant 0.5 : f32
      %i = arith.fptosi %a : f32 to i32
      %big = arith.constant 35 : i32
      %b = arith.cmpf olt, %a, %half : f32
)" + code +
         R"(
      analog.yield %r : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";
}

std::vector<std::string> scalarCode() {
  std::vector<std::string> list;
  // Zeros of both signs on either side: -0 < +0.
  for (std::string op : {"minimumf", "maximumf"})
    for (std::string zero : {"0.0", "-0.0"}) {
      list.push_back("%z = arith.constant " + zero + " : f32\n%r = arith." + op + " %a, %z : f32");
      list.push_back("%z = arith.constant " + zero + " : f32\n%r = arith." + op + " %z, %a : f32");
    }
  for (std::string op : {"addf", "subf", "mulf", "divf", "minimumf", "maximumf"})
    list.push_back("%r = arith." + op + " %a, %half : f32");
  for (std::string op : {"absf", "roundeven", "floor", "ceil", "trunc", "sqrt"})
    list.push_back("%r = math." + op + " %a : f32");
  for (std::string op : {"addi", "subi", "muli", "andi", "ori", "xori", "shli", "shrui", "shrsi"})
    list.push_back("%0 = arith." + op + " %i, %big : i32\n%r = arith.sitofp %0 : i32 to f32");
  list.push_back("%0 = arith.shrui %big, %i : i32\n%r = arith.uitofp %0 : i32 to f32");
  list.push_back("%r = arith.uitofp %i : i32 to f32");
  list.push_back("%0 = arith.extui %b : i1 to i32\n%r = arith.sitofp %0 : i32 to f32");
  list.push_back("%r = arith.uitofp %b : i1 to f32");
  list.push_back(
      "%0 = arith.bitcast %a : f32 to i32\n%1 = arith.shrui %0, %big : i32\n%r = arith.sitofp %1 : i32 to f32");
  list.push_back("%0 = arith.bitcast %i : i32 to f32\n%r = arith.select %b, %0, %a : f32");
  for (std::string op : {"exp", "log", "tanh"})
    list.push_back("%r = math." + op + " %a : f32");
  list.push_back("%r = math.copysign %half, %a : f32");
  list.push_back("%r = math.fma %a, %half, %half : f32");
  list.push_back("%r = arith.negf %a : f32");
  for (std::string p :
       {"oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno"})
    list.push_back("%0 = arith.cmpf " + p + ", %a, %half : f32\n%r = arith.select %0, %half, %zero : f32");
  for (std::string p : {"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"})
    list.push_back("%0 = arith.cmpi " + p + ", %i, %big : i32\n%r = arith.select %0, %half, %zero : f32");
  return list;
}

TEST_P(JitKernel, ScalarCodeIsTheEvaluators) {
  std::vector<double> values{0,    -0.0, 0.5,      -0.5,      1.5,        2.5,           -2.5,
                             33,   -33,  35,       40,        2147483520, -2147483648.0, 3e9,
                             -3e9, 1e20, 0x1p-149, -0x1p-130, NAN,        INFINITY,      -INFINITY,
                             0.7,  -0.3, 0.5625,   -0.9,      88.7228,    -87.5,         -103.97};
  for (int i = -40; i < 40; ++i) // every path of the elementary functions
    values.push_back(i * 2.7182818 + 0.1);
  int64_t count = values.size();
  Tensor x = Tensor::of({count, 1}, values), w = Tensor::of({1, 1}, {1});
  for (const std::string &code : scalarCode()) {
    Jit jit(elementwise(code).c_str(), false, GetParam());
    ASSERT_TRUE(jit.engine) << code;
    auto expected = mho::reference::evaluate(jit.source->lookupSymbol<func::FuncOp>("layer"), {x, w});
    ASSERT_TRUE(bool(expected)) << code;
    Call call;
    call.tensor(x);
    call.tensor(w);
    std::vector<float> &y = call.result({count, 1});
    ASSERT_TRUE(call.run(*jit.engine, "layer", count, 1));
    for (int64_t i = 0; i < count; ++i) {
      double e = (*expected)[0].reals[i];
      EXPECT_TRUE(mho::reference::sameNumber(y[i], e))
          << code << " of " << values[i] << " is " << y[i] << ", the evaluator has " << e;
    }
  }
}

/// Every pair of operands that the special cases of pow are made of, and of ordinary ones.
TEST_P(JitKernel, PowerIsTheEvaluators) {
  Jit jit(R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %p: tensor<?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      params(%p over (n) : tensor<?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %e: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %e: f32):
      %r = math.powf %a, %e : f32
      analog.yield %r : f32 }
    finish { ^bb0(%s: f32, %e: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})",
          false, GetParam());
  ASSERT_TRUE(jit.engine);
  std::vector<double> values;
  for (double v : {0.0,
                   0x1p-149,
                   0x1.5p-130,
                   0.3,
                   0.5,
                   0x1.fffffep-1,
                   1.0,
                   0x1.000002p0,
                   1.5,
                   2.0,
                   3.0,
                   10.0,
                   87.5,
                   149.0,
                   8388607.5,
                   16777215.0,
                   16777218.0,
                   1e20,
                   0x1.fffffep127,
                   double(INFINITY),
                   double(NAN)})
    values.insert(values.end(), {v, -v});
  int64_t count = values.size();
  std::vector<double> ones(count, 1);
  std::vector<Tensor> inputs{Tensor::of({count, 1}, values), Tensor::of({count, 1}, ones), Tensor::of({count}, values)};
  auto expected = mho::reference::evaluate(jit.source->lookupSymbol<func::FuncOp>("layer"), inputs);
  ASSERT_TRUE(bool(expected));
  Call call;
  for (const Tensor &input : inputs)
    call.tensor(input);
  std::vector<float> &y = call.result({count, count});
  ASSERT_TRUE(call.run(*jit.engine, "layer", count, count));
  for (int64_t i = 0; i < count * count; ++i) {
    float e = float((*expected)[0].reals[i]);
    EXPECT_TRUE(mho::reference::sameNumber(y[i], e)) << values[i / count] << " to the power of " << values[i % count]
                                                     << " is " << y[i] << ", the evaluator has " << e;
  }
}

INSTANTIATE_TEST_SUITE_P(Jit, JitKernel, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

} // namespace

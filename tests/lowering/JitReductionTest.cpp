// Kernels whose output holds the tiles: several accumulators, no value result, reductions over subsets of the tile, the
// rows and the columns, with and without a tail; code against evaluator, bit for bit on data that is not exact in any
// order.
#include "tests/lowering/Jit.h"

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

/// A contraction over m ("m") or n ("n"), whose output is (n, k) or (m, k).
struct Direction {
  const char *contract, *lhs, *rhs, *output, *row;
};

constexpr Direction kWeight{"m", "(m, n)", "(m, k)", "(n, k)", "n"}, kInput{"n", "(m, n)", "(n, k)", "(m, k)", "m"};

/// `tail`: the axes of the tail's reductions; null: no tail, and reductions that keep the columns or do not.
struct Case {
  const char *name;
  Direction direction;
  bool value;
  const char *tail;
  int accumulators;
  bool columns = false;
};

class JitReduction : public testing::TestWithParam<std::tuple<Isa, Case>> {};

std::string kernelText(const Case &c) {
  std::string types = c.value ? "tensor<?x?xf32>, " : "", results = c.value ? "value over OUTPUT, " : "";
  std::string value = c.value ? "analog.yield %y : f32" : "analog.yield";
  if (c.tail) {
    std::string axes = c.tail, type = axes.find(',') == axes.npos ? "tensor<?xf32>" : "tensor<?x?xf32>";
    types += type + ", " + type;
    results += "sum over (" + axes + "), count over (" + axes + ")";
  } else if (c.columns) {
    types += "tensor<?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?x?xf32>, tensor<?xi64>, tensor<?x?xi64>";
    results += "sum over (k), sum over (t, k), sum over (ROW, k), sum over (k, t, ROW), count over (k), "
               "count over (k, ROW)";
  } else {
    types += "tensor<?x?xf32>, tensor<?xf32>, tensor<f32>, tensor<?xf32>, tensor<?x?xi64>, tensor<i64>";
    results += "sum over (t, ROW), sum over (ROW), sum over (), sum over (t), count over (ROW, t), count over ()";
  }
  std::string reduce =
      c.tail ? " reduce(%r, %b : f32, i1)" : " reduce(%r, %r, %r, %r, %b, %b : f32, f32, f32, f32, i1, i1)";
  const char *pairs[] = {"", "0 * 0", "0 * 0, 1 * 1", "0 * 0, 1 * 1, 0 * 1"};
  std::string sums, arguments = "%a0: f32";
  for (int i = 1; i < c.accumulators; ++i) {
    arguments += ", %a" + std::to_string(i) + ": f32";
    sums += "%s" + std::to_string(i) + " = arith.subf %s" + std::to_string(i - 1) + ", %a" + std::to_string(i) +
            " : f32\n      ";
  }
  bool overTiles = c.tail && StringRef(c.tail).contains("t");
  std::string tail = R"(
    tail { ^bb0(%sum: f32, %count: f32, SEEN%param: f32):
      %0 = arith.mulf %sum, %param : f32
      %1 = arith.divf %count, %param : f32
      analog.yield %0, %1 : f32, f32 })";
  std::string text = R"(
func.func @layer(%l: tensor<?x?xf32>, %r: tensor<?x?xf32>, %e: tensor<?x?xf32>, %p: tensor<?xf32>, %scale: f32) -> (TYPES) {
  %out:COUNT = analog.tiled_mvm contract(CONTRACT) tile(t of k : #analog.tiling<balanced, rows = 150>)
      lhs(%l over LHS : tensor<?x?xf32>) rhs(%r over RHS : tensor<?x?xf32>)
      epilogue(%e over OUTPUT : tensor<?x?xf32>) params(%p over (t) : tensor<?xf32>, %scale over () : f32) results(RESULTS)
    load_lhs { ^bb0(%v: f32, %q: f32, %u: f32):
      %0 = math.absf %v : f32
      analog.yield %v, %0 : f32, f32 }
    load_rhs { ^bb0(%v: f32, %q: f32, %u: f32):
      %0 = arith.addf %v, %q : f32
      analog.yield %v, %0 : f32, f32 }
    accumulate(PAIRS)
    finish { ^bb0(ARGUMENTS, %v: f32, %q: f32, %u: f32):
      %s0 = arith.addf %a0, %v : f32
      SUMS%y = arith.addf %sLAST, %q : f32
      %third = arith.constant 0.3333 : f32
      %r0 = arith.mulf %y, %third : f32
      %b = arith.cmpf olt, %v, %q : f32
      YIELDREDUCE }TAIL
    : TYPES
  return NAMES : TYPES
})";
  int count = (c.value ? 1 : 0) + (c.tail ? 2 : 6);
  std::string names;
  for (int i = 0; i < count; ++i)
    names += (i ? ", %out#" : "%out#") + std::to_string(i);
  reduce = replaced(reduce, "%r", "%r0");
  for (auto [from, to] :
       std::initializer_list<std::pair<std::string, std::string>>{{"NAMES", names},
                                                                  {"COUNT", std::to_string(count)},
                                                                  {"RESULTS", results},
                                                                  {"TYPES", types},
                                                                  {"CONTRACT", c.direction.contract},
                                                                  {"LHS", c.direction.lhs},
                                                                  {"RHS", c.direction.rhs},
                                                                  {"OUTPUT", c.direction.output},
                                                                  {"ROW", c.direction.row},
                                                                  {"PAIRS", pairs[c.accumulators]},
                                                                  {"ARGUMENTS", arguments},
                                                                  {"SUMS", sums},
                                                                  {"LAST", std::to_string(c.accumulators - 1)},
                                                                  {"YIELD", value},
                                                                  {"REDUCE", reduce},
                                                                  {"TAIL", c.tail ? tail : ""},
                                                                  {"SEEN", overTiles ? "%tile: f32, " : ""}})
    text = replaced(text, from, to);
  return text;
}

TEST_P(JitReduction, AreTheEvaluators) {
  auto [isa, c] = GetParam();
  Jit jit(kernelText(c).c_str(), false, isa);
  ASSERT_TRUE(jit.engine);
  bool weight = StringRef(c.direction.contract) == "m";
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                         {7, 65, 149},
                         {130, 71, 451},
                         {65, 64, 299},
                         {64, 129, 300},
                         {0, 9, 20},
                         {5, 0, 20}}) {
    int64_t rows = weight ? n : m, tiles = (k + 149) / 150;
    auto matrix = [](int64_t r, int64_t columns, int seed) {
      return Tensor::of({r, columns}, integers(r * columns, seed));
    };
    Tensor lhs = matrix(m, n, 1), rhs = weight ? matrix(m, k, 2) : matrix(n, k, 2);
    SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
    expectResults(jit, *jit.source, "layer",
                  {lhs, rhs, matrix(rows, k, 3), Tensor::of({tiles}, integers(tiles, 4)), Tensor::of({}, {3})}, rows,
                  tiles);
  }
}

const Case kCases[] = {
    {"WeightOne", kWeight, true, nullptr, 1},
    {"WeightThree", kWeight, true, nullptr, 3},
    {"WeightNoValue", kWeight, false, nullptr, 1},
    {"WeightNoValueTwoTail", kWeight, false, "t, ROW", 2},
    {"InputTwo", kInput, true, "t, ROW", 2},
    {"InputNoValueThree", kInput, false, nullptr, 3},
    {"WeightColumns", kWeight, true, nullptr, 1, true},
    {"InputNoValueColumns", kInput, false, nullptr, 2, true},
    {"WeightTailOfColumns", kWeight, false, "k", 1},
    {"InputTailOfTileColumns", kInput, true, "k, t", 1},
    {"InputTailOfElements", kInput, true, "ROW, k", 1},
};

INSTANTIATE_TEST_SUITE_P(Jit, JitReduction,
                         testing::Combine(testing::ValuesIn(runnableIsas()), testing::ValuesIn(kCases)),
                         [](const auto &info) {
                           return mho::lowering::nameOf(std::get<0>(info.param)).str() + "_" +
                                  std::get<1>(info.param).name;
                         });

} // namespace

// Kernels that contract the tiled axis and reduce what end_tile and finish yield, over every subset of the axes, with
// and without a tail, a value and a finish; code against evaluator, bit for bit on data that is not exact in any order.
#include "tests/lowering/Jit.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

/// `ofTile`, `ofFinish`: the reductions of a region, "sum over (t, n)". With `tail` each is divided
/// by %c, together with the sum before it over the same axes.
struct Case {
  const char *name;
  bool value;
  std::vector<const char *> ofTile, ofFinish;
  bool tail = false;
  int accumulators = 1;
};

/// For the tests' names.
void PrintTo(const Case &c, std::ostream *stream) { *stream << c.name; }

std::string typeOf(StringRef reduction, bool tail) {
  auto [kind, axes] = reduction.split(" over ");
  std::string sizes = axes == "()" ? "" : "?x";
  for (size_t i = 0; i < axes.count(','); ++i)
    sizes += "?x";
  return "tensor<" + sizes + (kind.contains("count") && !tail ? "i64>" : "f32>");
}

/// The `reduce` of a yield: sums take %r, counts %b.
std::string reduceText(const std::vector<const char *> &reductions) {
  std::vector<std::string> names, types;
  for (StringRef reduction : reductions) {
    names.push_back(reduction.contains("count") ? "%b" : "%r");
    types.push_back(reduction.contains("count") ? "i1" : "f32");
  }
  return names.empty() ? "" : " reduce(" + llvm::join(names, ", ") + " : " + llvm::join(types, ", ") + ")";
}

std::string finishText(const Case &c) {
  if (!c.value && c.ofFinish.empty())
    return "";
  return R"(
    finish { ^bb0(%s: f32, %v: f32, %c: f32):
      %third = arith.constant 0.3333 : f32
      %y = arith.addf %s, %v : f32
      %r = arith.mulf %y, %third : f32
      %b = arith.cmpf ogt, %y, %c : f32
      analog.yield )" +
         std::string(c.value ? "%y : f32" : "") + reduceText(c.ofFinish) + " }";
}

std::string tailText(const Case &c) {
  std::vector<std::string> arguments, values, types;
  std::string code;
  std::vector<StringRef> all(c.ofTile.begin(), c.ofTile.end());
  all.insert(all.end(), c.ofFinish.begin(), c.ofFinish.end());
  for (size_t i = 0; i < all.size(); ++i) {
    std::string number = std::to_string(i), whole = "%s" + number;
    for (size_t j = 0; j < i; ++j)
      if (all[j].split(" over ").second == all[i].split(" over ").second) {
        code += "      %t" + number + " = arith.addf " + whole + ", %s" + std::to_string(j) + " : f32\n";
        whole = "%t" + number;
        break;
      }
    arguments.push_back("%s" + number + ": f32");
    values.push_back("%v" + number);
    types.push_back("f32");
    code += "      %v" + number + " = arith.divf " + whole + ", %c : f32\n";
  }
  return "\n    tail { ^bb0(" + llvm::join(arguments, ", ") + ", %c: f32):\n" + code + "      analog.yield " +
         llvm::join(values, ", ") + " : " + llvm::join(types, ", ") + " }";
}

std::string kernelText(const Case &c) {
  bool finish = c.value || !c.ofFinish.empty(), two = c.accumulators == 2;
  std::vector<std::string> specs, types, names;
  if (c.value) {
    specs.push_back("value over (m, n)");
    types.push_back("tensor<?x?xf32>");
  }
  for (bool ofTile : {true, false})
    for (const char *reduction : ofTile ? c.ofTile : c.ofFinish) {
      specs.push_back((ofTile ? "tile_" : "") + std::string(reduction));
      types.push_back(typeOf(reduction, c.tail));
    }
  for (size_t i = 0; i < specs.size(); ++i)
    names.push_back(specs.size() == 1 ? "%out" : "%out#" + std::to_string(i));
  std::string allTypes = llvm::join(types, ", "), specText = llvm::join(specs, ", ");
  return R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %e: tensor<?x?xf32>, %p: f32) -> ()" +
         allTypes + ") {\n  %out" + (specs.size() == 1 ? "" : ":" + std::to_string(specs.size())) +
         R"( = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 150>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      epilogue(%e over (m, n) : tensor<?x?xf32>) params(%p over () : f32) results()" +
         specText + R"()
    load_lhs { ^bb0(%v: f32, %c: f32):
      %0 = math.absf %v : f32
      analog.yield %v, %0 : f32, f32 }
    load_rhs { ^bb0(%v: f32, %c: f32): analog.yield %v : f32 }
    accumulate()" +
         (two ? "0 * 0, 1 * 0" : "0 * 0") + ")\n    end_tile { ^bb0(%a0: f32" + (two ? ", %a1: f32" : "") +
         ", %v: f32, %c: f32):\n" + (two ? "      %a = arith.subf %a0, %a1 : f32\n" : "") + R"(
      %third = arith.constant 0.3333 : f32
      %y = arith.addf )" +
         (two ? "%a" : "%a0") + R"(, %v : f32
      %r = arith.mulf %y, %third : f32
      %b = arith.cmpf olt, %y, %c : f32
      analog.yield )" +
         (finish ? "%y : f32" : "") + reduceText(c.ofTile) + " }" + finishText(c) + (c.tail ? tailText(c) : "") +
         "\n    : " + allTypes + "\n  return " + llvm::join(names, ", ") + " : " + allTypes + "\n}\n";
}

class JitForwardReduction : public testing::TestWithParam<std::tuple<Isa, Case>> {};

TEST_P(JitForwardReduction, AreTheEvaluators) {
  auto [isa, c] = GetParam();
  Jit jit(kernelText(c).c_str(), false, isa);
  ASSERT_TRUE(jit.engine) << kernelText(c);
  auto matrix = [](int64_t rows, int64_t columns, int seed) {
    return Tensor::of({rows, columns}, integers(rows * columns, seed));
  };
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                         {7, 65, 149},
                         {64, 64, 150},
                         {65, 63, 151},
                         {130, 131, 320},
                         {3, 300, 17},
                         {520, 66, 160},
                         {0, 9, 20},
                         {5, 0, 20},
                         {66, 70, 0}}) {
    SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
    expectResults(jit, *jit.source, "layer",
                  {matrix(m, k, 1), matrix(n, k, 2), matrix(m, n, 3), Tensor::of({}, {1.1f})}, m, n);
  }
}

const Case kCases[] = {
    {"Summed",
     true,
     {"sum over ()", "sum over (t)", "count over ()", "count over (t)"},
     {"sum over ()", "count over ()"}},
    {"Rows",
     true,
     {"sum over (m)", "sum over (m, t)", "count over (t, m)"},
     {"sum over (m)", "count over (m)"},
     false,
     2},
    {"Columns", true, {"sum over (n)", "sum over (n, t)", "count over (t, n)"}, {"sum over (n)", "count over (n)"}},
    {"Elements",
     true,
     {"sum over (m, n)", "sum over (n, m)", "sum over (t, m, n)", "sum over (n, t, m)", "count over (m, n)",
      "count over (m, t, n)"},
     {"sum over (n, m)", "count over (m, n)"}},
    {"All",
     true,
     {"sum over ()", "sum over (n)", "sum over (m)", "sum over (t, n)", "count over (m, n)"},
     {"sum over (m)", "sum over (n)", "sum over (m, n)", "sum over ()"},
     false,
     2},
    {"NoValue", false, {"sum over (t)"}, {"sum over (n)", "count over ()"}},
    {"NoFinish", false, {"sum over (t, n)", "count over (n)"}, {}},
    {"TailOfTiles", true, {"sum over (t)", "count over (t)"}, {}, true},
    {"TailOfColumns", true, {"sum over (n)", "count over (n)"}, {"sum over (n)"}, true},
    {"TailOfTileColumns", false, {"sum over (t, n)", "count over (t, n)"}, {}, true, 2},
    {"TailOfElements", true, {"sum over (m, n)", "count over (m, n)"}, {"count over (m, n)"}, true},
    {"TailOfDifferentAxes",
     true,
     {"sum over (t)", "sum over (n)", "count over (t)", "sum over ()", "sum over (m, n)"},
     {"sum over (n)", "count over (m)", "count over ()"},
     true},
    {"TailOfNothingKept", false, {"count over ()"}, {"sum over ()"}, true},
};

INSTANTIATE_TEST_SUITE_P(Jit, JitForwardReduction,
                         testing::Combine(testing::ValuesIn(runnableIsas()), testing::ValuesIn(kCases)),
                         [](const auto &info) {
                           return mho::lowering::nameOf(std::get<0>(info.param)).str() + "_" +
                                  std::get<1>(info.param).name;
                         });

} // namespace

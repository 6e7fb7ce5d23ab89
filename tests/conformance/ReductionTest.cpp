// Kernels that reduce, launched as a whole by every backend: any number of threads, which cut the output where its
// reductions allow it, gives the evaluator's bits on data that is not exact in any order.
#include "tests/conformance/Backends.h"
#include "tests/conformance/LayerCase.h"

#include "mlir/Parser/Parser.h"

#include <deque>

namespace mho::conformance {
namespace {

constexpr int64_t kTileRows = 100;

/// A kernel of a matrix per side, and whether it contracts the outputs (input gradient) in place of the inputs.
struct KernelCase {
  const char *name;
  bool gradient;
  const char *stats, *results, *arguments, *reduce, *types;
};

/// Results of every place that partial sums have: cut along both axes, along the columns, the rows, or not at all.
const KernelCase kCases[] = {
    {"Blocks", false, "", "tile_sum over (t), sum over ()", "", "1", "tensor<?xf32>, tensor<f32>"},
    {"Columns", false, "", "tile_sum over (t, n), sum over ()", "", "1", "tensor<?x?xf32>, tensor<f32>"},
    {"Rows", false, "", "tile_sum over (m), sum over ()", "", "1", "tensor<?xf32>, tensor<f32>"},
    {"RowsAndColumns", false, "", "tile_sum over (m), sum over (n)", "", "1", "tensor<?xf32>, tensor<?xf32>"},
    {"GradientBlocks", true, "", "sum over (t), sum over (m)", "", "2", "tensor<?xf32>, tensor<?xf32>"},
    {"GradientColumns", true, "", "sum over (k), sum over (t)", "", "2", "tensor<?xf32>, tensor<?xf32>"},
    {"Statistic", false,
     "stats(absmax(rhs 0) over (t), sum(rhs 0) over (t) map { ^bb0(%v: f32, %a: f32):\n"
     "  %0 = arith.divf %v, %a : f32\n  analog.yield %0 : f32 })",
     "tile_sum over (t), stat 1 over (t)", ", %max: f32, %s: f32", "t", "tensor<?xf32>, tensor<?xf32>"},
};

std::string kernelText(const KernelCase &c) {
  std::string tile = "%r = arith.mulf %a, %third : f32\n", types = "tensor<?x?xf32>, " + std::string(c.types);
  bool statistic = *c.stats;
  std::string ofTile = c.gradient ? "" : "reduce(%r : f32)", ofFinish = statistic ? "" : "reduce(%r : f32)";
  std::string endTile =
      std::string("end_tile { ^bb0(%a: f32") + c.arguments + "):\n" + "%third = arith.constant 0.3333 : f32\n" +
      (statistic ? "%r = arith.mulf %a, %s : f32\n" : tile) + "analog.yield %a : f32 " + ofTile + "}\n";
  std::string finish = std::string("finish { ^bb0(%a: f32):\n%third = arith.constant 0.3333 : f32\n") + tile +
                       "analog.yield %a : f32 " + (c.gradient ? "reduce(%r, %r : f32, f32)" : ofFinish) + "}\n";
  return "func.func @kernel(%l: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (" + types +
         ") {\n%out:3 = analog.tiled_mvm contract(" + (c.gradient ? "n" : "k") +
         ") tile(t of k : #analog.tiling<balanced, rows = " + std::to_string(kTileRows) + ">) lhs(%l over (m, " +
         (c.gradient ? "n" : "k") + ") : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) " + c.stats +
         " results(value over (m, " + (c.gradient ? "k" : "n") + "), " + c.results + ")\n" +
         "load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }\nload_rhs { ^bb0(%v: f32" + c.arguments +
         "): analog.yield %v : f32 }\naccumulate(0 * 0)\n" + (c.gradient ? "" : endTile) + finish + ": " + types +
         "\nreturn %out#0, %out#1, %out#2 : " + types + "\n}\n";
}

class Reduction : public BackendTest<std::tuple<std::string, size_t>> {};

TEST_P(Reduction, IsTheEvaluatorsOnAnyThreads) {
  const KernelCase &c = kCases[std::get<1>(GetParam())];
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(kernelText(c), &context);
  ASSERT_TRUE(module) << kernelText(c);
  auto function = module->lookupSymbol<mlir::func::FuncOp>("kernel");
  auto kernel = (*Backend::get(backend()))->compile(function, {});
  ASSERT_TRUE(kernel) << kernel.message();
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{1, 1, 1}, {65, 63, 101}, {200, 190, 330}, {3, 300, 100}, {0, 5, 7}, {70, 64, 0}}) {
    Matrix lhs({m, c.gradient ? n : k}), rhs({n, k});
    std::mt19937 engine(3);
    lhs.fill(engine, -5, 5);
    rhs.fill(engine, -5, 5);
    std::vector<Tensor> expected = llvm::cantFail(reference::evaluate(function, {lhs.tensor(), rhs.tensor()}));
    KernelOutput output{m, n, false, {k, kTileRows, false}};
    if (c.gradient)
      output = {m, output.tiles.count(), true, output.tiles};
    for (int64_t threads : {1, 2, 3, 7}) {
      std::vector<SlotValue> values(5);
      std::deque<Matrix> results;
      values[0].tensor = lhs.ref;
      values[1].tensor = rhs.ref;
      for (size_t i = 0; i < expected.size(); ++i) {
        Matrix &result = results.emplace_back(std::initializer_list<int64_t>{});
        result.ref.rank = expected[i].rank();
        int64_t stride = 1;
        for (int d = result.ref.rank - 1; d >= 0; --d) {
          result.ref.sizes[d] = expected[i].shape[d];
          result.ref.strides[d] = stride;
          stride *= expected[i].shape[d];
        }
        result.data.assign(std::max<int64_t>(1, stride), NAN);
        result.ref.data = result.data.data();
        values[2 + i].tensor = result.ref;
      }
      Placement placement(backend(), pool(threads));
      for (SlotValue &value : values)
        placement.place(value.tensor);
      Status status = (*kernel)->launch(values.data(), output, placement.context());
      placement.fetch();
      ASSERT_TRUE(status) << status.message();
      for (size_t i = 0; i < expected.size(); ++i)
        expectEqual(results[i], expected[i], std::to_string(threads) + " threads, result " + std::to_string(i));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Reduction,
                         testing::Combine(testing::ValuesIn(backendNames()),
                                          testing::Range<size_t>(0, std::size(kCases))),
                         [](const auto &info) {
                           return std::get<0>(info.param) + "_" + kCases[std::get<1>(info.param)].name;
                         });

} // namespace
} // namespace mho::conformance

// Tiles of any number of rows on the CPU backend, on one thread and on several, against the evaluator; the suite runs
// for each instruction set.
#include "tests/conformance/LayerCase.h"

namespace mho::conformance {
namespace {

using Parameter = std::tuple<std::string, int64_t>; // spec, rows of a tile

class Tiles : public testing::TestWithParam<Parameter> {};

TEST_P(Tiles, GiveTheEvaluatorsBits) {
  auto [name, tileRows] = GetParam();
  for (auto [rows, inputs, outputs] : {std::array<int64_t, 3>{3, 17, 5}, {66, 157, 67}}) {
    LayerCase layer{{}, exactScalars(), rows, inputs, outputs};
    for (const auto &[known, spec] : exactSpecs())
      if (known == name)
        layer.spec = spec;
    layer.spec.tileRows = tileRows;
    LayerRun::Expected expected = LayerRun(layer).evaluate(/*gradients=*/true);
    for (int64_t threads : {1, 3}) {
      SCOPED_TRACE(std::to_string(rows) + " rows, " + std::to_string(threads) + " threads");
      LayerRun run(layer);
      Status status = run.forward("cpu", pool(threads), /*save=*/true);
      ASSERT_TRUE(status) << status.message();
      expectEqual(run.y, expected.y, "y");
      status = run.backward("cpu", pool(threads));
      ASSERT_TRUE(status) << status.message();
      for (const auto &[input, gradient] : expected.gradients)
        expectEqual(run.gradient(input), gradient, "d" + input);
    }
  }
}

std::string nameOf(const testing::TestParamInfo<Parameter> &info) {
  return std::get<0>(info.param) + "_" + std::to_string(std::get<1>(info.param));
}

// Balanced tiles, and some that are padded.
INSTANTIATE_TEST_SUITE_P(Balanced, Tiles,
                         testing::Combine(testing::Values("redrawn"), testing::Values(0, 1, 7, 64, 150)), nameOf);
INSTANTIATE_TEST_SUITE_P(Fixed, Tiles, testing::Combine(testing::Values("through"), testing::Values(7, 150)), nameOf);

} // namespace
} // namespace mho::conformance

// Gradient kernels of every backend against the evaluator's hand-written gradient of the algebra.
#include "tests/conformance/LayerCase.h"

namespace mho::conformance {
namespace {

using Parameter = std::tuple<size_t, size_t>; // spec, shape

class Gradient : public testing::TestWithParam<Parameter> {};

std::string nameOf(const testing::TestParamInfo<Parameter> &info) {
  auto [rows, inputs, outputs] = raggedShapes()[std::get<1>(info.param)];
  return exactSpecs()[std::get<0>(info.param)].first + "_" + std::to_string(rows) + "x" + std::to_string(inputs) + "x" +
         std::to_string(outputs);
}

TEST_P(Gradient, EqualsTheEvaluator) {
  auto [rows, inputs, outputs] = raggedShapes()[std::get<1>(GetParam())];
  LayerCase layer{exactSpecs()[std::get<0>(GetParam())].second, exactScalars(), rows, inputs, outputs};
  layer.spec.tileRows = 64;
  for (Backend *backend : Backend::all()) {
    LayerRun run(layer);
    Status status = run.forward(backend->name(), serial(), /*save=*/true);
    ASSERT_TRUE(status) << status.message();
    status = run.backward(backend->name(), serial());
    ASSERT_TRUE(status) << status.message();
    for (auto &[name, expected] : run.evaluate(true).gradients)
      expectEqual(run.gradient(name), expected, "gradient of " + name);
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, Gradient,
                         testing::Combine(testing::Range<size_t>(0, exactSpecs().size()),
                                          testing::Range<size_t>(0, raggedShapes().size())),
                         nameOf);

} // namespace
} // namespace mho::conformance

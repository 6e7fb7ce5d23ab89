// Gradient kernels of every backend against the evaluator's hand-written gradient of the algebra.
#include "tests/conformance/Backends.h"
#include "tests/conformance/LayerCase.h"

namespace mho::conformance {
namespace {

using Parameter = std::tuple<std::string, size_t, size_t>; // backend, spec, shape

class Gradient : public BackendTest<Parameter> {
protected:
  void expectTheEvaluators(int64_t padding, int64_t step) {
    auto [rows, inputs, outputs] = raggedShapes()[std::get<2>(GetParam())];
    LayerCase layer{exactSpecs()[std::get<1>(GetParam())].second, exactScalars(), rows, inputs, outputs};
    layer.spec.tileRows = 64;
    LayerRun run(layer, padding, step);
    Status status = run.forward(backend(), serial(), /*save=*/true);
    ASSERT_TRUE(status) << status.message();
    status = run.backward(backend(), serial());
    ASSERT_TRUE(status) << status.message();
    for (auto &[name, expected] : run.evaluate(true).gradients)
      expectEqual(run.gradient(name), expected, "gradient of " + name);
  }
};

std::string nameOf(const testing::TestParamInfo<Parameter> &info) {
  auto [rows, inputs, outputs] = raggedShapes()[std::get<2>(info.param)];
  return std::get<0>(info.param) + "_" + exactSpecs()[std::get<1>(info.param)].first + "_" + std::to_string(rows) +
         "x" + std::to_string(inputs) + "x" + std::to_string(outputs);
}

TEST_P(Gradient, EqualsTheEvaluator) { expectTheEvaluators(0, 1); }

TEST_P(Gradient, EqualsTheEvaluatorOnStridedTensors) { expectTheEvaluators(/*padding=*/3, /*step=*/2); }

INSTANTIATE_TEST_SUITE_P(Layers, Gradient,
                         testing::Combine(testing::ValuesIn(backendNames()),
                                          testing::Range<size_t>(0, exactSpecs().size()),
                                          testing::Range<size_t>(0, raggedShapes().size())),
                         nameOf);

} // namespace
} // namespace mho::conformance

// Forward kernels of every backend against the evaluator of the algebra.
#include "tests/conformance/Backends.h"
#include "tests/conformance/LayerCase.h"

namespace mho::conformance {
namespace {

using Parameter = std::tuple<std::string, size_t, size_t>; // backend, spec, shape

class Forward : public BackendTest<Parameter> {
protected:
  LayerCase layerCase() {
    auto [rows, inputs, outputs] = raggedShapes()[std::get<2>(GetParam())];
    LayerCase layer{exactSpecs()[std::get<1>(GetParam())].second, exactScalars(), rows, inputs, outputs};
    layer.spec.tileRows = 64;
    return layer;
  }
};

std::string nameOf(const testing::TestParamInfo<Parameter> &info) {
  auto [rows, inputs, outputs] = raggedShapes()[std::get<2>(info.param)];
  return std::get<0>(info.param) + "_" + exactSpecs()[std::get<1>(info.param)].first + "_" + std::to_string(rows) +
         "x" + std::to_string(inputs) + "x" + std::to_string(outputs);
}

TEST_P(Forward, EqualsTheEvaluator) {
  LayerCase layer = layerCase();
  LayerRun run(layer);
  Status status = run.forward(backend(), serial());
  ASSERT_TRUE(status) << status.message();
  expectEqual(run.y, run.evaluate(false).y, "y");
}

TEST_P(Forward, EqualsTheEvaluatorOnStridedTensors) {
  LayerCase layer = layerCase();
  LayerRun run(layer, /*padding=*/3, /*step=*/2);
  Status status = run.forward(backend(), serial());
  ASSERT_TRUE(status) << status.message();
  expectEqual(run.y, run.evaluate(false).y, "y");
}

INSTANTIATE_TEST_SUITE_P(Backends, Forward,
                         testing::Combine(testing::ValuesIn(backendNames()),
                                          testing::Range<size_t>(0, exactSpecs().size()),
                                          testing::Range<size_t>(0, raggedShapes().size())),
                         nameOf);

} // namespace
} // namespace mho::conformance

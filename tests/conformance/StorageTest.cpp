// Layers whose x, weight and y are f16 or bf16: every backend against the evaluator.
#include "tests/conformance/Backends.h"
#include "tests/conformance/LayerCase.h"

namespace mho::conformance {
namespace {

std::string nameOf(ElementType storage) { return storage == ElementType::F16 ? "f16" : "bf16"; }

/// Empty, single, primes, around the tile of 64, the vectors of 16 and the blocks of the schedules.
std::vector<std::array<int64_t, 3>> shapes() {
  return {{0, 70, 33}, {1, 1, 1}, {3, 63, 17}, {5, 65, 31}, {33, 257, 66}, {131, 129, 47}};
}

//===-- every bit -------------------------------------------------------------------------------------------------===//

using Parameter = std::tuple<std::string, ElementType, size_t>; // backend, storage, shape

/// All effects that keep sums exact at once; the range gradient is lsq, which reads x again.
LayerCase exactLayer(ElementType storage, const std::array<int64_t, 3> &shape) {
  LayerCase layer{{}, exactScalars(), shape[0], shape[1], shape[2]};
  layer.spec = exactSpecs()[10].second;
  layer.spec.outputNoise = true;
  layer.spec.tileRows = 64;
  layer.spec.storage = storage;
  return layer;
}

class Storage : public BackendTest<Parameter> {
protected:
  void expectTheEvaluators(int64_t padding, int64_t step) {
    LayerCase layer = exactLayer(std::get<1>(GetParam()), shapes()[std::get<2>(GetParam())]);
    LayerRun run(layer, padding, step);
    Status forward = run.forward(backend(), pool(2), /*save=*/true), backward = run.backward(backend(), pool(2));
    ASSERT_TRUE(forward && backward) << forward.message() << backward.message();
    LayerRun::Expected expected = run.evaluate(true);
    expectEqual(run.y, expected.y, "y");
    ASSERT_EQ(expected.gradients.size(), 4u);
    for (auto &[name, gradient] : expected.gradients)
      expectEqual(run.gradient(name), gradient, "gradient of " + name);
  }
};

TEST_P(Storage, EqualsTheEvaluator) { expectTheEvaluators(0, 1); }

TEST_P(Storage, EqualsTheEvaluatorOnStridedTensors) { expectTheEvaluators(/*padding=*/3, /*step=*/2); }

std::string caseName(const testing::TestParamInfo<Parameter> &info) {
  auto [backend, storage, shape] = info.param;
  auto [rows, inputs, outputs] = shapes()[shape];
  return backend + "_" + nameOf(storage) + "_" + std::to_string(rows) + "x" + std::to_string(inputs) + "x" +
         std::to_string(outputs);
}

INSTANTIATE_TEST_SUITE_P(Layers, Storage,
                         testing::Combine(testing::ValuesIn(backendNames()),
                                          testing::Values(ElementType::F16, ElementType::BF16),
                                          testing::Range<size_t>(0, shapes().size())),
                         caseName);

/// Threads, and the gradient of x left out: the same bits.
TEST(StorageInvariance, ThreadsAndUnwantedResults) {
  for (ElementType storage : {ElementType::F16, ElementType::BF16}) {
    LayerCase layer = exactLayer(storage, {200, 300, 190});
    LayerRun one(layer), many(layer), without(layer);
    ASSERT_TRUE(one.forward("cpu", serial(), true) && one.backward("cpu", serial()));
    ASSERT_TRUE(many.forward("cpu", pool(7), true) && many.backward("cpu", pool(5)));
    ASSERT_TRUE(without.forward("cpu", serial(), true) && without.backward("cpu", serial(), /*wantDx=*/false));
    EXPECT_TRUE(one.y.halves == many.y.halves && one.dx.halves == many.dx.halves &&
                one.dweight.halves == many.dweight.halves && one.dbias.data == many.dbias.data &&
                one.drange.data == many.drange.data);
    EXPECT_TRUE(one.dweight.halves == without.dweight.halves && one.drange.data == without.drange.data);
  }
}

//===-- real data -------------------------------------------------------------------------------------------------===//

/// A sum of n products is within n u sum |a b| of the exact one, u = 2^-24 (RealTest.cpp, with the same counts), on
/// both sides of the comparison rounded once more: two values that lie e apart are rounded to numbers that lie e + one
/// unit in the last place apart, that of the greater.
class StorageOfReals : public BackendTest<std::tuple<std::string, ElementType>> {
protected:
  double unit(double v) const {
    bool half = std::get<1>(GetParam()) == ElementType::F16;
    int least = half ? -14 : -126, fraction = half ? 10 : 7;
    return std::ldexp(1, std::max(v == 0 ? least : std::ilogb(v), least) - fraction);
  }
  void expectNear(Matrix &actual, const Tensor &expected, const std::vector<double> &absolute, int64_t count,
                  const std::string &what) {
    for (int64_t i = 0; i < actual.size(); ++i) {
      double a = actual.at(i), e = expected.reals[i], bound = double(count) * 0x1p-24 * absolute[i];
      ASSERT_LE(std::fabs(a - e), bound + unit(std::max(std::fabs(a), std::fabs(e)))) << what << " element " << i;
      differing += a != e;
      ++elements;
    }
  }
  int64_t differing = 0, elements = 0;
};

TEST_P(StorageOfReals, IsWithinTheErrorOfSumsAndOneRounding) {
  for (auto [rows, inputs, outputs] : {std::array<int64_t, 3>{33, 300, 70}, {70, 1029, 17}}) {
    LayerCase layer{{}, {}, rows, inputs, outputs};
    layer.spec.tileRows = 150;
    layer.spec.storage = std::get<1>(GetParam());
    LayerRun run(layer);
    std::mt19937 engine(11);
    std::normal_distribution<float> normal;
    for (Matrix *matrix : {&run.x, &run.weight, &run.grad}) {
      for (int64_t i = 0; i < matrix->size(); ++i)
        matrix->at(i) = normal(engine);
      matrix->store();
      matrix->load();
    }
    Status forward = run.forward(backend(), pool(2), true), backward = run.backward(backend(), pool(2));
    ASSERT_TRUE(forward && backward) << forward.message() << backward.message();
    std::vector<double> y(rows * outputs), dx(rows * inputs), dweight(outputs * inputs);
    for (int64_t b = 0; b < rows; ++b)
      for (int64_t o = 0; o < outputs; ++o)
        for (int64_t k = 0; k < inputs; ++k) {
          double x = std::fabs(run.x.at(b * inputs + k)), w = std::fabs(run.weight.at(o * inputs + k)),
                 g = std::fabs(run.grad.at(b * outputs + o));
          y[b * outputs + o] += x * w;
          dx[b * inputs + k] += g * w;
          dweight[o * inputs + k] += g * x;
        }
    LayerRun::Expected expected = run.evaluate(true);
    expectNear(run.y, expected.y, y, inputs + 2 * run.tiles + 2, "y");
    expectNear(run.dx, expected.gradients[0].second, dx, outputs + 2, "dx");
    expectNear(run.dweight, expected.gradients[1].second, dweight, rows + 2, "dW");
  }
  // Few lie so near the middle of two numbers that the order of a sum decides: with e a thousandth of a unit in f16,
  // and less in bf16, some in a thousand.
  EXPECT_LT(double(differing), 0.01 * double(elements));
}

INSTANTIATE_TEST_SUITE_P(Backends, StorageOfReals,
                         testing::Combine(testing::ValuesIn(backendNames()),
                                          testing::Values(ElementType::F16, ElementType::BF16)),
                         [](const auto &info) {
                           return std::get<0>(info.param) + "_" + nameOf(std::get<1>(info.param));
                         });

} // namespace
} // namespace mho::conformance

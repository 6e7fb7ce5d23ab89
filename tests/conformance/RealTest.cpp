// Real-valued data: what float sums of another order may change, and how many ADC codes that flips.
//
// A kernel takes a sum of n products in n fused multiply-adds, each rounded: it is within n u sum |a b| of the exact
// sum, u = 2^-24 (to first order in u; Higham, Accuracy and Stability of Numerical Algorithms, 3.1). The evaluator
// rounds the exact sum once more. Tiles are added in the same order on both sides, T more roundings each. Kernels of
// the backends ptx and cuda may round operands too (MHO_CUDA_MATH): a relative error of up to half a unit of their last
// place each.
#include "tests/conformance/Backends.h"
#include "tests/conformance/LayerCase.h"

#include "runtime/Knobs.h"

namespace mho::conformance {
namespace {

constexpr double kUnit = 0x1p-24;

/// What a backend's arithmetic adds to a sum's error.
struct Rounding {
  double operand = 0; ///< relative error of an operand, at most
  double least = 0;   ///< absolute error of an operand, where it is subnormal
  int additions = 1;  ///< roundings of the sum for each product
};

Rounding roundingOf(const std::string &backend) {
  Expected<const Knobs *> knobs = Knobs::get();
  std::string math = (backend == "ptx" || backend == "cuda") && knobs ? (*knobs)->cudaMath : "fma";
  if (math == "f16")
    return {0x1p-11, 0x1p-25, 1};
  if (math == "bf16")
    return {0x1p-8, 0, 1};
  // Two parts of 11 bits: the low one is at most 2^-11 of the operand, and rounded by 2^-12 of itself.
  if (math == "tf32")
    return {0x1p-23, 0, 4};
  return {};
}

void fillNormal(LayerRun &run) {
  std::mt19937 engine(11);
  std::normal_distribution<float> normal;
  for (Matrix *matrix : {&run.x, &run.weight, &run.grad, &run.bias})
    for (int64_t i = 0; i < matrix->size(); ++i)
      matrix->at(i) = normal(engine);
}

class RealData : public BackendTest<std::tuple<std::string>> {};

/// Bounds of each element of y, dx and dW, by the lengths of their sums.
struct Bounds {
  std::vector<double> y, dx, dweight;
};

Bounds boundsOf(LayerRun &run, const Rounding &rounding) {
  const auto &[spec, scalars, rows, inputs, outputs] = run.layer;
  Bounds bounds;
  bounds.y.resize(rows * outputs), bounds.dx.resize(rows * inputs), bounds.dweight.resize(outputs * inputs);
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t k = 0; k < inputs; ++k) {
        double x = std::fabs(run.x.at(b * inputs + k)), w = std::fabs(run.weight.at(o * inputs + k)),
               g = std::fabs(run.grad.at(b * outputs + o));
        auto term = [&](int64_t length, double p, double q) {
          double operands = (2 + rounding.operand) * rounding.operand;
          return (double(rounding.additions * length) * kUnit + operands) * p * q + rounding.least * (p + q);
        };
        bounds.y[b * outputs + o] += term(inputs + 2 * run.tiles + 2, x, w);
        bounds.dx[b * inputs + k] += term(outputs + 2, g, w);
        bounds.dweight[o * inputs + k] += term(rows + 2, g, x);
      }
  return bounds;
}

void expectWithin(Matrix &actual, const Tensor &expected, const std::vector<double> &bounds, const std::string &what) {
  for (int64_t i = 0; i < actual.size(); ++i)
    ASSERT_LE(std::fabs(actual.at(i) - expected.reals[i]), bounds[i]) << what << " element " << i;
}

TEST_P(RealData, SumsAreWithinTheirError) {
  for (int64_t tileRows : {0, 1, 7, 64, 150})
    for (auto [rows, inputs, outputs] : {std::array<int64_t, 3>{33, 300, 70}, {70, 129, 17}, {1, 1000, 3}}) {
      LayerCase layer{{}, {}, rows, inputs, outputs};
      layer.spec.tileRows = tileRows;
      layer.spec.bias = false;
      LayerRun run(layer);
      fillNormal(run);
      Status forward = run.forward(backend(), pool(2), true), backward = run.backward(backend(), pool(2));
      ASSERT_TRUE(forward && backward) << forward.message() << backward.message();
      Bounds bounds = boundsOf(run, roundingOf(backend()));
      LayerRun::Expected expected = run.evaluate(true);
      expectWithin(run.y, expected.y, bounds.y, "y");
      for (auto &[name, gradient] : expected.gradients)
        expectWithin(run.gradient(name), gradient, name == "x" ? bounds.dx : bounds.dweight, "gradient of " + name);
    }
}

/// An error e of a value that lies anywhere with respect to the steps s of the converter takes it across the boundary
/// of two codes with a probability of |e| / s. The sum over all values is the number of flips to expect, and 6 of its
/// roots above it are chance in 1 of 10^6 layers (a Poisson count whose mean is 6 or more). Two figures for e: the
/// bound n u sum |a b|, of both sides; and the size of what rounding errors of partial sums p add up to that are
/// independent and anywhere within u |p|: the root of the sum of u^2 p^2 / 3, and of the products' errors where the
/// weights are rounded (codes are integers, which every type has). A flip is one step.
TEST_P(RealData, CodesThatFlip) {
  LayerCase layer{{}, {}, 1000, 300, 190};
  layer.spec.inputRange = InputRange::Given;
  layer.spec.quantizeInput = layer.spec.adc = true;
  layer.scalars.outputBound = 3;
  LayerRun run(layer);
  fillNormal(run);
  const float beta = run.range.data[0] = 3;
  ASSERT_TRUE(run.forward(backend(), pool(2)));
  Tensor expected = run.evaluate(false).y;
  std::vector<double> codes(layer.rows * layer.inputs), steps(layer.outputs);
  for (int64_t i = 0; i < int64_t(codes.size()); ++i)
    codes[i] = std::nearbyint(std::clamp(run.x.at(i), -beta, beta) * (127 / beta));
  const Rounding rounding = roundingOf(backend());
  int64_t flips = 0;
  double most = 0, likely = 0;
  for (int64_t o = 0; o < layer.outputs; ++o) {
    float largest = 0;
    for (int64_t k = 0; k < layer.inputs; ++k)
      largest = std::max(largest, std::fabs(run.weight.at(o * layer.inputs + k)));
    double step = double(3 * beta * largest / 127);
    for (int64_t b = 0; b < layer.rows; ++b) {
      double absolute = 0, partial = 0, squares = 0;
      for (int64_t k = 0; k < layer.inputs; ++k) {
        double product = codes[b * layer.inputs + k] * run.weight.at(o * layer.inputs + k);
        absolute += std::fabs(product);
        partial += product;
        squares += rounding.additions * kUnit * kUnit * partial * partial +
                   rounding.operand * rounding.operand * product * product;
      }
      most += (double(rounding.additions * (layer.inputs + 1)) * kUnit + rounding.operand) * absolute *
              double(beta / 127) / step;
      likely += std::sqrt(squares / 3) * double(beta / 127) / step;
      double difference = std::fabs(run.y.at(b * layer.outputs + o) - expected.reals[b * layer.outputs + o]);
      flips += difference != 0;
      ASSERT_TRUE(difference == 0 || std::fabs(difference - step) < 1e-3 * step) << difference / step << " steps";
    }
  }
  double count = double(layer.rows * layer.outputs);
  std::printf("%s: %lld of %.0f codes flip, a rate of %.2g; expected %.2g, bound %.2g\n", backend().c_str(),
              (long long)flips, count, double(flips) / count, likely / count, most / count);
  EXPECT_LE(double(flips), likely + 6 * std::sqrt(likely));
  EXPECT_LE(double(flips), most + 6 * std::sqrt(most));
  if (rounding.operand <= 2 * kUnit) {
    EXPECT_LT(most / count, 0.07) << "the bound says something";
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, RealData, testing::Combine(testing::ValuesIn(backendNames())),
                         [](const auto &info) { return std::get<0>(info.param); });

} // namespace
} // namespace mho::conformance

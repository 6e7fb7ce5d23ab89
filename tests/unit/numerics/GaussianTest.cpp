// The half-to-Gaussian map: its table derived again, and its exact moments over all 65536 halves.
#include "dialect/Numerics/Gaussian.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mho {
namespace {

/// Phi^-1(1 - p) for p <= 1/2, by bisection on erfc.
double upperQuantile(double p) {
  double low = 0, high = 8;
  for (int i = 0; i < 100; ++i) {
    double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) / 2 > p ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// SPEC.md, "Map of a half": the parabola through the quantile at the segment's three Chebyshev nodes.
TEST(GaussianTable, IsDerivedFromItsDefinition) {
  for (int segment = 0; segment < kGaussianSegments; ++segment) {
    double x[3], f[3], center = segment % 2 ? 1.75 : 1.25;
    for (int i = 0; i < 3; ++i) {
      x[i] = center + 0.25 * std::cos(std::acos(-1.0) * (2 * i + 1) / 6);
      f[i] = upperQuantile(std::ldexp(x[i], segment / 2 - 17));
    }
    double d01 = (f[1] - f[0]) / (x[1] - x[0]), d12 = (f[2] - f[1]) / (x[2] - x[1]),
           second = (d12 - d01) / (x[2] - x[0]);
    EXPECT_EQ(kGaussianC2[segment], float(second)) << segment;
    EXPECT_EQ(kGaussianC1[segment], float(d01 - second * (x[0] + x[1]))) << segment;
    EXPECT_EQ(kGaussianC0[segment], float(f[0] - d01 * x[0] + second * x[0] * x[1])) << segment;
  }
}

TEST(Gaussian, MomentsOverAllHalves) {
  double sum = 0, squares = 0, fourth = 0, largest = 0, worst = 0;
  for (uint32_t h = 0; h < 65536; ++h) {
    float n = gaussianFromHalf(uint16_t(h));
    EXPECT_EQ(n, -gaussianFromHalf(uint16_t(65535 - h))) << "odd symmetry of " << h;
    sum += n, squares += double(n) * n, fourth += std::pow(double(n), 4);
    largest = std::max(largest, std::fabs(double(n)));
    int s = 2 * (int(h) - 32768) + 1;
    double exact = upperQuantile(std::abs(s) / 131072.0) * (s < 0 ? -1 : 1);
    worst = std::max(worst, std::fabs(n - exact));
  }
  EXPECT_EQ(sum, 0);
  double variance = squares / 65536;
  EXPECT_NEAR(variance, 1.000001, 1e-6);
  EXPECT_NEAR(fourth / 65536 / (variance * variance), 2.9992, 1e-4);
  EXPECT_NEAR(largest, 4.325, 1e-3);
  EXPECT_LT(worst, 4e-4);
}

} // namespace
} // namespace mho

// The half-to-Gaussian map: its table derived again, and its exact moments over all 65536 halves.
#include "dialect/Numerics/Gaussian.h"

#include "tests/unit/numerics/IndependentDraws.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mho {
namespace {

using independent::upperQuantile;

TEST(GaussianTable, IsDerivedFromItsDefinition) {
  const float *tables[] = {kGaussianC0, kGaussianC1, kGaussianC2};
  for (int segment = 0; segment < kGaussianSegments; ++segment)
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(tables[i][segment], independent::segmentCoefficients(segment, 3, 17)[i]) << segment << ", " << i;
}

TEST(GaussianTable, OfWordsIsDerivedFromItsDefinition) {
  for (int segment = 0; segment < kGaussianWordSegments; ++segment)
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(kGaussianWordTable[i][segment], independent::segmentCoefficients(segment, 4, 33)[i])
          << segment << ", " << i;
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

/// Every word of the far tail, and a grid of the rest.
TEST(Gaussian, OfWordsFollowsTheQuantileIntoTheTail) {
  double worst = 0;
  for (int64_t h = 0; h < int64_t(1) << 31; h += h < 4096 ? 1 : h / 999) {
    uint32_t word = 0x80000000u | uint32_t(h);
    double n = gaussianFromWord(word);
    EXPECT_EQ(n, -gaussianFromWord(~word)) << "odd symmetry of " << word;
    worst = std::max(worst, std::fabs(n - upperQuantile(std::ldexp(2.0 * h + 1, -33))));
  }
  EXPECT_LT(worst, 3e-5);
  EXPECT_NEAR(gaussianFromWord(0x80000000u), 6.338, 1e-3);
  EXPECT_LT(std::fabs(gaussianFromWord(0xffffffffu)), 3e-5) << "the middle, where rounding reaches 2^32";
}

} // namespace
} // namespace mho

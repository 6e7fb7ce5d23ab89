// Draws as a sample: moments, the Kolmogorov-Smirnov distance, and correlations in every direction of the address.
//
// n = 2^20 draws of fixed keys. A sample mean of independent values of variance v lies beyond 5 sqrt(v / n) with
// probability 6e-7; the seeds are fixed, so a pass is a pass for ever.
#include "dialect/Numerics/Gaussian.h"
#include "dialect/Numerics/Philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mho {
namespace {

constexpr int64_t kRows = 1024, kColumns = 1024, kCount = kRows * kColumns;

std::vector<double> sample(DrawAddress at, bool uniform = false) {
  std::vector<double> values;
  values.reserve(kCount);
  for (at.row = 0; at.row < kRows; ++at.row)
    for (at.column = 0; at.column < kColumns; ++at.column)
      values.push_back(uniform ? drawUniform(at) : drawNormal(at));
  return values;
}

double meanOf(const std::vector<double> &values, double power = 1) {
  double sum = 0;
  for (double v : values)
    sum += std::pow(v, power);
  return sum / double(values.size());
}

/// Mean product of values a distance apart, or of two samples.
double product(const std::vector<double> &a, const std::vector<double> &b, int64_t lag = 0) {
  double sum = 0;
  for (size_t i = lag; i < a.size(); ++i)
    sum += a[i] * b[i - lag];
  return sum / double(a.size() - lag);
}

const double kBound = 5 / std::sqrt(double(kCount));

TEST(Law, MomentsOfNormals) {
  std::vector<double> v = sample({});
  EXPECT_LT(std::fabs(meanOf(v)), kBound);
  EXPECT_LT(std::fabs(meanOf(v, 2) - 1), kBound * std::sqrt(2)); // variance of n^2 is 2
  EXPECT_LT(std::fabs(meanOf(v, 3)), kBound * std::sqrt(15));    // of n^3, 15
  EXPECT_LT(std::fabs(meanOf(v, 4) - 2.9992), kBound * std::sqrt(96));
}

/// sqrt(n) D exceeds 2.7 with probability 2 exp(-2 * 2.7^2) = 9e-7. The map's own distance from the normal law is at
/// most half a step of 2^-16 plus the table's error 4e-4 times the density 0.4: 1.7e-4.
TEST(Law, KolmogorovSmirnov) {
  std::vector<double> v = sample({});
  std::sort(v.begin(), v.end());
  double distance = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    double law = std::erfc(-v[i] / std::sqrt(2.0)) / 2;
    distance = std::max({distance, std::fabs(law - double(i) / kCount), std::fabs(law - double(i + 1) / kCount)});
  }
  EXPECT_LT(distance, 2.7 / std::sqrt(double(kCount)) + 1.7e-4);
}

TEST(Law, Uniforms) {
  std::vector<double> v = sample({}, true);
  EXPECT_LT(std::fabs(meanOf(v) - 0.5), kBound / std::sqrt(12));
  EXPECT_LT(std::fabs(meanOf(v, 2) - 1.0 / 3), kBound * std::sqrt(4.0 / 45));
  EXPECT_GT(*std::min_element(v.begin(), v.end()), 0);
  EXPECT_LE(*std::max_element(v.begin(), v.end()), 1);
}

TEST(Law, NeighboursAreUncorrelated) {
  std::vector<double> v = sample({});
  for (int64_t lag : {1, 2, 8, 16, 32, 64, 128, 1024, 2048})
    EXPECT_LT(std::fabs(product(v, v, lag)), kBound * 1.01) << "lag " << lag;
}

TEST(Law, StreamsTilesStepsAndSeedsAreUncorrelated) {
  std::vector<double> v = sample({});
  DrawAddress other;
  auto check = [&](const char *what) {
    std::vector<double> w = sample(other);
    EXPECT_NE(v, w);
    EXPECT_LT(std::fabs(product(v, w)), kBound) << what;
    other = {};
  };
  other.stream = 1, check("stream");
  other.tile = 1, check("tile");
  other.step = 1, check("step");
  other.seed = 1, check("low half of the seed");
  other.seed = uint64_t(1) << 32, check("high half of the seed");
}

} // namespace
} // namespace mho

// The law of 10^8 draws: moments, tails, and the whole distribution, against the map's own values.
#include "tests/noise/Draws.h"

#include <algorithm>
#include <map>

namespace mho::noise {
namespace {

class Distribution : public testing::TestWithParam<Law> {
protected:
  /// Calls body(field) for all draws.
  template <class Body> void forEachField(Body body) {
    for (const Place &place : places()) {
      body(draw(GetParam(), place));
      count += kField;
    }
  }
  double count = 0;
};

/// Sums of the powers 1 to 4 of v - mean, which tell mean, variance, skewness and kurtosis: the mean of a power p of N
/// draws has the standard error sqrt((m_2p - m_p^2) / N).
TEST_P(Distribution, HasTheMomentsOfTheMap) {
  std::vector<double> moment = moments(GetParam());
  double sums[5] = {};
  forEachField([&](const std::vector<float> &field) {
    for (float v : field) {
      double d = v - moment[1], square = d * d;
      sums[1] += d;
      sums[2] += square;
      sums[3] += square * d;
      sums[4] += square * square;
    }
  });
  double central[5] = {1, 0, moment[2], moment[3], moment[4]};
  for (int power = 1; power <= 4; ++power) {
    double error = std::sqrt((moment[2 * power] - central[power] * central[power]) / count);
    EXPECT_NEAR(sums[power] / count, central[power], kDeviations * error) << "power " << power;
  }
  double variance = sums[2] / count;
  std::printf("%.0f draws: mean %.3g, variance %.7f (map %.7f), skewness %.2g, kurtosis %.5f (map %.5f)\n", count,
              moment[1] + sums[1] / count, variance, moment[2], sums[3] / count / std::pow(variance, 1.5),
              sums[4] / count / variance / variance, moment[4] / moment[2] / moment[2]);
}

class Tails : public Distribution {};

/// P(X >= k) and P(X <= k) of a Poisson number, which bound those of a binomial one of small probability.
double poissonTail(double mean, double k, bool above) {
  double sum = 0;
  for (double i = above ? k : 0; above ? i < k + 20 + 10 * std::sqrt(mean) : i <= k; ++i)
    sum += std::exp(i * std::log(mean) - mean - std::lgamma(i + 1));
  return sum;
}

/// Numbers beyond 3 to 6 standard deviations, on either side, against how many values of the map lie there. Chance
/// alone goes beyond in one of 10^8 comparisons.
TEST_P(Tails, AreThoseOfTheMap) {
  int64_t beyond[2][7] = {};
  float largest = 0;
  forEachField([&](const std::vector<float> &field) {
    for (float v : field)
      for (int bound = 3; bound <= 6 && std::fabs(v) > float(bound); ++bound)
        ++beyond[v > 0][bound], largest = std::max(largest, std::fabs(v));
  });
  for (int bound = 3; bound <= 6; ++bound)
    for (int side : {0, 1}) {
      double mean = count * expectation(GetParam(), [&](double v) { return (side ? v : -v) > bound; });
      double seen = double(beyond[side][bound]);
      std::printf("beyond %s%d: %.0f, expected %.1f\n", side ? "" : "-", bound, seen, mean);
      if (mean == 0) {
        EXPECT_EQ(seen, 0) << "the map ends before " << bound;
        continue;
      }
      if (mean > 1000)
        EXPECT_NEAR(seen, mean, kDeviations * std::sqrt(mean)) << bound;
      else
        EXPECT_GT(std::min(poissonTail(mean, seen, true), poissonTail(mean, seen, false)), 1e-8) << bound;
    }
  std::printf("largest: %.4f\n", largest);
  if (GetParam() == Law::Half) {
    EXPECT_EQ(largest, gaussianFromHalf(32768)) << "10^8 draws meet each of 2^16 values";
  }
}

/// How often each value of a half, or each 65536th part of the others, is met.
std::vector<int64_t> countCells(Law law, const std::vector<float> &bounds, const std::vector<float> &field) {
  std::vector<int64_t> cells(65536);
  if (law == Law::Uniform) {
    for (float v : field)
      ++cells[std::min(65535, int(v * 65536))];
    return cells;
  }
  // Bounds from a start near it: those of numbers with the same 20 leading bits.
  static std::map<const float *, std::vector<int32_t>> starts;
  auto keyOf = [](float v) { // ascending with v
    uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    return (bits >> 31 ? ~bits : bits | 0x80000000) >> 12;
  };
  std::vector<int32_t> &start = starts[bounds.data()];
  if (start.empty()) {
    start.assign((1 << 20) + 1, 65535);
    for (int i = 65535; i >= 0; --i)
      start[keyOf(bounds[i])] = i;
    for (int key = (1 << 20) - 1; key >= 0; --key)
      start[key] = std::min(start[key], start[key + 1]);
  }
  for (float v : field) {
    int cell = std::max(0, start[keyOf(v)] - 1); // the last bound that is not above v
    while (cell < 65535 && bounds[cell + 1] <= v)
      ++cell;
    ++cells[cell];
  }
  return cells;
}

/// Normal: the Kolmogorov-Smirnov distance to the normal law, at 2^16 points, of a half all of its values, on either
/// side of each: more than sqrt(ln(2 / p) / (2 N)) above that of the map with a probability below p (Dvoretzky, Kiefer,
/// Wolfowitz; Massart 1990); p = 2e-9. SPEC.md says how far the maps are from the quantile, 4e-4 and 3e-5: times the
/// greatest density, .4, and with a step of 2^-16 that is in probability.
void expectNormal(Law law, const std::vector<float> &bounds, const std::vector<int64_t> &cells, double count) {
  double distance = 0, ofMap = 0, below = 0;
  for (int i = 0; i < 65536; ++i) {
    double exact = std::erfc(-bounds[i] / std::sqrt(2.0)) / 2, with = below + double(cells[i]);
    distance = std::max(distance, std::fabs(below / count - exact));
    ofMap = std::max(ofMap, std::fabs(i / 65536.0 - exact));
    if (law == Law::Half) {
      distance = std::max(distance, std::fabs(with / count - exact));
      ofMap = std::max(ofMap, std::fabs((i + 1) / 65536.0 - exact));
    }
    below = with;
  }
  double limit = std::sqrt(std::log(2 / 2e-9) / (2 * count)) + (law == Law::Half ? ofMap : 1.2e-5);
  std::printf("Kolmogorov-Smirnov distance to the normal law: %.3g, limit %.3g, of the map %.3g\n", distance, limit,
              ofMap);
  EXPECT_LT(distance, limit);
  EXPECT_LT(ofMap, .4 * (law == Law::Half ? 4e-4 : 3e-5) + 0x1p-16);
}

/// Half: chi square of its 2^16 values, each as likely as the others; uniform: of 2^16 parts. Chi square of n cells has
/// the mean n - 1 and the variance 2 (n - 1). And the distance to the normal law.
TEST_P(Distribution, IsTheWholeLaw) {
  std::vector<float> bounds(65536);
  std::vector<int64_t> values(65536, 1), cells(65536);
  for (uint32_t i = 0; i < 65536; ++i)
    bounds[i] = GetParam() == Law::Half ? gaussianFromHalf(uint16_t(i)) : gaussianFromWord(i << 16);
  std::sort(bounds.begin(), bounds.end()); // next to a joint of segments two values may change places
  forEachField([&](const std::vector<float> &field) {
    std::vector<int64_t> more = countCells(GetParam(), bounds, field);
    for (int i = 0; i < 65536; ++i)
      cells[i] += more[i];
  });
  double square = 0;
  for (int i = 0; i < 65536; ++i) {
    double expected = count / 65536, difference = double(cells[i]) - expected;
    square += difference * difference / expected;
  }
  if (GetParam() != Law::Uniform)
    expectNormal(GetParam(), bounds, cells, count);
  if (GetParam() == Law::Word) // whose cells are not equally likely to the last
    return;
  double deviations = (square - 65535) / std::sqrt(2 * 65535.0);
  std::printf("chi square of 65535 degrees of freedom: %.0f, %.2f standard deviations\n", square, deviations);
  EXPECT_LT(std::fabs(deviations), kDeviations);
}

INSTANTIATE_TEST_SUITE_P(Laws, Tails, testing::Values(Law::Half, Law::Word), lawName); // a uniform number has none
INSTANTIATE_TEST_SUITE_P(Laws, Distribution, testing::Values(Law::Half, Law::Word, Law::Uniform), lawName);

} // namespace
} // namespace mho::noise

// Independence of 10^8 draws: of neighbours in a row up to 64 columns apart, of rows, tiles, streams, steps and seeds;
// and of the squares of the same. Under independence the mean of N products of centred numbers has the standard error
// variance / sqrt(N); a mean beyond kDeviations of them fails.
#include "tests/noise/Draws.h"

#include <gtest/gtest-spi.h>

namespace mho::noise {
namespace {

class Correlation : public testing::TestWithParam<Law> {
protected:
  static void SetUpTestSuite() { fields.clear(); }
  static void TearDownTestSuite() { fields.clear(); }

  /// The centred draws of all places, or the centred squares of these.
  void draws(bool squares) {
    std::vector<double> moment = moments(GetParam());
    variance = squares ? moment[4] - moment[2] * moment[2] : moment[2];
    fields.clear();
    for (const Place &place : places()) {
      fields.push_back(draw(GetParam(), place));
      for (float &v : fields.back()) {
        v -= float(moment[1]);
        if (squares)
          v = v * v - float(moment[2]);
      }
    }
  }
  void expectNone(double sum, double count, const std::string &what) {
    double deviations = sum / (variance * std::sqrt(count));
    largest = std::max(largest, std::fabs(deviations));
    EXPECT_LT(std::fabs(deviations), kDeviations) << what << ": a correlation of " << sum / count / variance;
  }
  void columns();
  void rows();
  void between();
  void all() {
    columns();
    rows();
    between();
    std::printf("largest deviation: %.2f standard errors\n", largest);
  }

  static std::vector<std::vector<float>> fields;
  double variance = 0, largest = 0;
};

std::vector<std::vector<float>> Correlation::fields;

/// Products in 16 sums at a time, which a compiler keeps in vectors.
double dot(const float *a, const float *b, int64_t count) {
  float sums[16] = {};
  for (int64_t i = 0; i < count; i += 16)
    for (int lane = 0; lane < 16; ++lane)
      sums[lane] += a[i + lane] * b[i + lane];
  double total = 0;
  for (float sum : sums)
    total += sum;
  return total;
}

constexpr int64_t kLags = 64;

void Correlation::columns() {
  std::vector<double> sums(kLags + 1);
  for (const std::vector<float> &field : fields)
    for (int64_t row = 0; row < kRows; ++row)
      for (int64_t lag = 1; lag <= kLags; ++lag)
        sums[lag] += dot(&field[row * kColumns], &field[row * kColumns + lag], kColumns - kLags);
  for (int64_t lag = 1; lag <= kLags; ++lag)
    expectNone(sums[lag], double(kColumns - kLags) * kRows * fields.size(), std::to_string(lag) + " columns apart");
}

void Correlation::rows() {
  for (int64_t lag : {1, 2, 3, 64}) {
    double sum = 0;
    for (const std::vector<float> &field : fields)
      for (int64_t row = 0; row + lag < kRows; ++row)
        sum += dot(&field[row * kColumns], &field[(row + lag) * kColumns], kColumns);
    expectNone(sum, double(kRows - lag) * kColumns * fields.size(), std::to_string(lag) + " rows apart");
  }
}

/// Every pair of places: other seeds, steps, tiles, streams, and several of these at once.
void Correlation::between() {
  std::vector<Place> at = places();
  for (size_t a = 0; a < at.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      double sum = 0;
      for (int64_t row = 0; row < kRows; ++row)
        sum += dot(&fields[a][row * kColumns], &fields[b][row * kColumns], kColumns);
      expectNone(sum, double(kField), "places " + std::to_string(a) + " and " + std::to_string(b));
    }
}

TEST_P(Correlation, OfNumbers) {
  draws(false);
  all();
}

TEST_P(Correlation, OfSquares) {
  draws(true);
  all();
}

/// Each check sees what it looks for: a few standard errors of something else in each number.
TEST_P(Correlation, IsSeen) {
  draws(false);
  const std::vector<std::vector<float>> independent = fields;
  const float share = 1.5e-3f * std::sqrt(2048.f / kRows), ofPair = 10 / std::sqrt(float(kField));
  for (std::vector<float> &field : fields)
    for (int64_t i = kField - 1; i >= 5; --i)
      field[i] += share * field[i - 5];
  EXPECT_NONFATAL_FAILURE(columns(), "5 columns apart");
  fields = independent;
  for (std::vector<float> &field : fields)
    for (int64_t i = kField - 1; i >= 3 * kColumns; --i)
      field[i] += share * field[i - 3 * kColumns];
  EXPECT_NONFATAL_FAILURE(rows(), "3 rows apart");
  fields = independent;
  for (int64_t i = 0; i < kField; ++i)
    fields[7][i] += ofPair * fields[2][i];
  EXPECT_NONFATAL_FAILURE(between(), "places 7 and 2");
}

INSTANTIATE_TEST_SUITE_P(Laws, Correlation, testing::Values(Law::Half, Law::Word, Law::Uniform), lawName);

} // namespace
} // namespace mho::noise

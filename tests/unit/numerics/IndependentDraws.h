// Noise of one element, written out from SPEC.md "Noise" apart from dialect/Numerics: Philox by its definition, the
// grouping, and the Gaussian's tables derived from their definition instead of read from their literals.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace mho::independent {

/// The x with upper tail probability p <= 1/2 of the standard normal distribution, by bisection on erfc.
inline double upperQuantile(double p) {
  double low = 0, high = 8;
  for (int i = 0; i < 100; ++i) {
    double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) / 2 > p ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// Coefficients c0, c1, ... of the polynomial through the quantile at the segment's `nodes` Chebyshev nodes: exponent
/// segment / 2, mantissa in [1, 1.5) or [1.5, 2); |s| = 1 is the probability 2^-depth.
inline std::vector<float> segmentCoefficients(int segment, int nodes, int depth) {
  std::vector<double> x(nodes), difference(nodes), coefficients(nodes, 0);
  double center = segment % 2 ? 1.75 : 1.25;
  for (int i = 0; i < nodes; ++i) {
    x[i] = center + 0.25 * std::cos(std::acos(-1.0) * (2 * i + 1) / (2 * nodes));
    difference[i] = upperQuantile(std::ldexp(x[i], segment / 2 - depth));
  }
  for (int order = 1; order < nodes; ++order) // Newton's divided differences, in place
    for (int i = nodes - 1; i >= order; --i)
      difference[i] = (difference[i] - difference[i - 1]) / (x[i] - x[i - order]);
  // Horner's scheme on polynomials: p <- p * (m - x_i) + difference_i.
  for (int i = nodes - 1; i >= 0; --i) {
    for (int power = nodes - 1; power > 0; --power)
      coefficients[power] = coefficients[power - 1] - coefficients[power] * x[i];
    coefficients[0] = difference[i] - coefficients[0] * x[i];
  }
  return {coefficients.begin(), coefficients.end()};
}

using Words = std::array<uint32_t, 4>;

/// Philox4x32-10 (Salmon et al. 2011): ten rounds, the key grows by the Weyl constants between them.
inline Words philox(Words c, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53) * c[0], product1 = uint64_t(0xCD9E8D57) * c[2];
    c = {uint32_t(product1 >> 32) ^ c[1] ^ key0, uint32_t(product1), uint32_t(product0 >> 32) ^ c[3] ^ key1,
         uint32_t(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return c;
}

/// Where an element's number is drawn.
struct Site {
  uint64_t seed;
  int64_t step, stream, tile, row, column;
  Words call(int64_t word0) const {
    return philox({uint32_t(word0), uint32_t(row), uint32_t(stream * (int64_t(1) << 24) + tile), uint32_t(step)},
                  uint32_t(seed), uint32_t(seed >> 32));
  }
};

/// The polynomial of |s| in its segment, with the sign of s.
inline double quantileOf(float magnitude, bool negative, const std::vector<std::vector<float>> &table) {
  int exponent = std::ilogb(magnitude);
  float m = std::ldexp(magnitude, -exponent);
  const std::vector<float> &c = table[2 * exponent + (m >= 1.5f)];
  float n = c.back();
  for (int i = int(c.size()) - 2; i >= 0; --i)
    n = std::fma(n, m, c[i]);
  return negative ? -n : n;
}

inline std::vector<std::vector<float>> tableOf(int segments, int nodes, int depth) {
  std::vector<std::vector<float>> table;
  for (int segment = 0; segment < segments; ++segment)
    table.push_back(segmentCoefficients(segment, nodes, depth));
  return table;
}

/// h in 0..65535: s = 2 (h - 32768) + 1, tail probability |s| / 2^17.
inline double normal(const Site &site) {
  static const auto table = tableOf(32, 3, 17);
  int64_t c = site.column;
  uint32_t word = site.call((c >> 6) * 8 + ((c & 15) >> 1))[(c & 1) + 2 * ((c >> 5) & 1)];
  int s = 2 * (int((c >> 4) & 1 ? word >> 16 : word & 0xffff) - 32768) + 1;
  return quantileOf(float(std::abs(s)), s < 0, table);
}

inline uint32_t word(const Site &site) { return site.call(site.column >> 2)[site.column & 3]; }

/// s = 2 (word - 2^31) + 1, tail probability |s| / 2^33, |s| = 2 h + 1 with float(h) rounded first.
inline double wordNormal(const Site &site) {
  static const auto table = tableOf(64, 4, 33);
  int64_t s = 2 * (int64_t(word(site)) - (int64_t(1) << 31)) + 1;
  float magnitude = std::fma(2.0f, float((std::abs(s) - 1) / 2), 1.0f);
  return quantileOf(std::min(magnitude, std::nextafter(0x1p32f, 0.0f)), s < 0, table);
}

inline double uniform(const Site &site) { return float((double(word(site)) + 0.5) / 4294967296.0); }

} // namespace mho::independent

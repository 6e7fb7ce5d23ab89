// Noise of one element, written out from SPEC.md "Noise" apart from the code that the kernels use: Philox by its
// definition, and the Gaussian's table derived here from its definition instead of read from its literals.
#include "dialect/Reference/Elements.h"

#include <array>
#include <cmath>

using namespace mho::reference;

using Words = std::array<uint32_t, 4>;

/// Philox4x32-10 (Salmon et al. 2011): ten rounds, the key grows by the Weyl constants between them.
static Words philox(Words c, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53) * c[0], product1 = uint64_t(0xCD9E8D57) * c[2];
    c = {uint32_t(product1 >> 32) ^ c[1] ^ key0, uint32_t(product1), uint32_t(product0 >> 32) ^ c[3] ^ key1,
         uint32_t(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return c;
}

static Words call(const Key &key, int64_t stream, const Element &e, int64_t word0) {
  return philox({uint32_t(word0), uint32_t(e.row), uint32_t(stream * (int64_t(1) << 24) + e.tile), key.step},
                uint32_t(key.seed), uint32_t(key.seed >> 32));
}

/// The x with upper tail probability p <= 1/2 of the standard normal distribution, by bisection on erfc.
static double quantile(double p) {
  double low = 0, high = 8;
  for (int i = 0; i < 100; ++i) {
    double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) / 2 > p ? low : high) = middle;
  }
  return (low + high) / 2;
}

namespace {
struct Quadratic {
  float c0, c1, c2;
};
} // namespace

/// Quadratic in the mantissa m through the quantile at the three Chebyshev nodes of the segment: exponent segment / 2,
/// m in [1, 1.5) or [1.5, 2).
static Quadratic segmentQuadratic(int segment) {
  double x[3], f[3], exponent = segment / 2, first = segment % 2 ? 1.5 : 1;
  for (int i = 0; i < 3; ++i) {
    x[i] = first + 0.25 + 0.25 * std::cos(std::acos(-1.0) * (2 * i + 1) / 6);
    f[i] = quantile(std::ldexp(x[i], int(exponent) - 17));
  }
  double d01 = (f[1] - f[0]) / (x[1] - x[0]), d12 = (f[2] - f[1]) / (x[2] - x[1]), d012 = (d12 - d01) / (x[2] - x[0]);
  return {float(f[0] - d01 * x[0] + d012 * x[0] * x[1]), float(d01 - d012 * (x[0] + x[1])), float(d012)};
}

/// h in 0..65535: s = 2 (h - 32768) + 1, tail probability |s| / 2^17, the sign of s.
static double gaussian(uint32_t half) {
  static const std::array<Quadratic, 32> table = [] {
    std::array<Quadratic, 32> quadratics;
    for (int i = 0; i < 32; ++i)
      quadratics[i] = segmentQuadratic(i);
    return quadratics;
  }();
  int s = 2 * (int(half) - 32768) + 1, exponent = std::ilogb(std::abs(s));
  float m = std::ldexp(float(std::abs(s)), -exponent);
  const Quadratic &q = table[2 * exponent + (m >= 1.5f)];
  float n = std::fma(std::fma(q.c2, m, q.c1), m, q.c0);
  return s < 0 ? -n : n;
}

double mho::reference::drawNormal(const Key &key, int64_t stream, const Element &e) {
  int64_t c = e.column;
  Words words = call(key, stream, e, (c >> 6) * 8 + ((c & 15) >> 1));
  uint32_t word = words[(c & 1) + 2 * ((c >> 5) & 1)];
  return gaussian((c >> 4) & 1 ? word >> 16 : word & 0xffff);
}

double mho::reference::drawUniform(const Key &key, int64_t stream, const Element &e) {
  uint32_t word = call(key, stream, e, e.column >> 2)[e.column & 3];
  return float((double(word) + 0.5) / 4294967296.0);
}

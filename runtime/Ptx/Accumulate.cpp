#include "runtime/Ptx/Mma.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#define MHO_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MHO_CLONES
#endif

namespace mho::ptx {
namespace {

/// One fma per product, by ascending or descending k.
MHO_CLONES void chain(MmaTile &tile, bool reversed) {
  for (int i = 0; i < 16; ++i)
    for (int step = 0; step < tile.k; ++step) {
      int k = reversed ? tile.k - 1 - step : step;
      float a = tile.a[i * tile.k + k];
      for (int j = 0; j < 8; ++j)
        tile.c[i][j] = __builtin_fmaf(a, tile.b[k * 8 + j], tile.c[i][j]);
    }
}

MHO_CLONES void tree(MmaTile &tile) {
  for (int i = 0; i < 16; ++i) {
    float sums[16][8];
    for (int k = 0; k < tile.k; ++k)
      for (int j = 0; j < 8; ++j)
        sums[k][j] = tile.a[i * tile.k + k] * tile.b[k * 8 + j];
    for (int left = tile.k / 2; left >= 1; left /= 2)
      for (int k = 0; k < left; ++k)
        for (int j = 0; j < 8; ++j)
          sums[k][j] = sums[2 * k][j] + sums[2 * k + 1][j];
    for (int j = 0; j < 8; ++j)
      tile.c[i][j] = sums[0][j] + tile.c[i][j];
  }
}

/// floor(log2 |x|); of zero: far below all others.
int exponentOf(float x) { return x == 0 ? -10000 : std::ilogb(x); }

/// Toward zero into f32.
float truncateToFloat(double value) {
  float nearest = float(value);
  if (std::fabs(double(nearest)) > std::fabs(value))
    nearest = std::nextafterf(nearest, 0.0f);
  return nearest;
}

/// Sum of c and `count` products whose significands are shifted to the largest exponent and cut to `bits` bits of
/// fraction.
float alignedSum(float c, const float *a, const float *b, int stride, int count, int bits) {
  int largest = exponentOf(c);
  bool special = !std::isfinite(c);
  for (int k = 0; k < count; ++k) {
    special |= !std::isfinite(a[k]) || !std::isfinite(b[k * stride]);
    largest = std::max(largest, exponentOf(a[k]) + exponentOf(b[k * stride]));
  }
  if (special) { // infinities and NaN follow the usual rules
    float sum = c;
    for (int k = 0; k < count; ++k)
      sum += a[k] * b[k * stride];
    return sum;
  }
  if (largest < -5000)
    return c;
  auto cut = [&](double value) { return int64_t(std::ldexp(value, bits - largest)); };
  int64_t sum = cut(c);
  for (int k = 0; k < count; ++k)
    sum += cut(double(a[k]) * b[k * stride]);
  return truncateToFloat(std::ldexp(double(sum), largest - bits));
}

void truncated(MmaTile &tile, int width, int bits) {
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j)
      for (int k = 0; k < tile.k; k += width)
        tile.c[i][j] =
            alignedSum(tile.c[i][j], tile.a + i * tile.k + k, tile.b + k * 8 + j, 8, std::min(width, tile.k - k), bits);
}

} // namespace

void accumulate(MmaTile &tile, Accumulation order) {
  switch (order) {
  case Accumulation::Sequential:
    return chain(tile, false);
  case Accumulation::Reversed:
    return chain(tile, true);
  case Accumulation::Tree:
    return tree(tile);
  case Accumulation::Truncated8:
    return truncated(tile, 8, 24);
  case Accumulation::Truncated16:
    return truncated(tile, 16, 25);
  }
}

} // namespace mho::ptx

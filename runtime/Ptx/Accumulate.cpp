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

/// Below the exponent of every product; of a zero factor.
constexpr int kNoExponent = -1000000;

/// floor(log2 |x|) of each number; true if one is Inf or NaN.
bool exponentsOf(const float *values, int count, int *exponents) {
  bool special = false;
  for (int i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    int field = bits >> 23 & 0xff;
    special |= field == 0xff;
    exponents[i] = field ? field - 127 : values[i] == 0 ? kNoExponent : std::ilogb(values[i]);
  }
  return special;
}

/// 2^exponent, for exponents of normal doubles.
inline double powerOfTwo(int exponent) {
  uint64_t bits = uint64_t(exponent + 1023) << 52;
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Toward zero into f32.
float truncateToFloat(double value) {
  float nearest = float(value);
  if (std::fabs(double(nearest)) > std::fabs(value))
    nearest = std::nextafterf(nearest, 0.0f);
  return nearest;
}

/// Row i of C and `count` products from k on, whose significands are shifted to the largest exponent and cut to `bits`
/// bits of fraction: sums of integers.
MHO_CLONES void alignedSums(MmaTile &tile, const int *ea, const int *eb, int i, int k, int count, int bits) {
  int largest[8];
  exponentsOf(tile.c[i], 8, largest);
  for (int n = 0; n < count; ++n)
    for (int j = 0; j < 8; ++j)
      largest[j] = std::max(largest[j], ea[i * tile.k + k + n] + eb[(k + n) * 8 + j]);
  double up[8], down[8];
  int64_t sums[8];
  for (int j = 0; j < 8; ++j) {
    int exponent = std::max(largest[j], -512); // of a sum of zeros
    up[j] = powerOfTwo(bits - exponent);
    down[j] = powerOfTwo(exponent - bits);
    sums[j] = int64_t(tile.c[i][j] * up[j]);
  }
  for (int n = 0; n < count; ++n) {
    double a = tile.a[i * tile.k + k + n];
    for (int j = 0; j < 8; ++j)
      sums[j] += int64_t(a * tile.b[(k + n) * 8 + j] * up[j]); // the product is exact, and so is its shift
  }
  for (int j = 0; j < 8; ++j)
    tile.c[i][j] = sums[j] ? truncateToFloat(double(sums[j]) * down[j]) : 0;
}

/// Infinities and NaN follow the usual rules, whatever the order.
bool hasSpecial(const MmaTile &tile) {
  int unused[16 * 16];
  return exponentsOf(tile.a, 16 * tile.k, unused) || exponentsOf(tile.b, 8 * tile.k, unused) ||
         exponentsOf(tile.c[0], 16 * 8, unused);
}

void truncated(MmaTile &tile, int width, int bits) {
  if (hasSpecial(tile))
    return chain(tile, false);
  int ea[16 * 16], eb[16 * 8];
  exponentsOf(tile.a, 16 * tile.k, ea);
  exponentsOf(tile.b, 8 * tile.k, eb);
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < tile.k; k += width)
      alignedSums(tile, ea, eb, i, k, std::min(width, tile.k - k), bits);
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

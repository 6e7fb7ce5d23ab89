// The maps from 16 and from 32 random bits to a standard normal number (SPEC.md, "Noise"): fused multiply-adds, no
// libm, equal bits everywhere. First that of 16 bits, the default; that of 32 bits (below) is for the study of rare
// events.
//
//   gaussianFromHalf(32768) == 4.325...f      // h = 32768: upper tail probability 2^-17
//   gaussianFromHalf(h) == -gaussianFromHalf(65535 - h)
//
// h becomes the odd number s = 2 h - 65535 in -65535..65535. |s| / 2^17 is the probability beyond the result, the sign
// of s its sign. A float of |s| already holds the logarithmic grid that a quantile wants: 16 exponents (0..15), each
// cut in two by the top bit of the mantissa, are 32 segments, and the mantissa m in [1, 2) is the variable. The even
// segments use m in [1, 1.5), the odd ones [1.5, 2). Segments 1 and 2 are never met (|s| = 1 and 3 are segments 0
// and 3); they are filled all the same.
//
// As vector code on 32-bit lanes (h zero extended; i32 and f32 share their bits):
//   s    = arith.subi (arith.shli h, 1), 65535
//   f    = arith.bitcast (arith.sitofp s)                   // exact
//   a    = arith.andi f, 0x7fffffff
//   seg  = arith.subi (arith.shrui a, 22), 254              // (127 << 1) = 254: 0..31
//   m    = arith.bitcast (arith.ori (arith.andi f, 0x007fffff), 0x3f800000)
//   q    = math.fma (math.fma c2[seg], m, c1[seg]), m, c0[seg]
//   n    = arith.bitcast (arith.xori (arith.bitcast q), (arith.andi f, 0x80000000))
// The lookup needs the low five bits of (a >> 22) + 2 only, so that a 32-entry permute (vpermi2ps) may take its index
// unreduced from a table rotated by two. As CUDA text, the same:
//   int s = 2 * (int)h - 65535;
//   unsigned f = __float_as_uint(__int2float_rn(s)), seg = ((f & 0x7fffffffu) >> 22) - 254u;
//   float m = __uint_as_float((f & 0x007fffffu) | 0x3f800000u);
//   float q = __fmaf_rn(__fmaf_rn(c2[seg], m, c1[seg]), m, c0[seg]);
//   float n = __uint_as_float(__float_as_uint(q) ^ (f & 0x80000000u));
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace mho {

inline constexpr int kGaussianSegments = 32;

#define MHO_GAUSSIAN_ROW(c0, c1, c2) c0,
inline constexpr float kGaussianC0[kGaussianSegments] = {
#include "dialect/Numerics/GaussianTable.inc"
};
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2) c1,
inline constexpr float kGaussianC1[kGaussianSegments] = {
#include "dialect/Numerics/GaussianTable.inc"
};
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2) c2,
inline constexpr float kGaussianC2[kGaussianSegments] = {
#include "dialect/Numerics/GaussianTable.inc"
};
#undef MHO_GAUSSIAN_ROW

/// Segment of a magnitude |s|, given the bits of it as a float: exponent and top mantissa bit.
constexpr uint32_t gaussianSegment(uint32_t magnitudeBits) { return (magnitudeBits >> 22) - 2 * 127; }

/// The normal number of a half: mean exactly 0, odd about 32767.5, largest 4.325, error to the true quantile below
/// 4e-4. Every result is finite and none is zero. Source: SPEC.md N6.
inline float gaussianFromHalf(uint16_t half) {
  float s = float(2 * int32_t(half) - 65535);
  uint32_t bits;
  std::memcpy(&bits, &s, sizeof bits);
  uint32_t segment = gaussianSegment(bits & 0x7fffffff), mantissa = (bits & 0x007fffff) | 0x3f800000;
  float m;
  std::memcpy(&m, &mantissa, sizeof m);
  float q = std::fma(std::fma(kGaussianC2[segment], m, kGaussianC1[segment]), m, kGaussianC0[segment]);
  return bits >> 31 ? -q : q;
}

//===-- of a word -------------------------------------------------------------------------------------------------===//

inline constexpr int kGaussianWordSegments = 64;
/// Coefficients 0 to 3 of the cubics, one table after the other.
inline constexpr float kGaussianWordTable[4][kGaussianWordSegments] = {
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c0,
    {
#include "dialect/Numerics/GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c1,
    {
#include "dialect/Numerics/GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c2,
    {
#include "dialect/Numerics/GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c3,
    {
#include "dialect/Numerics/GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
};

/// The greatest magnitude of the map: greater ones, which only rounding makes, become it.
inline constexpr float kGaussianWordLargest = 0x1.fffffep31f;

/// The normal number of a word: odd about 2^31 - 1/2, so the mean is exactly 0; largest 6.338; error to the true
/// quantile below 3e-5. The top bit is the sign; the others count up from the tail as 2 h + 1 in units of 2^-33.
inline float gaussianFromWord(uint32_t word) {
  bool positive = word >> 31;
  int32_t h = int32_t((positive ? word : ~word) & 0x7fffffff);
  float magnitude = std::fmin(std::fma(2.0f, float(h), 1.0f), kGaussianWordLargest);
  uint32_t bits;
  std::memcpy(&bits, &magnitude, sizeof bits);
  uint32_t segment = gaussianSegment(bits), mantissa = (bits & 0x007fffff) | 0x3f800000;
  float m, q = kGaussianWordTable[3][segment];
  std::memcpy(&m, &mantissa, sizeof m);
  for (int i = 2; i >= 0; --i)
    q = std::fma(q, m, kGaussianWordTable[i][segment]);
  return positive ? q : -q;
}

} // namespace mho

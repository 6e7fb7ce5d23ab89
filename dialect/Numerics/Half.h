// The 16-bit formats in which matrices may be stored (SPEC.md, "Storage"): to float32, exact, and from it, rounded once
// to nearest, ties to even.
//
//   float v = fromHalf(0x3c00);                // 1
//   uint16_t bits = toHalf(65520);             // 0x7c00: beyond the largest, infinity
//   uint16_t word = toBFloat(v);
//
// In the default floating-point modes: numbers below the normal ones count.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace mho {

inline float floatOfBits(uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, sizeof(v));
  return v;
}

inline uint32_t bitsOfFloat(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, sizeof(bits));
  return bits;
}

/// f16: sign, 5 bits of exponent, 10 of fraction. The fraction where float32 has it, 2^112 makes up for the bias of the
/// exponent, and makes a subnormal number a normal one; infinity and NaN have an exponent of their own.
inline float fromHalf(uint16_t bits) {
  uint32_t magnitude = bits & 0x7fffu, sign = uint32_t(bits & 0x8000u) << 16;
  uint32_t finite = bitsOfFloat(floatOfBits(magnitude << 13) * 0x1p112f);
  return floatOfBits((magnitude >= 0x7c00u ? magnitude << 13 | 0x7f800000u : finite) | sign);
}

/// bf16: the upper half of a float32.
inline float fromBFloat(uint16_t bits) { return floatOfBits(uint32_t(bits) << 16); }

/// A float32 in a format of `fraction` bits of fraction whose least normal exponent is `least`, and whose greatest is
/// 1 - least. A NaN is 0x7e00 of f16 and 0x7fc0 of bf16, with its sign.
inline uint16_t roundToFormat(float v, int fraction, int least) {
  auto sign = uint16_t(std::signbit(v) ? 0x8000 : 0);
  auto infinity = uint16_t((2 - 2 * least + 1) << fraction);
  if (std::isnan(v))
    return sign | infinity | uint16_t(1 << (fraction - 1));
  double magnitude = std::fabs(double(v));
  if (magnitude >= std::ldexp(1.0, 2 - least))
    return sign | infinity;
  int exponent = magnitude < std::ldexp(1.0, least) ? least : std::ilogb(magnitude);
  // In units of the last place; all of them, 2^(fraction + 1), are the next power of two, or infinity.
  auto units = int64_t(std::nearbyint(std::ldexp(magnitude, fraction - exponent)));
  return sign | uint16_t((int64_t(exponent - least) << fraction) + units);
}

inline uint16_t toHalf(float v) { return roundToFormat(v, 10, -14); }
inline uint16_t toBFloat(float v) { return roundToFormat(v, 7, -126); }

} // namespace mho

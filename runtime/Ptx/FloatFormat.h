// Floating-point formats that C++ has no type for, and rounding into them.
#pragma once

#include "runtime/Ptx/Instruction.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace mho::ptx {

/// A binary format: sign, exponent, fraction, from the top; the top of an exponent field is Inf and NaN.
struct FloatFormat {
  int exponentBits, fractionBits;
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  uint64_t infinity() const { return ((uint64_t(1) << exponentBits) - 1) << fractionBits; }
  uint64_t nan() const { return infinity() | ((uint64_t(1) << fractionBits) - 1); } ///< what a GPU makes of any NaN
  uint64_t sign() const { return uint64_t(1) << (exponentBits + fractionBits); }
};

constexpr FloatFormat kHalf{5, 10}, kBrain{8, 7}, kTensor{8, 10}, kSingle{8, 23};

/// The bits of `value` rounded into the format. `value` must be exact, or rounded to odd: a double has more than twice
/// the bits of these formats, so that rounding again is then right in every mode.
uint64_t roundTo(double value, FloatFormat format, Rounding rounding);

/// a * b + c rounded to odd, for factors whose product is exact in double.
double fusedToOdd(double a, double b, double c);

inline float halfToFloat(uint16_t half) {
  // The exponent is moved by a multiplication, which also normalises subnormals.
  uint32_t shifted = uint32_t(half & 0x7fff) << 13, sign = uint32_t(half & 0x8000) << 16;
  float magnitude;
  std::memcpy(&magnitude, &shifted, sizeof magnitude);
  magnitude *= 0x1p112f;
  uint32_t bits;
  std::memcpy(&bits, &magnitude, sizeof bits);
  uint32_t special = shifted > 0x0f800000 ? 0x7fffffff : 0x7f800000; // NaN is canonical
  bits = (shifted >= 0x0f800000 ? special : bits) | (shifted > 0x0f800000 ? 0 : sign);
  std::memcpy(&magnitude, &bits, sizeof magnitude);
  return magnitude;
}

inline float brainToFloat(uint16_t brain) {
  uint32_t bits = uint32_t(brain) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint16_t floatToHalf(double value, Rounding rounding = Rounding::NearestEven) {
  return uint16_t(roundTo(value, kHalf, rounding));
}
inline uint16_t floatToBrain(double value, Rounding rounding = Rounding::NearestEven) {
  return uint16_t(roundTo(value, kBrain, rounding));
}

/// Subnormal numbers become zeros of their sign.
inline float flush(float value) { return std::fabs(value) < 0x1p-126f ? std::copysign(0.0f, value) : value; }

} // namespace mho::ptx

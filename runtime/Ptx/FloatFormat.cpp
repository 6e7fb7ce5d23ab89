#include "runtime/Ptx/FloatFormat.h"

namespace mho::ptx {

uint64_t roundTo(double value, FloatFormat format, Rounding rounding) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bool negative = bits >> 63;
  uint64_t sign = negative ? format.sign() : 0;
  if (std::isnan(value))
    return format.nan();
  if (std::isinf(value))
    return sign | format.infinity();
  if (value == 0)
    return sign;
  // The significand with its leading one; subnormal doubles lie far below all formats.
  int field64 = int(bits >> 52 & 0x7ff), lowest = 1 - format.bias(); // exponent of the smallest normal number
  int exponentOfOne = field64 ? field64 - 1023 : -1022;
  uint64_t significand = (bits & ((uint64_t(1) << 52) - 1)) | uint64_t(field64 != 0) << 52;
  int kept = format.fractionBits + 1 - std::max(lowest - exponentOfOne, 0); // bits that the format has room for
  int dropped = 53 - kept;
  uint64_t result, rest, half;
  if (dropped > 54) { // far below the smallest subnormal
    result = 0, rest = 1, half = 2;
  } else {
    result = dropped >= 54 ? 0 : significand >> dropped;
    rest = dropped >= 54 ? significand : significand & ((uint64_t(1) << dropped) - 1);
    half = uint64_t(1) << (dropped - 1);
  }
  bool up = false;
  switch (rounding) {
  case Rounding::NearestEven:
    up = rest > half || (rest == half && (result & 1));
    break;
  case Rounding::NearestAway:
    up = rest >= half;
    break;
  case Rounding::Zero:
    break;
  case Rounding::Down:
    up = rest && negative;
    break;
  case Rounding::Up:
    up = rest && !negative;
    break;
  }
  // A fraction that overflows carries into the exponent, which is what it should do.
  uint64_t field = exponentOfOne >= lowest ? uint64_t(exponentOfOne + format.bias() - 1) << format.fractionBits : 0;
  uint64_t magnitude = field + result + up;
  if (magnitude >= format.infinity()) {
    bool toLargest = rounding == Rounding::Zero || (rounding == Rounding::Down && !negative) ||
                     (rounding == Rounding::Up && negative);
    magnitude = format.infinity() - toLargest;
  }
  return sign | magnitude;
}

double fusedToOdd(double a, double b, double c) {
  double product = a * b, sum = product + c;
  if (!std::isfinite(sum))
    return sum;
  double back = sum - product, error = (product - (sum - back)) + (c - back);
  if (error == 0)
    return sum;
  uint64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  if (bits & 1)
    return sum;
  // Even and inexact: the odd neighbour on the error's side.
  bool away = (error > 0) == (sum > 0);
  if (sum == 0)
    return error; // cannot be: a sum of doubles that is zero is exact
  bits += away ? 1 : -1;
  std::memcpy(&sum, &bits, sizeof sum);
  return sum;
}

} // namespace mho::ptx

// The quantisers' arithmetic, one fp32 operation at a time (SPEC.md Q1 to Q3): DAC, weight quantiser, ADC.
//
//   float code = dacCode(x, beta, 127);              // -127..127, a whole number held in a float
//   float back = rescale(accumulator, beta, 127);
//   float y = adc(back, adcBound(12, beta, a), 127); // 127 = 2^(8-1) - 1 half-levels of 8 bits
//
// Each function is a straight line of + - * / min max roundeven select, every one rounded once and none contracted, so
// that vector code is the same line with vectors:
//   safeScale  s = divf L, r;  select (absf s == inf), 0, s
//   clamp      minimumf (maximumf v, lo), hi            // arith.maximumf, minimumf: NaN wins, -0 < +0
//   dacCode    roundeven (mulf (clamp x, -beta, beta), safeScale L, beta)
//   adcCode    roundeven (mulf v, safeScale L, bound)   // not yet clamped: round first, then clamp
//   adc        mulf (clamp code, -L, L), (divf bound, L)
// In CUDA text max and min are `max.NaN.f32` and `min.NaN.f32`, the division is __fdiv_rn.
//
// Special values follow from the line, without branches:
//   range 0, or so small that L / range overflows   code 0, hence output 0
//   NaN as value or as range                        NaN
//   infinite value, finite range > 0                the outermost code
//   infinite range                                  code 0 (NaN of an infinite value), which the way back, 0 * inf,
//                                                   makes NaN
//   infinite accumulator or weight, range 0         NaN (inf * 0); the DAC, which clamps first, gives code 0
#pragma once

#include <cmath>
#include <limits>

namespace mho {

/// IEEE 754-2019 minimum and maximum: NaN if either is NaN; -0 is less than +0. The MLIR ops of the same names.
inline float minimumf(float x, float y) {
  if (std::isnan(x) || std::isnan(y))
    return std::numeric_limits<float>::quiet_NaN();
  if (x == y)
    return std::signbit(x) ? x : y;
  return x < y ? x : y;
}
inline float maximumf(float x, float y) { return -minimumf(-x, -y); }

/// min(max(v, low), high).
inline float clamp(float v, float low, float high) { return minimumf(maximumf(v, low), high); }

/// To the nearest integer, ties to even, whatever the rounding mode.
inline float roundEven(float v) { return __builtin_roundevenf(v); }

/// levels / range, and 0 where that is infinite (Q1).
inline float safeScale(float levels, float range) {
  float scale = levels / range;
  return std::fabs(scale) == std::numeric_limits<float>::infinity() ? 0.0f : scale;
}

/// DAC: the integer code of an input, -L..L. `beta` >= 0 is the range, `levels` L a whole number from 1 to 2^23 - 1.
inline float dacCode(float x, float beta, float levels) {
  return roundEven(clamp(x, -beta, beta) * safeScale(levels, beta));
}

/// Back from codes: v * (range / L), once per accumulator.
inline float rescale(float v, float range, float levels) { return v * (range / levels); }

/// Weight quantiser: the code of a weight, -L..L; `scale` is A, max |W| of its row of the tile.
inline float weightCode(float w, float scale, float levels) {
  return clamp(roundEven(w * safeScale(levels, scale)), -levels, levels);
}

/// The weight that the quantiser leaves: its code times A / L.
inline float quantiseWeight(float w, float scale, float levels) {
  return rescale(weightCode(w, scale, levels), scale, levels);
}

/// (lambda * beta) * A, left to right.
inline float adcBound(float lambda, float beta, float scale) { return (lambda * beta) * scale; }

/// ADC before its clamp: whole, but beyond -L..L where the accumulator saturates.
inline float adcCode(float v, float bound, float levels) { return roundEven(v * safeScale(levels, bound)); }

/// True where the ADC saturates, strictly: the bit that the masked gradient keeps. False of NaN.
inline bool adcSaturated(float v, float bound, float levels) { return std::fabs(adcCode(v, bound, levels)) > levels; }

/// ADC: the quantised accumulator, within bound up to the rounding of L * (bound / L).
inline float adc(float v, float bound, float levels) {
  return rescale(clamp(adcCode(v, bound, levels), -levels, levels), bound, levels);
}

/// (sigma * range) * scale, left to right; a weight's gain is gainOf(gamma, A).
inline float gainOf(float sigma, float scale) { return sigma * scale; }
inline float gainOf(float sigma, float range, float scale) { return (sigma * range) * scale; }

/// value + gain * n by one fused multiply-add.
inline float addNoise(float value, float gain, float n) { return std::fma(gain, n, value); }

} // namespace mho

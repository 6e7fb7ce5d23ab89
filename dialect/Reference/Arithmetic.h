// The evaluator's arithmetic: each operation rounded once to the chosen precision. float operations are computed in
// double and rounded, which for + - * / of floats is the correctly rounded float result (53 >= 2 * 24 + 2 bits); a
// fused multiply-add is not and has its own path.
//
//   Arithmetic a{Precision::F32};
//   double scale = a.safeScale(127, beta);               // SPEC.md, "Quantisers"
#pragma once

#include "dialect/Numerics/Elementary.h"
#include "dialect/Numerics/Half.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

namespace mho::reference {

/// F32: the norm. F64: every operation in double, for comparisons with double-precision programs and for central
/// differences.
enum class Precision { F32, F64 };

struct Arithmetic {
  Precision precision = Precision::F32;
  /// Smooth programs replace rounding to integers by the identity: their true derivative is what straight-through
  /// rounding claims.
  bool smooth = false;

  double round(double v) const { return precision == Precision::F32 ? double(float(v)) : v; }
  /// An element stored as `type`, a tensor or a number, and loaded again.
  double stored(double v, mlir::Type type) const {
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    if (isSingle() && element.isF16())
      return fromHalf(toHalf(float(v)));
    return isSingle() && element.isBF16() ? fromBFloat(toBFloat(float(v))) : round(v);
  }
  double add(double x, double y) const { return round(x + y); }
  double sub(double x, double y) const { return round(x - y); }
  double mul(double x, double y) const { return round(x * y); }
  double div(double x, double y) const { return round(x / y); }
  double fma(double x, double y, double z) const {
    return precision == Precision::F32 ? double(std::fma(float(x), float(y), float(z))) : std::fma(x, y, z);
  }
  /// Nearest integer, ties to even.
  double roundEven(double v) const { return smooth ? v : std::nearbyint(v); }
  /// Towards minus infinity, plus infinity, and 0.
  double floor(double v) const { return smooth ? v : std::floor(v); }
  double ceil(double v) const { return smooth ? v : std::ceil(v); }
  double trunc(double v) const { return smooth ? v : std::trunc(v); }
  /// The elementary functions of SPEC.md in F32; in F64 the C library's.
  double exp(double x) const { return isSingle() ? elementary::exp(sequence, float(x)) : std::exp(x); }
  double log(double x) const { return isSingle() ? elementary::log(sequence, float(x)) : std::log(x); }
  double tanh(double x) const { return isSingle() ? elementary::tanh(sequence, float(x)) : std::tanh(x); }
  double pow(double x, double y) const {
    return isSingle() ? elementary::pow(sequence, float(x), float(y)) : std::pow(x, y);
  }
  /// NaN in, NaN out; -0 is less than +0.
  static double min(double x, double y) {
    if (std::isnan(x) || std::isnan(y))
      return std::numeric_limits<double>::quiet_NaN();
    if (x == y)
      return std::signbit(x) ? x : y;
    return x < y ? x : y;
  }
  static double max(double x, double y) { return -min(-x, -y); }
  static double clamp(double v, double low, double high) { return min(max(v, low), high); }
  /// levels / range; 0 where that is infinite. NaN stays NaN.
  double safeScale(double levels, double range) const {
    double scale = div(levels, range);
    return std::isinf(scale) ? 0 : scale;
  }

private:
  bool isSingle() const { return precision == Precision::F32; }
  static constexpr FloatArithmetic sequence{};
};

} // namespace mho::reference

// exp, log, powf and tanh of float32 as fixed sequences of operations that are exact or rounded once (SPEC.md,
// "Elementary functions"): no library, no double, equal bits wherever the operations are IEEE's.
//
//   FloatArithmetic a;
//   elementary::exp(a, 1.0f) == 2.7182817f                 // numbers: the evaluator and tests
//   BuilderArithmetic a{{builder, loc}};
//   Value y = elementary::exp(a, x);                       // the same sequence as arith and math ops: kernels
//
// An arithmetic A has the types Float, Int (32 bits, wrapping) and Bool, and the operations of FloatArithmetic below.
// There are no branches: every path is computed and one is selected, as vector code does.
//
// A *pair* (head, tail) stands for head + tail unrounded, |tail| below an ulp of head. All four functions go through
// two of them: e^(h + l) as 2^k (head + tail), and log x as head + tail. A result is rounded when the head is made,
// which is why errors stay near half an ulp; what is left are the polynomials' errors and the tails' own rounding.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace mho {

/// Numbers of the machine. Needs a compiler that neither contracts nor reassociates (-ffp-contract=off).
struct FloatArithmetic {
  using Float = float;
  using Int = int32_t;
  using Bool = bool;

  Float constant(float v) const { return v; }
  Int integer(int32_t v) const { return v; }
  Float add(Float x, Float y) const { return x + y; }
  Float sub(Float x, Float y) const { return x - y; }
  Float mul(Float x, Float y) const { return x * y; }
  Float div(Float x, Float y) const { return x / y; }
  Float neg(Float x) const { return -x; }
  Float fma(Float x, Float y, Float z) const { return std::fma(x, y, z); }
  Float abs(Float x) const { return std::fabs(x); }
  Float trunc(Float x) const { return std::trunc(x); }
  Float copySign(Float magnitude, Float sign) const { return std::copysign(magnitude, sign); }
  Float select(Bool c, Float x, Float y) const { return c ? x : y; }
  Int select(Bool c, Int x, Int y) const { return c ? x : y; }
  /// Comparisons are false where an operand is NaN; `unordered` is true there.
  Bool less(Float x, Float y) const { return x < y; }
  Bool equal(Float x, Float y) const { return x == y; }
  Bool unordered(Float x, Float y) const { return std::isnan(x) || std::isnan(y); }
  Bool both(Bool x, Bool y) const { return x && y; }
  Bool either(Bool x, Bool y) const { return x || y; }
  Bool differ(Bool x, Bool y) const { return x != y; }
  Bool isNot(Bool x) const { return !x; }

  Int bitsOf(Float x) const {
    Int bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
  }
  Float ofBits(Int bits) const {
    Float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }
  Float toFloat(Int i) const { return float(i); }
  Int addInt(Int x, Int y) const { return Int(uint32_t(x) + uint32_t(y)); }
  Int subInt(Int x, Int y) const { return Int(uint32_t(x) - uint32_t(y)); }
  Int shiftLeft(Int x, int bits) const { return Int(uint32_t(x) << bits); }
  Int shiftRight(Int x, int bits) const { return x >> bits; } // with the sign: so on every compiler since C++20
};

namespace elementary {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// ln 2 in two parts. The first has 15 bits, so that a whole number of up to 8 bits times it is exact.
inline constexpr float kLn2Head = 0x1.62e4p-1f, kLn2Tail = 0x1.7f7d1cp-20f;

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, minimax, ascending. Error 2^-28 of e^r.
inline constexpr float kExpTerms[] = {0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f4p-5f, 0x1.123a6cp-7f, 0x1.6a234ep-10f};
/// (atanh(q) / q - 1 - z / 3) / z^2 of z = q^2 for |q| <= (sqrt 2 - 1) / (sqrt 2 + 1), minimax, ascending. 2^-44 of
/// atanh(q).
inline constexpr float kAtanhTerms[] = {0x1.999998p-3f, 0x1.249376p-3f, 0x1.c6589p-4f, 0x1.8ec19ep-4f};
/// (tanh(x) / x - 1) / z of z = x^2 for |x| <= 0.5626, minimax, ascending. 2^-29 of tanh x.
inline constexpr float kTanhTerms[] = {-0x1.555548p-2f, 0x1.110c7p-3f, -0x1.b90904p-5f, 0x1.582d76p-6f,
                                       -0x1.94f34cp-8f};

template <class A> struct Pair {
  typename A::Float head, tail;
};

/// x + y exactly, where |x| >= |y| or x is 0 (Dekker).
template <class A> Pair<A> exactSum(const A &a, typename A::Float x, typename A::Float y) {
  auto sum = a.add(x, y);
  return {sum, a.add(a.sub(x, sum), y)};
}

/// Horner's scheme, ascending coefficients.
template <class A, int N> typename A::Float polynomial(const A &a, typename A::Float x, const float (&terms)[N]) {
  auto sum = a.constant(terms[N - 1]);
  for (int i = N - 2; i >= 0; --i)
    sum = a.fma(sum, x, a.constant(terms[i]));
  return sum;
}

/// 2^k for -126 <= k <= 127.
template <class A> typename A::Float powerOfTwo(const A &a, typename A::Int k) {
  return a.ofBits(a.shiftLeft(a.addInt(k, a.integer(127)), 23));
}

/// v * 2^k for -252 <= k <= 254, rounded once: the first of two factors leaves a v near 1 normal.
template <class A> typename A::Float scale(const A &a, typename A::Float v, typename A::Int k) {
  auto half = a.shiftRight(k, 1);
  auto first = powerOfTwo(a, half), second = powerOfTwo(a, a.subInt(k, half));
  return a.mul(a.mul(v, first), second);
}

/// x limited to where e^x is neither 0 nor infinite, and one step beyond. NaN stays.
template <class A> typename A::Float limitExponent(const A &a, typename A::Float x) {
  auto low = a.constant(-104), high = a.constant(89); // e^-104 < 2^-150, e^89 > 2^128
  return a.select(a.less(x, low), low, a.select(a.less(high, x), high, x));
}

template <class A> struct ScaledPair {
  Pair<A> fraction; ///< 0.7 to 1.42
  typename A::Int exponent;
};

/// e^(high + low) = 2^k (head + tail), for -104 <= high <= 89 and |low| below 2^-8.
template <class A> ScaledPair<A> expOfPair(const A &a, typename A::Float high, typename A::Float low) {
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  auto shift = a.constant(0x1.8p23f);
  auto shifted = a.fma(high, a.constant(0x1.715476p+0f), shift);
  auto k = a.subInt(a.bitsOf(shifted), a.bitsOf(shift));
  auto whole = a.sub(shifted, shift);
  // r = high + low - k ln 2, as a pair. The first step is exact: both terms are multiples of 2^-25 and cancel.
  auto reduced = a.fma(whole, a.constant(-kLn2Head), high);
  auto [r, rest] = exactSum(a, reduced, a.fma(whole, a.constant(-kLn2Tail), low));
  auto curve = a.mul(a.mul(r, r), polynomial(a, r, kExpTerms));
  auto [head, error] = exactSum(a, a.constant(1), r);
  return {exactSum(a, head, a.add(error, a.add(curve, rest))), k};
}

/// log x as a pair with a relative error of 2^-36, for positive finite x; anything for other x.
template <class A> Pair<A> logAsPair(const A &a, typename A::Float x) {
  // x = 2^k m with sqrt(1/2) <= m < sqrt 2; subnormal x as 2^24 x.
  auto tiny = a.less(x, a.constant(0x1p-126f));
  auto bits = a.bitsOf(a.select(tiny, a.mul(x, a.constant(0x1p24f)), x));
  auto exponent = a.shiftRight(a.subInt(bits, a.integer(0x3f3504f3)), 23); // the bits of sqrt(1/2)
  auto m = a.ofBits(a.subInt(bits, a.shiftLeft(exponent, 23)));
  auto k = a.toFloat(a.addInt(exponent, a.select(tiny, a.integer(-24), a.integer(0))));
  // log m = 2 atanh(q), q = f / (2 + f) as a pair: a quotient and what is left of f, times the same reciprocal.
  auto f = a.sub(m, a.constant(1));
  auto reciprocal = a.div(a.constant(1), a.add(f, a.constant(2)));
  auto q = a.mul(f, reciprocal);
  auto left = a.fma(q, a.neg(f), a.fma(q, a.constant(-2), f));
  auto qTail = a.mul(left, reciprocal);
  // z = q^2 and w = (atanh(q) / q - 1) / z = 1/3 + z (...) as pairs, and their product.
  auto z = a.mul(q, q);
  auto zTail = a.fma(a.add(q, q), qTail, a.fma(q, q, a.neg(z)));
  auto [w, wError] = exactSum(a, a.constant(0x1.555556p-2f), a.mul(z, polynomial(a, z, kAtanhTerms)));
  auto wTail = a.add(wError, a.constant(-0x1.555556p-27f)); // 1/3 is not a float
  auto g = a.mul(z, w);
  auto gTail = a.fma(z, wTail, a.fma(zTail, w, a.fma(z, w, a.neg(g))));
  // atanh(q) = q + q z w.
  auto cubic = a.mul(q, g);
  auto cubicTail = a.fma(qTail, g, a.fma(q, gTail, a.fma(q, g, a.neg(cubic))));
  auto [t, tError] = exactSum(a, q, cubic);
  auto tTail = a.add(a.add(tError, cubicTail), qTail);
  // k ln 2 + 2 atanh(q): the first is 0 or the greater.
  auto [sum, sumError] = exactSum(a, a.mul(k, a.constant(kLn2Head)), a.add(t, t));
  return exactSum(a, sum, a.add(sumError, a.fma(k, a.constant(kLn2Tail), a.add(tTail, tTail))));
}

/// e^x.
template <class A> typename A::Float exp(const A &a, typename A::Float x) {
  auto [fraction, k] = expOfPair(a, limitExponent(a, x), a.constant(0));
  return scale(a, fraction.head, k);
}

/// The natural logarithm: -infinity of 0, NaN of a negative number.
template <class A> typename A::Float log(const A &a, typename A::Float x) {
  auto zero = a.constant(0), infinity = a.constant(kInfinity);
  auto value = a.select(a.less(x, infinity), logAsPair(a, x).head, x); // infinity and NaN stay
  value = a.select(a.less(x, zero), a.constant(std::numeric_limits<float>::quiet_NaN()), value);
  return a.select(a.equal(x, zero), a.constant(-kInfinity), value);
}

/// The odd series near 0, beyond it 1 - 2 / (e^2|x| + 1) with the sign of x.
template <class A> typename A::Float tanh(const A &a, typename A::Float x) {
  auto one = a.constant(1), two = a.constant(2), magnitude = a.abs(x);
  auto square = a.mul(x, x);
  auto near = a.fma(a.mul(magnitude, square), polynomial(a, square, kTanhTerms), magnitude);

  auto limit = a.constant(10); // 1 - tanh 10 is far below half an ulp
  auto limited = a.select(a.less(limit, magnitude), limit, magnitude);
  auto [fraction, k] = expOfPair(a, a.add(limited, limited), a.constant(0));
  auto power = powerOfTwo(a, k);
  auto [d, dError] = exactSum(a, a.mul(fraction.head, power), one);
  auto dTail = a.fma(fraction.tail, power, dError);
  // 2 / (d + dTail) as a pair: a quotient, and what is left of 2 by the same divisor.
  auto quotient = a.div(two, d);
  auto left = a.sub(a.fma(quotient, a.neg(d), two), a.mul(quotient, dTail));
  auto quotientTail = a.mul(left, a.mul(quotient, a.constant(0.5f)));
  auto [head, error] = exactSum(a, one, a.neg(quotient));
  auto far = a.add(head, a.sub(error, quotientTail));
  return a.copySign(a.select(a.less(magnitude, a.constant(0.5625f)), near, far), x);
}

/// e^(y log x) for positive finite x and finite y; anything for others, but no NaN of a NaN x.
template <class A> typename A::Float powerOfPositive(const A &a, typename A::Float x, typename A::Float y) {
  auto [l, lTail] = logAsPair(a, x);
  auto product = a.mul(y, l);
  auto productTail = a.fma(y, lTail, a.fma(y, l, a.neg(product)));
  // Where the product overflows its tail is no number; out there it does not count.
  auto tail = a.select(a.less(a.abs(product), a.constant(128)), productTail, a.constant(0));
  auto [fraction, k] = expOfPair(a, limitExponent(a, product), tail);
  return scale(a, fraction.head, k);
}

/// x^y with the special cases of IEEE 754 (pow).
template <class A> typename A::Float pow(const A &a, typename A::Float x, typename A::Float y) {
  auto zero = a.constant(0), one = a.constant(1), infinity = a.constant(kInfinity);
  auto magnitude = a.abs(x);
  // Of 0 and of infinities the result is 0, 1 or infinity.
  auto isExtreme = a.either(a.equal(a.abs(y), infinity), a.either(a.equal(x, zero), a.equal(magnitude, infinity)));
  auto shrinks = a.differ(a.less(one, magnitude), a.less(zero, y));
  auto extreme = a.select(a.equal(magnitude, one), one, a.select(shrinks, zero, infinity));
  auto value = a.select(isExtreme, extreme, powerOfPositive(a, magnitude, y));
  // A negative base: its sign where y is odd, NaN where y is not whole. Infinities are whole and even.
  auto half = a.mul(y, a.constant(0.5f));
  auto isWhole = a.equal(a.trunc(y), y), isHalfWhole = a.equal(a.trunc(half), half);
  auto isOdd = a.both(isWhole, a.isNot(isHalfWhole));
  value = a.select(isOdd, a.copySign(value, x), value);
  auto isNegative = a.both(a.less(x, zero), a.less(a.constant(-kInfinity), x));
  auto hasNoPower = a.either(a.unordered(x, y), a.both(isNegative, a.isNot(isWhole)));
  value = a.select(hasNoPower, a.constant(std::numeric_limits<float>::quiet_NaN()), value);
  return a.select(a.either(a.equal(y, zero), a.equal(x, one)), one, value);
}

} // namespace elementary
} // namespace mho

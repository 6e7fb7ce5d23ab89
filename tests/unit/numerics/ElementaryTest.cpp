// exp, log, tanh and pow against double: the bounds of SPEC.md over all exponents and signs, and the special values.
#include "dialect/Numerics/Elementary.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace mho {
namespace {

constexpr FloatArithmetic kArithmetic;
constexpr float kInf = elementary::kInfinity, kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max(), kSmallest = 0x1p-149f;

float ourExp(float x) { return elementary::exp(kArithmetic, x); }
float ourLog(float x) { return elementary::log(kArithmetic, x); }
float ourTanh(float x) { return elementary::tanh(kArithmetic, x); }
float ourPow(float x, float y) { return elementary::pow(kArithmetic, x, y); }

/// The distance of a result from the exact value, in units of the last place of floats there (2^-149 where these are
/// subnormal); infinite where one is NaN and the other not, or where signs differ. Beyond the largest float, floats go
/// on, infinity being 2^128.
double ulpError(float result, double exact) {
  if (std::isnan(exact) || std::isnan(result))
    return std::isnan(exact) && std::isnan(result) ? 0 : HUGE_VAL;
  if (std::signbit(exact) != std::signbit(result))
    return HUGE_VAL;
  double size = std::min(std::fabs(exact), 0x1p128), ours = std::isinf(result) ? 0x1p128 : std::fabs(double(result));
  int exponent;
  std::frexp(size, &exponent);
  return std::fabs(ours - size) / std::ldexp(1.0, std::max(std::min(exponent, 128) - 24, -149));
}

struct Function {
  const char *name;
  float (*ours)(float);
  double (*exact)(double);
  double bound; ///< SPEC.md, "Elementary functions"
};

/// For the tests' names.
void PrintTo(const Function &function, std::ostream *stream) { *stream << function.name; }

constexpr double kPowBound = 0.85; ///< likewise

class Elementary : public testing::TestWithParam<Function> {};

/// A stride through all 2^32 bit patterns that shares no factor with any power of two: all exponents, both signs. With
/// MHO_TEST_EVERY_FLOAT in the environment every pattern.
TEST_P(Elementary, StaysWithinItsBound) {
  const uint64_t stride = std::getenv("MHO_TEST_EVERY_FLOAT") ? 1 : 517;
  double worst = 0;
  float at = 0;
  for (uint64_t bits = 0; bits < uint64_t(1) << 32; bits += stride) {
    float x = kArithmetic.ofBits(int32_t(bits));
    double error = ulpError(GetParam().ours(x), GetParam().exact(x));
    if (error > worst)
      worst = error, at = x;
  }
  EXPECT_LT(worst, GetParam().bound) << "at " << at;
  EXPECT_GT(worst, 0.5 - 1e-6) << "no float is nearer to a value between two";
}

/// Every float about the places where a sequence takes another path.
TEST_P(Elementary, StaysWithinItsBoundAroundItsSeams) {
  for (float seam : {0.0f, 0x1p-126f, 0x1.6a09e6p-1f, 0.5625f, 0x1.62e43p-2f, 1.0f, 0x1.6a09e6p0f, 10.0f, 0x1.62e43p+6f,
                     -0x1.62e43p-2f, -0x1.5d589ep+6f, -0x1.9fe368p+6f, -104.0f, kLargest})
    for (int32_t step = -2000; step <= 2000; ++step) {
      float x = kArithmetic.ofBits(kArithmetic.bitsOf(seam) + step);
      EXPECT_LT(ulpError(GetParam().ours(x), GetParam().exact(x)), GetParam().bound) << "at " << x;
    }
}

INSTANTIATE_TEST_SUITE_P(Functions, Elementary,
                         testing::Values(Function{"exp", ourExp, std::exp, 0.8},
                                         Function{"log", ourLog, std::log, 0.51},
                                         Function{"tanh", ourTanh, std::tanh, 0.75}),
                         [](const auto &info) { return info.param.name; });

void expectSame(float actual, float expected) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(actual)) << actual;
  else
    EXPECT_TRUE(actual == expected && std::signbit(actual) == std::signbit(expected))
        << actual << " is not " << expected;
}

TEST(ElementaryValues, OfExp) {
  expectSame(ourExp(0), 1);
  expectSame(ourExp(-0.0f), 1);
  expectSame(ourExp(1), 0x1.5bf0a8p1f);
  expectSame(ourExp(kSmallest), 1);
  expectSame(ourExp(kInf), kInf);
  expectSame(ourExp(-kInf), 0);
  expectSame(ourExp(kNan), kNan);
  expectSame(ourExp(0x1.62e42ep6f), 0x1.ffff08p127f); // the last that is finite
  expectSame(ourExp(0x1.62e43p6f), kInf);
  expectSame(ourExp(-0x1.9fe368p6f), kSmallest); // the last that is not 0
  expectSame(ourExp(-0x1.9fe36ap6f), 0);
  expectSame(ourExp(-100), 27 * kSmallest);
  expectSame(ourExp(kLargest), kInf);
  expectSame(ourExp(-kLargest), 0);
}

TEST(ElementaryValues, OfLog) {
  expectSame(ourLog(1), 0);
  expectSame(ourLog(0), -kInf);
  expectSame(ourLog(-0.0f), -kInf);
  expectSame(ourLog(-1), kNan);
  expectSame(ourLog(-kSmallest), kNan);
  expectSame(ourLog(-kInf), kNan);
  expectSame(ourLog(kNan), kNan);
  expectSame(ourLog(kInf), kInf);
  expectSame(ourLog(2), 0x1.62e43p-1f);
  expectSame(ourLog(kSmallest), -0x1.9d1dap6f);
  expectSame(ourLog(kLargest), 0x1.62e43p6f);
  expectSame(ourLog(0x1.000002p0f), 0x1.fffffep-24f);
}

TEST(ElementaryValues, OfTanh) {
  for (float x : {0.0f, kSmallest, 0x1p-126f, 0x1p-20f})
    expectSame(ourTanh(x), x);
  expectSame(ourTanh(kInf), 1);
  expectSame(ourTanh(kLargest), 1);
  expectSame(ourTanh(9.5f), 1);
  expectSame(ourTanh(kNan), kNan);
  expectSame(ourTanh(1), 0x1.85efacp-1f);
  for (float x = 0; x < 12; x += 0x1p-8f)
    expectSame(ourTanh(-x), -ourTanh(x));
}

/// IEEE 754, 9.2.1, pow; all pairs of what its cases are made of, against the C library's pow of doubles.
TEST(ElementaryValues, OfPow) {
  std::vector<float> operands;
  for (float v : {0.0f, kSmallest, 0x1p-126f, 0.5f, 0x1.fffffep-1f, 1.0f, 0x1.000002p0f, 1.5f, 2.0f, 3.0f, 127.0f,
                  149.0f, 8388607.5f, 16777215.0f, 16777218.0f, kLargest, kInf, kNan})
    operands.insert(operands.end(), {v, -v});
  for (float x : operands)
    for (float y : operands)
      EXPECT_LT(ulpError(ourPow(x, y), std::pow(double(x), double(y))), kPowBound) << x << " to the power of " << y;
  expectSame(ourPow(kNan, 0), 1);
  expectSame(ourPow(1, kNan), 1);
  expectSame(ourPow(-0.0f, -3), -kInf);
  expectSame(ourPow(-0.0f, -2), kInf);
  expectSame(ourPow(-0.0f, 3), -0.0f);
  expectSame(ourPow(-0.0f, 0.5f), 0);
  expectSame(ourPow(-1, kInf), 1);
  expectSame(ourPow(-1, -kInf), 1);
  expectSame(ourPow(-2, 0.5f), kNan);
  expectSame(ourPow(-2, 3), -8);
  expectSame(ourPow(-kInf, 3), -kInf);
  expectSame(ourPow(-kInf, 0.5f), kInf);
  expectSame(ourPow(-kInf, -3), -0.0f);
  expectSame(ourPow(2, -149), kSmallest);
  expectSame(ourPow(2, -150), 0);
  expectSame(ourPow(2, 127), 0x1p127f);
  expectSame(ourPow(2, 128), kInf);
}

/// Powers that are floats are exact.
TEST(ElementaryValues, OfPowOfSmallIntegers) {
  int count = 0;
  for (int base = 2; base < 4096; ++base)
    for (double power = base, exponent = 1; power <= 0x1p24; power *= base, ++exponent, ++count)
      ASSERT_EQ(ourPow(float(base), float(exponent)), power) << base << " to the power of " << exponent;
  EXPECT_GT(count, 8000);
}

/// Random bases of every size and random results from underflow to overflow; bases near 1 have exponents up to 2^30.
TEST(ElementaryBound, OfPow) {
  std::mt19937_64 random(1);
  double worst = 0;
  float base = 0, exponent = 0;
  for (int i = 0; i < 3000000; ++i) {
    uint64_t bits = random();
    float x =
        i % 2 ? kArithmetic.ofBits(int32_t(bits & 0x7fffffff)) : 1 + std::ldexp(float(int32_t(bits)), -32 - i / 2 % 22);
    float y = float((-104 + double(random() >> 11) * 0x1p-53 * 193) / std::log(double(x)));
    double error = ulpError(ourPow(x, y), std::pow(double(x), double(y)));
    if (error > worst)
      worst = error, base = x, exponent = y;
  }
  EXPECT_LT(worst, kPowBound) << base << " to the power of " << exponent;
  EXPECT_GT(worst, 0.5);
}

} // namespace
} // namespace mho

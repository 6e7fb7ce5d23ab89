// Floating-point arithmetic, comparisons and conversions against C++ and against exact arithmetic.
#include "runtime/Ptx/FloatFormat.h"
#include "tests/ptx/Apply.h"

#include <cfenv>

namespace mho::ptx {
namespace {

constexpr std::pair<const char *, int> kModes[] = {
    {"rn", FE_TONEAREST}, {"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};

/// f in a rounding mode, on volatile operands: the compiler must not move it to another mode.
template <class F> auto inMode(int mode, F f) {
  std::fesetround(mode);
  volatile auto result = f();
  std::fesetround(FE_TONEAREST);
  return std::remove_volatile_t<decltype(result)>(result);
}

template <class T> void arithmetic(const std::string &type) {
  auto list = corners<T>();
  for (auto [name, mode] : kModes) {
    std::string end = "." + std::string(name) + "." + type + " d, a, b;";
    int m = mode;
    expectBinary<T>("add" + end, list, list, [=](T a, T b) {
      volatile T x = a, y = b;
      return inMode(m, [&] { return T(x + y); });
    });
    expectBinary<T>("sub" + end, list, list, [=](T a, T b) {
      volatile T x = a, y = b;
      return inMode(m, [&] { return T(x - y); });
    });
    expectBinary<T>("mul" + end, list, list, [=](T a, T b) {
      volatile T x = a, y = b;
      return inMode(m, [&] { return T(x * y); });
    });
    expectBinary<T>("div" + end, list, list, [=](T a, T b) {
      volatile T x = a, y = b;
      return inMode(m, [&] { return T(x / y); });
    });
    expectBinary<T>("fma." + std::string(name) + "." + type + " d, a, b, a;", list, list, [=](T a, T b) {
      volatile T x = a, y = b;
      return inMode(m, [&] { return std::fma(T(x), T(y), T(x)); });
    });
    expectUnary<T>("sqrt." + std::string(name) + "." + type + " d, a;", list, [=](T a) {
      volatile T x = a;
      return inMode(m, [&] { return std::sqrt(T(x)); });
    });
    expectUnary<T>("rcp." + std::string(name) + "." + type + " d, a;", list, [=](T a) {
      volatile T x = a;
      return inMode(m, [&] { return T(T(1) / x); });
    });
  }
}

TEST(Float, ArithmeticInEveryRounding) {
  arithmetic<float>("f32");
  arithmetic<double>("f64");
}

TEST(Float, PlainFormsRoundToNearest) {
  auto list = corners<float>();
  expectBinary<float>("add.f32 d, a, b;", list, list, [](float a, float b) { return a + b; });
  expectBinary<float>("fma.rn.f32 d, a, b, b;", list, list, [](float a, float b) { return std::fma(a, b, b); });
}

TEST(Float, FlushAndSaturate) {
  auto list = corners<float>();
  auto flushed = [](float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; };
  auto saturated = [](float x) { return x > 0 ? std::min(x, 1.0f) : 0.0f; };
  expectBinary<float>("mul.rn.ftz.f32 d, a, b;", list, list,
                      [=](float a, float b) { return flushed(flushed(a) * flushed(b)); });
  expectBinary<float>("add.rn.ftz.sat.f32 d, a, b;", list, list,
                      [=](float a, float b) { return saturated(flushed(flushed(a) + flushed(b))); });
  expectBinary<float>("add.sat.f32 d, a, b;", list, list, [=](float a, float b) { return saturated(a + b); });
  std::vector<float> numbers;
  for (float x : list)
    if (!std::isnan(x))
      numbers.push_back(x);
  expectUnary<float>("abs.ftz.f32 d, a;", numbers, [=](float a) { return std::fabs(flushed(a)); });
  expectUnary<float>("cvt.sat.f32.f32 d, a;", list, [=](float a) { return saturated(a); });
  expectUnary<float>("cvt.ftz.f32.f32 d, a;", list, [=](float a) { return flushed(a); });
}

TEST(Float, MinMaxAndSigns) {
  auto list = corners<float>();
  auto smaller = [](float a, float b) {
    return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
  };
  auto larger = [](float a, float b) {
    return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
  };
  expectBinary<float>("min.f32 d, a, b;", list, list, smaller);
  expectBinary<float>("max.f32 d, a, b;", list, list, larger);
  expectBinary<float>("max.NaN.f32 d, a, b;", list, list,
                      [=](float a, float b) { return std::isnan(a) || std::isnan(b) ? NAN : larger(a, b); });
  expectBinary<float>("min.NaN.f32 d, a, b;", list, list,
                      [=](float a, float b) { return std::isnan(a) || std::isnan(b) ? NAN : smaller(a, b); });
  std::vector<float> numbers;
  for (float x : list)
    if (!std::isnan(x))
      numbers.push_back(x);
  expectUnary<float>("neg.f32 d, a;", numbers, [](float a) { return -a; });
  expectUnary<double>("abs.f64 d, a;", corners<double>(), [](double a) { return std::fabs(a); });
  expectBinary<float>("copysign.f32 d, a, b;", list, numbers, [](float a, float b) { return std::copysign(b, a); });
  expectUnary<uint32_t>("testp.subnormal.f32 p, a; selp.u32 d, 1, 0, p;", list,
                        [](float a) { return uint32_t(std::fpclassify(a) == FP_SUBNORMAL); });
  expectUnary<uint32_t>("testp.notanumber.f32 p, a; selp.u32 d, 1, 0, p;", list,
                        [](float a) { return uint32_t(std::isnan(a)); });
}

TEST(Float, Comparisons) {
  auto list = corners<float>();
  auto check = [&](const std::string &name, auto holds) {
    expectBinary<uint32_t>("setp." + name + ".f32 p|q, a, b; selp.u32 d, 1, 0, p; selp.u32 x, 2, 0, q; or.b32 d, d, x;",
                           list, list, [=](float a, float b) { return holds(a, b) ? 1u : 2u; });
  };
  auto unordered = [](float a, float b) { return std::isnan(a) || std::isnan(b); };
  check("eq", [](float a, float b) { return a == b; });
  check("ne", [=](float a, float b) { return !unordered(a, b) && a != b; });
  check("lt", [](float a, float b) { return a < b; });
  check("ge", [](float a, float b) { return a >= b; });
  check("equ", [=](float a, float b) { return unordered(a, b) || a == b; });
  check("neu", [](float a, float b) { return a != b; });
  check("leu", [=](float a, float b) { return unordered(a, b) || a <= b; });
  check("gtu", [=](float a, float b) { return unordered(a, b) || a > b; });
  check("num", [=](float a, float b) { return !unordered(a, b); });
  check("nan", unordered);
}

TEST(Compare, IntegersAndCombinations) {
  auto u = corners<uint32_t>();
  auto s = corners<int32_t>();
  std::string end = "; selp.u32 d, 1, 0, p;";
  expectBinary<uint32_t>("setp.lt.s32 p, a, b" + end, s, s, [](int32_t a, int32_t b) { return uint32_t(a < b); });
  expectBinary<uint32_t>("setp.lo.u32 p, a, b" + end, u, u, [](uint32_t a, uint32_t b) { return uint32_t(a < b); });
  expectBinary<uint32_t>("setp.hs.u64 p, a, b" + end, corners<uint64_t>(), corners<uint64_t>(),
                         [](uint64_t a, uint64_t b) { return uint32_t(a >= b); });
  expectBinary<uint32_t>("setp.gt.s16 p, a, b" + end, corners<int16_t>(), corners<int16_t>(),
                         [](int16_t a, int16_t b) { return uint32_t(a > b); });
  expectBinary<uint32_t>("setp.eq.u32 q, a, 7; setp.lt.and.u32 p, a, b, !q" + end, u, u,
                         [](uint32_t a, uint32_t b) { return uint32_t(a < b && a != 7); });
  expectBinary<uint32_t>("setp.eq.u32 q, a, 7; setp.lt.xor.u32 p, a, b, q" + end, u, u,
                         [](uint32_t a, uint32_t b) { return uint32_t((a < b) != (a == 7)); });
  expectBinary<uint32_t>("set.le.u32.s32 d, a, b;", s, s, [](int32_t a, int32_t b) { return a <= b ? ~0u : 0; });
  expectBinary<float>("set.gt.f32.s32 d, a, b;", s, s, [](int32_t a, int32_t b) { return a > b ? 1.0f : 0.0f; });
  expectBinary<int32_t>("slct.s32.s32 d, a, b, a;", s, s, [](int32_t a, int32_t b) { return a >= 0 ? a : b; });
  expectBinary<uint32_t>(
      "setp.lt.u32 p, a, b; setp.lt.u32 q, b, 9; and.pred p, p, q; not.pred q, p; xor.pred p, p, q; mov.pred p, q" +
          end,
      u, u, [](uint32_t a, uint32_t b) { return uint32_t(!(a < b && b < 9)); });
  expectBinary<uint32_t>("setp.lt.u32 p, a, b; xor.pred p, p, -1; or.pred p, p, 0; and.pred p, p, 1" + end, u, u,
                         [](uint32_t a, uint32_t b) { return uint32_t(a >= b); });
}

template <class I> void floatToInteger(const std::string &type) {
  for (auto [suffix, mode] :
       {std::pair{"rni", FE_TONEAREST}, {"rzi", FE_TOWARDZERO}, {"rmi", FE_DOWNWARD}, {"rpi", FE_UPWARD}}) {
    int m = mode;
    auto expected = [=](double x, bool fromDouble) {
      if (std::isnan(x))
        return fromDouble || sizeof(I) == 8 ? I(std::make_unsigned_t<I>(1) << (8 * sizeof(I) - 1)) : I(0);
      volatile double y = x;
      long double whole = inMode(m, [&] { return std::nearbyint(double(y)); });
      long double least = std::numeric_limits<I>::min(), most = std::numeric_limits<I>::max();
      return whole < least ? std::numeric_limits<I>::min() : whole > most ? std::numeric_limits<I>::max() : I(whole);
    };
    expectUnary<I>("cvt." + std::string(suffix) + "." + type + ".f32 d, a;", corners<float>(),
                   [=](float x) { return expected(x, false); });
    expectUnary<I>("cvt." + std::string(suffix) + "." + type + ".f64 d, a;", corners<double>(),
                   [=](double x) { return expected(x, true); });
  }
}

TEST(Convert, FloatToInteger) {
  floatToInteger<int32_t>("s32");
  floatToInteger<uint32_t>("u32");
  floatToInteger<int64_t>("s64");
  floatToInteger<uint64_t>("u64");
  floatToInteger<int16_t>("s16");
}

TEST(Convert, IntegerToFloat) {
  for (auto [suffix, mode] : kModes) {
    int m = mode;
    std::string start = "cvt." + std::string(suffix);
    expectUnary<float>(start + ".f32.s32 d, a;", corners<int32_t>(), [=](int32_t a) {
      volatile int32_t x = a;
      return inMode(m, [&] { return float(x); });
    });
    expectUnary<float>(start + ".f32.u32 d, a;", corners<uint32_t>(), [=](uint32_t a) {
      volatile int64_t x = a;
      return inMode(m, [&] { return float(x); });
    });
    expectUnary<float>(start + ".f32.s64 d, a;", corners<int64_t>(), [=](int64_t a) {
      volatile int64_t x = a;
      return inMode(m, [&] { return float(x); });
    });
    expectUnary<float>(start + ".f32.u64 d, a;", corners<uint64_t>(), [=](uint64_t a) {
      volatile long double x = a;
      return inMode(m, [&] { return float(x); });
    });
    expectUnary<double>(start + ".f64.u64 d, a;", corners<uint64_t>(), [=](uint64_t a) {
      volatile long double x = a;
      return inMode(m, [&] { return double(x); });
    });
    expectUnary<double>(start + ".f64.s64 d, a;", corners<int64_t>(), [=](int64_t a) {
      volatile int64_t x = a;
      return inMode(m, [&] { return double(x); });
    });
    expectUnary<float>(start + ".f32.f64 d, a;", corners<double>(), [=](double a) {
      volatile double x = a;
      return inMode(m, [&] { return float(x); });
    });
  }
  expectUnary<double>("cvt.f64.f32 d, a;", corners<float>(), [](float a) { return double(a); });
  expectUnary<float>("cvt.rmi.f32.f32 d, a;", corners<float>(), [](float a) { return std::floor(a); });
  expectUnary<float>("cvt.rni.f32.f32 d, a;", corners<float>(), [](float a) { return std::nearbyint(a); });
}

TEST(Convert, Integers) {
  expectUnary<uint64_t>("cvt.u64.u32 d, a;", corners<uint32_t>(), [](uint32_t a) { return uint64_t(a); });
  expectUnary<int64_t>("cvt.s64.s32 d, a;", corners<int32_t>(), [](int32_t a) { return int64_t(a); });
  expectUnary<uint32_t>("cvt.u32.u64 d, a;", corners<uint64_t>(), [](uint64_t a) { return uint32_t(a); });
  expectUnary<int32_t>("cvt.s32.s8 d, a;", corners<int32_t>(), [](int32_t a) { return int32_t(int8_t(a)); });
  expectUnary<uint32_t>("cvt.u32.u16 d, a;", corners<uint16_t>(), [](uint16_t a) { return uint32_t(a); });
  expectUnary<int32_t>("cvt.s8.s32 d, a;", corners<int32_t>(), [](int32_t a) { return int32_t(int8_t(a)); });
  expectUnary<int32_t>("cvt.sat.s8.s32 d, a;", corners<int32_t>(), [](int32_t a) { return std::clamp(a, -128, 127); });
  expectUnary<uint32_t>("cvt.sat.u8.s32 d, a;", corners<int32_t>(),
                        [](int32_t a) { return uint32_t(std::clamp(a, 0, 255)); });
  expectUnary<uint32_t>("cvt.sat.u32.s64 d, a;", corners<int64_t>(),
                        [](int64_t a) { return uint32_t(std::clamp<int64_t>(a, 0, UINT32_MAX)); });
  expectUnary<int32_t>("cvt.sat.s32.u64 d, a;", corners<uint64_t>(),
                       [](uint64_t a) { return int32_t(std::min<uint64_t>(a, INT32_MAX)); });
}

/// The nearest values of a format below and above x, found among all of its values.
struct Neighbours {
  std::vector<double> values;
  Neighbours(FloatFormat format, double (*decode)(uint32_t)) {
    for (uint32_t bits = 0; bits < format.infinity(); ++bits)
      values.push_back(decode(bits));
  }
  uint32_t round(double x, Rounding rounding, FloatFormat format) const {
    double magnitude = std::fabs(x);
    size_t above = size_t(std::lower_bound(values.begin(), values.end(), magnitude) - values.begin());
    uint32_t sign = std::signbit(x) ? uint32_t(format.sign()) : 0, inf = uint32_t(format.infinity());
    if (std::isnan(x))
      return uint32_t(format.nan());
    if (std::isinf(x) || (above < values.size() && values[above] == magnitude))
      return sign | uint32_t(above);
    size_t below = above - 1;
    double next = above < values.size() ? values[above] : 2 * values.back() - values[values.size() - 2];
    bool up = false;
    double half = (next - values[below]) / 2, over = magnitude - values[below];
    switch (rounding) {
    case Rounding::NearestEven:
      up = over > half || (over == half && (below & 1));
      break;
    case Rounding::NearestAway:
      up = over >= half;
      break;
    case Rounding::Zero:
      break;
    case Rounding::Down:
      up = std::signbit(x);
      break;
    case Rounding::Up:
      up = !std::signbit(x);
      break;
    }
    return sign | std::min<uint32_t>(uint32_t(below + up), inf);
  }
};
double decodeHalf(uint32_t bits) {
  return bits >> 10 ? std::ldexp(1024 + (bits & 1023), int(bits >> 10) - 25) : std::ldexp(bits, -24);
}
double decodeBrain(uint32_t bits) {
  return bits >> 7 ? std::ldexp(128 + (bits & 127), int(bits >> 7) - 134) : std::ldexp(bits, -133);
}

std::vector<float> closeToMiddles() {
  std::vector<float> list = corners<float>();
  for (int i = 0; i < 400; ++i) { // halfway between two f16, and a little off
    float middle = float(decodeHalf(uint32_t(i * 77 % 31743)) + decodeHalf(uint32_t(i * 77 % 31743) + 1)) / 2;
    for (float x : {middle, std::nextafterf(middle, 1e9f), -middle, std::nextafterf(middle, 0)})
      list.push_back(x);
  }
  return list;
}

TEST(Convert, Half) {
  Neighbours half(kHalf, decodeHalf), brain(kBrain, decodeBrain);
  auto list = closeToMiddles();
  expectUnary<uint16_t>("cvt.rn.f16.f32 d, a;", list,
                        [&](float x) { return uint16_t(half.round(x, Rounding::NearestEven, kHalf)); });
  expectUnary<uint16_t>("cvt.rz.f16.f32 d, a;", list,
                        [&](float x) { return uint16_t(half.round(x, Rounding::Zero, kHalf)); });
  expectUnary<uint16_t>("cvt.rn.bf16.f32 d, a;", list,
                        [&](float x) { return uint16_t(brain.round(x, Rounding::NearestEven, kBrain)); });
  expectUnary<uint16_t>("cvt.rn.f16.f64 d, a;", corners<double>(),
                        [&](double x) { return uint16_t(half.round(x, Rounding::NearestEven, kHalf)); });
  expectUnary<uint32_t>("cvt.rn.f16x2.f32 d, a, 0f3F800000;", list,
                        [&](float x) { return half.round(x, Rounding::NearestEven, kHalf) << 16 | 0x3c00; });
  expectUnary<uint32_t>("cvt.rn.bf16x2.f32 d, 0f40000000, a;", list,
                        [&](float x) { return 0x40000000 | brain.round(x, Rounding::NearestEven, kBrain); });
  expectUnary<uint16_t>("cvt.rn.relu.f16.f32 d, a;", list,
                        [&](float x) { return uint16_t(x <= 0 ? 0 : half.round(x, Rounding::NearestEven, kHalf)); });
  std::vector<uint16_t> all;
  for (uint32_t bits = 0; bits < 0x10000; bits += 3)
    all.push_back(uint16_t(bits));
  auto widened = [](uint16_t bits) {
    return std::copysign((bits & 0x7fff) == 0x7c00  ? INFINITY
                         : (bits & 0x7fff) > 0x7c00 ? NAN
                                                    : float(decodeHalf(bits & 0x7fff)),
                         bits & 0x8000 ? -1.0f : 1.0f);
  };
  expectUnary<float>("cvt.f32.f16 d, a;", all, widened);
  expectUnary<uint32_t>("cvt.rna.tf32.f32 d, a;", list, [](float x) {
    uint32_t bits = bitsOfValue(x);
    return std::isnan(x) ? 0x7fffffffu : std::isinf(x) ? bits : (bits + 0x1000) & 0xffffe000;
  });
}

TEST(Half, Arithmetic) {
  Neighbours half(kHalf, decodeHalf);
  std::vector<uint16_t> list{0,      0x8000, 1,      0x8001, 0x3ff,  0x400,  0x3c00, 0xbc00, 0x3c01, 0x7bff,
                             0xfbff, 0x7c00, 0xfc00, 0x7e00, 0x5555, 0x1234, 0xa345, 0x0400, 0x6bcd, 0x3555};
  auto value = [](uint16_t bits) {
    return std::copysign((bits & 0x7fff) == 0x7c00  ? INFINITY
                         : (bits & 0x7fff) > 0x7c00 ? NAN
                                                    : decodeHalf(bits & 0x7fff),
                         bits & 0x8000 ? -1.0 : 1.0);
  };
  auto round = [&](long double exact) { // long double holds every product and sum of these exactly enough to tell a tie
    return uint16_t(half.round(double(exact), Rounding::NearestEven, kHalf));
  };
  expectBinary<uint16_t>("add.rn.f16 d, a, b;", list, list,
                         [&](uint16_t a, uint16_t b) { return round(value(a) + value(b)); });
  expectBinary<uint16_t>("mul.f16 d, a, b;", list, list,
                         [&](uint16_t a, uint16_t b) { return round(value(a) * value(b)); });
  expectBinary<uint16_t>("sub.f16 d, a, b;", list, list,
                         [&](uint16_t a, uint16_t b) { return round(value(a) - value(b)); });
  expectBinary<uint16_t>("fma.rn.f16 d, a, b, a;", list, list, [&](uint16_t a, uint16_t b) {
    return round(static_cast<long double>(value(a)) * value(b) + value(a));
  });
  expectBinary<uint32_t>("mov.b32 x, {a, b}; mov.b32 y, {b, a}; add.rn.f16x2 d, x, y;", list, list,
                         [&](uint16_t a, uint16_t b) { return uint32_t(round(value(a) + value(b))) * 0x10001u; });
  expectBinary<uint16_t>("fma.rn.relu.f16 d, a, b, a;", list, list, [&](uint16_t a, uint16_t b) {
    uint16_t sum = round(static_cast<long double>(value(a)) * value(b) + value(a));
    return sum <= 0xfc00 && sum & 0x8000 ? uint16_t(0) : sum;
  });
  EXPECT_EQ(apply<uint16_t>("min.f16 d, a, b;", std::vector<uint16_t>{0x7e01, 0x7e01, 0x3c00},
                            std::vector<uint16_t>{0x7c02, 0x3c00, 0xfe00}),
            (std::vector<uint16_t>{0x7fff, 0x3c00, 0x3c00}));
}

TEST(Half, Bfloat16) {
  std::vector<uint16_t> list{0, 0x8000, 1, 0x3f80, 0xbf80, 0x4049, 0x7f7f, 0x7f80, 0xff80, 0x3eab, 0x0080, 0xc2f7};
  Neighbours brain(kBrain, decodeBrain);
  auto value = [](uint16_t bits) {
    uint32_t word = uint32_t(bits) << 16;
    float f;
    std::memcpy(&f, &word, 4);
    return double(f);
  };
  auto round = [&](double exact) { return uint16_t(brain.round(exact, Rounding::NearestEven, kBrain)); };
  expectBinary<uint16_t>("fma.rn.bf16 d, a, b, b;", list, list, [&](uint16_t a, uint16_t b) {
    return round(double(static_cast<long double>(value(a)) * value(b) + value(b)));
  });
  // Just below the middle of two bf16, by less than a double holds: 1.5 (1 + 2^-7) - 2^-133.
  EXPECT_EQ(apply<uint16_t>("fma.rn.bf16 d, a, b, c;", std::vector<uint16_t>{0x3f81, 0x3f81},
                            std::vector<uint16_t>{0x3fc0, 0x3fc0}, std::vector<uint16_t>{0x8001, 0}),
            (std::vector<uint16_t>{0x3fc1, 0x3fc2}));
  expectBinary<uint16_t>("max.NaN.bf16 d, a, b;", list, list, [&](uint16_t a, uint16_t b) {
    return value(a) == value(b) ? uint16_t(a & b) : value(a) > value(b) ? a : b;
  });
}

TEST(Float, TheCallersModesDoNotMatter) {
  std::vector<float> tiny{FLT_MIN / 2, 1.0f};
  std::fenv_t old;
  std::fegetenv(&old);
  std::fesetround(FE_UPWARD);
#if defined(__x86_64__)
  unsigned modes = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(modes | 0x8040); // flush to zero, denormals are zero
#endif
  std::vector<float> sums = apply<float>("add.rn.f32 d, a, 0f33000000;", tiny),
                     products = apply<float>("mul.rn.f32 d, a, 0f3F000000;", tiny);
  std::fesetenv(&old);
  EXPECT_EQ(sums[1], 1.0f); // 1 + 2^-25
  EXPECT_EQ(bitsOfValue(products[0]), bitsOfValue(FLT_MIN / 4));
}

TEST(Float, ApproximateFunctionsAreDeclared) {
  std::vector<float> in{0.5f, 1.0f, 3.0f}, out(3);
  std::string source = "extern \"C\" __global__ void kernel(const float *a, float *d) { d[threadIdx.x] = "
                       "__sinf(a[threadIdx.x]) + __fdividef(1.0f, a[threadIdx.x]) + rsqrtf(a[threadIdx.x]); }";
  KernelRun run(compilePtx(source));
  Report report = run.buffer(in).buffer(out).block({3})();
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_THAT(report.approximate,
              testing::UnorderedElementsAre("sin.approx.f32", "div.approx.f32", "rsqrt.approx.f32"));
  for (int i = 0; i < 3; ++i)
    EXPECT_NEAR(out[size_t(i)], std::sin(in[size_t(i)]) + 1 / in[size_t(i)] + 1 / std::sqrt(in[size_t(i)]), 1e-6);
}

} // namespace
} // namespace mho::ptx

// Integer arithmetic and logic against C++.
#include "tests/ptx/Apply.h"

namespace mho::ptx {
namespace {

template <class T> std::string suffix() {
  return std::string(std::is_signed_v<T> ? "s" : "u") + std::to_string(8 * sizeof(T));
}

template <class T> class Integers : public testing::Test {};
using Types = testing::Types<uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t>;
TYPED_TEST_SUITE(Integers, Types);

TYPED_TEST(Integers, Arithmetic) {
  using T = TypeParam;
  using U = std::make_unsigned_t<T>;
  using Wide = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
  auto list = corners<T>();
  std::string type = "." + suffix<T>() + " d, a, b;";
  expectBinary<T>("add" + type, list, list, [](T a, T b) { return T(Wide(a) + b); });
  expectBinary<T>("sub" + type, list, list, [](T a, T b) { return T(Wide(a) - b); });
  expectBinary<T>("mul.lo" + type, list, list, [](T a, T b) { return T(U(Wide(a) * b)); });
  expectBinary<T>("mul.hi" + type, list, list, [](T a, T b) { return T((Wide(a) * b) >> (8 * sizeof(T))); });
  expectBinary<T>("min" + type, list, list, [](T a, T b) { return std::min(a, b); });
  expectBinary<T>("max" + type, list, list, [](T a, T b) { return std::max(a, b); });
  auto divisors = list;
  divisors.erase(std::remove(divisors.begin(), divisors.end(), T(0)), divisors.end()); // left open by the manual
  expectBinary<T>("div" + type, list, divisors, [](T a, T b) { return T(Wide(a) / b); });
  expectBinary<T>("rem" + type, list, divisors, [](T a, T b) { return T(Wide(a) % b); });
}

TYPED_TEST(Integers, MultiplyAdd) {
  using T = TypeParam;
  using U = std::make_unsigned_t<T>;
  using Wide = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
  auto [a, b] = pairs(corners<T>(), corners<T>());
  std::vector<T> c;
  for (size_t i = 0; i < a.size(); ++i)
    c.push_back(T(i * 0x9e3779b97f4a7c15u));
  auto low = apply<T>("mad.lo." + suffix<T>() + " d, a, b, c;", a, b, c),
       high = apply<T>("mad.hi." + suffix<T>() + " d, a, b, c;", a, b, c);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(low[i], T(U(Wide(a[i]) * b[i]) + U(c[i])));
    ASSERT_EQ(high[i], T(U((Wide(a[i]) * b[i]) >> (8 * sizeof(T))) + U(c[i])));
  }
}

template <class T, class Wide> void wideProducts() {
  expectBinary<Wide>("mul.wide." + suffix<T>() + " d, a, b;", corners<T>(), corners<T>(),
                     [](T a, T b) { return Wide(Wide(a) * Wide(b)); });
  auto [a, b] = pairs(corners<T>(), corners<T>());
  std::vector<Wide> c(a.size(), Wide(0x123456789abcdefu));
  auto d = apply<Wide>("mad.wide." + suffix<T>() + " d, a, b, c;", a, b, c);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(d[i], Wide(std::make_unsigned_t<Wide>(Wide(a[i]) * Wide(b[i])) + std::make_unsigned_t<Wide>(c[i])));
}

TEST(Integer, WideProducts) {
  wideProducts<uint16_t, uint32_t>();
  wideProducts<int16_t, int32_t>();
  wideProducts<uint32_t, uint64_t>();
  wideProducts<int32_t, int64_t>();
}

TEST(Integer, WideProductIntoItsOwnSource) { // the source is half of the result's register pair
  expectUnary<uint64_t>("mul.wide.u32 d, a, a; mov.b64 {x, y}, d; mul.wide.u32 d, y, x;", corners<uint32_t>(),
                        [](uint32_t a) {
                          uint64_t square = uint64_t(a) * a;
                          return (square >> 32) * (square & 0xffffffff);
                        });
}

TEST(Integer, SignsAndSaturation) {
  auto list = corners<int32_t>();
  expectUnary<int32_t>("abs.s32 d, a;", list, [](int32_t a) { return a < 0 ? int32_t(-uint32_t(a)) : a; });
  expectUnary<int32_t>("neg.s32 d, a;", list, [](int32_t a) { return int32_t(-uint32_t(a)); });
  expectUnary<int64_t>("neg.s64 d, a;", corners<int64_t>(), [](int64_t a) { return int64_t(-uint64_t(a)); });
  expectUnary<int16_t>("abs.s16 d, a;", corners<int16_t>(), [](int16_t a) { return int16_t(a < 0 ? -a : a); });
  auto clamp = [](int64_t x) { return int32_t(std::clamp<int64_t>(x, INT32_MIN, INT32_MAX)); };
  expectBinary<int32_t>("add.sat.s32 d, a, b;", list, list, [=](int64_t a, int64_t b) { return clamp(a + b); });
  expectBinary<int32_t>("sub.sat.s32 d, a, b;", list, list, [=](int64_t a, int64_t b) { return clamp(a - b); });
  expectBinary<uint32_t>("mul24.lo.u32 d, a, b;", corners<uint32_t>(), corners<uint32_t>(),
                         [](uint32_t a, uint32_t b) { return (a & 0xffffff) * (b & 0xffffff); });
  expectBinary<uint32_t>("sad.u32 d, a, b, 5;", corners<uint32_t>(), corners<uint32_t>(),
                         [](uint32_t a, uint32_t b) { return 5 + (a > b ? a - b : b - a); });
}

TEST(Integer, CarryChains) {
  // 64-bit sums, differences and products from 32-bit pieces.
  auto list = corners<uint64_t>();
  std::string split = "{ .reg .b32 al, ah, bl, bh, cl, ch; mov.b64 {al, ah}, a; mov.b64 {bl, bh}, b;\n",
              join = "mov.b64 d, {cl, ch}; }";
  expectBinary<uint64_t>(split + "add.cc.u32 cl, al, bl; addc.u32 ch, ah, bh;" + join, list, list,
                         [](uint64_t a, uint64_t b) { return a + b; });
  expectBinary<uint64_t>(split + "sub.cc.u32 cl, al, bl; subc.u32 ch, ah, bh;" + join, list, list,
                         [](uint64_t a, uint64_t b) { return a - b; });
  // (ah:al) + al * bl as 64 bits: mad.lo.cc and madc.hi.
  expectBinary<uint64_t>(split + "mad.lo.cc.u32 cl, al, bl, al; madc.hi.u32 ch, al, bl, ah;" + join, list, list,
                         [](uint64_t a, uint64_t b) { return a + (a & 0xffffffff) * (b & 0xffffffff); });
  // The carry of a middle word goes on.
  expectBinary<uint64_t>(
      split + "add.cc.u32 x, al, bl; addc.cc.u32 y, ah, bh; addc.u32 cl, 0, 0; mov.u32 ch, 0;" + join, list, list,
      [](uint64_t a, uint64_t b) { return uint64_t((static_cast<unsigned __int128>(a) + b) >> 64); });
}

TEST(Integer, DotProducts) {
  expectBinary<uint32_t>("dp4a.s32.u32 d, a, b, 1000;", corners<uint32_t>(), corners<uint32_t>(),
                         [](uint32_t a, uint32_t b) {
                           int32_t sum = 1000;
                           for (int i = 0; i < 4; ++i)
                             sum += int8_t(a >> (8 * i)) * int(uint8_t(b >> (8 * i)));
                           return uint32_t(sum);
                         });
  expectBinary<uint32_t>("dp2a.hi.s32.s32 d, a, b, 7;", corners<uint32_t>(), corners<uint32_t>(),
                         [](uint32_t a, uint32_t b) {
                           return uint32_t(7 + int16_t(a) * int8_t(b >> 16) + int16_t(a >> 16) * int8_t(b >> 24));
                         });
}

TEST(Bits, Logic) {
  auto list = corners<uint32_t>();
  auto wide = corners<uint64_t>();
  expectBinary<uint32_t>("and.b32 d, a, b;", list, list, [](uint32_t a, uint32_t b) { return a & b; });
  expectBinary<uint64_t>("or.b64 d, a, b;", wide, wide, [](uint64_t a, uint64_t b) { return a | b; });
  expectBinary<uint16_t>("xor.b16 d, a, b;", corners<uint16_t>(), corners<uint16_t>(),
                         [](uint16_t a, uint16_t b) { return uint16_t(a ^ b); });
  expectUnary<uint32_t>("not.b32 d, a;", list, [](uint32_t a) { return ~a; });
  expectUnary<uint16_t>("not.b16 d, a;", corners<uint16_t>(), [](uint16_t a) { return uint16_t(~a); });
  expectUnary<uint32_t>("cnot.b32 d, a;", list, [](uint32_t a) { return uint32_t(!a); });
  for (int table : {0x80, 0xfe, 0x96, 0xe8, 0xca, 0x1b, 0x40}) {
    std::vector<uint32_t> a, b, c;
    std::mt19937 engine(7);
    for (int i = 0; i < 64; ++i)
      a.push_back(engine()), b.push_back(engine()), c.push_back(engine());
    auto d = apply<uint32_t>("lop3.b32 d, a, b, c, " + std::to_string(table) + ";", a, b, c);
    for (int i = 0; i < 64; ++i)
      for (int bit = 0; bit < 32; ++bit) {
        int row = (a[i] >> bit & 1) * 4 + (b[i] >> bit & 1) * 2 + (c[i] >> bit & 1);
        ASSERT_EQ(d[i] >> bit & 1, uint32_t(table >> row & 1));
      }
  }
}

TEST(Bits, CountsAndFields) {
  auto list = corners<uint32_t>();
  expectUnary<uint32_t>("popc.b32 d, a;", list, [](uint32_t a) { return uint32_t(__builtin_popcount(a)); });
  expectUnary<uint32_t>("popc.b64 d, a;", corners<uint64_t>(),
                        [](uint64_t a) { return uint32_t(__builtin_popcountll(a)); });
  expectUnary<uint32_t>("clz.b32 d, a;", list, [](uint32_t a) { return uint32_t(a ? __builtin_clz(a) : 32); });
  expectUnary<uint32_t>("clz.b64 d, a;", corners<uint64_t>(),
                        [](uint64_t a) { return uint32_t(a ? __builtin_clzll(a) : 64); });
  expectUnary<uint32_t>("bfind.u32 d, a;", list, [](uint32_t a) { return a ? 31u - __builtin_clz(a) : ~0u; });
  expectUnary<uint32_t>("bfind.s32 d, a;", corners<int32_t>(), [](int32_t a) {
    uint32_t b = a < 0 ? ~a : a;
    return b ? 31u - __builtin_clz(b) : ~0u;
  });
  expectUnary<uint32_t>("bfind.shiftamt.u32 d, a;", list,
                        [](uint32_t a) { return a ? uint32_t(__builtin_clz(a)) : ~0u; });
  expectUnary<uint32_t>("brev.b32 d, a;", list, [](uint32_t a) {
    uint32_t r = 0;
    for (int i = 0; i < 32; ++i)
      r = r << 1 | (a >> i & 1);
    return r;
  });
  // The manual's definition of bfe and bfi, bit by bit.
  std::vector<uint32_t> value, start, length;
  for (uint32_t v : list)
    for (uint32_t s : {0u, 1u, 5u, 31u, 32u, 40u, 255u})
      for (uint32_t l : {0u, 1u, 4u, 27u, 31u, 32u, 33u, 255u})
        value.push_back(v), start.push_back(s), length.push_back(l);
  auto u = apply<uint32_t>("bfe.u32 d, a, b, c;", value, start, length),
       s = apply<uint32_t>("bfe.s32 d, a, b, c;", value, start, length);
  auto inserted = apply<uint32_t>("bfi.b32 d, a, 0x5a5a5a5a, b, c;", value, start, length);
  for (size_t i = 0; i < value.size(); ++i) {
    uint32_t expected[2] = {0, 0}, bits = 0x5a5a5a5a;
    for (int isSignedField = 0; isSignedField < 2; ++isSignedField) {
      uint32_t sign = isSignedField && length[i] ? value[i] >> std::min(start[i] + length[i] - 1, 31u) & 1 : 0;
      for (uint32_t k = 0; k < 32; ++k)
        expected[isSignedField] |= (k < length[i] && start[i] + k < 32 ? value[i] >> (start[i] + k) & 1 : sign) << k;
    }
    for (uint32_t k = 0; k < length[i] && start[i] + k < 32; ++k)
      bits = (bits & ~(1u << (start[i] + k))) | (k < 32 ? value[i] >> k & 1 : 0) << (start[i] + k);
    ASSERT_EQ(u[i], expected[0]);
    ASSERT_EQ(s[i], expected[1]);
    ASSERT_EQ(inserted[i], bits) << value[i] << " " << start[i] << " " << length[i];
  }
}

TEST(Bits, Permute) {
  expectBinary<uint32_t>("prmt.b32 d, a, 0x8899aabb, b;", corners<uint32_t>(), corners<uint32_t>(),
                         [](uint32_t a, uint32_t selector) {
                           uint8_t bytes[8];
                           for (int i = 0; i < 4; ++i)
                             bytes[i] = uint8_t(a >> (8 * i)), bytes[4 + i] = uint8_t(0x8899aabb >> (8 * i));
                           uint32_t d = 0;
                           for (int i = 0; i < 4; ++i) {
                             uint8_t nibble = selector >> (4 * i) & 15, byte = bytes[nibble & 7];
                             d |= uint32_t(nibble & 8 ? (byte & 0x80 ? 0xff : 0) : byte) << (8 * i);
                           }
                           return d;
                         });
  std::vector<uint32_t> c{0, 1, 2, 3};
  EXPECT_EQ(apply<uint32_t>("prmt.b32.f4e d, 0x44332211, 0x88776655, a;", c),
            (std::vector<uint32_t>{0x44332211, 0x55443322, 0x66554433, 0x77665544}));
  EXPECT_EQ(apply<uint32_t>("prmt.b32.rc16 d, 0x44332211, 0, a;", c),
            (std::vector<uint32_t>{0x22112211, 0x44334433, 0x22112211, 0x44334433}));
}

TEST(Bits, Shifts) {
  auto list = corners<uint32_t>();
  std::vector<uint32_t> amounts{0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1000, ~0u};
  expectBinary<uint32_t>("shl.b32 d, a, b;", list, amounts, [](uint32_t a, uint32_t n) { return n > 31 ? 0 : a << n; });
  expectBinary<uint32_t>("shr.u32 d, a, b;", list, amounts, [](uint32_t a, uint32_t n) { return n > 31 ? 0 : a >> n; });
  expectBinary<int32_t>("shr.s32 d, a, b;", corners<int32_t>(), amounts,
                        [](int32_t a, uint32_t n) { return a >> std::min(n, 31u); });
  expectBinary<uint64_t>("shl.b64 d, a, b;", corners<uint64_t>(), amounts,
                         [](uint64_t a, uint32_t n) { return n > 63 ? 0 : a << n; });
  expectBinary<int64_t>("shr.s64 d, a, b;", corners<int64_t>(), amounts,
                        [](int64_t a, uint32_t n) { return a >> std::min(n, 63u); });
  expectBinary<int16_t>("shr.s16 d, a, b;", corners<int16_t>(), amounts,
                        [](int16_t a, uint32_t n) { return int16_t(a >> std::min(n, 15u)); });
  expectBinary<uint16_t>("shl.b16 d, a, b;", corners<uint16_t>(), amounts,
                         [](uint16_t a, uint32_t n) { return uint16_t(n > 15 ? 0 : a << n); });
  auto funnel = [](uint32_t a, uint32_t n, bool right) {
    uint64_t pair = uint64_t(0x12345678) << 32 | a;
    return right ? uint32_t(pair >> n) : uint32_t((pair << n) >> 32);
  };
  expectBinary<uint32_t>("shf.l.wrap.b32 d, a, 0x12345678, b;", list, amounts,
                         [=](uint32_t a, uint32_t n) { return funnel(a, n & 31, false); });
  expectBinary<uint32_t>("shf.r.wrap.b32 d, a, 0x12345678, b;", list, amounts,
                         [=](uint32_t a, uint32_t n) { return funnel(a, n & 31, true); });
  expectBinary<uint32_t>("shf.l.clamp.b32 d, a, 0x12345678, b;", list, amounts,
                         [=](uint32_t a, uint32_t n) { return n >= 32 ? a : funnel(a, n, false); });
  expectBinary<uint32_t>("shf.r.clamp.b32 d, a, 0x12345678, b;", list, amounts,
                         [=](uint32_t a, uint32_t n) { return n >= 32 ? 0x12345678u : funnel(a, n, true); });
}

} // namespace
} // namespace mho::ptx

// Integer arithmetic: add, sub, mul, mad, div, rem, min, max, abs, neg, dot products, and the carry chains.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"

#include <algorithm>
#include <limits>

namespace mho::ptx {
namespace {

template <class T> using Unsigned = std::make_unsigned_t<T>;

// Sums and products wrap. 16-bit operands are widened first: their product as int could overflow.
struct Add {
  template <class T> T operator()(T a, T b) const { return T(Unsigned<T>(a) + Unsigned<T>(b)); }
};
struct Sub {
  template <class T> T operator()(T a, T b) const { return T(Unsigned<T>(a) - Unsigned<T>(b)); }
};
struct MulLow {
  template <class T> T operator()(T a, T b) const { return T(uint64_t(a) * uint64_t(b)); }
};
struct MulHigh {
  template <class T> T operator()(T a, T b) const {
    using Wide = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
    if constexpr (sizeof(T) == 8)
      return T((Wide(a) * Wide(b)) >> 64);
    else if constexpr (std::is_signed_v<T>)
      return T((int64_t(a) * int64_t(b)) >> (8 * sizeof(T)));
    else
      return T((uint64_t(a) * uint64_t(b)) >> (8 * sizeof(T)));
  }
};
struct Min {
  template <class T> T operator()(T a, T b) const { return a < b ? a : b; }
};
struct Max {
  template <class T> T operator()(T a, T b) const { return a > b ? a : b; }
};
struct Abs {
  template <class T> T operator()(T a) const { return a < 0 ? T(-Unsigned<T>(a)) : a; }
};
struct Neg {
  template <class T> T operator()(T a) const { return T(-Unsigned<T>(a)); }
};
// Division by zero is not an error in PTX and its result is left open: all ones, and the dividend as remainder.
struct Div {
  template <class T> T operator()(T a, T b) const {
    if (b == 0)
      return T(~T(0));
    if (std::is_signed_v<T> && b == T(-1))
      return T(-Unsigned<T>(a));
    return T(a / b);
  }
};
struct Rem {
  template <class T> T operator()(T a, T b) const {
    return b == 0 ? a : std::is_signed_v<T> && b == T(-1) ? T(0) : T(a % b);
  }
};
struct AddSaturated {
  int32_t operator()(int32_t a, int32_t b) const {
    int64_t sum = int64_t(a) + b;
    return int32_t(std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  }
};
struct SubSaturated {
  int32_t operator()(int32_t a, int32_t b) const {
    int64_t sum = int64_t(a) - b;
    return int32_t(std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  }
};
struct MadLow {
  template <class T> T operator()(T a, T b, T c) const { return Add()(MulLow()(a, b), c); }
};
struct MadHigh {
  template <class T> T operator()(T a, T b, T c) const { return Add()(MulHigh()(a, b), c); }
};
struct Mad24 {
  template <class T> T operator()(T a, T b, T c) const { return Add()(Mul24(a, b), c); }
  template <class T> static T Mul24(T a, T b) {
    auto low = [](T x) {
      return std::is_signed_v<T> ? int64_t(int32_t(uint32_t(x) << 8) >> 8) : int64_t(uint32_t(x) & 0xffffff);
    };
    return T(low(a) * low(b));
  }
};
struct Mul24 {
  template <class T> T operator()(T a, T b) const { return Mad24::Mul24(a, b); }
};
struct Sad {
  template <class T> T operator()(T a, T b, T c) const { return Add()(c, a < b ? Sub()(b, a) : Sub()(a, b)); }
};

template <class Wide, class T, bool Adds> void wide(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<Wide>(in.d[0]);
  const auto *a = warp.lanes<Stored<T>>(in.s[0]), *b = warp.lanes<Stored<T>>(in.s[1]);
  const auto *c = warp.lanes<Wide>(in.s[Adds ? 2 : 0]);
  using U = Unsigned<Wide>;
  if constexpr (sizeof(Wide) == sizeof(Stored<T>)) {
    forLanes(mask, [=](int i) { d[i] = Wide(U(Wide(T(a[i])) * Wide(T(b[i]))) + (Adds ? U(c[i]) : U(0))); });
  } else { // the narrow source may be part of the wide result
    U sums[kLanes];
    for (int i = 0; i < kLanes; ++i)
      sums[i] = U(Wide(T(a[i])) * Wide(T(b[i]))) + (Adds ? U(c[i]) : U(0));
    forLanes(mask, [&](int i) { d[i] = Wide(sums[i]); });
  }
}

/// The instantiation for a type; null where there is none.
template <template <class, class, class> class Shape, class F> Execute forInteger(Type type) {
  switch (type) {
  case Type::U16:
    return Shape<uint16_t, uint16_t, F>::run;
  case Type::S16:
    return Shape<int16_t, int16_t, F>::run;
  case Type::U32:
    return Shape<uint32_t, uint32_t, F>::run;
  case Type::S32:
    return Shape<int32_t, int32_t, F>::run;
  case Type::U64:
    return Shape<uint64_t, uint64_t, F>::run;
  case Type::S64:
    return Shape<int64_t, int64_t, F>::run;
  default:
    return nullptr;
  }
}
template <class R, class T, class F> struct Unary {
  static void run(Warp &w, const Instr &in, uint32_t mask) { unary<R, T, F>(w, in, mask); }
};
template <class R, class T, class F> struct Binary {
  static void run(Warp &w, const Instr &in, uint32_t mask) { binary<R, T, F>(w, in, mask); }
};
template <class R, class T, class F> struct Ternary {
  static void run(Warp &w, const Instr &in, uint32_t mask) { ternary<R, T, F>(w, in, mask); }
};

template <class F> void decodeBinary(Decoder &d, std::initializer_list<Type> types) {
  Type type = d.needType(types);
  if (!d.operands(2 + 1))
    return;
  d.destination(0, type);
  d.source(1, type);
  d.source(2, type);
  d.in.execute = forInteger<Binary, F>(type);
}

const std::initializer_list<Type> kIntegers{Type::U16, Type::S16, Type::U32, Type::S32, Type::U64, Type::S64};
const std::initializer_list<Type> kSigned{Type::S16, Type::S32, Type::S64};

/// Four products of bytes (dp4a) or two of a half word and a byte (dp2a), added to c.
void dot(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  const auto *a = warp.lanes<uint32_t>(in.s[0]), *b = warp.lanes<uint32_t>(in.s[1]), *c = warp.lanes<uint32_t>(in.s[2]);
  auto byte = [](uint32_t word, int i, Type type) {
    return type == Type::S32 ? int32_t(int8_t(word >> (8 * i))) : int32_t(uint8_t(word >> (8 * i)));
  };
  auto half = [](uint32_t word, int i, Type type) {
    return type == Type::S32 ? int32_t(int16_t(word >> (16 * i))) : int32_t(uint16_t(word >> (16 * i)));
  };
  forLanes(mask, [&](int i) {
    uint32_t sum = c[i];
    if (in.count == 4)
      for (int k = 0; k < 4; ++k)
        sum += uint32_t(byte(a[i], k, in.type) * byte(b[i], k, in.type2));
    else
      for (int k = 0; k < 2; ++k)
        sum += uint32_t(half(a[i], k, in.type) * byte(b[i], k + in.variant, in.type2));
    d[i] = sum;
  });
}

void decodeDot(Decoder &d) {
  d.in.count = d.opcode() == "dp4a" ? 4 : 2;
  if (d.in.count == 2) {
    if (std::optional<int> half = d.takeOneOf({"lo", "hi"}))
      d.in.variant = uint8_t(2 * *half);
    else
      d.fail("expected .lo or .hi");
  }
  d.in.type = d.needType({Type::U32, Type::S32});
  d.in.type2 = d.needType({Type::U32, Type::S32});
  if (!d.operands(4))
    return;
  d.destination(0, Type::B32);
  for (size_t i = 1; i < 4; ++i)
    d.source(i, Type::B32);
  d.in.execute = dot;
}

/// add.cc, addc, sub.cc, subc, and the sum of mad.cc and madc. The carry of a difference is its borrow.
template <class T, bool Subtracts> void withCarry(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const auto *a = warp.lanes<T>(in.s[0]), *b = warp.lanes<T>(in.s[1]);
  const T *c = in.sources == 3 ? warp.lanes<T>(in.s[2]) : nullptr;
  uint32_t carryOut = 0;
  forLanes(mask, [&](int i) {
    T x = a[i], y = b[i];
    if (c) {
      x = in.variant
              ? isSigned(in.type) ? T(MulHigh()(std::make_signed_t<T>(x), std::make_signed_t<T>(y))) : MulHigh()(x, y)
              : T(x * y);
      y = c[i];
    }
    T carryIn = in.usesCarry ? warp.carry >> i & 1 : 0, result;
    bool first = Subtracts ? __builtin_sub_overflow(x, y, &result) : __builtin_add_overflow(x, y, &result);
    bool second =
        Subtracts ? __builtin_sub_overflow(result, carryIn, &result) : __builtin_add_overflow(result, carryIn, &result);
    d[i] = result;
    carryOut |= uint32_t(first || second) << i;
  });
  if (in.setsCarry)
    warp.carry = (warp.carry & ~mask) | carryOut;
}

void decodeCarry(Decoder &d, bool setsCarry) {
  std::string base = d.opcode().substr(0, 3);
  d.in.usesCarry = d.opcode().size() == 4;
  size_t count = 3;
  if (base == "mad") {
    count = 4;
    if (std::optional<int> half = d.takeOneOf({"lo", "hi"}))
      d.in.variant = uint8_t(*half);
    else if (!setsCarry)
      d.fail("expected .lo or .hi");
  }
  d.in.setsCarry = d.take("cc") || setsCarry;
  Type type = d.in.type = d.needType({Type::U32, Type::S32, Type::U64, Type::S64});
  if (!d.operands(count))
    return;
  d.destination(0, type);
  for (size_t i = 1; i < count; ++i)
    d.source(i, type);
  bool wide = bitsOf(type) == 64;
  if (base == "sub")
    d.in.execute = wide ? withCarry<uint64_t, true> : withCarry<uint32_t, true>;
  else
    d.in.execute = wide ? withCarry<uint64_t, false> : withCarry<uint32_t, false>;
}

void decodeWide(Decoder &d, bool adds) {
  Type type = d.needType({Type::U16, Type::S16, Type::U32, Type::S32});
  Type result = bitsOf(type) == 16 ? Type::B32 : Type::B64;
  if (!d.operands(adds ? 4 : 3))
    return;
  d.destination(0, result);
  d.source(1, type);
  d.source(2, type);
  if (adds)
    d.source(3, result);
  switch (type) {
  case Type::U16:
    d.in.execute = adds ? wide<uint32_t, uint16_t, true> : wide<uint32_t, uint16_t, false>;
    break;
  case Type::S16:
    d.in.execute = adds ? wide<int32_t, int16_t, true> : wide<int32_t, int16_t, false>;
    break;
  case Type::U32:
    d.in.execute = adds ? wide<uint64_t, uint32_t, true> : wide<uint64_t, uint32_t, false>;
    break;
  default:
    d.in.execute = adds ? wide<int64_t, int32_t, true> : wide<int64_t, int32_t, false>;
    break;
  }
}

} // namespace

void decodeExtended(Decoder &d) { decodeCarry(d, false); }

void decodeArithmetic(Decoder &d) {
  Type last = d.lastType();
  const std::string &op = d.opcode();
  if (op == "dp4a" || op == "dp2a")
    return decodeDot(d);
  if (isFloat(last) || isPacked(last)) // min and max of floats have .NaN, the others a rounding
    return decodeFloat(d);
  if ((op == "add" || op == "sub") && d.take("cc"))
    return decodeCarry(d, true);
  if ((op == "add" || op == "sub") && d.take("sat")) {
    decodeBinary<Add>(d, {Type::S32});
    d.in.execute = op == "add" ? static_cast<Execute>(binary<int32_t, int32_t, AddSaturated>)
                               : binary<int32_t, int32_t, SubSaturated>;
    return;
  }
  if (op == "add")
    return decodeBinary<Add>(d, kIntegers);
  if (op == "sub")
    return decodeBinary<Sub>(d, kIntegers);
  if (op == "min")
    return decodeBinary<Min>(d, kIntegers);
  if (op == "max")
    return decodeBinary<Max>(d, kIntegers);
  if (op == "div")
    return decodeBinary<Div>(d, kIntegers);
  if (op == "rem")
    return decodeBinary<Rem>(d, kIntegers);
  if (op == "sad") {
    Type type = d.needType(kIntegers);
    if (!d.operands(4))
      return;
    d.destination(0, type);
    for (size_t i = 1; i < 4; ++i)
      d.source(i, type);
    d.in.execute = forInteger<Ternary, Sad>(type);
    return;
  }
  Type type = d.needType(kSigned);
  if (!d.operands(2))
    return;
  d.destination(0, type);
  d.source(1, type);
  d.in.execute = op == "abs" ? forInteger<Unary, Abs>(type) : forInteger<Unary, Neg>(type);
}

void decodeMultiply(Decoder &d) {
  Type last = d.lastType();
  bool adds = d.opcode().substr(0, 3) == "mad", narrow = d.opcode().size() == 5;
  if (isFloat(last) || isPacked(last))
    return decodeFloat(d);
  std::optional<int> half = narrow ? d.takeOneOf({"lo"}) : d.takeOneOf({"lo", "hi", "wide"});
  if (!half) {
    d.fail("expected .lo, .hi or .wide (of mul24 and mad24: .lo)");
    return;
  }
  if (*half == 2)
    return decodeWide(d, adds);
  if (adds && !narrow && d.take("cc")) {
    d.in.variant = uint8_t(*half);
    return decodeCarry(d, true);
  }
  Type type = narrow ? d.needType({Type::U32, Type::S32}) : d.needType(kIntegers);
  if (!d.operands(adds ? 4 : 3))
    return;
  d.destination(0, type);
  for (size_t i = 1; i < d.operandCount(); ++i)
    d.source(i, type);
  if (narrow)
    d.in.execute = adds ? forInteger<Ternary, Mad24>(type) : forInteger<Binary, Mul24>(type);
  else if (adds)
    d.in.execute = *half ? forInteger<Ternary, MadHigh>(type) : forInteger<Ternary, MadLow>(type);
  else
    d.in.execute = *half ? forInteger<Binary, MulHigh>(type) : forInteger<Binary, MulLow>(type);
}

} // namespace mho::ptx

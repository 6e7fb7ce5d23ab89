// Logic on bits, bit fields, permutation of bytes, shifts.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"

#include <algorithm>

namespace mho::ptx {
namespace {

struct And {
  template <class T> T operator()(T a, T b) const { return a & b; }
};
struct Or {
  template <class T> T operator()(T a, T b) const { return a | b; }
};
struct Xor {
  template <class T> T operator()(T a, T b) const { return a ^ b; }
};
struct Not {
  template <class T> T operator()(T a) const { return T(~a); }
};
struct LogicalNot {
  template <class T> T operator()(T a) const { return a == 0; }
};
struct Reverse {
  template <class T> T operator()(T a) const {
    T result = 0;
    for (size_t i = 0; i < 8 * sizeof(T); ++i)
      result |= (a >> i & 1) << (8 * sizeof(T) - 1 - i);
    return result;
  }
};
struct Population {
  template <class T> uint32_t operator()(T a) const { return uint32_t(__builtin_popcountll(a)); }
};
struct LeadingZeros {
  template <class T> uint32_t operator()(T a) const {
    return a ? uint32_t(__builtin_clzll(a)) - (64 - 8 * sizeof(T)) : uint32_t(8 * sizeof(T));
  }
};
/// Position of the highest bit that is not a sign bit; all ones where there is none.
template <bool ShiftAmount> struct FindHighest {
  template <class T> uint32_t operator()(T a) const {
    using U = std::make_unsigned_t<T>;
    U bits = std::is_signed_v<T> && a < 0 ? U(~U(a)) : U(a);
    if (!bits)
      return ~0u;
    uint32_t position = 63 - uint32_t(__builtin_clzll(bits));
    return ShiftAmount ? uint32_t(8 * sizeof(T) - 1) - position : position;
  }
};

template <uint32_t (*F)(uint32_t, uint32_t)> void onPredicates(Warp &warp, const Instr &in, uint32_t mask) {
  uint32_t a = warp.predicate(in.ps[0]), b = in.predicateSources > 1 ? warp.predicate(in.ps[1]) : 0;
  uint32_t &d = warp.predicate(in.pd[0]);
  d = (d & ~mask) | (F(a, b) & mask);
}
/// With a number in place of the second: 0, or true in all lanes.
template <uint32_t (*F)(uint32_t, uint32_t)> void onPredicateAndNumber(Warp &warp, const Instr &in, uint32_t mask) {
  uint32_t &d = warp.predicate(in.pd[0]);
  d = (d & ~mask) | (F(warp.predicate(in.ps[0]), uint32_t(in.immediate)) & mask);
}
uint32_t andMasks(uint32_t a, uint32_t b) { return a & b; }
uint32_t orMasks(uint32_t a, uint32_t b) { return a | b; }
uint32_t xorMasks(uint32_t a, uint32_t b) { return a ^ b; }
uint32_t notMask(uint32_t a, uint32_t) { return ~a; }

/// Any function of three bits, by its table.
void lookup3(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  const auto *a = warp.lanes<uint32_t>(in.s[0]), *b = warp.lanes<uint32_t>(in.s[1]), *c = warp.lanes<uint32_t>(in.s[2]);
  uint32_t table[8];
  for (int k = 0; k < 8; ++k)
    table[k] = in.immediate >> k & 1 ? ~0u : 0;
  forLanes(mask, [=, &table](int i) {
    uint32_t x = a[i], y = b[i], z = c[i];
    uint32_t low = (~y & ((~z & table[0]) | (z & table[1]))) | (y & ((~z & table[2]) | (z & table[3])));
    uint32_t high = (~y & ((~z & table[4]) | (z & table[5]))) | (y & ((~z & table[6]) | (z & table[7])));
    d[i] = (~x & low) | (x & high);
  });
}

/// Bit field: `length` bits from `start` on, with the sign of its top bit, which is the value's where the field goes
/// over its end.
template <class T> void extract(Warp &warp, const Instr &in, uint32_t mask) {
  using U = std::make_unsigned_t<T>;
  auto *d = warp.lanes<T>(in.d[0]);
  const auto *a = warp.lanes<T>(in.s[0]);
  const auto *start = warp.lanes<uint32_t>(in.s[1]), *length = warp.lanes<uint32_t>(in.s[2]);
  constexpr int bits = 8 * sizeof(T);
  forLanes(mask, [=](int i) {
    int position = start[i] & 0xff, width = length[i] & 0xff, top = std::min(position + width - 1, bits - 1);
    bool sign = std::is_signed_v<T> && width && (a[i] >> top & 1);
    U field = position < bits ? U(U(a[i]) >> position) : U(0);
    int kept = std::min(width, std::max(bits - position, 0));
    U low = kept >= bits ? ~U(0) : (U(1) << kept) - 1;
    d[i] = T((field & low) | (sign ? ~low : U(0)));
  });
}

template <class T> void insert(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const auto *a = warp.lanes<T>(in.s[0]), *b = warp.lanes<T>(in.s[1]);
  const auto *start = warp.lanes<uint32_t>(in.s[2]), *length = warp.lanes<uint32_t>(in.s[3]);
  constexpr int bits = 8 * sizeof(T);
  forLanes(mask, [=](int i) {
    int position = start[i] & 0xff, width = length[i] & 0xff;
    T low = width >= bits ? ~T(0) : (T(1) << width) - 1;
    T field = position < bits ? T(low << position) : T(0), value = position < bits ? T(a[i] << position) : T(0);
    d[i] = (value & field) | (b[i] & ~field);
  });
}

/// The selector of byte i in the modes of prmt that are not the default.
uint32_t modeSelector(int mode, uint32_t c) {
  static const uint16_t table[6][4] = {{0x3210, 0x4321, 0x5432, 0x6543}, {0x5670, 0x6701, 0x7012, 0x0123},
                                       {0x0000, 0x1111, 0x2222, 0x3333}, {0x3210, 0x3211, 0x3222, 0x3333},
                                       {0x0000, 0x1110, 0x2210, 0x3210}, {0x1010, 0x3232, 0x1010, 0x3232}};
  return table[mode][c & 3];
}

void permute(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  const auto *a = warp.lanes<uint32_t>(in.s[0]), *b = warp.lanes<uint32_t>(in.s[1]), *c = warp.lanes<uint32_t>(in.s[2]);
  forLanes(mask, [=, &in](int i) {
    uint64_t pool = uint64_t(b[i]) << 32 | a[i];
    uint32_t selector = in.variant ? modeSelector(in.variant - 1, c[i]) : c[i], result = 0;
    for (int k = 0; k < 4; ++k) {
      uint32_t choice = selector >> (4 * k) & 0xf, byte = uint32_t(pool >> (8 * (choice & 7))) & 0xff;
      if (choice & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= byte << (8 * k);
    }
    d[i] = result;
  });
}

// Shifts by the type's size and more give zero, or all signs.
template <class T> void shiftLeft(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<Stored<T>>(in.d[0]);
  const auto *a = warp.lanes<Stored<T>>(in.s[0]);
  const auto *b = warp.lanes<uint32_t>(in.s[1]);
  forLanes(mask, [=](int i) { d[i] = stored<T>(b[i] >= 8 * sizeof(T) ? T(0) : T(T(a[i]) << b[i])); });
}
template <class T> void shiftRight(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<Stored<T>>(in.d[0]);
  const auto *a = warp.lanes<Stored<T>>(in.s[0]);
  const auto *b = warp.lanes<uint32_t>(in.s[1]);
  constexpr uint32_t most = 8 * sizeof(T) - 1;
  forLanes(mask, [=](int i) {
    T value = T(a[i]);
    d[i] = stored<T>(b[i] > most ? std::is_signed_v<T> ? T(value >> most) : T(0) : T(value >> b[i]));
  });
}

/// Funnel: the pair (b:a) shifted left or right; variant bit 0: right, bit 1: clamp.
void funnel(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  const auto *a = warp.lanes<uint32_t>(in.s[0]), *b = warp.lanes<uint32_t>(in.s[1]), *c = warp.lanes<uint32_t>(in.s[2]);
  bool right = in.variant & 1, clamps = in.variant & 2;
  forLanes(mask, [=](int i) {
    uint32_t n = clamps ? std::min(c[i], 32u) : c[i] & 31;
    uint64_t pair = uint64_t(b[i]) << 32 | a[i];
    d[i] = right ? uint32_t(pair >> n) : uint32_t(pair << n >> 32);
  });
}

template <class F> Execute binaryBits(Type type) {
  return bitsOf(type) == 64   ? static_cast<Execute>(binary<uint64_t, uint64_t, F>)
         : bitsOf(type) == 32 ? static_cast<Execute>(binary<uint32_t, uint32_t, F>)
                              : static_cast<Execute>(binary<uint16_t, uint16_t, F>);
}

void decodeLogic(Decoder &d) {
  const std::string &op = d.opcode();
  Type type = d.needType({Type::Pred, Type::B16, Type::B32, Type::B64});
  bool single = op == "not" || op == "cnot";
  if (!d.operands(single ? 2 : 3))
    return;
  if (type == Type::Pred) {
    d.predicateDestination(0);
    d.predicateSource(1);
    if (d.operand(1).negated || d.operand(single ? 1 : 2).negated || op == "cnot")
      d.fail("this form on predicates");
    if (!single && d.operand(2).kind == Operand::Integer) {
      int64_t number = d.operand(2).value;
      if (number < -1 || number > 1)
        d.fail("a number that is no predicate: expected 0, 1 or -1");
      d.in.immediate = number ? ~0u : 0;
      d.in.execute = op == "and"  ? onPredicateAndNumber<andMasks>
                     : op == "or" ? onPredicateAndNumber<orMasks>
                                  : onPredicateAndNumber<xorMasks>;
      return;
    }
    if (!single)
      d.predicateSource(2);
    d.in.execute = op == "and"   ? onPredicates<andMasks>
                   : op == "or"  ? onPredicates<orMasks>
                   : op == "xor" ? onPredicates<xorMasks>
                                 : onPredicates<notMask>;
    return;
  }
  d.destination(0, type);
  for (size_t i = 1; i < d.operandCount(); ++i)
    d.source(i, type);
  bool wide = bitsOf(type) == 64, narrow = bitsOf(type) == 16;
  if (op == "not")
    d.in.execute = wide     ? unary<uint64_t, uint64_t, Not>
                   : narrow ? unary<uint16_t, uint16_t, Not>
                            : unary<uint32_t, uint32_t, Not>;
  else if (op == "cnot")
    d.in.execute = wide     ? unary<uint64_t, uint64_t, LogicalNot>
                   : narrow ? unary<uint16_t, uint16_t, LogicalNot>
                            : unary<uint32_t, uint32_t, LogicalNot>;
  else
    d.in.execute = op == "and" ? binaryBits<And>(type) : op == "or" ? binaryBits<Or>(type) : binaryBits<Xor>(type);
}

void decodeLookup(Decoder &d) {
  d.needType({Type::B32});
  if (!d.operands(5))
    return;
  d.destination(0, Type::B32);
  for (size_t i = 1; i < 4; ++i)
    d.source(i, Type::B32);
  d.in.immediate = d.immediate(4, 0, 255);
  d.in.execute = lookup3;
}

/// popc, clz, bfind, brev: of one value.
void decodeCount(Decoder &d) {
  const std::string &op = d.opcode();
  bool amount = op == "bfind" && d.take("shiftamt");
  Type type =
      op == "bfind" ? d.needType({Type::U32, Type::S32, Type::U64, Type::S64}) : d.needType({Type::B32, Type::B64});
  if (!d.operands(2))
    return;
  bool wide = bitsOf(type) == 64;
  d.destination(0, op == "brev" ? type : Type::B32);
  d.source(1, type);
  if (op == "brev")
    d.in.execute = wide ? unary<uint64_t, uint64_t, Reverse> : unary<uint32_t, uint32_t, Reverse>;
  else if (op == "popc")
    d.in.execute = wide ? unary<uint32_t, uint64_t, Population> : unary<uint32_t, uint32_t, Population>;
  else if (op == "clz")
    d.in.execute = wide ? unary<uint32_t, uint64_t, LeadingZeros> : unary<uint32_t, uint32_t, LeadingZeros>;
  else if (type == Type::U32)
    d.in.execute =
        amount ? unary<uint32_t, uint32_t, FindHighest<true>> : unary<uint32_t, uint32_t, FindHighest<false>>;
  else if (type == Type::S32)
    d.in.execute = amount ? unary<uint32_t, int32_t, FindHighest<true>> : unary<uint32_t, int32_t, FindHighest<false>>;
  else if (type == Type::U64)
    d.in.execute =
        amount ? unary<uint32_t, uint64_t, FindHighest<true>> : unary<uint32_t, uint64_t, FindHighest<false>>;
  else
    d.in.execute = amount ? unary<uint32_t, int64_t, FindHighest<true>> : unary<uint32_t, int64_t, FindHighest<false>>;
}

void decodeField(Decoder &d) {
  bool inserts = d.opcode() == "bfi";
  Type type = inserts ? d.needType({Type::B32, Type::B64}) : d.needType({Type::U32, Type::S32, Type::U64, Type::S64});
  if (!d.operands(inserts ? 5 : 4))
    return;
  d.destination(0, type);
  d.source(1, type);
  if (inserts)
    d.source(2, type);
  d.source(inserts ? 3 : 2, Type::B32);
  d.source(inserts ? 4 : 3, Type::B32);
  bool wide = bitsOf(type) == 64;
  if (inserts)
    d.in.execute = wide ? insert<uint64_t> : insert<uint32_t>;
  else if (isSigned(type))
    d.in.execute = wide ? extract<int64_t> : static_cast<Execute>(extract<int32_t>);
  else
    d.in.execute = wide ? extract<uint64_t> : static_cast<Execute>(extract<uint32_t>);
}

void decodePermute(Decoder &d) {
  d.needType({Type::B32});
  if (std::optional<int> mode = d.takeOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"}))
    d.in.variant = uint8_t(*mode + 1);
  if (!d.operands(4))
    return;
  d.destination(0, Type::B32);
  for (size_t i = 1; i < 4; ++i)
    d.source(i, Type::B32);
  d.in.execute = permute;
}

} // namespace

void decodeBits(Decoder &d) {
  const std::string &op = d.opcode();
  if (op == "lop3")
    decodeLookup(d);
  else if (op == "popc" || op == "clz" || op == "bfind" || op == "brev")
    decodeCount(d);
  else if (op == "bfe" || op == "bfi")
    decodeField(d);
  else if (op == "prmt")
    decodePermute(d);
  else
    decodeLogic(d);
}

void decodeShift(Decoder &d) {
  const std::string &op = d.opcode();
  if (op == "shf") {
    std::optional<int> right = d.takeOneOf({"l", "r"}), wraps = d.takeOneOf({"clamp", "wrap"});
    d.needType({Type::B32});
    if (!right || !wraps) {
      d.fail("expected .l or .r, then .clamp or .wrap");
      return;
    }
    if (!d.operands(4))
      return;
    d.in.variant = uint8_t(*right | (*wraps ? 0 : 2));
    d.destination(0, Type::B32);
    for (size_t i = 1; i < 4; ++i)
      d.source(i, Type::B32);
    d.in.execute = funnel;
    return;
  }
  Type type = op == "shl" ? d.needType({Type::B16, Type::B32, Type::B64})
                          : d.needType({Type::B16, Type::B32, Type::B64, Type::U16, Type::S16, Type::U32, Type::S32,
                                        Type::U64, Type::S64});
  if (!d.operands(3))
    return;
  d.destination(0, type);
  d.source(1, type);
  d.source(2, Type::U32);
  int bits = bitsOf(type);
  if (op == "shl")
    d.in.execute = bits == 64 ? shiftLeft<uint64_t> : bits == 32 ? shiftLeft<uint32_t> : shiftLeft<uint16_t>;
  else if (isSigned(type))
    d.in.execute = bits == 64   ? shiftRight<int64_t>
                   : bits == 32 ? static_cast<Execute>(shiftRight<int32_t>)
                                : shiftRight<int16_t>;
  else
    d.in.execute = bits == 64   ? shiftRight<uint64_t>
                   : bits == 32 ? static_cast<Execute>(shiftRight<uint32_t>)
                                : shiftRight<uint16_t>;
}

} // namespace mho::ptx

// setp, set, selp, slct.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

/// The lanes where the comparison holds. Load(bits) makes the value.
template <class T, class Load>
uint32_t compareLanes(Compare compare, const Stored<T> *left, const Stored<T> *right, uint32_t mask, Load load) {
  using V = decltype(load(left[0]));
  auto where = [&](auto holds) {
    return lanesWhere(mask, [&](int i) { return holds(V(load(left[i])), V(load(right[i]))); });
  };
  auto unordered = [](V a, V b) { return a != a || b != b; };
  switch (compare) {
  case Compare::Eq:
    return where([](V a, V b) { return a == b; });
  case Compare::Ne:
    return where([](V a, V b) { return a == a && b == b && a != b; });
  case Compare::Lt:
    return where([](V a, V b) { return a < b; });
  case Compare::Le:
    return where([](V a, V b) { return a <= b; });
  case Compare::Gt:
    return where([](V a, V b) { return a > b; });
  case Compare::Ge:
    return where([](V a, V b) { return a >= b; });
  case Compare::Equ:
    return where([=](V a, V b) { return a == b || unordered(a, b); });
  case Compare::Neu:
    return where([](V a, V b) { return a != b; });
  case Compare::Ltu:
    return where([=](V a, V b) { return a < b || unordered(a, b); });
  case Compare::Leu:
    return where([=](V a, V b) { return a <= b || unordered(a, b); });
  case Compare::Gtu:
    return where([=](V a, V b) { return a > b || unordered(a, b); });
  case Compare::Geu:
    return where([=](V a, V b) { return a >= b || unordered(a, b); });
  case Compare::Num:
    return where([=](V a, V b) { return !unordered(a, b); });
  default:
    return where(unordered);
  }
}

template <class T> uint32_t compareAs(Warp &warp, const Instr &in, uint32_t mask) {
  return compareLanes<T>(in.compare, warp.lanes<Stored<T>>(in.s[0]), warp.lanes<Stored<T>>(in.s[1]), mask,
                         [](Stored<T> x) { return T(x); });
}

uint32_t compared(Warp &warp, const Instr &in, uint32_t mask) {
  switch (in.type2) {
  case Type::S16:
    return compareAs<int16_t>(warp, in, mask);
  case Type::U16:
  case Type::B16:
    return compareAs<uint16_t>(warp, in, mask);
  case Type::S32:
    return compareAs<int32_t>(warp, in, mask);
  case Type::U32:
  case Type::B32:
    return compareAs<uint32_t>(warp, in, mask);
  case Type::S64:
    return compareAs<int64_t>(warp, in, mask);
  case Type::U64:
  case Type::B64:
    return compareAs<uint64_t>(warp, in, mask);
  case Type::F64:
    return compareAs<double>(warp, in, mask);
  case Type::F16:
  case Type::BF16: {
    bool brain = in.type2 == Type::BF16, flushes = in.ftz;
    return compareLanes<uint16_t>(in.compare, warp.lanes<uint32_t>(in.s[0]), warp.lanes<uint32_t>(in.s[1]), mask,
                                  [=](uint32_t bits) {
                                    if (flushes && !brain && (bits & 0x7c00) == 0)
                                      bits &= 0x8000;
                                    return brain ? brainToFloat(uint16_t(bits)) : halfToFloat(uint16_t(bits));
                                  });
  }
  default:
    if (!in.ftz)
      return compareAs<float>(warp, in, mask);
    return compareLanes<float>(in.compare, warp.lanes<float>(in.s[0]), warp.lanes<float>(in.s[1]), mask,
                               [](float x) { return flush(x); });
  }
}

uint32_t combined(Warp &warp, const Instr &in, uint32_t value) {
  if (in.combine == Combine::None)
    return value;
  uint32_t other = warp.predicate(in.ps[0]);
  if (in.negatedPredicate)
    other = ~other;
  return in.combine == Combine::And ? value & other : in.combine == Combine::Or ? value | other : value ^ other;
}

void setPredicate(Warp &warp, const Instr &in, uint32_t mask) {
  uint32_t holds = compared(warp, in, mask), first = combined(warp, in, holds), second = combined(warp, in, ~holds);
  uint32_t &p = warp.predicate(in.pd[0]);
  p = (p & ~mask) | (first & mask);
  if (in.predicateDestinations == 2) {
    uint32_t &q = warp.predicate(in.pd[1]);
    q = (q & ~mask) | (second & mask);
  }
}

void setValue(Warp &warp, const Instr &in, uint32_t mask) {
  uint32_t holds = combined(warp, in, compared(warp, in, mask)),
           yes = in.type == Type::F32 ? bitsAs<uint32_t>(1.0f) : ~0u;
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  forLanes(mask, [=](int i) { d[i] = holds >> i & 1 ? yes : 0; });
}

template <class T> void select(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const auto *a = warp.lanes<T>(in.s[0]), *b = warp.lanes<T>(in.s[1]);
  uint32_t chosen = warp.predicate(in.ps[0]);
  if (in.negatedPredicate)
    chosen = ~chosen;
  forLanes(mask, [=](int i) { d[i] = chosen >> i & 1 ? a[i] : b[i]; });
}

/// d = c >= 0 ? a : b
template <class T> void selectBySign(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const auto *a = warp.lanes<T>(in.s[0]), *b = warp.lanes<T>(in.s[1]);
  const auto *c = warp.lanes<int32_t>(in.s[2]);
  bool real = in.type2 == Type::F32, flushes = in.ftz;
  forLanes(mask, [=](int i) {
    float value = bitsAs<float>(c[i]);
    d[i] = (real ? (flushes ? flush(value) : value) >= 0 : c[i] >= 0) ? a[i] : b[i];
  });
}

} // namespace

void decodeCompare(Decoder &d) {
  std::optional<int> compare =
      d.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
  std::optional<int> unsignedCompare = compare ? std::nullopt : d.takeOneOf({"lo", "ls", "hi", "hs"});
  if (compare)
    d.in.compare = Compare(*compare);
  else if (unsignedCompare)
    d.in.compare = Compare(int(Compare::Lt) + *unsignedCompare);
  else
    d.fail("unknown comparison");
  if (std::optional<int> combine = d.takeOneOf({"and", "or", "xor"}))
    d.in.combine = Combine(*combine + 1);
  d.in.ftz = d.take("ftz");
  bool sets = d.opcode() == "set";
  if (sets)
    d.in.type = d.needType({Type::U32, Type::S32, Type::F32});
  Type type = d.in.type2 = d.needType({Type::B16, Type::U16, Type::S16, Type::B32, Type::U32, Type::S32, Type::B64,
                                       Type::U64, Type::S64, Type::F16, Type::BF16, Type::F32, Type::F64});
  if (d.in.ftz && type != Type::F32 && type != Type::F16)
    d.fail(".ftz of a type that is not .f32 or .f16");
  bool order = d.in.compare != Compare::Eq && d.in.compare != Compare::Ne;
  if ((isBits(type) && order) || (!isFloat(type) && d.in.compare > Compare::Ge) ||
      (unsignedCompare && !isUnsigned(type)))
    d.fail("a comparison that the type does not have");
  bool combines = d.in.combine != Combine::None;
  if (!d.operands(combines ? 4 : 3))
    return;
  const Operand &result = d.operand(0);
  if (sets) {
    d.destination(0, Type::B32);
  } else if (result.kind == Operand::Pair) {
    for (const Operand &each : result.elements)
      d.predicateDestinationOf(each);
  } else {
    d.predicateDestination(0);
  }
  d.source(1, type);
  d.source(2, type);
  if (combines)
    d.predicateSource(3);
  d.in.execute = sets ? setValue : setPredicate;
}

void decodeSelect(Decoder &d) {
  bool bySign = d.opcode() == "slct";
  d.in.ftz = bySign && d.take("ftz");
  Type type = d.needType({Type::B16, Type::U16, Type::S16, Type::B32, Type::U32, Type::S32, Type::F32, Type::B64,
                          Type::U64, Type::S64, Type::F64});
  if (bySign)
    d.in.type2 = d.needType({Type::S32, Type::F32});
  if (d.in.ftz && d.in.type2 != Type::F32)
    d.fail(".ftz of .s32");
  if (!d.operands(4))
    return;
  d.destination(0, type);
  d.source(1, type);
  d.source(2, type);
  bool wide = bitsOf(type) == 64;
  if (bySign) {
    d.source(3, d.in.type2);
    d.in.execute = wide ? selectBySign<uint64_t> : static_cast<Execute>(selectBySign<uint32_t>);
  } else {
    d.predicateSource(3);
    d.in.execute = wide ? select<uint64_t> : static_cast<Execute>(select<uint32_t>);
  }
}

} // namespace mho::ptx

// mov with packing and unpacking, cvta, isspacep, createpolicy.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

template <class T> void move(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const auto *a = warp.lanes<T>(in.s[0]);
  forLanes(mask, [=](int i) { d[i] = a[i]; });
}

void movePredicate(Warp &warp, const Instr &in, uint32_t mask) {
  uint32_t value = in.predicateSources ? warp.predicate(in.ps[0]) : in.immediate ? ~0u : 0;
  if (in.negatedPredicate)
    value = ~value;
  uint32_t &d = warp.predicate(in.pd[0]);
  d = (d & ~mask) | (value & mask);
}

uint64_t part(Warp &warp, uint32_t place, int i) { return warp.lanes<uint32_t>(place)[i]; }

/// The parts of count elements become one value; the first is the lowest.
void pack(Warp &warp, const Instr &in, uint32_t mask) {
  int bits = in.registerBits / in.sources;
  forLanes(mask, [&](int i) {
    uint64_t value = 0;
    for (int k = 0; k < in.sources; ++k)
      value |= (part(warp, in.s[k], i) & ((uint64_t(1) << bits) - 1)) << (bits * k);
    if (in.registerBits == 64)
      warp.lanes<uint64_t>(in.d[0])[i] = value;
    else
      warp.lanes<uint32_t>(in.d[0])[i] = uint32_t(value);
  });
}

void unpack(Warp &warp, const Instr &in, uint32_t mask) {
  int bits = in.registerBits / in.destinations;
  forLanes(mask, [&](int i) {
    uint64_t value = in.registerBits == 64 ? warp.lanes<uint64_t>(in.s[0])[i] : warp.lanes<uint32_t>(in.s[0])[i];
    for (int k = 0; k < in.destinations; ++k)
      warp.lanes<uint32_t>(in.d[k])[i] = uint32_t(value >> (bits * k) & ((uint64_t(1) << bits) - 1));
  });
}

void addConstant(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint64_t>(in.d[0]);
  const auto *a = warp.lanes<uint64_t>(in.s[0]);
  uint64_t window = uint64_t(in.immediate);
  forLanes(mask, [=](int i) { d[i] = a[i] + window; });
}

uint64_t windowOf(Space space) {
  return space == Space::Shared  ? kSharedWindow
         : space == Space::Local ? kLocalWindow
         : space == Space::Param ? kParamWindow
                                 : 0;
}

void isInSpace(Warp &warp, const Instr &in, uint32_t mask) {
  const auto *a = warp.lanes<uint64_t>(in.s[0]);
  uint64_t window = windowOf(in.space);
  uint32_t holds =
      lanesWhere(mask, [&](int i) { return window ? a[i] - window < kWindowSize : a[i] >= kVariableBase; });
  uint32_t &d = warp.predicate(in.pd[0]);
  d = (d & ~mask) | holds;
}

void decodePolicy(Decoder &d) { // a hint to the L2 cache: any value does
  d.take("fractional");
  d.takeOneOf({"L2::evict_last", "L2::evict_first", "L2::evict_normal", "L2::evict_unchanged"});
  d.takeOneOf({"L2::evict_first", "L2::evict_unchanged"});
  d.needType({Type::B64});
  if (!d.operands(1, 2))
    return;
  d.destination(0, Type::B64);
  d.in.s[d.in.sources++] = d.constant(0, true);
  d.in.execute = move<uint64_t>;
}

} // namespace

void decodeMove(Decoder &d) {
  Type type = d.needType({Type::Pred, Type::B16, Type::U16, Type::S16, Type::F16, Type::BF16, Type::B32, Type::U32,
                          Type::S32, Type::F32, Type::B64, Type::U64, Type::S64, Type::F64});
  if (!d.operands(2))
    return;
  const Operand &to = d.operand(0), &from = d.operand(1);
  if (type == Type::Pred) {
    d.predicateDestination(0);
    if (from.kind == Operand::Integer)
      d.in.immediate = from.value;
    else
      d.predicateSource(1);
    d.in.execute = movePredicate;
    return;
  }
  if (to.kind == Operand::Vector || from.kind == Operand::Vector) {
    bool packs = from.kind == Operand::Vector;
    size_t count = (packs ? from : to).elements.size();
    int bits = bitsOf(type);
    if (!isBits(type) || !((bits == 32 && count == 2) || (bits == 64 && (count == 2 || count == 4))))
      return void(d.fail("a vector of " + std::to_string(count) + " elements in ." + nameOf(type)));
    Type element = bits / int(count) == 16 ? Type::B16 : Type::B32;
    d.in.registerBits = uint8_t(bits);
    if (packs) {
      d.destination(0, type);
      d.vectorSource(1, element, count);
    } else {
      d.vectorDestination(0, element, count);
      d.source(1, type);
    }
    d.in.execute = packs ? pack : unpack;
    return;
  }
  d.destination(0, type);
  d.source(1, type);
  d.in.copies = true;
  d.in.execute = bitsOf(type) == 64 ? move<uint64_t> : static_cast<Execute>(move<uint32_t>);
}

void decodeAddress(Decoder &d) {
  if (d.opcode() == "createpolicy")
    return decodePolicy(d);
  bool toSpace = d.opcode() == "cvta" && d.take("to");
  if (std::optional<int> space = d.takeOneOf({"global", "const", "shared", "shared::cta", "local", "param"}))
    d.in.space =
        std::array{Space::Global, Space::Const, Space::Shared, Space::Shared, Space::Local, Space::Param}[*space];
  else
    d.fail("unknown space");
  if (d.opcode() == "isspacep") {
    if (d.in.space == Space::Const)
      d.fail("the space .const");
    if (!d.operands(2))
      return;
    d.predicateDestination(0);
    d.source(1, Type::B64);
    d.in.execute = isInSpace;
    return;
  }
  d.needType({Type::U64});
  if (!d.operands(2))
    return;
  d.destination(0, Type::B64);
  d.source(1, Type::B64);
  d.in.immediate = toSpace ? -int64_t(windowOf(d.in.space)) : int64_t(windowOf(d.in.space));
  d.in.execute = addConstant;
}

} // namespace mho::ptx

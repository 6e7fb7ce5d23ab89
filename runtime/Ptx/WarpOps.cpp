// Exchange within a warp: shfl, vote, match, activemask, redux. The mask is the set of lanes that share one member
// mask.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

enum Shuffle : uint8_t { Up, Down, Butterfly, Index };

void shuffle(Warp &warp, const Instr &in, uint32_t mask) {
  const auto *a = warp.lanes<uint32_t>(in.s[1]), *b = warp.lanes<uint32_t>(in.s[2]), *c = warp.lanes<uint32_t>(in.s[3]);
  uint32_t results[kLanes], inside = 0;
  for (uint32_t left = mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left), shift = b[lane] & 31, clamp = c[lane] & 31, segment = c[lane] >> 8 & 31;
    int most = (lane & segment) | (clamp & ~segment), from = lane;
    bool holds = false;
    switch (in.variant) {
    case Up:
      from = lane - shift, holds = from >= most;
      break;
    case Down:
      from = lane + shift, holds = from <= most;
      break;
    case Butterfly:
      from = lane ^ shift, holds = from <= most;
      break;
    default:
      from = (lane & segment) | (shift & ~segment), holds = from <= most;
      break;
    }
    from = holds ? from : lane;
    if (!(mask >> from & 1))
      warp.fault(FaultKind::UninitialisedRegister, in, lane,
                 "reads the value of lane " + std::to_string(from) + ", which does not take part");
    results[lane] = a[from];
    inside |= uint32_t(holds) << lane;
  }
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  forLanes(mask, [&](int i) { d[i] = results[i]; });
  if (in.predicateDestinations) {
    uint32_t &p = warp.predicate(in.pd[0]);
    p = (p & ~mask) | inside;
  }
}

void setPredicate(Warp &warp, const Instr &in, uint32_t mask, bool value) {
  uint32_t &p = warp.predicate(in.pd[0]);
  p = value ? p | mask : p & ~mask;
}

void setAll(Warp &warp, const Instr &in, uint32_t mask, uint32_t value) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  forLanes(mask, [=](int i) { d[i] = value; });
}

void vote(Warp &warp, const Instr &in, uint32_t mask) {
  uint32_t value = in.predicateSources ? warp.predicate(in.ps[0]) : in.immediate ? ~0u : 0;
  value = (in.negatedPredicate ? ~value : value) & mask;
  switch (in.variant) {
  case 0:
    return setPredicate(warp, in, mask, value == mask);
  case 1:
    return setPredicate(warp, in, mask, value != 0);
  case 2:
    return setPredicate(warp, in, mask, value == mask || value == 0);
  default:
    return setAll(warp, in, mask, value);
  }
}

template <class T> void match(Warp &warp, const Instr &in, uint32_t mask) {
  const T *a = warp.lanes<T>(in.s[1]);
  uint32_t results[kLanes];
  for (int i = 0; i < kLanes; ++i)
    results[i] = lanesWhere(mask, [&](int j) { return a[i] == a[j]; });
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  bool all = results[__builtin_ctz(mask)] == mask;
  if (in.variant) {
    setAll(warp, in, mask, all ? mask : 0);
    if (in.predicateDestinations)
      setPredicate(warp, in, mask, all);
  } else {
    forLanes(mask, [&](int i) { d[i] = results[i]; });
  }
}

void activeMask(Warp &warp, const Instr &in, uint32_t mask) { setAll(warp, in, mask, mask); }

void reduce(Warp &warp, const Instr &in, uint32_t mask) {
  const auto *a = warp.lanes<uint32_t>(in.s[1]);
  uint32_t result = a[__builtin_ctz(mask)];
  for (uint32_t left = mask & (mask - 1); left; left &= left - 1) {
    uint32_t value = a[__builtin_ctz(left)];
    bool less = in.type == Type::S32 ? int32_t(value) < int32_t(result) : value < result;
    switch (in.variant) {
    case 0:
      result += value;
      break;
    case 1:
      result = less ? value : result;
      break;
    case 2:
      result = less ? result : value;
      break;
    case 3:
      result &= value;
      break;
    case 4:
      result |= value;
      break;
    default:
      result ^= value;
      break;
    }
  }
  setAll(warp, in, mask, result);
}

void needSync(Decoder &d) {
  if (!d.take("sync"))
    d.fail("a form without .sync, which GPUs since sm_70 do not have");
}

void decodeShuffle(Decoder &d) {
  needSync(d);
  if (std::optional<int> mode = d.takeOneOf({"up", "down", "bfly", "idx"}))
    d.in.variant = uint8_t(*mode);
  else
    d.fail("unknown mode");
  d.needType({Type::B32});
  if (!d.operands(5))
    return;
  const Operand &result = d.operand(0);
  if (result.kind == Operand::Pair) {
    d.destinationOf(result.elements[0], Type::B32);
    d.predicateDestinationOf(result.elements[1]);
  } else {
    d.destination(0, Type::B32);
  }
  for (size_t i : {4, 1, 2, 3})
    d.source(i, Type::B32);
  d.in.execute = shuffle;
}

void decodeVote(Decoder &d) {
  needSync(d);
  std::optional<int> mode = d.takeOneOf({"all", "any", "uni", "ballot"});
  if (!mode) {
    d.fail("unknown mode");
    return;
  }
  d.in.variant = uint8_t(*mode);
  d.needType({*mode == 3 ? Type::B32 : Type::Pred});
  if (!d.operands(3))
    return;
  *mode == 3 ? d.destination(0, Type::B32) : d.predicateDestination(0);
  if (d.operand(1).kind == Operand::Integer)
    d.in.immediate = d.operand(1).value;
  else
    d.predicateSource(1);
  d.source(2, Type::B32);
  d.in.execute = vote;
}

void decodeMatch(Decoder &d) {
  std::optional<int> all = d.takeOneOf({"any", "all"});
  if (!all)
    d.fail("unknown mode");
  needSync(d);
  Type type = d.needType({Type::B32, Type::B64});
  if (!d.operands(3))
    return;
  d.in.variant = uint8_t(all.value_or(0));
  const Operand &result = d.operand(0);
  if (d.in.variant && result.kind == Operand::Pair) {
    d.destinationOf(result.elements[0], Type::B32);
    d.predicateDestinationOf(result.elements[1]);
  } else {
    d.destination(0, Type::B32);
  }
  d.source(2, Type::B32);
  d.source(1, type);
  d.in.execute = type == Type::B64 ? match<uint64_t> : static_cast<Execute>(match<uint32_t>);
}

void decodeReduce(Decoder &d) {
  needSync(d);
  std::optional<int> op = d.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  if (!op) {
    d.fail("unknown operation");
    return;
  }
  d.in.variant = uint8_t(*op);
  d.in.type = *op < 3 ? d.needType({Type::U32, Type::S32}) : d.needType({Type::B32});
  if (!d.operands(3))
    return;
  d.destination(0, Type::B32);
  d.source(2, Type::B32);
  d.source(1, Type::B32);
  d.in.execute = reduce;
}

} // namespace

void decodeWarp(Decoder &d) {
  const std::string &op = d.opcode();
  if (op == "activemask") {
    d.needType({Type::B32});
    if (d.operands(1))
      d.destination(0, Type::B32);
    d.in.execute = activeMask;
    return;
  }
  d.in.control = Control::Collective;
  if (op == "shfl")
    decodeShuffle(d);
  else if (op == "vote")
    decodeVote(d);
  else if (op == "match")
    decodeMatch(d);
  else
    decodeReduce(d);
}

} // namespace mho::ptx

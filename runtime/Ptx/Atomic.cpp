// atom, red, and the fences, which do nothing here: memory is sequentially consistent.
#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/Lanes.h"
#include "runtime/Ptx/MemoryForm.h"

namespace mho::ptx {
namespace {

enum class Op : uint8_t { Add, Min, Max, Exch, Cas, And, Or, Xor, Inc, Dec };

template <class T> T combine(Op op, T old, T b, T c) {
  switch (op) {
  case Op::Add:
    if constexpr (std::is_integral_v<T>)
      return T(std::make_unsigned_t<T>(old) + std::make_unsigned_t<T>(b));
    else
      return old + b;
  case Op::Min:
    return std::min(old, b);
  case Op::Max:
    return std::max(old, b);
  case Op::Exch:
    return b;
  case Op::Cas:
    return old == b ? c : old;
  case Op::Inc:
    return old >= b ? T(0) : T(old + 1);
  case Op::Dec:
    return old == T(0) || old > b ? b : T(old - 1);
  default:
    break;
  }
  if constexpr (std::is_integral_v<T>)
    return op == Op::And ? old & b : op == Op::Or ? old | b : old ^ b;
  return old;
}

template <class T> void atomic(Warp &warp, const Instr &in, uint32_t mask) {
  uint64_t addresses[kLanes];
  uint8_t *pointers[kLanes];
  warp.addresses(in, 0, addresses, in.immediate);
  if (!warp.access(in, in.space, addresses, mask, sizeof(T), AccessKind::Atomic, pointers))
    return;
  const T *b = warp.lanes<T>(in.s[1]), *c = warp.lanes<T>(in.s[in.sources - 1]);
  T *d = in.destinations ? warp.lanes<T>(in.d[0]) : nullptr;
  auto lock = warp.cta.lockAtomics();
  for (uint32_t left = mask; left; left &= left - 1) {
    int i = __builtin_ctz(left);
    T old, next;
    std::memcpy(&old, pointers[i], sizeof old);
    next = combine(Op(in.variant), old, b[i], c[i]);
    if constexpr (std::is_same_v<T, float>) {
      // The manual: f32 sums in global memory flush subnormal numbers, those in shared memory do not.
      if (addresses[i] >= kVariableBase)
        next = flush(flush(old) + flush(b[i]));
      next = next != next ? bitsAs<float>(0x7fffffffu) : next;
    }
    std::memcpy(pointers[i], &next, sizeof next);
    if (d)
      d[i] = old;
  }
}

void nothing(Warp &, const Instr &, uint32_t) {}

void decodeFence(Decoder &d) {
  if (d.opcode() == "membar") {
    if (!d.takeOneOf({"cta", "gl", "sys"}))
      d.fail("unknown scope");
  } else {
    d.takeOneOf({"sc", "acq_rel", "acquire", "release"});
    if (!takeScope(d))
      d.fail("unknown scope");
  }
  d.operands(0);
  d.in.execute = nothing;
}

/// The types that an operation has.
Type takeAtomicType(Decoder &d, Op op) {
  switch (op) {
  case Op::Add:
    return d.needType({Type::U32, Type::S32, Type::U64, Type::F32, Type::F64});
  case Op::Min:
  case Op::Max:
    return d.needType({Type::U32, Type::S32, Type::U64, Type::S64});
  case Op::Inc:
  case Op::Dec:
    return d.needType({Type::U32});
  default:
    return d.needType({Type::B32, Type::B64});
  }
}

} // namespace

void decodeAtomic(Decoder &d) {
  if (d.opcode() == "membar" || d.opcode() == "fence")
    return decodeFence(d);
  bool reduces = d.opcode() == "red", policy = false;
  d.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  takeScope(d);
  d.in.space = takeSpace(d);
  if (d.in.space != Space::Generic && d.in.space != Space::Global && d.in.space != Space::Shared)
    d.fail("an atomic in this space");
  std::optional<int> op = d.takeOneOf({"add", "min", "max", "exch", "cas", "and", "or", "xor", "inc", "dec"});
  if (!op || (reduces && (Op(*op) == Op::Exch || Op(*op) == Op::Cas))) {
    d.fail("unknown operation");
    return;
  }
  takeCacheHints(d, policy);
  Type type = d.in.type = takeAtomicType(d, Op(*op));
  size_t values = Op(*op) == Op::Cas ? 2 : 1, first = reduces ? 0 : 1;
  if (!d.operands(first + 1 + values + policy))
    return;
  d.in.variant = uint8_t(*op);
  d.in.strong = true;
  d.in.accessBytes = uint8_t(bytesOf(type));
  if (!reduces)
    d.destination(0, type);
  d.address(first, d.in.space);
  for (size_t i = 1; i <= values; ++i)
    d.source(first + i, type);
  switch (type) {
  case Type::S32:
    d.in.execute = atomic<int32_t>;
    break;
  case Type::F32:
    d.in.execute = atomic<float>;
    break;
  case Type::F64:
    d.in.execute = atomic<double>;
    break;
  case Type::S64:
    d.in.execute = atomic<int64_t>;
    break;
  case Type::U64:
  case Type::B64:
    d.in.execute = atomic<uint64_t>;
    break;
  default:
    d.in.execute = atomic<uint32_t>;
    break;
  }
}

} // namespace mho::ptx

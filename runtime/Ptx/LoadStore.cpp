// ld, st, prefetch.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"
#include "runtime/Ptx/MemoryForm.h"

namespace mho::ptx {

void takeCacheHints(Decoder &d, bool &policy) {
  d.takeOneOf({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate"});
  d.takeOneOf({"L2::evict_normal", "L2::evict_first", "L2::evict_last"});
  policy = d.take("L2::cache_hint");
  d.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
}

bool takeScope(Decoder &d) { return d.takeOneOf({"cta", "cluster", "gpu", "sys"}).has_value(); }

Space takeSpace(Decoder &d) {
  static const Space spaces[] = {Space::Global, Space::Shared, Space::Shared, Space::Local,
                                 Space::Param,  Space::Param,  Space::Const};
  std::optional<int> space =
      d.takeOneOf({"global", "shared", "shared::cta", "local", "param", "param::entry", "const"});
  return space ? spaces[*space] : Space::Generic;
}

namespace {

uint64_t readElement(const uint8_t *from, int bytes) {
  uint64_t value = 0;
  std::memcpy(&value, from, bytes);
  return value;
}

template <class T> void copyWords(Warp &warp, const Instr &in, uint32_t mask, uint8_t *const *pointers) {
  for (int k = 0; k < in.count; ++k) {
    T *d = warp.lanes<T>(in.d[k]);
    for (uint32_t left = mask; left; left &= left - 1) {
      int i = __builtin_ctz(left);
      std::memcpy(d + i, pointers[i] + k * sizeof(T), sizeof(T));
    }
  }
}

void load(Warp &warp, const Instr &in, uint32_t mask) {
  uint64_t addresses[kLanes];
  uint8_t *pointers[kLanes];
  warp.addresses(in, 0, addresses, in.immediate);
  int size = bytesOf(in.type), bits = in.registerBits;
  if (!warp.access(in, in.space, addresses, mask, size * in.count, AccessKind::Read, pointers))
    return;
  if (size == 4 && bits == 32)
    return copyWords<uint32_t>(warp, in, mask, pointers);
  if (size == 8)
    return copyWords<uint64_t>(warp, in, mask, pointers);
  for (int k = 0; k < in.count; ++k)
    for (uint32_t left = mask; left; left &= left - 1) {
      int i = __builtin_ctz(left), shift = 64 - 8 * size;
      uint64_t value = readElement(pointers[i] + k * size, size);
      if (isSigned(in.type))
        value = uint64_t(int64_t(value << shift) >> shift);
      if (bits == 64)
        warp.lanes<uint64_t>(in.d[k])[i] = value;
      else
        warp.lanes<uint32_t>(in.d[k])[i] = bits == 16 ? uint32_t(uint16_t(value)) : uint32_t(value);
    }
}

void store(Warp &warp, const Instr &in, uint32_t mask) {
  uint64_t addresses[kLanes];
  uint8_t *pointers[kLanes];
  alignas(16) uint8_t staged[kLanes][16];
  warp.addresses(in, 0, addresses, in.immediate);
  int size = bytesOf(in.type);
  for (int k = 0; k < in.count; ++k)
    for (int i = 0; i < kLanes; ++i)
      if (in.registerBits == 64)
        std::memcpy(staged[i] + k * size, warp.lanes<uint64_t>(in.s[k + 1]) + i, size);
      else
        std::memcpy(staged[i] + k * size, warp.lanes<uint32_t>(in.s[k + 1]) + i, size);
  if (!warp.access(in, in.space, addresses, mask, size * in.count, AccessKind::Write, pointers, staged[0]))
    return;
  for (uint32_t left = mask; left; left &= left - 1) {
    int i = __builtin_ctz(left);
    std::memcpy(pointers[i], staged[i], size * in.count);
  }
}

void nothing(Warp &, const Instr &, uint32_t) {}

void takeOrdering(Decoder &d, bool loads) {
  if (d.take("weak"))
    return;
  if (d.take("volatile")) {
    d.in.strong = true;
  } else if (d.take("relaxed") || (loads ? d.take("acquire") : d.take("release"))) {
    d.in.strong = true;
    if (!takeScope(d))
      d.fail("expected a scope (.cta, .gpu, .sys)");
  }
}

void decodeVector(Decoder &d, bool loads, size_t operand) {
  int bits = 0;
  const Operand &data = d.operand(operand);
  if (d.in.count == 1) {
    loads ? d.destination(operand, d.in.type, true) : d.source(operand, d.in.type, true);
    bits = d.registerBits(data);
  } else if (data.kind != Operand::Vector || data.elements.size() != d.in.count) {
    d.fail("operand " + std::to_string(operand + 1) + " is no vector of " + std::to_string(d.in.count));
  } else {
    for (const Operand &element : data.elements) {
      loads ? d.destinationOf(element, d.in.type, true) : d.sourceOf(element, d.in.type, true);
      int each = d.registerBits(element);
      if (bits && each && each != bits)
        d.fail("registers of different sizes in a vector");
      bits = each ? each : bits;
    }
  }
  d.in.registerBits = uint8_t(bits ? bits : bitsOf(d.in.type) == 64 ? 64 : 32);
}

} // namespace

void decodeLoadStore(Decoder &d) {
  if (d.opcode() == "prefetch") { // a hint
    takeSpace(d);
    d.takeOneOf({"L1", "L2"});
    d.takeOneOf({"L2::evict_last", "L2::evict_normal"});
    d.operands(1);
    d.in.execute = nothing;
    return;
  }
  bool loads = d.opcode() == "ld", policy = false;
  takeOrdering(d, loads);
  d.in.space = takeSpace(d);
  if (loads) {
    if (!d.take("nc"))
      d.takeOneOf({"ca", "cg", "cs", "lu", "cv"});
    d.take("nc");
  } else {
    d.takeOneOf({"wb", "cg", "cs", "wt"});
  }
  takeCacheHints(d, policy);
  d.in.count = d.take("v2") ? 2 : d.take("v4") ? 4 : 1;
  d.in.type = d.needType({Type::B8, Type::U8, Type::S8, Type::B16, Type::U16, Type::S16, Type::B32, Type::U32,
                          Type::S32, Type::F32, Type::B64, Type::U64, Type::S64, Type::F64});
  if (bytesOf(d.in.type) * d.in.count > 16)
    d.fail("an access of more than 16 bytes");
  if (!loads && (d.in.space == Space::Param || d.in.space == Space::Const))
    d.fail("a store to a space that cannot be written");
  if (!d.operands(policy ? 3 : 2))
    return;
  d.address(loads ? 1 : 0, d.in.space);
  decodeVector(d, loads, loads ? 0 : 1);
  d.in.accessBytes = uint8_t(bytesOf(d.in.type) * d.in.count);
  d.in.execute = loads ? load : store;
}

} // namespace mho::ptx

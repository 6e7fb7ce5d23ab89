// cp.async: copies from global to shared memory that end at a wait. They are performed there, or at once, by option;
// the race detector counts them at both.
#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"
#include "runtime/Ptx/MemoryForm.h"

namespace mho::ptx {
namespace {

/// Source bytes per lane: all, a register's number, or none where a predicate says to ignore the source.
bool sourceSizes(Warp &warp, const Instr &in, uint32_t mask, int *sizes) {
  int bytes = in.count;
  for (uint32_t left = mask; left; left &= left - 1) {
    int i = __builtin_ctz(left);
    sizes[i] = bytes;
    if (in.predicateSources) {
      bool ignored = (warp.predicate(in.ps[0]) >> i & 1) != in.negatedPredicate;
      sizes[i] = ignored ? 0 : bytes;
    } else if (in.sources > 2) {
      uint32_t size = warp.lanes<uint32_t>(in.s[2])[i];
      if (size > uint32_t(bytes)) {
        warp.fault(FaultKind::Unsupported, in, i,
                   "a source size of " + std::to_string(size) + " bytes of " + std::to_string(bytes));
        return false;
      }
      sizes[i] = int(size);
    }
  }
  return true;
}

void issue(Warp &warp, const Instr &in, uint32_t mask) {
  Warp::Copy copy;
  copy.instr = &in;
  copy.mask = mask;
  copy.bytes = in.count;
  uint64_t from[kLanes];
  const auto *to = warp.lanes<uint32_t>(in.s[0]);
  for (int i = 0; i < kLanes; ++i) {
    uint64_t base = in.addressBits == 64 ? warp.lanes<uint64_t>(in.s[0])[i] : to[i];
    copy.to[i] = base + uint64_t(in.immediate);
    from[i] = warp.lanes<uint64_t>(in.s[1])[i] + uint64_t(int64_t(in.sourceOffset));
    copy.group[i] = warp.openGroup[i];
    copy.sourceBytes[i] = 0;
  }
  if (!sourceSizes(warp, in, mask, copy.sourceBytes))
    return;
  for (uint32_t left = mask; left;) { // lanes of one size together
    int size = copy.sourceBytes[__builtin_ctz(left)];
    uint32_t same = lanesWhere(left, [&](int i) { return copy.sourceBytes[i] == size; });
    if (size && !warp.access(in, Space::Global, from, same, size, AccessKind::Read, copy.from, nullptr, in.count))
      return;
    left &= ~same;
  }
  if (!warp.access(in, Space::Shared, copy.to, mask, in.count, AccessKind::Copy, copy.toPointer))
    return;
  if (warp.cta.copiesEarly())
    for (uint32_t left = mask; left; left &= left - 1) {
      int i = __builtin_ctz(left);
      std::memset(copy.toPointer[i], 0, copy.bytes);
      std::memcpy(copy.toPointer[i], copy.from[i], copy.sourceBytes[i]);
    }
  warp.copies.push_back(copy);
}

void commit(Warp &warp, const Instr &, uint32_t mask) {
  forLanes(mask, [&](int i) { ++warp.openGroup[i]; });
}

void wait(Warp &warp, const Instr &in, uint32_t mask) { warp.completeCopies(mask, uint32_t(in.immediate), in.variant); }

} // namespace

/// Ends the lanes' copies but those of the last `groupsLeft` groups that were committed.
void Warp::completeCopies(uint32_t lanes, uint32_t groupsLeft, bool uncommittedToo) {
  for (Copy &copy : copies) {
    uint32_t ending = lanesWhere(copy.mask & lanes,
                                 [&](int i) { return uncommittedToo || copy.group[i] + groupsLeft < openGroup[i]; });
    if (!ending)
      continue;
    copy.mask &= ~ending;
    for (uint32_t left = ending; left; left &= left - 1) {
      int i = __builtin_ctz(left);
      if (!cta.copiesEarly()) {
        std::memset(copy.toPointer[i], 0, copy.bytes);
        if (copy.sourceBytes[i])
          std::memcpy(copy.toPointer[i], copy.from[i], copy.sourceBytes[i]);
      }
    }
    cta.races().complete(*this, *copy.instr, copy.to, ending, copy.bytes);
  }
  while (!copies.empty() && !copies.front().mask)
    copies.pop_front();
}

void decodeAsync(Decoder &d) {
  if (!d.take("async")) {
    d.fail("unknown form");
    return;
  }
  if (d.take("commit_group")) {
    d.operands(0);
    d.in.execute = commit;
    return;
  }
  if (std::optional<int> kind = d.takeOneOf({"wait_group", "wait_all"})) {
    d.in.variant = *kind == 1;
    if (d.operands(1 - *kind) && *kind == 0)
      d.in.immediate = d.immediate(0, 0, 1 << 20);
    d.in.execute = wait;
    return;
  }
  std::optional<int> cache = d.takeOneOf({"ca", "cg"});
  if (!cache || !d.takeOneOf({"shared", "shared::cta"}) || !d.take("global")) {
    d.fail("unknown form");
    return;
  }
  bool policy = false;
  takeCacheHints(d, policy);
  if (!d.operands(3 + policy, 4 + policy))
    return;
  d.in.count = uint8_t(d.immediate(2, 4, 16));
  if (d.in.count != 16 && (*cache == 1 || (d.in.count != 4 && d.in.count != 8)))
    d.fail("a size of " + std::to_string(d.in.count) + " bytes");
  d.address(0, Space::Shared);
  int64_t offset = d.in.immediate;
  uint8_t bits = d.in.addressBits;
  d.address(1, Space::Global);
  if (d.in.immediate > INT32_MAX || d.in.immediate < INT32_MIN || d.in.addressBits != 64)
    d.fail("an address");
  d.in.sourceOffset = int32_t(d.in.immediate);
  d.in.immediate = offset;
  d.in.addressBits = bits;
  if (d.operandCount() == 4 + size_t(policy)) {
    if (d.operand(3).kind == Operand::Register && d.registerBits(d.operand(3)) == 0)
      d.predicateSource(3);
    else
      d.source(3, Type::B32);
  }
  d.in.accessBytes = d.in.count;
  d.in.execute = issue;
}

} // namespace mho::ptx

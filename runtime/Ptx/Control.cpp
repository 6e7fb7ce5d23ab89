// bra, ret, exit, trap, barriers, nanosleep.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

void nothing(Warp &, const Instr &, uint32_t) {}

/// bar.warp.sync orders the memory accesses of the lanes before and after it.
void warpSync(Warp &warp, const Instr &, uint32_t) { ++warp.warpEpoch; }

void decodeBarrier(Decoder &d) {
  bool shortForm = d.opcode() == "bar";
  if (shortForm && d.take("warp")) {
    if (!d.take("sync"))
      d.fail("expected .sync");
    d.in.control = Control::Collective;
    if (d.operands(1))
      d.source(0, Type::B32);
    d.in.execute = warpSync;
    return;
  }
  d.take("cta");
  d.in.control = Control::Barrier;
  bool reduces = d.take("red");
  if (!reduces && !d.take("sync")) {
    d.fail("unknown form");
    return;
  }
  if (reduces) {
    std::optional<int> op = d.takeOneOf({"popc", "and", "or"});
    if (!op) {
      d.fail("unknown operation");
      return;
    }
    d.in.variant = uint8_t(*op + 1);
  }
  d.in.aligned = shortForm || d.take("aligned");
  if (reduces)
    d.needType({d.in.variant == 1 ? Type::U32 : Type::Pred});
  size_t first = reduces ? 1 : 0, last = reduces ? 1 : 0;
  if (!d.operands(first + last + 1, first + last + 2))
    return;
  if (reduces)
    d.in.variant == 1 ? d.destination(0, Type::B32) : d.predicateDestination(0);
  d.source(first, Type::B32);
  if (d.operandCount() == first + last + 2)
    d.source(first + 1, Type::B32);
  if (reduces)
    d.predicateSource(d.operandCount() - 1);
}

} // namespace

void decodeControl(Decoder &d) {
  const std::string &op = d.opcode();
  if (op == "bar" || op == "barrier")
    return decodeBarrier(d);
  if (op == "bra") {
    d.in.control = Control::Branch;
    d.in.variant = d.take("uni");
    d.operands(1);
  } else if (op == "nanosleep") {
    d.needType({Type::U32});
    if (d.operands(1))
      d.source(0, Type::U32);
    d.in.execute = nothing;
  } else {
    d.in.control = op == "trap" ? Control::Trap : Control::Exit;
    if (op == "ret")
      d.take("uni");
    d.operands(0);
  }
}

} // namespace mho::ptx

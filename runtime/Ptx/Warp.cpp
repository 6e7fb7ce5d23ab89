// The state of a warp: its registers and their beginnings.
#include "runtime/Ptx/Warp.h"

#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Lanes.h"

#include <cstdlib>

namespace mho::ptx {
namespace {

/// What an unwritten register or byte holds: a NaN in f32, and far from any index.
constexpr uint32_t kPoison = 0x7fffdead;

} // namespace

void Warp::Free::operator()(void *pointer) const { std::free(pointer); }

Warp::Warp(Cta &cta, const Program &program, int index) : cta(cta), program(program), index(index) {
  size_t words = size_t(program.slots) * kLanes;
  memory.reset(
      static_cast<uint32_t *>(std::aligned_alloc(64, std::max<size_t>(words, 1) * sizeof(uint32_t) / 64 * 64 + 64)));
  registers = memory.get();
  written.resize(program.slots);
  predicateValues.resize(program.predicates);
  predicateWritten.resize(program.predicates);
}

uint32_t Warp::specialValue(Special special, int lane) const {
  const Dim &block = cta.launch.block, &grid = cta.launch.grid;
  uint32_t thread = uint32_t(threadOf(lane)), bit = 1u << lane;
  switch (special) {
  case Special::TidX:
    return thread % block.x;
  case Special::TidY:
    return thread / block.x % block.y;
  case Special::TidZ:
    return thread / block.x / block.y;
  case Special::NtidX:
    return block.x;
  case Special::NtidY:
    return block.y;
  case Special::NtidZ:
    return block.z;
  case Special::CtaidX:
    return cta.position.x;
  case Special::CtaidY:
    return cta.position.y;
  case Special::CtaidZ:
    return cta.position.z;
  case Special::NctaidX:
    return grid.x;
  case Special::NctaidY:
    return grid.y;
  case Special::NctaidZ:
    return grid.z;
  case Special::LaneId:
    return uint32_t(lane);
  case Special::WarpId:
    return uint32_t(index);
  case Special::NWarpId:
    return uint32_t((block.count() + kLanes - 1) / kLanes);
  case Special::MaskEq:
    return bit;
  case Special::MaskLt:
    return bit - 1;
  case Special::MaskLe:
    return bit | (bit - 1);
  case Special::MaskGt:
    return ~(bit | (bit - 1));
  case Special::MaskGe:
    return ~(bit - 1);
  case Special::DynamicSharedSize:
    return uint32_t(cta.launch.dynamicShared);
  case Special::TotalSharedSize:
    return uint32_t(cta.launch.sharedBytes);
  }
  return 0;
}

void Warp::begin(uint32_t lanesAlive) {
  std::fill_n(registers, size_t(program.slots) * kLanes, kPoison);
  std::fill(written.begin(), written.end(), 0);
  std::fill(predicateWritten.begin(), predicateWritten.end(), 0);
  for (const Program::Constant &constant : program.constants) {
    if (constant.wide)
      std::fill_n(lanes<uint64_t>(constant.offset), kLanes, constant.bits);
    else
      std::fill_n(lanes<uint32_t>(constant.offset), kLanes, uint32_t(constant.bits));
    written[constant.offset / kLanes] = kAllLanes;
  }
  for (const Program::SpecialRegister &special : program.specials) {
    for (int lane = 0; lane < kLanes; ++lane)
      lanes<uint32_t>(special.offset)[lane] = specialValue(special.special, lane);
    written[special.offset / kLanes] = kAllLanes;
  }
  size_t localBytes = size_t(program.localBytes) * kLanes;
  local.assign(localBytes, 0xad);
  localWritten.assign(localBytes, 0);
  copies.clear();
  std::fill(std::begin(openGroup), std::end(openGroup), 0);
  carry = 0;
  warpEpoch = 0;
  turns = 0;
  liveLanes = lanesAlive;
  groups.assign(1, {0, lanesAlive, State::Ready, 0});
}

void Warp::fault(FaultKind kind, const Instr &instr, int lane, const std::string &detail) {
  cta.fault(kind, instr, threadOf(lane), detail);
}

void Warp::checkSources(const Instr &instr, uint32_t mask) {
  auto check = [&](uint32_t lanesWritten) {
    if (uint32_t missing = mask & ~lanesWritten; missing && cta.options().findsUninitialised)
      fault(FaultKind::UninitialisedRegister, instr, __builtin_ctz(missing),
            "reads a register that this thread has not written");
  };
  for (int k = 0; k < instr.sources; ++k)
    check(written[instr.s[k] / kLanes]);
  for (int k = 0; k < instr.predicateSources; ++k)
    check(predicateWritten[instr.ps[k]]);
}

void Warp::markWritten(const Instr &instr, uint32_t mask) {
  for (int k = 0; k < instr.destinations; ++k)
    written[instr.d[k] / kLanes] |= mask;
  for (int k = 0; k < instr.predicateDestinations; ++k)
    predicateWritten[instr.pd[k]] |= mask;
}

void Warp::exitLanes(uint32_t mask) {
  completeCopies(mask, 0, true);
  liveLanes &= ~mask;
}

void Warp::release(uint32_t barrier, const Instr *reduction, uint64_t holds, uint64_t arrived) {
  for (Group &group : groups) {
    if (group.state != State::AtBarrier || group.barrier != barrier)
      continue;
    const Instr &instr = program.code[group.pc];
    if (reduction) {
      bool value = instr.variant == 2 ? holds == arrived : holds != 0;
      if (instr.variant == 1)
        forLanes(group.mask, [&](int i) { lanes<uint32_t>(instr.d[0])[i] = uint32_t(holds); });
      else
        predicate(instr.pd[0]) = value ? predicate(instr.pd[0]) | group.mask : predicate(instr.pd[0]) & ~group.mask;
      markWritten(instr, group.mask);
    }
    ++group.pc;
    group.state = State::Ready;
  }
  merge();
}

} // namespace mho::ptx

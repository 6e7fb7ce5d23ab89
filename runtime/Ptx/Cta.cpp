#include "runtime/Ptx/Cta.h"

#include "runtime/Ptx/Lanes.h"

#include <algorithm>

namespace mho::ptx {
namespace {

/// Instructions of a warp before the next one has its turn.
constexpr uint64_t kSlice = 20000;
/// Faults of one CTA that are kept: of a broken kernel the first few tell enough.
constexpr size_t kMostFaults = 100;

bool isFatal(FaultKind kind) {
  return kind != FaultKind::Race && kind != FaultKind::UninitialisedRegister &&
         kind != FaultKind::UninitialisedMemory && kind != FaultKind::BarrierDivergence;
}

} // namespace

Cta::Cta(const Launch &launch, Findings &findings)
    : launch(launch), findings(findings), shared(size_t(launch.sharedBytes)),
      detector(launch.sharedBytes, launch.program.granule, launch.options.findsRaces,
               launch.options.findsUninitialised) {
  int count = int((launch.block.count() + kLanes - 1) / kLanes);
  for (int i = 0; i < count; ++i)
    warps.push_back(std::make_unique<Warp>(*this, launch.program, i));
}

Place Cta::placeOf(const Instr &instr) const {
  size_t number = size_t(&instr - launch.program.code.data());
  const std::vector<InstructionSyntax> &list = launch.program.syntax->instructions;
  if (number >= list.size())
    return {launch.program.syntax->line, "the end of the entry", ""};
  return ptx::placeOf(launch.module, list[number]);
}

Fault &Cta::noteFault(FaultKind kind, const Instr &instr, const Instr *other, bool &added) {
  static thread_local Fault overflow;
  auto key = std::minmax({&instr, other}); // which of two threads came first is the interpreter's choice
  auto [it, isNew] = known.emplace(std::tuple(int(kind), key.first, key.second), findings.faults.size());
  added = isNew && findings.faults.size() < kMostFaults;
  if (isNew && !added)
    it->second = kMostFaults;
  if (it->second >= kMostFaults)
    return overflow;
  if (added) {
    findings.faults.emplace_back();
    findings.faults.back().kind = kind;
    findings.faults.back().place = placeOf(instr);
    findings.faults.back().cta = position;
  } else {
    ++findings.faults[it->second].times;
  }
  return findings.faults[it->second];
}

void Cta::fault(FaultKind kind, const Instr &instr, int thread, const std::string &detail) {
  bool added = false;
  Fault &fault = noteFault(kind, instr, nullptr, added);
  if (added) {
    fault.thread = thread;
    fault.detail = detail;
  }
  stop |= isFatal(kind);
}

void Cta::raceFault(Warp &warp, const Instr &instr, int lane, const Instr &otherInstr, int otherThread,
                    const char *what) {
  bool added = false;
  Fault &fault = noteFault(FaultKind::Race, instr, &otherInstr, added);
  if (!added)
    return;
  fault.thread = warp.threadOf(lane);
  fault.otherThread = otherThread;
  fault.otherPlace = placeOf(otherInstr);
  fault.detail = what;
}

bool Cta::run(Dim where) {
  position = where;
  budget = launch.options.instructionBudget;
  known.clear();
  findings.faults.clear();
  stop = false;
  std::fill(std::begin(barriers), std::end(barriers), Barrier());
  std::fill(shared.begin(), shared.end(), 0xad);
  detector.reset();
  uint64_t threads = launch.block.count();
  for (size_t i = 0; i < warps.size(); ++i) {
    uint64_t left = threads - i * kLanes;
    warps[i]->begin(left >= kLanes ? kAllLanes : (1u << left) - 1);
  }
  return runWarps() && !stop;
}

bool Cta::runWarps() {
  for (;;) {
    bool ran = false, finished = true;
    for (auto &warp : warps) {
      ran |= warp->run(kSlice);
      if (stop)
        return false;
      finished &= warp->finished();
    }
    if (finished)
      return true;
    ran |= releaseBarrier();
    if (!ran)
      for (auto &warp : warps)
        ran |= warp->resolveWaiting();
    if (stop)
      return false;
    if (!ran) {
      reportDeadlock();
      return false;
    }
  }
}

void Cta::arrive(const Instr &instr, Warp &warp, uint32_t mask) {
  int first = __builtin_ctz(mask);
  const auto *numbers = warp.lanes<uint32_t>(instr.s[0]);
  uint32_t number = numbers[first];
  bool same = lanesWhere(mask, [&](int i) { return numbers[i] == number; }) == mask;
  uint64_t rounded = (launch.block.count() + kLanes - 1) / kLanes * kLanes;
  if (number >= 16 || !same)
    return fault(FaultKind::Unsupported, instr, warp.threadOf(first),
                 same ? "barrier " + std::to_string(number) + " of 16" : "different barriers in one warp");
  if (instr.sources > 1)
    if (uint32_t count = warp.lanes<uint32_t>(instr.s[1])[first]; count != rounded && count != launch.block.count())
      return fault(FaultKind::Unsupported, instr, warp.threadOf(first),
                   "a barrier of " + std::to_string(count) + " of the CTA's " + std::to_string(launch.block.count()) +
                       " threads");
  Barrier &barrier = barriers[number];
  if (instr.variant) {
    uint32_t value = warp.predicate(instr.ps[0]);
    barrier.reduction = &instr;
    barrier.holds += uint64_t(__builtin_popcount(mask & (instr.negatedPredicate ? ~value : value)));
  }
  barrier.arrived += uint64_t(__builtin_popcount(mask));
}

/// Opens the barrier that all living threads have come to; false if there is none.
bool Cta::releaseBarrier() {
  for (uint32_t number = 0; number < 16; ++number) {
    if (!barriers[number].arrived)
      continue;
    bool complete = true;
    for (auto &warp : warps) {
      uint32_t arrived = 0;
      for (const Warp::Group &group : warp->groupList())
        if (group.state == Warp::State::AtBarrier && group.barrier == number)
          arrived |= group.mask;
      complete &= arrived == warp->live() || warp->finished();
    }
    if (!complete)
      continue;
    Barrier barrier = barriers[number];
    barriers[number] = Barrier();
    for (auto &warp : warps)
      warp->release(number, barrier.reduction, barrier.holds, barrier.arrived);
    detector.nextEpoch();
    return true;
  }
  return false;
}

void Cta::reportDeadlock() {
  for (auto &warp : warps)
    for (const Warp::Group &group : warp->groupList()) {
      bool barrier = group.state == Warp::State::AtBarrier;
      fault(FaultKind::Deadlock, launch.program.code[group.pc], warp->threadOf(__builtin_ctz(group.mask)),
            barrier ? "waits at a barrier that not all threads of the CTA come to"
                    : "waits for threads of its warp that do not come");
    }
}

} // namespace mho::ptx

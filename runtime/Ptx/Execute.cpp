// The dispatch loop of a warp.
//
// Lanes that run together form a group. The group with the smallest program counter runs, and groups that meet at one
// instruction become one: code laid out forward reconverges as early as it can. A group that goes backward while others
// wait gives them a turn now and then, so that lanes may wait for each other.
#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Lanes.h"

#include <algorithm>

namespace mho::ptx {
namespace {

/// Backward branches of one group while others of its warp are ready.
constexpr uint32_t kTurns = 256;
const char *const kNotAllLanes = "all 32 threads of a warp must execute it together; this one does not";

} // namespace

bool Warp::run(uint64_t slice) {
  bool ran = false;
  size_t group;
  while (slice && !cta.stopped() && pick(group)) {
    uint64_t count = execute(group, slice);
    ran |= count > 0;
    slice -= std::min(slice, std::max<uint64_t>(count, 1));
  }
  return ran;
}

/// The ready group to run: the one with the smallest program counter, or, when it has gone in circles for long, the
/// largest.
bool Warp::pick(size_t &chosen) {
  merge();
  bool found = false;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].state != State::Ready)
      continue;
    if (!found || (turns < kTurns ? groups[i].pc < groups[chosen].pc : groups[i].pc > groups[chosen].pc))
      chosen = i;
    found = true;
  }
  if (turns >= kTurns)
    turns = 0;
  return found;
}

/// Groups at one instruction become one, but those that wait at a barrier: their lanes have arrived already. Lanes that
/// wait for others try again when some of these come.
void Warp::merge() {
  if (groups.size() < 2)
    return;
  for (size_t i = 0; i < groups.size(); ++i)
    for (size_t j = i + 1; j < groups.size();) {
      bool atBarrier = groups[i].state == State::AtBarrier || groups[j].state == State::AtBarrier;
      if (groups[i].pc == groups[j].pc && !atBarrier) {
        groups[i].mask |= groups[j].mask;
        if (groups[j].state == State::Ready)
          groups[i].state = State::Ready;
        groups.erase(groups.begin() + long(j));
      } else {
        ++j;
      }
    }
}

void Warp::perform(const Instr &instr, uint32_t mask) {
  checkSources(instr, mask);
  if (instr.execute)
    instr.execute(*this, instr, mask);
  markWritten(instr, mask);
}

/// Runs a group until it ends, waits, meets or passes another one, or has done `most` instructions; how many it has
/// done.
uint64_t Warp::execute(size_t group, uint64_t most) {
  const Instr *code = program.code.data();
  const bool checks = cta.options().findsUninitialised;
  uint32_t pc = groups[group].pc, limit = ~0u;
  const uint32_t active = groups[group].mask;
  for (const Group &other : groups)
    if (other.pc > pc && other.state != State::AtBarrier)
      limit = std::min(limit, other.pc);
  most = std::min(most, cta.budget);
  uint64_t done = 0, total = 0; ///< since the budget was charged; before
  while (done < most) {
    const Instr &instr = code[pc];
    uint32_t mask = active;
    if (instr.guard != kNone) {
      if (active & ~predicateWritten[instr.guard] && checks)
        fault(FaultKind::UninitialisedRegister, instr, __builtin_ctz(active & ~predicateWritten[instr.guard]),
              "its guard is a predicate that this thread has not written");
      uint32_t value = predicateValues[instr.guard];
      mask &= instr.guardNegated ? ~value : value;
    }
    ++done;
    InstructionCount &count = cta.countOf(instr);
    ++count.warps;
    count.lanes += uint32_t(__builtin_popcount(mask));
    if (instr.control != Control::None) {
      cta.budget -= done;
      groups[group].pc = pc;
      if (!mask) {
        ++groups[group].pc;
      } else if (control(group, instr, mask)) {
        return total + done;
      }
      if (groups.size() == 1 && groups[0].state == State::Ready && groups[0].mask == active && !cta.stopped()) {
        pc = groups[0].pc; // nothing has come apart
        most = std::min(most - done, cta.budget);
        total += done;
        done = 0;
        continue;
      }
      return total + done;
    }
    if (mask) {
      uint32_t unwritten = 0; ///< lanes that copy what they have not written
      if (checks) {
        uint32_t all = kAllLanes;
        for (int k = 0; k < instr.sources; ++k)
          all &= written[instr.s[k] / kLanes];
        for (int k = 0; k < instr.predicateSources; ++k)
          all &= predicateWritten[instr.ps[k]];
        if (instr.copies)
          unwritten = mask & ~all;
        else if (mask & ~all)
          checkSources(instr, mask);
      }
      instr.execute(*this, instr, mask);
      markWritten(instr, mask);
      if (unwritten)
        written[instr.d[0] / kLanes] &= ~unwritten;
      if (cta.stopped()) {
        cta.budget -= done;
        return total + done;
      }
    }
    if (++pc == limit)
      break;
  }
  groups[group].pc = pc;
  cta.budget -= done;
  if (!cta.budget)
    fault(FaultKind::Budget, code[pc], __builtin_ctz(active),
          "more than " + std::to_string(cta.options().instructionBudget) + " warp instructions in one CTA");
  return total + done;
}

/// Lanes of a group go on at `pc` by themselves.
void Warp::leave(size_t group, uint32_t mask, uint32_t pc) {
  groups[group].mask &= ~mask;
  groups.push_back({pc, mask, State::Ready, 0});
}

bool Warp::branch(size_t group, const Instr &instr, uint32_t mask) {
  uint32_t pc = groups[group].pc, others = groups[group].mask & ~mask;
  if (instr.variant && others) {
    fault(FaultKind::Convergence, instr, __builtin_ctz(others), "bra.uni whose threads do not all take it");
    return true;
  }
  if (instr.target <= pc && groups.size() > 1)
    ++turns;
  if (others)
    leave(group, others, pc + 1);
  groups[group].pc = instr.target;
  return turns >= kTurns;
}

/// An instruction that is more than its function. True if the caller must choose a group anew.
bool Warp::control(size_t group, const Instr &instr, uint32_t mask) {
  uint32_t pc = groups[group].pc, others = groups[group].mask & ~mask;
  switch (instr.control) {
  case Control::Branch:
    return branch(group, instr, mask);
  case Control::Exit:
    exitLanes(mask);
    groups[group].mask = others;
    groups[group].pc = pc + 1;
    if (!others)
      groups.erase(groups.begin() + long(group));
    for (Group &other : groups) // those that wait may have waited for these
      if (other.state == State::AtSync)
        other.state = State::Ready;
    return true;
  case Control::Trap:
    fault(FaultKind::Trap, instr, __builtin_ctz(mask), "trap");
    return true;
  case Control::Aligned:
    if (mask == liveLanes && mask != kAllLanes) {
      fault(FaultKind::Convergence, instr, __builtin_ctz(~mask), kNotAllLanes);
      return true;
    }
    if (mask != kAllLanes)
      return waitForOthers(group, instr, mask);
    perform(instr, mask);
    ++groups[group].pc;
    return cta.stopped();
  case Control::Barrier:
    if (instr.aligned && mask != liveLanes)
      return waitForOthers(group, instr, mask);
    if (others)
      leave(group, others, pc + 1);
    arrive(group, instr);
    return true;
  case Control::Collective:
    if (others)
      leave(group, others, pc + 1);
    return collective(group, instr, mask);
  default:
    return true;
  }
}

/// Lanes that share a member mask act together, when all its living lanes are there.
bool Warp::collective(size_t group, const Instr &instr, uint32_t mask) {
  const auto *members = lanes<uint32_t>(instr.s[0]);
  uint32_t waiting = 0;
  checkSources(instr, mask);
  for (uint32_t left = mask; left;) {
    int lane = __builtin_ctz(left);
    uint32_t member = members[lane], together = lanesWhere(mask, [&](int i) { return members[i] == member; });
    left &= ~together;
    if (uint32_t strangers = together & ~member) {
      fault(FaultKind::Convergence, instr, __builtin_ctz(strangers), "this thread is not in its own member mask");
      return true;
    }
    if ((member & liveLanes) != together) {
      waiting |= together;
      continue;
    }
    instr.execute(*this, instr, together);
    markWritten(instr, together);
  }
  if (!waiting) {
    ++groups[group].pc;
    return cta.stopped();
  }
  return waitForOthers(group, instr, waiting);
}

/// These lanes of a group stay at its instruction until others of the warp come there; the rest goes on.
bool Warp::waitForOthers(size_t group, const Instr &instr, uint32_t waiting) {
  InstructionCount &count = cta.countOf(instr); // they will execute it again
  count.lanes -= uint32_t(__builtin_popcount(waiting));
  count.warps -= 1;
  if (uint32_t gone = groups[group].mask & ~waiting)
    leave(group, gone, groups[group].pc + 1);
  groups[group].state = State::AtSync;
  return true;
}

void Warp::arrive(size_t group, const Instr &instr) {
  uint32_t mask = groups[group].mask;
  checkSources(instr, mask);
  groups[group].state = State::AtBarrier;
  groups[group].barrier = lanes<uint32_t>(instr.s[0])[__builtin_ctz(mask)];
  cta.arrive(instr, *this, mask);
}

bool Warp::resolveWaiting() {
  bool resolved = false;
  for (size_t i = 0; i < groups.size(); ++i) {
    const Instr &instr = program.code[groups[i].pc];
    uint32_t missing = liveLanes & ~groups[i].mask;
    if (groups[i].state != State::AtSync || instr.control == Control::Collective)
      continue;
    if (instr.control == Control::Aligned) {
      fault(FaultKind::Convergence, instr, __builtin_ctz(missing), kNotAllLanes);
    } else {
      fault(FaultKind::BarrierDivergence, instr, __builtin_ctz(missing),
            "this thread does not come to the barrier with the others of its warp");
      arrive(i, instr);
    }
    resolved = true;
  }
  return resolved;
}

} // namespace mho::ptx

// A warp at work: registers, groups of lanes that run together, copies under way.
#pragma once

#include "runtime/Ptx/Instruction.h"
#include "runtime/Ptx/Program.h"
#include "runtime/Ptx/Report.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace mho::ptx {

class Cta;

enum class AccessKind : uint8_t { Read, Write, Atomic, Copy };

class Warp {
public:
  Warp(Cta &cta, const Program &program, int index);
  /// Begins a CTA: the first lanes live, all registers but the constants are unwritten.
  void begin(uint32_t lanes);

  /// Runs until nothing can run, or for about `slice` instructions. True if something ran.
  bool run(uint64_t slice);
  /// Where no warp can run: lanes at an instruction of the whole warp whose others do not come. Those at a barrier
  /// count as there, each by itself; both are faults. False if there are none.
  bool resolveWaiting();
  bool finished() const { return groups.empty(); }
  uint32_t live() const { return liveLanes; }

  // What the functions of instructions use.
  template <class T> T *lanes(uint32_t offset) { return reinterpret_cast<T *>(registers + offset); }
  uint32_t &predicate(uint32_t index) { return predicateValues[index]; }
  uint32_t carry = 0; ///< CC, one bit per lane
  Cta &cta;
  const Program &program;
  const int index;

  /// Host addresses of the lanes' accesses of `bytes` each, after all checks. False: a fault stopped the launch.
  /// `staged`: what is written, 16 bytes per lane. `alignment`: 0: the size.
  bool access(const Instr &instr, Space space, const uint64_t *addresses, uint32_t mask, int bytes, AccessKind kind,
              uint8_t **pointers, const uint8_t *staged = nullptr, int alignment = 0);
  /// The lanes' addresses by the instruction's source `operand`.
  void addresses(const Instr &instr, int operand, uint64_t *result, int64_t offset);

  void fault(FaultKind kind, const Instr &instr, int lane, const std::string &detail);
  int threadOf(int lane) const { return index * kLanes + lane; }
  uint32_t warpEpoch = 0; ///< bar.warp.sync so far

  // cp.async
  struct Copy {
    const Instr *instr;
    uint32_t mask; ///< lanes whose copy is under way
    int bytes;
    uint8_t *from[kLanes];
    uint64_t to[kLanes];
    uint8_t *toPointer[kLanes];
    int sourceBytes[kLanes];
    uint32_t group[kLanes];
    uint8_t early[kLanes][16]; ///< the data, where they were read at the issue
  };
  std::deque<Copy> copies;
  uint32_t openGroup[kLanes] = {}; ///< of cp.async.commit_group
  void completeCopies(uint32_t lanes, uint32_t groupsLeft, bool uncommittedToo);

  // Barriers: what the CTA asks and sets.
  enum class State : uint8_t { Ready, AtBarrier, AtSync };
  struct Group {
    uint32_t pc, mask;
    State state = State::Ready;
    uint32_t barrier = 0;
  };
  const std::vector<Group> &groupList() const { return groups; }
  /// Lets the lanes that wait at the barrier go on; `result` of bar.red.
  void release(uint32_t barrier, const Instr *reduction, uint64_t holds, uint64_t arrived);

private:
  void checkSources(const Instr &instr, uint32_t mask);
  void markWritten(const Instr &instr, uint32_t mask);
  void perform(const Instr &instr, uint32_t mask);
  bool pick(size_t &group);
  void merge();
  uint64_t execute(size_t group, uint64_t most);
  bool control(size_t group, const Instr &instr, uint32_t mask);
  bool branch(size_t group, const Instr &instr, uint32_t mask);
  bool collective(size_t group, const Instr &instr, uint32_t mask);
  bool waitForOthers(size_t group, const Instr &instr, uint32_t waiting);
  void arrive(size_t group, const Instr &instr);
  void leave(size_t group, uint32_t mask, uint32_t pc);
  void exitLanes(uint32_t mask);

  /// One access of some lanes to one space.
  struct Request {
    const Instr &instr;
    Space space;
    const uint64_t *addresses; ///< offsets in shared, local and param; else generic
    uint32_t mask;
    int bytes, alignment;
    AccessKind kind;
    uint8_t **pointers;
    const uint8_t *staged;
  };
  bool accessSpace(const Request &request);
  bool accessGeneric(Request request);
  bool accessGlobal(const Request &request);
  bool accessShared(const Request &request);
  bool accessLocal(const Request &request);
  bool accessParam(const Request &request);
  bool checkAlignment(const Request &request);

  struct Free {
    void operator()(void *memory) const;
  };
  std::unique_ptr<uint32_t, Free> memory;
  uint32_t specialValue(Special special, int lane) const;
  uint32_t *registers;
  std::vector<uint32_t> written; ///< lanes that have written a slot
  std::vector<uint32_t> predicateValues, predicateWritten;
  std::vector<uint8_t> local, localWritten; ///< of 32 threads in turn
  std::vector<Group> groups;
  uint32_t liveLanes;
  uint32_t turns = 0; ///< backward branches while others wait
};

} // namespace mho::ptx

// A CTA at work, and what the CTAs of a launch share.
#pragma once

#include "runtime/Ptx/Memory.h"
#include "runtime/Ptx/Options.h"
#include "runtime/Ptx/RaceDetector.h"
#include "runtime/Ptx/Warp.h"

#include <map>
#include <mutex>
#include <optional>
#include <tuple>

namespace mho::ptx {

struct Launch {
  const Program &program;
  const ModuleSyntax &module;
  std::vector<Memory::Buffer> buffers; ///< by address
  std::vector<uint8_t> parameters;
  Dim grid, block;
  int64_t sharedBytes = 0, dynamicShared = 0;
  LaunchOptions options;
  mutable std::mutex atomics;
};

/// What one thread of the interpreter has found in the CTAs that it ran.
struct Findings {
  std::vector<InstructionCount> counts;
  std::vector<Fault> faults;                                ///< of the current CTA: one of a kind and place
  uint64_t bytesRead[2] = {0, 0}, bytesWritten[2] = {0, 0}; ///< shared, global
};

class Cta {
public:
  Cta(const Launch &launch, Findings &findings);
  /// Runs one CTA; false if a fault stopped it.
  bool run(Dim position);

  // For warps.
  const Launch &launch;
  Findings &findings;
  Dim position;
  std::vector<uint8_t> shared;
  const LaunchOptions &options() const { return launch.options; }
  bool copiesEarly() const { return launch.options.copiesEarly; }
  RaceDetector &races() { return detector; }
  std::unique_lock<std::mutex> lockAtomics() const {
    return launch.options.threads > 1 ? std::unique_lock(launch.atomics) : std::unique_lock<std::mutex>();
  }
  bool stopped() const { return stop; }
  InstructionCount &countOf(const Instr &instr) { return findings.counts[&instr - launch.program.code.data()]; }
  void fault(FaultKind kind, const Instr &instr, int thread, const std::string &detail);
  void raceFault(Warp &warp, const Instr &instr, int lane, const Instr &otherInstr, int otherThread, const char *what);
  Place placeOf(const Instr &instr) const;
  /// The lanes of a group have come to a barrier.
  void arrive(const Instr &instr, Warp &warp, uint32_t mask);
  uint64_t budget = 0;

private:
  struct Barrier {
    const Instr *reduction = nullptr;
    uint64_t holds = 0, arrived = 0; ///< threads whose predicate holds, of bar.red
  };
  Fault &noteFault(FaultKind kind, const Instr &instr, const Instr *other, bool &added);
  bool releaseBarrier();
  void reportDeadlock();
  bool runWarps();

  RaceDetector detector;
  std::vector<std::unique_ptr<Warp>> warps;
  Barrier barriers[16];
  std::map<std::tuple<int, const Instr *, const Instr *>, size_t> known; ///< faults of this CTA
  bool stop = false;
};

} // namespace mho::ptx

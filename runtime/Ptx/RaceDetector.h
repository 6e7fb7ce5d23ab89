// Races on shared memory: two threads touch one byte between two barriers, at least one writes, and nothing orders
// them.
//
// Bytes are watched in granules of the narrowest access that the kernel has. A granule remembers its last write and its
// last readers of two warps, which is enough to find one race wherever there is one between warps. Within a warp,
// bar.warp.sync orders the lanes. A cp.async writes at its issue, is under way until its wait, when nobody may touch
// its bytes, and writes again when the wait ends.
#pragma once

#include "runtime/Ptx/Instruction.h"

#include <string>
#include <vector>

namespace mho::ptx {

class Warp;
enum class AccessKind : uint8_t;

class RaceDetector {
public:
  RaceDetector(int64_t bytes, int granule, bool findsRaces, bool findsUninitialised);
  void reset();
  void nextEpoch() { ++epoch; }

  /// Checks and records the lanes' accesses. `staged`: 16 bytes per lane that are written; equal values written to one
  /// place by one instruction are no race.
  void record(Warp &warp, const Instr &instr, const uint64_t *addresses, uint32_t mask, int bytes, AccessKind kind,
              const uint8_t *staged);
  /// The lanes' copies have ended.
  void complete(Warp &warp, const Instr &instr, const uint64_t *addresses, uint32_t mask, int bytes);

private:
  struct Access {
    uint32_t epoch = 0, warpEpoch = 0; ///< epoch 0: none
    const Instr *instr = nullptr;
    int thread = 0;
    int otherLane = -1; ///< of a reader: another lane of its warp that read in the same epochs
  };
  struct Granule {
    Access write, reader, otherReader; ///< the readers are of different warps
    uint32_t serial = 0;               ///< of the instruction that wrote
    uint64_t origin = 0;               ///< its address in the lane that wrote
    bool strong = false, underWay = false, written = false;
  };

  bool ordered(const Access &earlier, int thread, uint32_t warpEpoch) const;
  void read(Warp &warp, const Instr &instr, int lane, Granule &granule);
  void write(Warp &warp, const Instr &instr, int lane, uint64_t address, Granule &granule, AccessKind kind,
             bool sameValue);
  void race(Warp &warp, const Instr &instr, int lane, const Access &other, const char *what);
  void noteReader(Granule &granule, const Access &now);

  int granuleBytes;
  bool findsRaces, findsUninitialised;
  uint32_t epoch = 1, serial = 0;
  std::vector<Granule> granules;
};

} // namespace mho::ptx

#include "runtime/Ptx/RaceDetector.h"

#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Warp.h"

#include <cstring>

namespace mho::ptx {

RaceDetector::RaceDetector(int64_t bytes, int granule, bool findsRaces, bool findsUninitialised)
    : granuleBytes(granule), findsRaces(findsRaces), findsUninitialised(findsUninitialised),
      granules(findsRaces || findsUninitialised ? (bytes + granule - 1) / granule : 0) {}

void RaceDetector::reset() {
  std::fill(granules.begin(), granules.end(), Granule());
  epoch = 1;
  serial = 0;
}

/// An earlier access of another barrier epoch, of the same thread, or of the same warp before its bar.warp.sync.
bool RaceDetector::ordered(const Access &earlier, int thread, uint32_t warpEpoch) const {
  if (earlier.epoch != epoch || earlier.thread == thread)
    return true;
  return earlier.thread / kLanes == thread / kLanes && earlier.warpEpoch != warpEpoch;
}

void RaceDetector::race(Warp &warp, const Instr &instr, int lane, const Access &other, const char *what) {
  warp.cta.raceFault(warp, instr, lane, *other.instr, other.thread, what);
}

void RaceDetector::noteReader(Granule &granule, const Access &now) {
  Access &last = granule.reader;
  if (last.epoch != epoch) {
    last = now;
    granule.otherReader.epoch = 0;
  } else if (last.thread / kLanes != now.thread / kLanes) {
    granule.otherReader = last;
    last = now;
  } else {
    int other =
        last.warpEpoch == now.warpEpoch ? (last.thread != now.thread ? last.thread % kLanes : last.otherLane) : -1;
    last = now;
    last.otherLane = other;
  }
}

void RaceDetector::read(Warp &warp, const Instr &instr, int lane, Granule &granule) {
  int thread = warp.threadOf(lane);
  if (findsUninitialised && !granule.written)
    warp.fault(FaultKind::UninitialisedMemory, instr, lane, "reads shared memory that nothing has written");
  if (!findsRaces)
    return;
  if (granule.underWay)
    race(warp, instr, lane, granule.write, "reads what a cp.async that nobody has waited for writes");
  else if (!ordered(granule.write, thread, warp.warpEpoch) && !(granule.strong && instr.strong))
    race(warp, instr, lane, granule.write, "reads what another thread wrote in the same barrier epoch");
  noteReader(granule, {epoch, warp.warpEpoch, &instr, thread, -1});
}

void RaceDetector::write(Warp &warp, const Instr &instr, int lane, uint64_t address, Granule &granule, AccessKind kind,
                         bool sameValue) {
  int thread = warp.threadOf(lane);
  if (findsRaces) {
    bool bothStrong = granule.strong && instr.strong;
    if (granule.underWay)
      race(warp, instr, lane, granule.write, "writes what a cp.async that nobody has waited for writes");
    else if (!ordered(granule.write, thread, warp.warpEpoch) && !bothStrong && !sameValue)
      race(warp, instr, lane, granule.write, "writes what another thread wrote in the same barrier epoch");
    for (const Access *reader : {&granule.reader, &granule.otherReader}) {
      Access other = *reader;
      if (other.thread == thread && other.otherLane >= 0)
        other.thread = thread / kLanes * kLanes + other.otherLane;
      bool atomicReader = other.instr && other.instr->strong && instr.strong;
      if (reader->epoch == epoch && !ordered(other, thread, warp.warpEpoch) && !atomicReader)
        race(warp, instr, lane, other, "writes what another thread read in the same barrier epoch");
    }
  }
  granule.write = {epoch, warp.warpEpoch, &instr, thread, -1};
  granule.serial = serial;
  granule.origin = address;
  granule.strong = instr.strong;
  granule.underWay = kind == AccessKind::Copy;
  granule.written = true;
}

void RaceDetector::record(Warp &warp, const Instr &instr, const uint64_t *addresses, uint32_t mask, int bytes,
                          AccessKind kind, const uint8_t *staged) {
  if (granules.empty())
    return;
  ++serial;
  for (uint32_t left = mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    for (int64_t at = int64_t(addresses[lane]), end = at + bytes; at < end; at += granuleBytes) {
      Granule &granule = granules[at / granuleBytes];
      if (kind == AccessKind::Read) {
        read(warp, instr, lane, granule);
        continue;
      }
      if (kind == AccessKind::Atomic && findsUninitialised && !granule.written)
        warp.fault(FaultKind::UninitialisedMemory, instr, lane, "changes shared memory that nothing has written");
      bool together = staged && granule.serial == serial && granule.write.thread / kLanes == warp.index;
      bool sameValue =
          together && !std::memcmp(staged + lane * 16 + (at - addresses[lane]),
                                   staged + granule.write.thread % kLanes * 16 + (at - granule.origin), granuleBytes);
      write(warp, instr, lane, addresses[lane], granule, kind, sameValue);
    }
  }
}

void RaceDetector::complete(Warp &warp, const Instr &instr, const uint64_t *addresses, uint32_t mask, int bytes) {
  if (granules.empty())
    return;
  for (uint32_t left = mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    for (int64_t at = int64_t(addresses[lane]), end = at + bytes; at < end; at += granuleBytes) {
      Granule &granule = granules[at / granuleBytes];
      granule.underWay = false;
      write(warp, instr, lane, addresses[lane], granule, AccessKind::Write, false);
    }
  }
}

} // namespace mho::ptx

// Every access to memory: space, bounds, alignment, permission, races, counters.
#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Lanes.h"

#include <algorithm>

namespace mho::ptx {
namespace {

constexpr int kSector = 32, kBanks = 32;

/// Wavefronts of a shared request: of each group of lanes that move 128 bytes together, the most words that lie in one
/// bank.
int wavefronts(const uint64_t *addresses, uint32_t mask, int bytes) {
  int lanesTogether = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8, total = 0;
  for (int first = 0; first < kLanes; first += lanesTogether) {
    uint64_t words[128];
    int perBank[kBanks] = {}, count = 0, most = 0;
    for (int i = first; i < first + lanesTogether; ++i)
      if (mask >> i & 1)
        for (int k = 0; k < std::max(bytes / 4, 1); ++k)
          words[count++] = addresses[i] / 4 + k;
    bool ascending = true;
    for (int i = 1; i < count; ++i)
      ascending &= words[i - 1] < words[i];
    if (!ascending) {
      std::sort(words, words + count);
      count = int(std::unique(words, words + count) - words);
    }
    for (int i = 0; i < count; ++i)
      most = std::max(most, ++perBank[words[i] % kBanks]);
    total += most;
  }
  return total;
}

/// The least wavefronts that the distinct words of a request need.
int idealWavefronts(const uint64_t *addresses, uint32_t mask, int bytes) {
  uint64_t words[128];
  int count = 0;
  for (uint32_t left = mask; left; left &= left - 1)
    for (int k = 0; k < std::max(bytes / 4, 1); ++k)
      words[count++] = addresses[__builtin_ctz(left)] / 4 + k;
  std::sort(words, words + count);
  count = int(std::unique(words, words + count) - words);
  return (count + kBanks - 1) / kBanks;
}

void countSectors(InstructionCount &count, const uint64_t *addresses, uint32_t mask, int bytes) {
  uint64_t sectors[kLanes * 2], places[kLanes];
  int n = 0, m = 0;
  for (uint32_t left = mask; left; left &= left - 1) {
    uint64_t address = addresses[__builtin_ctz(left)];
    places[m++] = address;
    sectors[n++] = address / kSector;
    if ((address + bytes - 1) / kSector != address / kSector)
      sectors[n++] = (address + bytes - 1) / kSector;
  }
  std::sort(sectors, sectors + n);
  std::sort(places, places + m);
  count.sectors += std::unique(sectors, sectors + n) - sectors;
  count.usefulBytes += uint64_t(std::unique(places, places + m) - places) * bytes;
}

const Memory::Buffer *findBuffer(const std::vector<Memory::Buffer> &buffers, uint64_t address) {
  auto after = std::upper_bound(buffers.begin(), buffers.end(), address,
                                [](uint64_t value, const Memory::Buffer &buffer) { return value < buffer.address; });
  return after == buffers.begin() ? nullptr : &*(after - 1);
}

const char *verb(AccessKind kind) { return kind == AccessKind::Read ? "reads " : "writes "; }

} // namespace

void Warp::addresses(const Instr &instr, int operand, uint64_t *result, int64_t offset) {
  if (instr.addressBits == 64) {
    const auto *a = lanes<uint64_t>(instr.s[operand]);
    for (int i = 0; i < kLanes; ++i)
      result[i] = a[i] + uint64_t(offset);
  } else {
    const auto *a = lanes<uint32_t>(instr.s[operand]);
    for (int i = 0; i < kLanes; ++i)
      result[i] = uint32_t(a[i] + uint32_t(offset));
  }
}

bool Warp::access(const Instr &instr, Space space, const uint64_t *addresses, uint32_t mask, int bytes, AccessKind kind,
                  uint8_t **pointers, const uint8_t *staged, int alignment) {
  Request request{instr, space, addresses, mask, bytes, alignment ? alignment : bytes, kind, pointers, staged};
  return space == Space::Generic ? accessGeneric(request) : checkAlignment(request) && accessSpace(request);
}

bool Warp::checkAlignment(const Request &r) {
  for (uint32_t left = r.mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    if (r.addresses[lane] % uint64_t(r.alignment)) {
      fault(FaultKind::Misaligned, r.instr, lane,
            std::string(verb(r.kind)) + std::to_string(r.bytes) + " bytes at address " +
                std::to_string(r.addresses[lane]) + " of " + nameOf(r.space) + " memory, which is no multiple of " +
                std::to_string(r.alignment));
      return false;
    }
  }
  return true;
}

bool Warp::accessSpace(const Request &request) {
  switch (request.space) {
  case Space::Shared:
    return accessShared(request);
  case Space::Local:
    return accessLocal(request);
  case Space::Param:
    return accessParam(request);
  default:
    return accessGlobal(request);
  }
}

/// Each lane's space is told by its address.
bool Warp::accessGeneric(Request request) {
  static const std::pair<Space, uint64_t> windows[] = {
      {Space::Shared, kSharedWindow}, {Space::Local, kLocalWindow}, {Space::Param, kParamWindow}};
  if (!checkAlignment(request))
    return false;
  uint32_t left = request.mask;
  const uint64_t *addresses = request.addresses;
  for (auto [space, window] : windows) {
    uint32_t inside = 0;
    for (int i = 0; i < kLanes; ++i)
      inside |= uint32_t((left >> i & 1) && addresses[i] - window < kWindowSize) << i;
    if (!inside)
      continue;
    uint64_t offsets[kLanes];
    for (int i = 0; i < kLanes; ++i)
      offsets[i] = addresses[i] - window;
    request.space = space;
    request.mask = inside;
    request.addresses = offsets;
    if (!accessSpace(request))
      return false;
    left &= ~inside;
  }
  request.space = Space::Generic;
  request.mask = left;
  request.addresses = addresses;
  return !left || accessGlobal(request);
}

bool Warp::accessGlobal(const Request &r) {
  const std::vector<Memory::Buffer> &buffers = cta.launch.buffers;
  const Memory::Buffer *buffer = nullptr;
  for (uint32_t left = r.mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint64_t address = r.addresses[lane];
    if (!buffer || address - buffer->address > buffer->bytes)
      buffer = findBuffer(buffers, address);
    uint64_t offset = buffer ? address - buffer->address : 0;
    if (!buffer || offset + uint64_t(r.bytes) > buffer->bytes) {
      fault(FaultKind::OutOfBounds, r.instr, lane,
            verb(r.kind) + std::to_string(r.bytes) + " bytes at " + describeAddress(buffers, address));
      return false;
    }
    if (r.kind != AccessKind::Read && buffer->access == Memory::Access::ReadOnly) {
      fault(FaultKind::ReadOnly, r.instr, lane,
            "writes to " + describeAddress(buffers, address) + ", which is read-only");
      return false;
    }
    if (r.space != Space::Generic && buffer->space != r.space) {
      fault(FaultKind::WrongSpace, r.instr, lane,
            std::string("an address of .") + nameOf(buffer->space) + " in an access to ." + nameOf(r.space));
      return false;
    }
    r.pointers[lane] = buffer->data + offset;
  }
  InstructionCount &count = cta.countOf(r.instr);
  uint64_t bytes = uint64_t(r.bytes) * __builtin_popcount(r.mask);
  ++count.requests;
  count.bytes += bytes;
  if (r.kind != AccessKind::Write)
    cta.findings.bytesRead[1] += bytes;
  if (r.kind != AccessKind::Read)
    cta.findings.bytesWritten[1] += bytes;
  countSectors(count, r.addresses, r.mask, r.bytes);
  return true;
}

bool Warp::accessShared(const Request &r) {
  uint64_t size = cta.shared.size();
  for (uint32_t left = r.mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint64_t address = r.addresses[lane];
    if (address > size || size - address < uint64_t(r.bytes)) {
      fault(FaultKind::OutOfBounds, r.instr, lane,
            verb(r.kind) + std::to_string(r.bytes) + " bytes at " + std::to_string(address) + " of " +
                std::to_string(size) + " bytes of shared memory");
      return false;
    }
    r.pointers[lane] = cta.shared.data() + address;
  }
  InstructionCount &count = cta.countOf(r.instr);
  uint64_t bytes = uint64_t(r.bytes) * __builtin_popcount(r.mask);
  ++count.requests;
  count.bytes += bytes;
  if (r.kind == AccessKind::Read || r.kind == AccessKind::Atomic)
    cta.findings.bytesRead[0] += bytes;
  if (r.kind != AccessKind::Read)
    cta.findings.bytesWritten[0] += bytes;
  int fronts = wavefronts(r.addresses, r.mask, r.bytes);
  count.wavefronts += fronts;
  count.idealWavefronts += fronts == 1 ? 1 : idealWavefronts(r.addresses, r.mask, r.bytes);
  cta.races().record(*this, r.instr, r.addresses, r.mask, r.bytes, r.kind, r.staged);
  return true;
}

bool Warp::accessLocal(const Request &r) {
  uint64_t size = uint64_t(program.localBytes);
  for (uint32_t left = r.mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint64_t address = r.addresses[lane];
    if (address > size || size - address < uint64_t(r.bytes)) {
      fault(FaultKind::OutOfBounds, r.instr, lane,
            verb(r.kind) + std::to_string(r.bytes) + " bytes at " + std::to_string(address) + " of " +
                std::to_string(size) + " bytes of local memory");
      return false;
    }
    uint64_t place = uint64_t(lane) * size + address;
    r.pointers[lane] = local.data() + place;
    if (r.kind == AccessKind::Write)
      std::fill_n(localWritten.begin() + long(place), r.bytes, 1);
    else if (cta.options().findsUninitialised &&
             std::count(localWritten.begin() + long(place), localWritten.begin() + long(place) + r.bytes, 0))
      fault(FaultKind::UninitialisedMemory, r.instr, lane, "reads local memory that nothing has written");
  }
  return true;
}

bool Warp::accessParam(const Request &r) {
  const std::vector<uint8_t> &parameters = cta.launch.parameters;
  for (uint32_t left = r.mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    uint64_t address = r.addresses[lane];
    if (address > parameters.size() || parameters.size() - address < uint64_t(r.bytes)) {
      fault(FaultKind::OutOfBounds, r.instr, lane,
            verb(r.kind) + std::to_string(r.bytes) + " bytes at " + std::to_string(address) + " of " +
                std::to_string(parameters.size()) + " bytes of parameters");
      return false;
    }
    if (r.kind != AccessKind::Read) {
      fault(FaultKind::ReadOnly, r.instr, lane, "writes to a parameter");
      return false;
    }
    r.pointers[lane] = const_cast<uint8_t *>(parameters.data()) + address;
  }
  return true;
}

} // namespace mho::ptx

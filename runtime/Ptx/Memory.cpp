#include "runtime/Ptx/Memory.h"

#include "runtime/Ptx/Program.h"

namespace mho::ptx {

uint64_t Memory::add(std::string name, void *data, size_t bytes, Access access, size_t misalignment) {
  constexpr uint64_t alignment = 512, gap = 1 << 16;
  uint64_t next = list.empty() ? kBufferBase : list.back().address + list.back().bytes + gap;
  uint64_t address = (next + alignment - 1) / alignment * alignment + misalignment;
  addAt(std::move(name), address, data, bytes, access);
  return address;
}

void Memory::addAt(std::string name, uint64_t address, void *data, size_t bytes, Access access) {
  list.push_back({std::move(name), address, static_cast<uint8_t *>(data), bytes, access, Space::Global});
}

std::string describeAddress(const std::vector<Memory::Buffer> &buffers, uint64_t address) {
  const Memory::Buffer *best = nullptr;
  for (const Memory::Buffer &buffer : buffers)
    if (buffer.address <= address && (!best || buffer.address > best->address))
      best = &buffer;
  // Just below a buffer is nearer to it than to one that lies far below.
  for (const Memory::Buffer &buffer : buffers)
    if (buffer.address > address && buffer.address - address < (1 << 15) &&
        (!best || address - best->address - best->bytes > buffer.address - address))
      return "byte -" + std::to_string(buffer.address - address) + " of buffer '" + buffer.name + "' of " +
             std::to_string(buffer.bytes) + " bytes";
  if (!best)
    return "address " + std::to_string(address) + ", which belongs to no buffer";
  return "byte " + std::to_string(address - best->address) + " of buffer '" + best->name + "' of " +
         std::to_string(best->bytes) + " bytes";
}

} // namespace mho::ptx

// The global memory of a launch: the caller's buffers, each with an address of its own in the space of the kernel.
#pragma once

#include "runtime/Ptx/Types.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mho::ptx {

class Memory {
public:
  enum class Access : uint8_t { ReadWrite, ReadOnly };
  struct Buffer {
    std::string name;
    uint64_t address;
    uint8_t *data;
    size_t bytes;
    Access access;
    Space space; ///< Global, or Const for .const variables
  };

  /// Registers memory of the caller, which must outlive the launches; its address for the kernel is a multiple of 512
  /// plus `misalignment`. Buffers are apart: what lies between them is out of bounds.
  uint64_t add(std::string name, void *data, size_t bytes, Access access = Access::ReadWrite, size_t misalignment = 0);
  /// As add(), at an address that is apart from those of the others.
  void addAt(std::string name, uint64_t address, void *data, size_t bytes, Access access = Access::ReadWrite);
  const std::vector<Buffer> &buffers() const { return list; }

private:
  std::vector<Buffer> list;
};

/// "buffer 'A' (1024 bytes)" and where the address lies relative to it: the nearest buffer below, or the first.
std::string describeAddress(const std::vector<Memory::Buffer> &buffers, uint64_t address);

} // namespace mho::ptx

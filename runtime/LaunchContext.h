// Where a launch runs: what the caller lends to it.
//
//   layer->forward(args, {threads});                           // the CPU, on the caller's threads
//   LaunchContext gpu;                                         // a GPU, on the caller's stream
//   gpu.memory = &allocator, gpu.device = 1, gpu.stream = stream;
//   layer->forward(args, gpu);
#pragma once

#include "runtime/TensorRef.h"

#include <utility>

namespace mho {

/// The caller's allocator of memory that kernels work in, where they run. What is released may still be in use by
/// kernels launched before on the same stream: the allocator of a GPU must not give it to another stream until then.
class KernelMemory {
public:
  virtual ~KernelMemory() = default;
  /// Null where there is not as much. Aligned for every type; on a GPU to 256 bytes.
  virtual void *allocate(int64_t bytes) = 0;
  virtual void release(void *data) = 0;
};

/// malloc and free.
KernelMemory &hostMemory();

struct LaunchContext {
  ParallelFor parallelFor = runSerially; ///< the caller's threads, for kernels of the CPU
  KernelMemory *memory = &hostMemory();
  int device = 0;         ///< of kernels on a GPU: its number among those of the driver
  void *stream = nullptr; ///< and the CUstream that they are launched on; null: the device's default stream
  /// The caller has made sure that every tensor lies on `device`: it is not asked of the driver again.
  bool knowsPlaces = false;
};

/// Memory for the length of a scope.
class LentMemory {
public:
  LentMemory() = default;
  /// At least one byte, so that only a lack of memory gives null.
  LentMemory(KernelMemory &memory, int64_t bytes) : memory(&memory), data(memory.allocate(bytes > 0 ? bytes : 1)) {}
  LentMemory(LentMemory &&other) noexcept : memory(other.memory), data(std::exchange(other.data, nullptr)) {}
  LentMemory &operator=(LentMemory &&other) noexcept {
    std::swap(memory, other.memory);
    std::swap(data, other.data);
    return *this;
  }
  ~LentMemory() {
    if (data)
      memory->release(data);
  }
  void *get() const { return data; }
  explicit operator bool() const { return data; }

private:
  KernelMemory *memory = nullptr;
  void *data = nullptr;
};

} // namespace mho

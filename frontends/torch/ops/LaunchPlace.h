// Where the kernels of an op run: the device of its tensors, torch's current stream there, torch's allocator. Through
// torch's device-generic interface, so that the library links no part of torch that is for CUDA. Private to the ops.
#pragma once

#include "runtime/LaunchContext.h"
#include "runtime/Status.h"

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include <exception>

namespace mho::ops {

/// Memory of torch's allocator. On a GPU it belongs to the current stream and waits for its kernels by itself, and in a
/// captured graph it is the graph's.
class TorchMemory final : public KernelMemory {
public:
  explicit TorchMemory(c10::Allocator *allocator) : allocator(allocator) {}
  void *allocate(int64_t bytes) override;
  void release(void *data) override;
  /// Throws what the last failed allocate() did, torch.OutOfMemoryError as a rule; returns where none has failed.
  void rethrow() const;

private:
  c10::Allocator *allocator;
  std::exception_ptr failure;
};

/// The place of one op, whose device is the current one until the end of the scope. All tensors of the op lie there:
/// checkOperands() and its kin have seen to that.
class LaunchPlace {
public:
  explicit LaunchPlace(c10::Device device);
  const LaunchContext &context() const { return launch; }
  /// Throws c10::Error with the status's message, or what the allocator has thrown.
  void check(const Status &status, const char *op) const;

private:
  c10::OptionalDeviceGuard guard;
  TorchMemory memory;
  LaunchContext launch;
};

/// The backend of a device's kernels.
const char *backendOf(c10::DeviceType type);

} // namespace mho::ops

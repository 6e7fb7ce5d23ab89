#include "frontends/torch/ops/LaunchPlace.h"

#include "frontends/torch/ops/Bridge.h"

#include <c10/core/Allocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace mho::ops {

void *TorchMemory::allocate(int64_t bytes) {
  try {
    return allocator->raw_allocate(size_t(bytes));
  } catch (...) { // no exception goes through the runtime
    failure = std::current_exception();
    return nullptr;
  }
}

void TorchMemory::release(void *data) { allocator->raw_deallocate(data); }

void TorchMemory::rethrow() const {
  if (failure)
    std::rethrow_exception(failure);
}

LaunchPlace::LaunchPlace(c10::Device device) : memory(c10::GetAllocator(device.type())) {
  launch.parallelFor = torchThreads();
  if (device.is_cpu())
    return;
  guard.reset_device(device);
  launch.memory = &memory;
  launch.device = device.index();
  launch.stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
  launch.knowsPlaces = true;
}

void LaunchPlace::check(const Status &status, const char *op) const {
  if (!status)
    memory.rethrow();
  ops::check(status, op);
}

const char *backendOf(c10::DeviceType type) { return type == c10::DeviceType::CUDA ? "cuda" : "cpu"; }

} // namespace mho::ops

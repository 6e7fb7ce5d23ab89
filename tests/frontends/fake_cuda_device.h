// A torch device "cuda" on the fake driver, for a torch without CUDA: a guard, an allocator and the factory functions,
// as torch's CUDA part registers them. Tensors on it have memory that means nothing on the host. No GPU.
#pragma once

#include "tests/cuda/TestGpu.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

namespace mho::fake {

/// Two devices, each with one stream whose handle is a number.
struct GuardImpl final : c10::impl::DeviceGuardImplInterface {
  static inline thread_local c10::DeviceIndex current = 0;
  static constexpr c10::DeviceType kType = c10::DeviceType::CUDA;
  static void *handleOf(c10::DeviceIndex device) { return reinterpret_cast<void *>(uintptr_t(0x100 + device)); }

  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    return {kType, std::exchange(current, device.index())};
  }
  c10::Device getDevice() const override { return {kType, current}; }
  void setDevice(c10::Device device) const override { current = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return getStream(stream.device()); }
  void *getStreamNativeHandle(c10::Stream stream) const override { return handleOf(stream.device().index()); }
  c10::DeviceIndex deviceCount() const noexcept override { return 2; }
};

/// Of the current device; more than `most` bytes are refused.
struct Allocator final : c10::Allocator {
  static inline size_t most = SIZE_MAX;
  c10::DataPtr allocate(size_t bytes) override {
    TORCH_CHECK_WITH(OutOfMemoryError, bytes <= most, "the fake GPU is out of memory");
    void *data = TestGpu::get(GuardImpl::current).allocate(std::max<int64_t>(1, int64_t(bytes)));
    return {data, data, &release, c10::Device(GuardImpl::kType, GuardImpl::current)};
  }
  static void release(void *data) { TestGpu::get().release(data); }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *, const void *, size_t) const override { TORCH_CHECK(false, "not needed"); }
};

inline c10::Allocator *allocator() {
  static Allocator fake;
  c10::SetAllocator(GuardImpl::kType, &fake, 1);
  return &fake;
}

inline at::Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                        std::optional<at::Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  std::optional<c10::DeviceIndex> before;
  if (device && device->has_index())
    before = std::exchange(GuardImpl::current, device->index());
  at::Tensor tensor = at::detail::empty_generic(sizes, allocator(), c10::DispatchKeySet(c10::DispatchKey::CUDA),
                                                type.value_or(at::kFloat), format);
  GuardImpl::current = before.value_or(GuardImpl::current);
  return tensor;
}

/// A tensor of the host, contiguous, on a device.
inline at::Tensor onDevice(const at::Tensor &tensor, c10::DeviceIndex device = 0) {
  at::Tensor copy = at::empty(tensor.sizes(), tensor.options().device(at::Device(at::kCUDA, device)));
  if (tensor.numel() > 0)
    TestGpu::get().copyIn(copy.data_ptr(), tensor.const_data_ptr(), tensor.nbytes());
  return copy;
}

inline at::Tensor onHost(const at::Tensor &tensor) {
  at::Tensor copy = at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
  if (tensor.numel() > 0)
    TestGpu::get().copyOut(copy.data_ptr(), tensor.const_data_ptr(), tensor.nbytes());
  return copy;
}

} // namespace mho::fake

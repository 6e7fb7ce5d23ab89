// Memory of a GPU for tests, through the driver that the knobs name, be it NVIDIA's or the fake one; and tensors placed
// where the kernels of a backend find them.
//
//   Placement placement(backend, threads);
//   placement.place(args.x), placement.place(args.y);
//   Status status = linear->forward(args, placement.context());
//   placement.fetch();                                         // what the kernels wrote is in the caller's memory
#pragma once

#include "runtime/Cuda/Driver.h"
#include "runtime/Knobs.h"
#include "runtime/LaunchContext.h"

#include <dlfcn.h>
#include <map>
#include <stdexcept>
#include <vector>

namespace mho {

/// What a test needs of a driver beside what mho itself calls.
class TestGpu final : public KernelMemory {
public:
  static TestGpu &get(int device = 0) {
    static std::map<int, TestGpu> gpus;
    return gpus.try_emplace(device, device).first->second;
  }
  explicit TestGpu(int device) {
    const std::string path = (*Knobs::get())->cudaDriver;
    auto found = CudaDriver::get(path);
    if (!found)
      throw std::runtime_error(found.message());
    driver = *found;
    context = *driver->contextOf(device);
    void *library = dlopen(path.empty() ? "libcuda.so.1" : path.c_str(), RTLD_NOW | RTLD_LOCAL);
    auto find = [&](auto &function, const char *name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      if (!function)
        throw std::runtime_error(std::string("the driver has no ") + name);
    };
    find(allocateMemory, "cuMemAlloc_v2");
    find(freeMemory, "cuMemFree_v2");
    find(toDevice, "cuMemcpyHtoD_v2");
    find(toHost, "cuMemcpyDtoH_v2");
    find(synchronize, "cuCtxSynchronize");
  }
  void *allocate(int64_t bytes) override {
    CudaContextScope scope(driver->api(), context);
    uint64_t address = 0;
    return allocateMemory(&address, size_t(bytes)) ? nullptr : reinterpret_cast<void *>(address);
  }
  /// At the next wait: kernels may still use it.
  void release(void *data) override { released.push_back(reinterpret_cast<uint64_t>(data)); }
  void copyIn(void *to, const void *from, size_t bytes) {
    CudaContextScope scope(driver->api(), context);
    check(toDevice(reinterpret_cast<uint64_t>(to), from, bytes));
  }
  void copyOut(void *to, const void *from, size_t bytes) {
    CudaContextScope scope(driver->api(), context);
    check(toHost(to, reinterpret_cast<uint64_t>(from), bytes));
  }
  /// Errors of kernels show here.
  void wait() {
    CudaContextScope scope(driver->api(), context);
    check(synchronize());
    for (uint64_t address : released)
      check(freeMemory(address));
    released.clear();
  }

private:
  void check(int code) {
    if (code)
      throw std::runtime_error("the driver says: " + driver->api().errorOf(code));
  }

  std::shared_ptr<CudaDriver> driver;
  CudaContext context = nullptr;
  int (*allocateMemory)(uint64_t *, size_t) = nullptr;
  int (*freeMemory)(uint64_t) = nullptr;
  int (*toDevice)(uint64_t, const void *, size_t) = nullptr;
  int (*toHost)(void *, uint64_t, size_t) = nullptr;
  int (*synchronize)() = nullptr;
  std::vector<uint64_t> released;
};

class Placement {
public:
  explicit Placement(const std::string &backend, const ParallelFor &parallelFor = runSerially)
      : onGpu(backend == "cuda") {
    launch.parallelFor = parallelFor;
    if (onGpu)
      launch.memory = &TestGpu::get();
  }
  /// Copies a tensor to where the kernels are, and points it there.
  void place(TensorRef &tensor) {
    if (!onGpu || !tensor.data || tensor.elements() == 0)
      return;
    int64_t last = 0;
    for (int i = 0; i < tensor.rank; ++i)
      last += (tensor.sizes[i] - 1) * tensor.strides[i];
    Copy copy{tensor.data, {}, size_t((last + 1) * bytesOf(tensor.type))};
    copy.memory = LentMemory(TestGpu::get(), int64_t(copy.bytes));
    if (!copy.memory)
      throw std::runtime_error("no memory on the GPU for a test's tensor");
    TestGpu::get().copyIn(copy.memory.get(), copy.host, copy.bytes);
    tensor.data = copy.memory.get();
    copies.push_back(std::move(copy));
  }
  template <class Tensors> void placeAll(Tensors &tensors) {
    for (TensorRef &tensor : tensors)
      place(tensor);
  }
  const LaunchContext &context() const { return launch; }
  /// Waits for the kernels and copies all tensors back.
  void fetch() {
    if (!onGpu)
      return;
    TestGpu::get().wait();
    for (Copy &copy : copies)
      TestGpu::get().copyOut(copy.host, copy.memory.get(), copy.bytes);
    copies.clear();
    TestGpu::get().wait();
  }

private:
  struct Copy {
    void *host;
    LentMemory memory;
    size_t bytes;
  };
  bool onGpu;
  LaunchContext launch;
  std::vector<Copy> copies;
};

} // namespace mho

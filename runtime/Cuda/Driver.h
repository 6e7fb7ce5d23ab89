// The driver of NVIDIA GPUs: libcuda, opened at run time, never linked, no CUDA header needed.
//
//   Expected<std::shared_ptr<CudaDriver>> driver = CudaDriver::get(knobs.cudaDriver); // UNAVAILABLE: why, and what
//   would help for (const CudaDevice &device : (*driver)->devices()) ...
#pragma once

#include "runtime/Cuda/DriverApi.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mho {

struct CudaDevice {
  std::string name;
  int major = 0, minor = 0; ///< compute capability
  int sharedBytes = 0;      ///< that a CTA may have
  /// Kernels need sm_80: mma.sync of 16 bits with cp.async and min.NaN.
  bool runsKernels() const { return major >= 8; }
  int number() const { return major * 10 + minor; }
  /// "'NVIDIA A100' (sm_80)"
  std::string text() const { return "'" + name + "' (sm_" + std::to_string(number()) + ")"; }
};

class CudaDriver {
public:
  /// Opens the driver and asks it for its devices. `path`: the library's file, or empty: what the loader finds. Errors
  /// begin with "UNAVAILABLE:" and name the reason and the remedy: no library, the toolkit's stub in its place, a
  /// driver too old for the machine code that NVRTC makes, no device, none that is new enough.
  static Expected<std::shared_ptr<CudaDriver>> open(const std::string &path);
  /// The process's driver, opened at the first call that succeeds. Errors: as open().
  static Expected<std::shared_ptr<CudaDriver>> get(const std::string &path);
  CudaDriver(const CudaDriver &) = delete;
  /// Gives back the contexts that it took.
  ~CudaDriver();

  const std::vector<CudaDevice> &devices() const { return list; }
  /// "13.0": the newest CUDA whose code the driver takes.
  std::string version() const { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }
  const DriverApi &api() const { return functions; }
  /// The primary context of a device, which torch and the CUDA runtime use too. Errors: no such device, one that is too
  /// old, what the driver says.
  Expected<CudaContext> contextOf(int device);

private:
  CudaDriver() = default;
  Status findDevices(const std::string &file);

  DriverApi functions{};
  int number = 0;
  std::vector<CudaDevice> list;
  std::vector<int> handles; ///< the driver's numbers of the devices
  std::mutex mutex;
  std::vector<CudaContext> contexts; ///< those taken, by device
};

/// Makes a context the calling thread's for the length of a scope.
class CudaContextScope {
public:
  CudaContextScope(const DriverApi &api, CudaContext context);
  CudaContextScope(const CudaContextScope &) = delete;
  ~CudaContextScope();
  /// What the driver answered.
  int result() const { return code; }

private:
  const DriverApi &api;
  bool pushed = false;
  int code;
};

} // namespace mho

// The driver of NVIDIA GPUs: libcuda, opened at run time, never linked, no CUDA header needed.
//
//   Expected<std::unique_ptr<CudaDriver>> driver = CudaDriver::open(knobs.cudaDriver);   // UNAVAILABLE: why, and the
//   remedy for (const CudaDevice &device : (*driver)->devices()) ...
#pragma once

#include "runtime/Status.h"

#include <memory>
#include <string>
#include <vector>

namespace mho {

struct CudaDevice {
  std::string name;
  int major = 0, minor = 0; ///< compute capability
  /// Kernels need sm_80: mma.sync of 16 bits with cp.async and min.NaN.
  bool runsKernels() const { return major >= 8; }
};

class CudaDriver {
public:
  /// Opens the driver and asks it for its devices. `path`: the library's file, or empty: what the loader finds. Errors
  /// begin with "UNAVAILABLE:" and name the reason and the remedy: no library, the toolkit's stub in its place, a
  /// driver too old for the machine code that NVRTC makes, no device, none that is new enough.
  static Expected<std::unique_ptr<CudaDriver>> open(const std::string &path);

  const std::vector<CudaDevice> &devices() const { return list; }
  /// "13.0": the newest CUDA whose code the driver takes.
  std::string version() const { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

private:
  struct Functions;
  CudaDriver() = default;
  Status bind(void *library, const std::string &file, Functions &functions);
  Status findDevices(const Functions &functions, const std::string &file);

  int number = 0;
  std::vector<CudaDevice> list;
};

} // namespace mho

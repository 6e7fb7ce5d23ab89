#include "runtime/Cuda/Driver.h"

#include <algorithm>
#include <dlfcn.h>

namespace mho {
namespace {

constexpr const char *kLibrary = "libcuda.so.1";
/// The CUDA of the NVRTC that mho is pinned to: older drivers refuse its machine code.
constexpr int kOldestVersion = 13000;

/// Results of the driver that have a meaning of their own here (cuda.h).
enum CudaResult { kSuccess = 0, kNoDevice = 100, kStubLibrary = 34 };
enum DeviceAttribute { kComputeCapabilityMajor = 75, kComputeCapabilityMinor = 76 };

Status unavailable(const std::string &reason, const std::string &remedy) {
  return Status::error("UNAVAILABLE: " + reason + "; " + remedy);
}

} // namespace

/// The functions in use, with types of our own.
struct CudaDriver::Functions {
  int (*init)(unsigned flags);
  int (*errorString)(int, const char **);
  int (*version)(int *);
  int (*deviceCount)(int *);
  int (*device)(int *, int ordinal);
  int (*deviceName)(char *, int length, int device);
  int (*deviceAttribute)(int *, int attribute, int device);

  std::string errorOf(int code) const {
    const char *text = nullptr;
    errorString(code, &text);
    return std::string(text ? text : "unknown error") + " (" + std::to_string(code) + ")";
  }
};

Status CudaDriver::bind(void *library, const std::string &file, Functions &functions) {
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (!function && !missing)
      missing = name;
  };
  find(functions.init, "cuInit");
  find(functions.errorString, "cuGetErrorString");
  find(functions.version, "cuDriverGetVersion");
  find(functions.deviceCount, "cuDeviceGetCount");
  find(functions.device, "cuDeviceGet");
  find(functions.deviceName, "cuDeviceGetName");
  find(functions.deviceAttribute, "cuDeviceGetAttribute");
  if (missing)
    return unavailable("'" + file + "' has no function " + missing, "MHO_CUDA_DRIVER names NVIDIA's libcuda.so.1");
  return Status::ok();
}

Status CudaDriver::findDevices(const Functions &functions, const std::string &file) {
  const std::string update = "install NVIDIA driver 580 or newer";
  int code = functions.init(0);
  if (code == kStubLibrary)
    return unavailable("'" + file + "' is the CUDA toolkit's stub, not a driver", update);
  if (code == kNoDevice)
    return unavailable("the driver '" + file + "' finds no GPU", "the backend ptx needs none");
  if (code != kSuccess)
    return unavailable("the driver '" + file + "' does not start: " + functions.errorOf(code), update);
  if (int failed = functions.version(&number))
    return unavailable("the driver '" + file + "' does not tell its version: " + functions.errorOf(failed), update);
  if (number < kOldestVersion)
    return unavailable("the driver '" + file + "' is for CUDA " + version() + ", too old for code of NVRTC 13", update);
  int count = 0;
  if (int failed = functions.deviceCount(&count))
    return unavailable("the driver '" + file + "' does not count its GPUs: " + functions.errorOf(failed), update);
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    CudaDevice device;
    char name[256] = {};
    int handle = 0;
    int failed = functions.device(&handle, ordinal);
    failed = failed ? failed : functions.deviceName(name, int(sizeof name) - 1, handle);
    failed = failed ? failed : functions.deviceAttribute(&device.major, kComputeCapabilityMajor, handle);
    failed = failed ? failed : functions.deviceAttribute(&device.minor, kComputeCapabilityMinor, handle);
    if (failed)
      return unavailable("GPU " + std::to_string(ordinal) + " does not answer: " + functions.errorOf(failed),
                         "nvidia-smi may say why");
    device.name = name;
    list.push_back(device);
  }
  if (list.empty())
    return unavailable("the driver '" + file + "' finds no GPU", "the backend ptx needs none");
  if (std::none_of(list.begin(), list.end(), [](const CudaDevice &device) { return device.runsKernels(); }))
    return unavailable("'" + list[0].name + "' is sm_" + std::to_string(list[0].major) + std::to_string(list[0].minor),
                       "kernels need sm_80 or newer (A100, RTX 30, ...)");
  return Status::ok();
}

Expected<std::unique_ptr<CudaDriver>> CudaDriver::open(const std::string &path) {
  const std::string file = path.empty() ? kLibrary : path;
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return unavailable(std::string("no NVIDIA driver: ") + (reason ? reason : file.c_str()),
                       "install NVIDIA driver 580 or newer, or set MHO_CUDA_DRIVER to its file libcuda.so.1");
  }
  std::unique_ptr<CudaDriver> driver(new CudaDriver);
  Functions functions{}; // the library stays: it may have threads and handlers of its own
  if (Status status = driver->bind(library, file, functions); !status)
    return status;
  if (Status status = driver->findDevices(functions, file); !status)
    return status;
  return driver;
}

} // namespace mho

#include "runtime/Cuda/Driver.h"

#include <algorithm>
#include <dlfcn.h>

namespace mho {
namespace {

constexpr const char *kLibrary = "libcuda.so.1";
/// The CUDA of the NVRTC that mho is pinned to: older drivers refuse its machine code.
constexpr int kOldestVersion = 13000;
constexpr const char *kOldGpuRemedy = "kernels need sm_80 or newer (A100, RTX 30, ...)";

Status unavailable(const std::string &reason, const std::string &remedy) {
  return Status::error("UNAVAILABLE: " + reason + "; " + remedy);
}

} // namespace

Status CudaDriver::findDevices(const std::string &file) {
  const std::string update = "install NVIDIA driver 580 or newer";
  int code = functions.init(0);
  if (code == kCudaStubLibrary)
    return unavailable("'" + file + "' is the CUDA toolkit's stub, not a driver", update);
  if (code == kCudaNoDevice)
    return unavailable("the driver '" + file + "' finds no GPU", "the backend ptx needs none");
  if (code != kCudaSuccess)
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
    failed = failed ? failed : functions.deviceAttribute(&device.major, kCudaCapabilityMajor, handle);
    failed = failed ? failed : functions.deviceAttribute(&device.minor, kCudaCapabilityMinor, handle);
    failed = failed ? failed : functions.deviceAttribute(&device.sharedBytes, kCudaMostSharedBytes, handle);
    if (failed)
      return unavailable("GPU " + std::to_string(ordinal) + " does not answer: " + functions.errorOf(failed),
                         "nvidia-smi may say why");
    device.name = name;
    list.push_back(device);
    handles.push_back(handle);
  }
  contexts.resize(list.size());
  if (list.empty())
    return unavailable("the driver '" + file + "' finds no GPU", "the backend ptx needs none");
  if (std::none_of(list.begin(), list.end(), [](const CudaDevice &device) { return device.runsKernels(); }))
    return unavailable("'" + list[0].name + "' is sm_" + std::to_string(list[0].number()), kOldGpuRemedy);
  return Status::ok();
}

Expected<std::shared_ptr<CudaDriver>> CudaDriver::open(const std::string &path) {
  const std::string file = path.empty() ? kLibrary : path;
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); // it stays: it may have threads and handlers of its own
  if (!library) {
    const char *reason = dlerror();
    return unavailable(std::string("no NVIDIA driver: ") + (reason ? reason : file.c_str()),
                       "install NVIDIA driver 580 or newer, or set MHO_CUDA_DRIVER to its file libcuda.so.1");
  }
  std::shared_ptr<CudaDriver> driver(new CudaDriver);
  if (const char *missing = driver->functions.bind(library))
    return unavailable("'" + file + "' has no function " + missing, "MHO_CUDA_DRIVER names NVIDIA's libcuda.so.1");
  if (Status status = driver->findDevices(file); !status)
    return status;
  return driver;
}

Expected<std::shared_ptr<CudaDriver>> CudaDriver::get(const std::string &path) {
  static std::mutex mutex;
  static std::shared_ptr<CudaDriver> held;
  std::lock_guard<std::mutex> lock(mutex);
  if (!held) {
    auto opened = open(path);
    if (!opened)
      return opened.error();
    held = *opened;
  }
  return held;
}

CudaDriver::~CudaDriver() {
  for (size_t i = 0; i < contexts.size(); ++i)
    if (contexts[i])
      functions.releasePrimaryContext(handles[i]); // at the process's end the driver may be gone: its answer is no news
}

Expected<CudaContext> CudaDriver::contextOf(int device) {
  if (device < 0 || size_t(device) >= list.size())
    return Status::error("there is no GPU " + std::to_string(device) + ": the driver has " +
                         std::to_string(list.size()) + ", numbered from 0");
  if (!list[device].runsKernels())
    return Status::error("GPU " + std::to_string(device) + ", " + list[device].text() + ", is too old; " +
                         kOldGpuRemedy);
  std::lock_guard<std::mutex> lock(mutex);
  if (!contexts[device])
    if (int failed = functions.retainPrimaryContext(&contexts[device], handles[device])) {
      contexts[device] = nullptr;
      return Status::error("GPU " + std::to_string(device) + " gives no context: " + functions.errorOf(failed) +
                           "; nvidia-smi may say what uses it");
    }
  return contexts[device];
}

CudaContextScope::CudaContextScope(const DriverApi &api, CudaContext context) : api(api) {
  CudaContext current = nullptr;
  code = api.currentContext(&current);
  if (code != kCudaSuccess || current == context)
    return;
  code = api.pushContext(context);
  pushed = code == kCudaSuccess;
}

CudaContextScope::~CudaContextScope() {
  CudaContext popped = nullptr;
  if (pushed)
    api.popContext(&popped);
}

} // namespace mho

#include "runtime/Cuda/CudaModule.h"

namespace mho {
namespace {

/// What every launch may have without asking for more.
constexpr int64_t kUsualSharedBytes = 48 << 10;

/// What a failed load means, and the remedy.
std::string remedyOfLoad(int code, const std::string &driverVersion) {
  switch (code) {
  case kCudaOutOfMemory:
    return "; the GPU's memory is full: free some, or use a smaller batch";
  case kCudaInvalidImage:
  case kCudaNoBinaryForGpu:
  case kCudaInvalidPtx:
  case kCudaUnsupportedPtxVersion:
    return "; the driver is for CUDA " + driverVersion +
           ": install one as new as the NVRTC in use (`mho doctor` tells both), and remove stale kernels with `mho "
           "cache clear`";
  default:
    return "";
  }
}

std::string remedyOfLaunch(int code) {
  switch (code) {
  case kCudaOutOfMemory:
  case kCudaLaunchOutOfResources:
    return "; the GPU has no room for its registers, shared memory or stack now";
  case kCudaIllegalAddress:
  case kCudaLaunchFailed:
    return "; a kernel launched before, of mho or not, has failed: compute-sanitizer finds which";
  default:
    return "";
  }
}

} // namespace

std::string CudaModule::placeText() const {
  return "GPU " + std::to_string(device) + ", " + driver->devices()[device].text();
}

Status CudaModule::loadImage(const std::string &image) {
  char log[4096] = {};
  int options[] = {kCudaJitErrorLog, kCudaJitErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  int code = driver->api().loadModule(&handle, image.c_str(), 2, options, values);
  if (code == kCudaSuccess)
    return Status::ok();
  handle = nullptr;
  std::string text = "cannot load a kernel on " + placeText() + ": " + driver->api().errorOf(code) +
                     remedyOfLoad(code, driver->version());
  log[sizeof log - 1] = '\0';
  return Status::error(*log ? text + "\n" + log : text);
}

Status CudaModule::loadFunctions(const std::vector<CudaFunction> &list) {
  const DriverApi &api = driver->api();
  const int64_t most = driver->devices()[device].sharedBytes;
  for (const CudaFunction &function : list) {
    CudaFunctionHandle found = nullptr;
    if (int code = api.function(&found, handle, function.name.c_str()))
      return Status::error("the code loaded on " + placeText() + " has no kernel '" + function.name +
                           "': " + api.errorOf(code) + "; `mho cache clear` removes stale kernels");
    if (function.sharedBytes > most)
      return Status::error("@" + function.name + " needs " + std::to_string(function.sharedBytes) +
                           " bytes of shared memory in a CTA, and " + placeText() + " has " + std::to_string(most) +
                           "; a layer with fewer effects that reduce, or a smaller schedule, needs less");
    if (function.sharedBytes > kUsualSharedBytes)
      if (int code = api.setFunctionAttribute(found, kCudaMostDynamicSharedBytes, int(function.sharedBytes)))
        return Status::error("@" + function.name + " does not get " + std::to_string(function.sharedBytes) +
                             " bytes of shared memory on " + placeText() + ": " + api.errorOf(code));
    functions.push_back(found);
    names.push_back(function.name);
  }
  return Status::ok();
}

Expected<std::unique_ptr<CudaModule>> CudaModule::load(std::shared_ptr<CudaDriver> driver, int device,
                                                       const std::string &image,
                                                       const std::vector<CudaFunction> &functions, void *stream) {
  Expected<CudaContext> context = driver->contextOf(device);
  if (!context)
    return context.error();
  std::unique_ptr<CudaModule> module(new CudaModule(std::move(driver), device, *context));
  CudaContextScope scope = module->enter();
  const DriverApi &api = module->driver->api();
  int capturing = 0, code = scope.result();
  code = code ? code : api.streamIsCapturing(static_cast<CudaStream>(stream), &capturing);
  if (code)
    return Status::error("cannot use a stream of " + module->placeText() + ": " + api.errorOf(code));
  if (capturing)
    return Status::error("a kernel would have to be loaded on " + module->placeText() +
                         " while the stream captures a graph; run the layer once in the same way before the capture");
  if (Status status = module->loadImage(image); !status)
    return status;
  if (Status status = module->loadFunctions(functions); !status)
    return status;
  return module;
}

CudaModule::~CudaModule() {
  if (!handle)
    return;
  CudaContextScope scope = enter();
  driver->api().unloadModule(handle); // at the process's end the driver may be gone: its answer is no news
}

Status CudaModule::launch(size_t function, const CudaGrid &grid, void *stream, const void *argument) const {
  void *arguments[] = {const_cast<void *>(argument)}; // the driver reads it
  int code = driver->api().launch(functions[function], unsigned(grid.x), unsigned(grid.y), 1, unsigned(grid.threads), 1,
                                  1, unsigned(grid.sharedBytes), static_cast<CudaStream>(stream), arguments, nullptr);
  if (code == kCudaSuccess)
    return Status::ok();
  return Status::error("cannot launch @" + names[function] + " on " + placeText() + ": " + driver->api().errorOf(code) +
                       remedyOfLaunch(code));
}

Status CudaModule::checkPlace(const std::string &name, const void *address) const {
  const DriverApi &api = driver->api();
  const auto number = reinterpret_cast<uint64_t>(address);
  const std::string expected = "'" + name + "' does not lie on " + placeText() + ": ";
  int type = 0, ordinal = -1;
  // The driver does not know memory that it did not give.
  if (api.pointerAttribute(&type, kCudaPointerMemoryType, number) != kCudaSuccess || type != kCudaDeviceMemory)
    return Status::error(expected + "it is memory of the host; copy the tensor to the GPU");
  if (api.pointerAttribute(&ordinal, kCudaPointerDevice, number) != kCudaSuccess || ordinal != device)
    return Status::error(expected + "it is memory of GPU " + std::to_string(ordinal) +
                         "; move all tensors of the layer to one device");
  return Status::ok();
}

} // namespace mho

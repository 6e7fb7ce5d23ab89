#include "runtime/Cuda/DriverApi.h"

#include <dlfcn.h>
#include <type_traits>

namespace mho {

const char *DriverApi::bind(void *library) {
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (!function && !missing)
      missing = name;
  };
  find(init, "cuInit");
  find(errorString, "cuGetErrorString");
  find(version, "cuDriverGetVersion");
  find(deviceCount, "cuDeviceGetCount");
  find(device, "cuDeviceGet");
  find(deviceName, "cuDeviceGetName");
  find(deviceAttribute, "cuDeviceGetAttribute");
  find(retainPrimaryContext, "cuDevicePrimaryCtxRetain");
  find(releasePrimaryContext, "cuDevicePrimaryCtxRelease_v2");
  find(currentContext, "cuCtxGetCurrent");
  find(pushContext, "cuCtxPushCurrent_v2");
  find(popContext, "cuCtxPopCurrent_v2");
  find(loadModule, "cuModuleLoadDataEx");
  find(unloadModule, "cuModuleUnload");
  find(function, "cuModuleGetFunction");
  find(setFunctionAttribute, "cuFuncSetAttribute");
  find(launch, "cuLaunchKernel");
  find(streamIsCapturing, "cuStreamIsCapturing");
  find(pointerAttribute, "cuPointerGetAttribute");
  return missing;
}

std::string DriverApi::errorOf(int code) const {
  const char *text = nullptr;
  errorString(code, &text);
  return std::string(text ? text : "unknown error") + " (" + std::to_string(code) + ")";
}

} // namespace mho

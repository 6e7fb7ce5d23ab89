// The functions of NVIDIA's driver that mho calls, with types of our own: no CUDA header is needed to build. Where a
// function has a _v2, that is the one of the same name here.
#pragma once

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace mho {

/// Results of the driver that have a meaning of their own here (cuda.h).
enum CudaResult {
  kCudaSuccess = 0,
  kCudaOutOfMemory = 2,
  kCudaStubLibrary = 34,
  kCudaNoDevice = 100,
  kCudaInvalidImage = 200,
  kCudaNoBinaryForGpu = 209,
  kCudaInvalidPtx = 218,
  kCudaUnsupportedPtxVersion = 222,
  kCudaNotFound = 500,
  kCudaIllegalAddress = 700,
  kCudaLaunchOutOfResources = 701,
  kCudaLaunchFailed = 719
};
enum CudaDeviceAttribute { kCudaCapabilityMajor = 75, kCudaCapabilityMinor = 76, kCudaMostSharedBytes = 97 };
enum CudaFunctionAttribute { kCudaMostDynamicSharedBytes = 8 };
enum CudaJitOption { kCudaJitErrorLog = 5, kCudaJitErrorLogBytes = 6 };
enum CudaPointerAttribute { kCudaPointerMemoryType = 2, kCudaPointerDevice = 9 };
enum CudaMemoryType { kCudaHostMemory = 1, kCudaDeviceMemory = 2 };

using CudaContext = struct CUctx_st *;
using CudaModuleHandle = struct CUmod_st *;
using CudaFunctionHandle = struct CUfunc_st *;
using CudaStream = struct CUstream_st *;

struct DriverApi {
  int (*init)(unsigned flags);
  int (*errorString)(int, const char **);
  int (*version)(int *);
  int (*deviceCount)(int *);
  int (*device)(int *, int ordinal);
  int (*deviceName)(char *, int length, int device);
  int (*deviceAttribute)(int *, int attribute, int device);
  int (*retainPrimaryContext)(CudaContext *, int device);
  int (*releasePrimaryContext)(int device);
  int (*currentContext)(CudaContext *);
  int (*pushContext)(CudaContext);
  int (*popContext)(CudaContext *);
  int (*loadModule)(CudaModuleHandle *, const void *image, unsigned count, int *options, void **values);
  int (*unloadModule)(CudaModuleHandle);
  int (*function)(CudaFunctionHandle *, CudaModuleHandle, const char *name);
  int (*setFunctionAttribute)(CudaFunctionHandle, int attribute, int value);
  int (*launch)(CudaFunctionHandle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                unsigned blockZ, unsigned sharedBytes, CudaStream, void **arguments, void **extra);
  int (*streamIsCapturing)(CudaStream, int *status);
  int (*pointerAttribute)(void *value, int attribute, uint64_t address);

  /// Looks the functions up in an opened library. The name of the first that is missing; null: all are there.
  const char *bind(void *library);
  /// "out of memory (2)"
  std::string errorOf(int code) const;
};

} // namespace mho

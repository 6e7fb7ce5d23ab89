// The functions that the fake driver exports, of the names and types that NVIDIA's has.
#include "tests/cuda/FakeState.h"

#include <algorithm>
#include <cstring>
#include <elf.h>

using namespace mho::fake;

namespace {

State &state() { return State::get(); }

/// A handle of a device is not its number.
constexpr int kFirstHandle = 10;

int deviceCount() { return numberOf("FAKE_CUDA_DEVICES", 2); }

bool isDevice(int handle) { return handle >= kFirstHandle && handle < kFirstHandle + deviceCount(); }

/// Bytes of an image: PTX ends with a zero, machine code with one of its tables.
size_t sizeOf(const char *image) {
  if (std::memcmp(image, ELFMAG, SELFMAG) != 0)
    return std::strlen(image);
  Elf64_Ehdr header;
  std::memcpy(&header, image, sizeof header);
  return std::max(header.e_shoff + size_t(header.e_shnum) * header.e_shentsize,
                  header.e_phoff + size_t(header.e_phnum) * header.e_phentsize);
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

Driver *mhoFakeDriver() { return &state(); }

int cuInit(unsigned) {
  int told = state().note("cuInit");
  return told ? told : numberOf("FAKE_CUDA_INIT", 0);
}

int cuGetErrorString(int code, const char **text) {
  *text = code == kFaultOfTest ? "a fault of the test" : code == kOutOfMemory ? "out of memory" : nullptr;
  return kSuccess;
}

int cuDriverGetVersion(int *version) {
  *version = numberOf("FAKE_CUDA_VERSION", 13000);
  return state().note("cuDriverGetVersion");
}

int cuDeviceGetCount(int *count) {
  *count = deviceCount();
  return state().note("cuDeviceGetCount");
}

int cuDeviceGet(int *device, int ordinal) {
  *device = kFirstHandle + ordinal;
  return state().note("cuDeviceGet");
}

int cuDeviceGetName(char *name, int length, int device) {
  std::strncpy(name, device == kFirstHandle ? "Fake One" : "Fake Two", size_t(length));
  return state().note("cuDeviceGetName");
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
  constexpr int kMajor = 75, kMinor = 76, kMostSharedBytes = 97;
  int sm = numberOf("FAKE_CUDA_SM", kNewerThanNvrtc);
  *value = attribute == kMajor             ? sm / 10
           : attribute == kMinor           ? sm % 10
           : attribute == kMostSharedBytes ? numberOf("FAKE_CUDA_SHARED", 227 << 10)
                                           : -1;
  return state().note("cuDeviceGetAttribute");
}

int cuDevicePrimaryCtxRetain(Context **context, int device) {
  if (int told = state().note("cuDevicePrimaryCtxRetain"))
    return told;
  if (!isDevice(device))
    return kInvalidDevice;
  *context = state().contextOf(device - kFirstHandle);
  ++(*context)->taken;
  return kSuccess;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
  if (int told = state().note("cuDevicePrimaryCtxRelease_v2"))
    return told;
  if (!isDevice(device))
    return kInvalidDevice;
  return --state().contextOf(device - kFirstHandle)->taken < 0 ? kInvalidContext : kSuccess;
}

int cuCtxGetCurrent(Context **context) {
  *context = state().stack().empty() ? nullptr : state().stack().back();
  return state().note("cuCtxGetCurrent");
}

int cuCtxPushCurrent_v2(Context *context) {
  if (int told = state().note("cuCtxPushCurrent_v2"))
    return told;
  state().stack().push_back(context);
  return kSuccess;
}

int cuCtxPopCurrent_v2(Context **context) {
  if (int told = state().note("cuCtxPopCurrent_v2"))
    return told;
  if (state().stack().empty())
    return kInvalidContext;
  *context = state().stack().back();
  state().stack().pop_back();
  return kSuccess;
}

int cuModuleLoadDataEx(LoadedModule **module, const void *image, unsigned count, const int *options, void **values) {
  constexpr int kErrorLog = 5;
  if (int told = state().noteOutsideCapture("cuModuleLoadDataEx")) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == kErrorLog)
        std::strcpy(static_cast<char *>(values[i]), "the log of the fake assembler");
    return told;
  }
  const char *text = static_cast<const char *>(image);
  return state().load(*module, std::string(text, sizeOf(text)));
}

int cuModuleUnload(LoadedModule *module) {
  int told = state().note("cuModuleUnload");
  return told ? told : state().unload(module);
}

int cuModuleGetFunction(Function **function, LoadedModule *module, const char *name) {
  int told = state().note("cuModuleGetFunction");
  return told ? told : state().find(*function, module, name);
}

int cuFuncSetAttribute(Function *function, int attribute, int value) {
  constexpr int kMostDynamicSharedBytes = 8;
  if (int told = state().note("cuFuncSetAttribute"))
    return told;
  if (attribute != kMostDynamicSharedBytes || value > numberOf("FAKE_CUDA_SHARED", 227 << 10))
    return kInvalidValue;
  function->mostSharedBytes = value;
  return kSuccess;
}

int cuLaunchKernel(Function *function, unsigned gridX, unsigned gridY, unsigned, unsigned threads, unsigned, unsigned,
                   unsigned sharedBytes, const void *stream, void **arguments, void **) {
  if (int told = state().note("cuLaunchKernel"))
    return told;
  int device = function->module->context->device;
  return state().launch(*function, {function->name, device, {gridX, gridY}, threads, sharedBytes, stream}, arguments);
}

int cuStreamIsCapturing(const void *stream, int *status) {
  *status = state().isCapturing(stream);
  return state().note("cuStreamIsCapturing");
}

int cuPointerGetAttribute(void *value, int attribute, uint64_t address) {
  constexpr int kMemoryType = 2, kDevice = 9, kDeviceMemory = 2;
  if (int told = state().note("cuPointerGetAttribute"))
    return told;
  int device = state().deviceOf(address);
  if (device < 0 || (attribute != kMemoryType && attribute != kDevice))
    return kInvalidValue;
  *static_cast<int *>(value) = attribute == kMemoryType ? kDeviceMemory : device;
  return kSuccess;
}

// What the tests themselves call.

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  int told = state().noteOutsideCapture("cuMemAlloc_v2");
  return told ? told : state().allocate(*address, bytes);
}

int cuMemFree_v2(uint64_t address) {
  int told = state().noteOutsideCapture("cuMemFree_v2");
  return told ? told : state().release(address);
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  int told = state().note("cuMemcpyHtoD_v2");
  uint8_t *memory = state().host(to, bytes);
  if (told || !memory)
    return told ? told : kInvalidValue;
  std::memcpy(memory, from, bytes);
  return kSuccess;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  int told = state().note("cuMemcpyDtoH_v2");
  const uint8_t *memory = state().host(from, bytes);
  if (told || !memory)
    return told ? told : kInvalidValue;
  std::memcpy(to, memory, bytes);
  return kSuccess;
}

int cuCtxSynchronize() { return state().noteOutsideCapture("cuCtxSynchronize"); }

} // extern "C"
#pragma GCC visibility pop

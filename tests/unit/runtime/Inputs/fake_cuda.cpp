// A libcuda for tests of how mho asks a driver: answers are environment variables. FAKE_CUDA_INIT: result of cuInit.
// FAKE_CUDA_VERSION, FAKE_CUDA_DEVICES, FAKE_CUDA_SM: what is there. FAKE_CUDA_FAIL: the function that fails.
#include <cstdlib>
#include <cstring>

namespace {

int numberOf(const char *name, int fallback) {
  const char *text = std::getenv(name);
  return text ? std::atoi(text) : fallback;
}

/// 999 where `function` is told to fail.
int resultOf(const char *function) {
  const char *failing = std::getenv("FAKE_CUDA_FAIL");
  return failing && !std::strcmp(failing, function) ? 999 : 0;
}

} // namespace

extern "C" {

int cuInit(unsigned) { return numberOf("FAKE_CUDA_INIT", 0); }
int cuGetErrorString(int code, const char **text) {
  *text = code == 999 ? "a fault of the test" : nullptr;
  return 0;
}
int cuDriverGetVersion(int *version) {
  *version = numberOf("FAKE_CUDA_VERSION", 13000);
  return resultOf("cuDriverGetVersion");
}
int cuDeviceGetCount(int *count) {
  *count = numberOf("FAKE_CUDA_DEVICES", 2);
  return resultOf("cuDeviceGetCount");
}
int cuDeviceGet(int *device, int ordinal) {
  *device = 10 + ordinal;
  return resultOf("cuDeviceGet");
}
int cuDeviceGetName(char *name, int length, int device) {
  std::strncpy(name, device == 10 ? "Fake One" : "Fake Two", size_t(length));
  return resultOf("cuDeviceGetName");
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  int sm = numberOf("FAKE_CUDA_SM", 90);
  *value = attribute == 75 ? sm / 10 : attribute == 76 ? sm % 10 : -1;
  return resultOf("cuDeviceGetAttribute");
}

} // extern "C"

// A libcuda of our own, for tests: it runs PTX in the interpreter, notes what it is asked for, and fails where it is
// told to. No GPU. A library of its own, mho_fake_cuda, that MHO_CUDA_DRIVER or CudaDriver::open() names.
//
// Memory of its devices has addresses that mean nothing on the host: who reads it there crashes. Launches run at once.
// Of a stream that captures they are kept instead, for replay(). Machine code is loaded but not run: such a launch does
// nothing. Environment variables say what is there: FAKE_CUDA_INIT (result of cuInit), FAKE_CUDA_VERSION,
// FAKE_CUDA_DEVICES, FAKE_CUDA_SM (200, newer than NVRTC knows), FAKE_CUDA_SHARED (bytes of a CTA), FAKE_CUDA_FAIL (the
// function that fails); with FAKE_CUDA_IDLE nothing is run or noted.
#pragma once

#include <cstdint>
#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace mho::fake {

struct Launch {
  std::string function;
  int device;
  unsigned grid[2], threads, sharedBytes;
  const void *stream;
};

class Driver {
public:
  virtual ~Driver() = default;
  /// Forgets what was noted and what was told.
  virtual void reset() = 0;
  /// Names of all functions that were called, in order.
  virtual std::vector<std::string> calls() const = 0;
  virtual std::vector<Launch> launches() const = 0;
  /// Images that were loaded: "PTX" or "sm_90", and on which device.
  virtual std::vector<std::pair<std::string, int>> loads() const = 0;
  virtual int64_t loadedNow() const = 0;
  /// Calls of a function return this code from now on; 0: no longer. Its text is "a fault of the test".
  virtual void fail(const std::string &function, int code) = 0;
  /// Which device's memory an address is; -1: none.
  virtual int deviceOf(uint64_t address) const = 0;
  virtual void capture(const void *stream, bool begin) = 0;
  /// Runs what was captured. False: a launch failed.
  virtual bool replay() = 0;
};

/// The driver in the library at `path`, which the process may have loaded already.
inline Driver &driverAt(const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto get = library ? reinterpret_cast<Driver *(*)()>(dlsym(library, "mhoFakeDriver")) : nullptr;
  if (!get)
    throw std::runtime_error(dlerror());
  return *get();
}

} // namespace mho::fake

// Machine code, or PTX, loaded on one GPU.
//
//   auto module = CudaModule::load(driver, 0, image, {{"scale", 0}});      // functions by number
//   (*module)->launch(0, {gridX, gridY, threads}, stream, argument);
#pragma once

#include "runtime/Cuda/Driver.h"

namespace mho {

/// A function of a module, and the most dynamic shared memory that it is launched with.
struct CudaFunction {
  std::string name;
  int64_t sharedBytes = 0;
};

struct CudaGrid {
  int64_t x = 1, y = 1, threads = 1, sharedBytes = 0;
};

class CudaModule {
public:
  /// `image`: a cubin, or PTX, which the driver assembles. `stream`: the one that it will be used on first. Errors: a
  /// stream that captures a graph, which must not be disturbed; a driver too old for the code, code for another GPU,
  /// no memory, a missing function, more shared memory than the GPU has.
  static Expected<std::unique_ptr<CudaModule>> load(std::shared_ptr<CudaDriver> driver, int device,
                                                    const std::string &image,
                                                    const std::vector<CudaFunction> &functions, void *stream);
  CudaModule(const CudaModule &) = delete;
  ~CudaModule();

  /// Makes the module's context that of the thread, as long as the scope lives.
  CudaContextScope enter() const { return {driver->api(), context}; }
  /// Puts a launch on the stream and waits for nothing; enter() first. `argument`: the bytes of the one parameter,
  /// which may go at once. Errors: what the driver says, and what it means.
  Status launch(size_t function, const CudaGrid &grid, void *stream, const void *argument) const;
  /// Fails unless the address is memory of this GPU; enter() first.
  Status checkPlace(const std::string &name, const void *address) const;

private:
  CudaModule(std::shared_ptr<CudaDriver> driver, int device, CudaContext context)
      : driver(std::move(driver)), device(device), context(context) {}
  Status loadImage(const std::string &image);
  Status loadFunctions(const std::vector<CudaFunction> &list);
  std::string placeText() const;

  std::shared_ptr<CudaDriver> driver;
  int device;
  CudaContext context;
  CudaModuleHandle handle = nullptr;
  std::vector<CudaFunctionHandle> functions;
  std::vector<std::string> names;
};

} // namespace mho

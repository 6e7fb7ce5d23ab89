// Code for the GPUs of this machine, loaded once on each that it is launched on.
//
//   DeviceCode code(driver, images, functions);      // images[d]: for GPU d
//   auto module = code.on(context.device, context.stream);
#pragma once

#include "runtime/Cuda/CudaModule.h"

#include <atomic>
#include <functional>

namespace mho {

/// A cubin or PTX; GPUs of one kind share it.
using CudaImage = std::shared_ptr<const std::string>;

/// What each GPU of the driver that runs kernels needs, by its number: machine code where NVRTC knows the architecture,
/// else PTX of kPortableArchitecture, which the driver assembles. `known`: architectures of NVRTC; `compile`: makes the
/// image of one, called once for each. Errors: those of `compile`.
Expected<std::vector<CudaImage>>
imagesOf(const std::vector<CudaDevice> &devices, const std::vector<int> &known,
         const std::function<Expected<std::string>(const std::string &architecture)> &compile);

class DeviceCode {
public:
  DeviceCode(std::shared_ptr<CudaDriver> driver, std::vector<CudaImage> images, std::vector<CudaFunction> functions)
      : driver(std::move(driver)), images(std::move(images)), functions(std::move(functions)),
        ready(this->images.size()), modules(this->images.size()) {}

  /// The module on a GPU, loaded at the first call; safe to call from several threads. Errors: as CudaModule::load.
  Expected<const CudaModule *> on(int device, void *stream) const;

private:
  std::shared_ptr<CudaDriver> driver;
  std::vector<CudaImage> images;
  std::vector<CudaFunction> functions;
  mutable std::vector<std::atomic<const CudaModule *>> ready; ///< of `modules`, for those who come later
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<CudaModule>> modules;
};

} // namespace mho

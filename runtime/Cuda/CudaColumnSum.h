// The bias gradient on a GPU: columnSum() with its bits.
#pragma once

#include "runtime/Cuda/DeviceCode.h"
#include "runtime/LaunchContext.h"

namespace mho {

class CudaColumnSum {
public:
  /// For gradients of that type. Errors: no NVRTC, what it says.
  static Expected<std::unique_ptr<CudaColumnSum>> make(std::shared_ptr<CudaDriver> driver, ElementType type);

  /// out[o] = sum over b of grad[b,o], as columnSum(); puts the launches on the stream. Errors: sizes beyond what a
  /// kernel counts, no memory, what the driver says.
  Status launch(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) const;

private:
  CudaColumnSum(std::shared_ptr<CudaDriver> driver, std::vector<CudaImage> images);
  DeviceCode code;
};

} // namespace mho

// Which code a GPU gets.
#pragma once

#include "runtime/Cuda/Driver.h"

#include <algorithm>

namespace mho {

/// PTX of the oldest architecture that kernels are made for; that of newer ones differs in its first lines only.
inline constexpr const char *kPortableArchitecture = "compute_80";

/// "sm_86": machine code of the GPU's own architecture; where NVRTC does not know it, PTX, which its driver assembles.
inline std::string architectureOf(const CudaDevice &device, const std::vector<int> &known) {
  bool isKnown = std::find(known.begin(), known.end(), device.number()) != known.end();
  return isKnown ? "sm_" + std::to_string(device.number()) : kPortableArchitecture;
}

} // namespace mho

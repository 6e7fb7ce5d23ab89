// The backend "cuda": kernels as machine code of NVRTC, launched by NVIDIA's driver on the caller's stream.
//
// A launch needs LaunchContext::memory, an allocator of memory of the GPU. Nothing here allocates or frees such memory
// or waits for the GPU, so that a stream may be captured into a graph once the kernels are loaded. Noise keys are read
// by the kernels, at the time that they run: a graph draws anew where the key's step was raised in between. Their steps
// are taken modulo 2^32, unchecked.
#pragma once

#include "runtime/Backend.h"

namespace mho {

Backend &cudaBackend();

} // namespace mho

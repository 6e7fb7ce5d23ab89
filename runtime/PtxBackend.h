// The backend "ptx": the PTX that NVRTC makes of a kernel, executed by the interpreter on the CPU. It shows that the
// GPU path is correct where there is no GPU; it is slow.
#pragma once

#include "runtime/Backend.h"

namespace mho {

Backend &ptxBackend();

} // namespace mho

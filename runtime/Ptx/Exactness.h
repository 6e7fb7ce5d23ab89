// What keeps a kernel from having one result on every GPU and compiler version.
#pragma once

#include "runtime/Ptx/Module.h"

namespace mho::ptx {

struct InexactInstruction {
  std::string kernel;
  Place place;
  std::string reason;
  std::string text() const;
};

/// Instructions whose bits PTX does not determine: sums and products without a rounding, which ptxas may fuse (with
/// one, .rn, it may not); .approx and .full; .ftz, which the interpreter follows but exact kernels do not want; atomics
/// that add reals in no order; mma with f16 accumulators. An mma.sync with f32 accumulators is not listed: it is exact
/// where the sums are.
std::vector<InexactInstruction> lintExact(const Module &module);

} // namespace mho::ptx

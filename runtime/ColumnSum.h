// The bias gradient: sums over the rows of a [B,O] gradient in the normative order (SPEC.md, "Reductions").
#pragma once

#include "runtime/TensorRef.h"

namespace mho {

/// out[o] = sum over b of grad[b,o]: one fp32 partial per block of 64 rows, rows ascending, partials combined in
/// ascending order. `grad` has any strides and any real type; `out` is a contiguous vector of float32. Bits do not
/// depend on the partition of columns over threads, nor on the caller's floating-point modes.
void columnSum(const TensorRef &grad, const TensorRef &out, const ParallelFor &parallelFor);

} // namespace mho

// Runs a compiled kernel over its whole output on the caller's threads.
#pragma once

#include "runtime/KernelCall.h"

namespace mho {

/// The output of a kernel: its rows, and its columns counted in elements, or in tiles where they are inputs
/// (gradients).
struct KernelOutput {
  int64_t rows = 0, columns = 0;
  bool columnsAreTiles = false;
  int64_t tiles = 0;
};

/// The value of one slot: a tensor or a scalar.
struct SlotValue {
  TensorRef tensor;
  float scalar = 0;
  /// A matrix result that nobody reads but that the kernel works in: `tensor` has sizes and strides only, memory for
  /// some rows at a time is found here.
  bool discard = false;
};

/// Calls the kernel; `values` follow kernel.slots. A tensor that is not defined may be given only where the kernel's
/// code does not touch it. Bits of the result depend neither on the number of threads nor on how parallelFor cuts the
/// work, nor on the caller's floating-point modes. Errors: no memory for the workspace.
Status launchKernel(const CompiledKernel &kernel, const SlotValue *values, const KernelOutput &output,
                    const ParallelFor &parallelFor);

/// Bit i: slot i's tensor has elements that do not lie side by side along its last axis.
uint32_t stridedSlots(const CompiledKernel &kernel, const SlotValue *values);

} // namespace mho

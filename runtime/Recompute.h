// Backward of a layer whose end of a tile needs its accumulators again (SPEC.md, "Gradients of a kernel"): @f_dz
// computes their gradients, which @f_dx and @f_dw take, a block of rows or of outputs at a time.
//
//   BoundGradient dz{*dzKernel, dzValues, dzOutput}, dx{...}, dw{...};
//   Status status = runRecompute({T, B, O}, dz, &dx, &dw, context);
#pragma once

#include "runtime/Kernel.h"

namespace mho {

/// A kernel with the values of its slots, but for the planes of @f_dz, and its output.
struct BoundGradient {
  const Kernel &kernel;
  std::vector<SlotValue> values;
  KernelOutput output;
};

/// True for the gradients of accumulators, "dz", "dz#2", ..., which @f_dz gives and the other kernels take.
bool isAccumulatorGradient(const KernelSlot &slot);

/// Sizes of the planes: tiles, rows, outputs.
struct PlaneSizes {
  int64_t tiles = 0, rows = 0, outputs = 0;
};

/// Bytes that the planes of a block may take; a block has 64 rows (or outputs) at least.
constexpr int64_t kRecomputeBytes = int64_t(32) << 20;

/// Runs @f_dz, @f_dx and @f_dw (null: not wanted) on planes that it has the memory for. Where all of them fit into
/// `bytes`, or a kernel does not run in parts, each runs once; else @f_dz runs over blocks of rows for @f_dx and its
/// own reductions, and over blocks of outputs for @f_dw. No bit depends on that. Errors: those of the launches, no
/// memory.
Status runRecompute(const PlaneSizes &sizes, BoundGradient &tile, BoundGradient *input, BoundGradient *weight,
                    const LaunchContext &context, int64_t bytes = kRecomputeBytes);

} // namespace mho

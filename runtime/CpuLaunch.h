// Runs a kernel of the CPU backend over its whole output on the caller's threads.
#pragma once

#include "runtime/Kernel.h"
#include "runtime/PackedCall.h"

namespace mho {

/// Sum and count results, by what a partial sum of theirs is of.
struct Reductions {
  int perBlock = 0; ///< 64 rows of a tile
  int perRow = 0;   ///< one row of a tile, where the result keeps the rows
  bool none() const { return perBlock == 0 && perRow == 0; }
};

/// The machine code of a kernel and what a call of it needs.
struct CpuCode {
  std::vector<KernelSlot> slots;
  std::vector<bool> strided; ///< by slot: tensors it was compiled to gather from; empty: none
  KernelEntry body = nullptr;
  KernelEntry tail = nullptr; ///< null unless the kernel reduces
  int64_t workspaceBytes = 0; ///< per concurrent call of body
  Reductions reductions;
};

/// As Kernel::launch. Bits of the result depend neither on the number of threads nor on how the context's parallelFor
/// cuts the work, nor on the caller's floating-point modes. Memory of a thread: the code's workspace and, where a
/// result is discarded, a piece of it that no number of rows makes larger (discardedFloats).
Status launchCpu(const CpuCode &code, const SlotValue *values, const KernelOutput &output,
                 const LaunchContext &context);

/// Elements of a discarded result that one thread has memory for: rows of the widest tile, see discardedRows().
int64_t discardedFloats(const InputTiles &tiles);

} // namespace mho

// Runs a kernel of the CPU backend over its whole output on the caller's threads.
#pragma once

#include "lowering/AnalogToVector/PartialShape.h"
#include "runtime/Kernel.h"
#include "runtime/PackedCall.h"

namespace mho {

/// A statistic over (t), which must be whole before the body begins.
struct TileStatistic {
  size_t slot; ///< whose size along `axis` is the number of the source rows
  int axis;
  KernelEntry blocks, total; ///< of some source rows and tiles; of all
};

/// The machine code of a kernel and what a call of it needs.
struct CpuCode {
  std::vector<KernelSlot> slots;
  std::vector<bool> strided; ///< by slot: tensors it was compiled to gather from; empty: none
  KernelEntry body = nullptr;
  KernelEntry tail = nullptr; ///< null unless the kernel reduces
  int64_t workspaceBytes = 0; ///< per concurrent call of body
  std::vector<lowering::PartialShape> reductions;
  std::vector<TileStatistic> statistics; ///< one may use those before it
};

/// As Kernel::launch. Bits of the result depend neither on the number of threads nor on how the context's parallelFor
/// cuts the work, nor on the caller's floating-point modes. Memory of a thread: the code's workspace and, where a
/// result is discarded, a piece of it that no number of rows makes larger (discardedFloats). Memory of the launch: the
/// partial sums, doubles, as many as the reductions' results have elements (for every tile) or one for each block of 64
/// x 64, of a statistic over (t) one for each tile and 64 source rows. A reduction that keeps one axis of the output
/// takes the other's blocks in turn: the work is then cut along the kept axis only (along the tiles, where these cut
/// the columns), and not at all if a forward kernel keeps the rows in one and the columns in another.
Status launchCpu(const CpuCode &code, const SlotValue *values, const KernelOutput &output,
                 const LaunchContext &context);

/// As Kernel::begin.
std::unique_ptr<PartLaunch> beginCpu(const CpuCode &code, const KernelOutput &output);

/// Elements of a discarded result that one thread has memory for: rows of the widest tile, see discardedRows().
int64_t discardedFloats(const InputTiles &tiles);

} // namespace mho

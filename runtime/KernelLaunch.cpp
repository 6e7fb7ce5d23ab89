#include "runtime/KernelLaunch.h"

#include <algorithm>
#include <cstdlib>

namespace mho {
namespace {

/// Rows and columns of the output that one work item covers are multiples of this (SPEC.md, "Reductions"; packed bits).
constexpr int64_t kBlock = 64;

/// Grow-only memory of a thread, aligned for vector stores.
class Scratch {
public:
  ~Scratch() { std::free(data); }
  void *get(size_t bytes) {
    if (bytes > capacity) {
      std::free(data);
      capacity = (bytes + kBlock - 1) / kBlock * kBlock;
      data = std::aligned_alloc(64, capacity);
    }
    return data;
  }

private:
  void *data = nullptr;
  size_t capacity = 0;
};

} // namespace

void launchKernel(const CompiledKernel &kernel, const SlotValue *values, const KernelOutput &output,
                  const ParallelFor &parallelFor) {
  PackedCall shared;
  for (size_t i = 0; i < kernel.slots.size(); ++i) {
    const KernelSlot &slot = kernel.slots[i];
    if (slot.scalar) {
      shared.scalar(values[i].scalar);
      continue;
    }
    TensorRef tensor = values[i].tensor;
    tensor.rank = slot.rank; // an undefined tensor still takes its place in the table
    shared.tensor(tensor);
  }
  int64_t rowBlocks = (output.rows + kBlock - 1) / kBlock;
  static thread_local Scratch partialMemory;
  int64_t partials = kernel.reductions * rowBlocks * output.tiles;
  shared.vector(partialMemory.get(std::max<int64_t>(1, partials) * sizeof(double)), partials);

  // Work is cut along the longer axis; columns that are tiles stay together, since a row block's reductions cover whole
  // tiles.
  bool byRows = output.columnsAreTiles || output.rows > output.columns;
  int64_t items = byRows ? rowBlocks : (output.columns + kBlock - 1) / kBlock;
  parallelFor(items, 1, [&](int64_t begin, int64_t end) {
    static thread_local Scratch workspace;
    PackedCall call = shared;
    call.vector(workspace.get(std::max<int64_t>(1, kernel.workspaceBytes)), kernel.workspaceBytes);
    int64_t first = begin * kBlock;
    call.index(byRows ? first : 0);
    call.index(byRows ? std::min(end * kBlock, output.rows) : output.rows);
    call.index(byRows ? 0 : first);
    call.index(byRows ? output.columns : std::min(end * kBlock, output.columns));
    kernel.body(call.table());
  });
  if (kernel.tail)
    kernel.tail(shared.table());
}

uint32_t stridedSlots(const CompiledKernel &kernel, const SlotValue *values) {
  uint32_t mask = 0;
  for (size_t i = 0; i < kernel.slots.size(); ++i) {
    const TensorRef &t = values[i].tensor;
    if (t.defined() && t.sizes[t.rank - 1] > 1 && t.strides[t.rank - 1] != 1)
      mask |= 1u << i;
  }
  return mask;
}

} // namespace mho

#include "runtime/KernelLaunch.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cstdlib>

namespace mho {
namespace {

/// Rows and columns of the output that one work item covers are multiples of this (SPEC.md, "Reductions"; packed bits).
constexpr int64_t kBlock = 64;

/// Rows of a discarded result that have memory at a time: a row block of the usual schedules.
constexpr int64_t kDiscardRows = 512;

/// Grow-only memory of a thread, aligned for vector stores; null where there is none.
class Scratch {
public:
  ~Scratch() { std::free(data); }
  void *get(size_t bytes) {
    if (bytes > capacity || !data) {
      std::free(data);
      capacity = (bytes / kBlock + 1) * kBlock;
      data = std::aligned_alloc(64, capacity);
    }
    return data;
  }

private:
  void *data = nullptr;
  size_t capacity = 0;
};

/// The default rounding and no flushing to zero while a kernel runs, whatever the caller has set.
class DefaultFloatingPoint {
public:
  DefaultFloatingPoint() {
    std::fegetenv(&callers);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatingPoint() { std::fesetenv(&callers); }

private:
  std::fenv_t callers;
};

/// One launch: what its work items share.
struct Launch {
  const CompiledKernel &kernel;
  const SlotValue *values;
  const KernelOutput &output;
  void *partials = nullptr;
  int64_t partialCount = 0;
  std::atomic<bool> outOfMemory{false};

  /// The table's tensors and scalars; discarded results lie in `discarded`, which holds rows from firstRow on.
  PackedCall pack(float *discarded, int64_t firstRow) const;
  void runBlock(int64_t rowBegin, int64_t rowEnd, int64_t columnBegin, int64_t columnEnd);
  int64_t discardedElements() const;
};

} // namespace

PackedCall Launch::pack(float *discarded, int64_t firstRow) const {
  PackedCall call;
  for (size_t i = 0; i < kernel.slots.size(); ++i) {
    const KernelSlot &slot = kernel.slots[i];
    if (slot.scalar) {
      call.scalar(values[i].scalar);
      continue;
    }
    TensorRef tensor = values[i].tensor;
    tensor.rank = slot.rank; // an undefined tensor still takes its place in the table
    if (values[i].discard)   // the kernel adds row * stride to the address
      tensor.data = reinterpret_cast<void *>(reinterpret_cast<intptr_t>(discarded) -
                                             firstRow * tensor.strides[0] * int64_t(sizeof(float)));
    call.tensor(tensor);
  }
  call.vector(partials, partialCount);
  return call;
}

int64_t Launch::discardedElements() const {
  for (size_t i = 0; i < kernel.slots.size(); ++i)
    if (values[i].discard)
      return std::min(kDiscardRows, output.rows) * values[i].tensor.strides[0];
  return 0;
}

void Launch::runBlock(int64_t rowBegin, int64_t rowEnd, int64_t columnBegin, int64_t columnEnd) {
  static thread_local Scratch workspace, discarded;
  int64_t elements = discardedElements();
  void *work = workspace.get(kernel.workspaceBytes), *unread = discarded.get(elements * sizeof(float));
  if (!work || !unread) {
    outOfMemory = true;
    return;
  }
  DefaultFloatingPoint modes;
  int64_t step = elements ? kDiscardRows : rowEnd - rowBegin;
  for (int64_t row = rowBegin; row < rowEnd; row += step) {
    PackedCall call = pack(static_cast<float *>(unread), row);
    call.vector(work, kernel.workspaceBytes);
    for (int64_t bound : {row, std::min(row + step, rowEnd), columnBegin, columnEnd})
      call.index(bound);
    kernel.body(call.table());
  }
}

Status launchKernel(const CompiledKernel &kernel, const SlotValue *values, const KernelOutput &output,
                    const ParallelFor &parallelFor) {
  static thread_local Scratch partialMemory;
  int64_t rowBlocks = (output.rows + kBlock - 1) / kBlock;
  Launch launch{kernel, values, output};
  launch.partialCount = kernel.reductions * rowBlocks * output.tiles;
  launch.partials = partialMemory.get(launch.partialCount * sizeof(double));
  if (!launch.partials)
    return Status::error("no memory for " + std::to_string(launch.partialCount) + " partial sums");
  // Work is cut along the longer axis; columns that are tiles stay together, since a row block's reductions cover whole
  // tiles.
  bool byRows = output.columnsAreTiles || output.rows > output.columns;
  int64_t items = byRows ? rowBlocks : (output.columns + kBlock - 1) / kBlock;
  parallelFor(items, 1, [&](int64_t begin, int64_t end) {
    int64_t first = begin * kBlock, last = end * kBlock;
    if (byRows)
      launch.runBlock(first, std::min(last, output.rows), 0, output.columns);
    else
      launch.runBlock(0, output.rows, first, std::min(last, output.columns));
  });
  if (launch.outOfMemory)
    return Status::error("no memory for a kernel's workspace of " + std::to_string(kernel.workspaceBytes) + " bytes");
  if (kernel.tail) {
    DefaultFloatingPoint modes;
    kernel.tail(launch.pack(nullptr, 0).table());
  }
  return Status::ok();
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

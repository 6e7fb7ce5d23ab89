#include "runtime/CpuLaunch.h"

#include "dialect/Numerics/Reduction.h"
#include "runtime/FloatingPoint.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace mho {
namespace {

using lowering::PartialOf, lowering::PartialShape;

constexpr size_t kAlignment = 64; ///< of vector stores and cache lines

/// A discarded result is computed in pieces of about this many elements, which stay in a core's second-level cache.
constexpr int64_t kDiscardedFloats = int64_t(1) << 18;
/// More rows than a row block of the usual schedules gain nothing.
constexpr int64_t kMostDiscardedRows = 512;

/// Grow-only memory of a thread; null where there is none.
class Scratch {
public:
  ~Scratch() { std::free(data); }
  void *get(size_t bytes) {
    if (bytes > capacity || !data) {
      std::free(data);
      capacity = (bytes / kAlignment + 1) * kAlignment;
      data = std::aligned_alloc(kAlignment, capacity);
    }
    return data;
  }

private:
  void *data = nullptr;
  size_t capacity = 0;
};

Scratch &threadWorkspace() {
  static thread_local Scratch workspace;
  return workspace;
}

/// Memory for the partial sums of a launch, which the thread keeps for the next one. A launch that begins while one of
/// the thread's waits for its parts (the caller's pool may run it there meanwhile) has memory of its own.
class PartialMemory {
public:
  PartialMemory() : hasKept(!isLent) { isLent = true; }
  PartialMemory(const PartialMemory &) = delete;
  ~PartialMemory() {
    if (hasKept)
      isLent = false;
  }
  void *get(size_t bytes) { return (hasKept ? kept : own).get(bytes); }

private:
  static thread_local Scratch kept;
  static thread_local bool isLent;
  const bool hasKept;
  Scratch own;
};

thread_local Scratch PartialMemory::kept;
thread_local bool PartialMemory::isLent = false;

int64_t widthOf(const InputTiles &tiles, int64_t tile) { return tiles.begin(tile + 1) - tiles.begin(tile); }

/// Rows of a discarded result that are computed at a time, a multiple of the reduction block: partial sums are per
/// block of rows and tile, so that this number changes no bit. A tile that is very deep (an untiled layer) still gets
/// one block of rows: a term in K alone, not in B * K.
int64_t discardedRows(int64_t width) {
  int64_t rows = kDiscardedFloats / std::max<int64_t>(width, 1) / kReductionBlock * kReductionBlock;
  return std::clamp(rows, kReductionBlock, kMostDiscardedRows);
}

/// How a part of the output is cut into work items: a grid of pieces, whose numbers run along the rows first.
struct Grid {
  int64_t rows, columns;       ///< pieces along each axis
  int64_t rowStep, columnStep; ///< rows and columns of a piece
};

/// One launch of a part: what its work items share.
struct Launch {
  const CpuCode &code;
  const SlotValue *values;
  const KernelOutput &output;
  const OutputPart part;
  const Grid grid;
  void *partials;
  int64_t partialCount;
  bool discards = false;
  std::atomic<bool> outOfMemory{false};

  PackedCall pack(float *discarded, int64_t firstRow, int64_t firstColumn, int64_t rowStride) const;
  void runItems(int64_t begin, int64_t end);
  void runBlock(const OutputPart &block);
  void runDiscarded(const OutputPart &block, void *work, float *memory);
  void invoke(KernelEntry entry, PackedCall &call, const OutputPart &block, void *work) const;
  void runStatistic(const TileStatistic &statistic, const ParallelFor &parallelFor);
};

/// Gradients are cut along both axes, since partial sums are per block of rows and tile. Forward is cut along the
/// longer axis: a piece of many rows packs its weights once. What a reduction adds up in place is not cut.
Grid gridOf(const OutputPart &part, bool columnsAreTiles, const std::vector<PartialShape> &reductions) {
  auto hasWholeRows = [](const PartialShape &shape) { return shape.rows == PartialOf::Whole; };
  auto hasWholeColumns = [](const PartialShape &shape) { return shape.columns == PartialOf::Whole; };
  bool wholeRows = std::any_of(reductions.begin(), reductions.end(), hasWholeRows);
  bool wholeColumns = std::any_of(reductions.begin(), reductions.end(), hasWholeColumns);
  int64_t rows = part.rowEnd - part.rowBegin, columns = part.columnEnd - part.columnBegin;
  int64_t rowBlocks = (rows + kReductionBlock - 1) / kReductionBlock;
  if (columnsAreTiles)
    return wholeRows ? Grid{1, columns, rows, 1} : Grid{rowBlocks, columns, kReductionBlock, 1};
  if (wholeRows && wholeColumns)
    return {1, 1, rows, columns};
  if (wholeColumns || (!wholeRows && rows > columns))
    return {rowBlocks, 1, kReductionBlock, columns};
  return {1, (columns + kReductionBlock - 1) / kReductionBlock, rows, kReductionBlock};
}

} // namespace

/// The table's tensors and scalars. `discarded` holds a discarded result from firstRow and firstColumn on.
PackedCall Launch::pack(float *discarded, int64_t firstRow, int64_t firstColumn, int64_t rowStride) const {
  PackedCall call;
  for (size_t i = 0; i < code.slots.size(); ++i) {
    const KernelSlot &slot = code.slots[i];
    if (slot.scalar) {
      call.scalar(values[i].scalar);
      continue;
    }
    TensorRef tensor = values[i].tensor;
    tensor.rank = slot.rank; // an undefined tensor still takes its place in the table
    if (values[i].discard) { // the kernel adds row * stride + column to the address
      tensor.strides = {rowStride, 1};
      tensor.data = reinterpret_cast<void *>(reinterpret_cast<intptr_t>(discarded) -
                                             (firstRow * rowStride + firstColumn) * bytesOf(slot.type));
    }
    call.tensor(tensor);
  }
  call.vector(partials, partialCount);
  return call;
}

void Launch::invoke(KernelEntry entry, PackedCall &call, const OutputPart &block, void *work) const {
  call.vector(work, code.workspaceBytes);
  for (int64_t bound : {block.rowBegin, block.rowEnd, block.columnBegin, block.columnEnd})
    call.index(bound);
  entry(call.table());
}

/// Takes a statistic over (t) of all source rows: blocks of rows and tiles on the caller's threads, then their total.
void Launch::runStatistic(const TileStatistic &statistic, const ParallelFor &parallelFor) {
  int64_t rows = values[statistic.slot].tensor.sizes[statistic.axis];
  int64_t blocks = (rows + kReductionBlock - 1) / kReductionBlock;
  parallelFor(blocks * output.tiles.count(), 1, [&](int64_t begin, int64_t end) {
    void *work = threadWorkspace().get(code.workspaceBytes);
    if (!work) {
      outOfMemory = true;
      return;
    }
    DefaultFloatingPoint modes;
    for (int64_t item = begin; item < end; ++item) {
      int64_t row = item % blocks * kReductionBlock, tile = item / blocks;
      PackedCall packed = pack(nullptr, 0, 0, 0);
      invoke(statistic.blocks, packed, {row, std::min(row + kReductionBlock, rows), tile, tile + 1}, work);
    }
  });
  DefaultFloatingPoint modes;
  statistic.total(pack(nullptr, 0, 0, 0).table());
}

/// Pieces [begin, end) of the grid: rest of a column of pieces, whole columns of them, start of one.
void Launch::runItems(int64_t begin, int64_t end) {
  while (begin < end) {
    int64_t row = begin % grid.rows, column = begin / grid.rows;
    bool whole = row == 0 && end - begin >= grid.rows;
    int64_t rows = whole ? grid.rows : std::min(grid.rows - row, end - begin);
    int64_t columns = whole ? (end - begin) / grid.rows : 1;
    runBlock({part.rowBegin + row * grid.rowStep, std::min(part.rowBegin + (row + rows) * grid.rowStep, part.rowEnd),
              part.columnBegin + column * grid.columnStep,
              std::min(part.columnBegin + (column + columns) * grid.columnStep, part.columnEnd)});
    begin += rows * columns;
  }
}

void Launch::runBlock(const OutputPart &block) {
  static thread_local Scratch discarded;
  void *work = threadWorkspace().get(code.workspaceBytes);
  void *memory = discards ? discarded.get(discardedFloats(output.tiles) * sizeof(float)) : nullptr;
  if (!work || (discards && !memory)) {
    outOfMemory = true;
    return;
  }
  DefaultFloatingPoint modes;
  if (discards)
    return runDiscarded(block, work, static_cast<float *>(memory));
  PackedCall packed = pack(nullptr, 0, 0, 0);
  invoke(code.body, packed, block, work);
}

void Launch::runDiscarded(const OutputPart &block, void *work, float *memory) {
  for (int64_t tile = block.columnBegin; tile < block.columnEnd; ++tile) {
    int64_t width = widthOf(output.tiles, tile), step = discardedRows(width);
    for (int64_t row = block.rowBegin; row < block.rowEnd; row += step) {
      PackedCall packed = pack(memory, row, output.tiles.begin(tile), width);
      invoke(code.body, packed, {row, std::min(row + step, block.rowEnd), tile, tile + 1}, work);
    }
  }
}

/// Empty if the code can take the values, else why not.
static std::string checkValues(const CpuCode &code, const SlotValue *values) {
  for (size_t i = 0; i < code.slots.size(); ++i) {
    const TensorRef &t = values[i].tensor;
    const std::string &name = code.slots[i].name;
    if (!t.defined() || t.rank != code.slots[i].rank)
      continue;
    bool gathers = i < code.strided.size() && code.strided[i];
    if (t.strided() && !gathers)
      return "'" + name + "' has a last stride of " + std::to_string(t.strides[t.rank - 1]) +
             ", and this kernel was compiled for 1; make the tensor contiguous";
  }
  return keyProblem(code.slots, values);
}

int64_t discardedFloats(const InputTiles &tiles) {
  int64_t most = 0;
  for (int64_t tile = 0; tile < tiles.count(); ++tile)
    most = std::max(most, discardedRows(widthOf(tiles, tile)) * widthOf(tiles, tile));
  return most;
}

/// Partial sums of a whole launch: of its reductions, then of its statistics.
static int64_t partialCountOf(const CpuCode &code, const SlotValue *values, const KernelOutput &output) {
  int64_t columns = output.columnsAreTiles ? output.tiles.inputs : output.columns, count = 0;
  for (const PartialShape &shape : code.reductions)
    count += shape.count(output.rows, columns, output.tiles.count());
  for (const TileStatistic &statistic : code.statistics)
    count += output.tiles.count() * lowering::statisticPartials(values[statistic.slot].tensor.sizes[statistic.axis]);
  return count;
}

static Status noMemoryFor(int64_t partialCount) {
  return Status::error("no memory for " + std::to_string(partialCount) + " partial sums");
}

/// `first`: the statistics are not there yet.
static Status runPart(Launch &launch, bool first, const LaunchContext &context) {
  for (size_t i = 0; i < launch.code.slots.size(); ++i)
    launch.discards |= launch.values[i].discard;
  for (const TileStatistic &statistic : launch.code.statistics)
    if (first)
      launch.runStatistic(statistic, context.parallelFor);
  context.parallelFor(launch.grid.rows * launch.grid.columns, 1,
                      [&](int64_t begin, int64_t end) { launch.runItems(begin, end); });
  if (launch.outOfMemory)
    return Status::error("no memory for a kernel's workspace of " + std::to_string(launch.code.workspaceBytes) +
                         " bytes");
  return Status::ok();
}

static void runTail(const Launch &launch) {
  DefaultFloatingPoint modes;
  if (launch.code.tail)
    launch.code.tail(launch.pack(nullptr, 0, 0, 0).table());
}

Status launchCpu(const CpuCode &code, const SlotValue *values, const KernelOutput &output,
                 const LaunchContext &context) {
  PartialMemory partialMemory;
  if (std::string problem = checkValues(code, values); !problem.empty())
    return Status::error(problem);
  int64_t count = partialCountOf(code, values, output);
  void *partials = partialMemory.get(count * sizeof(double));
  if (!partials)
    return noMemoryFor(count);
  OutputPart whole{0, output.rows, 0, output.columns};
  Launch launch{code, values, output, whole, gridOf(whole, output.columnsAreTiles, code.reductions), partials, count};
  if (Status status = runPart(launch, true, context); !status)
    return status;
  runTail(launch);
  return Status::ok();
}

namespace {

class CpuPartLaunch final : public PartLaunch {
public:
  CpuPartLaunch(const CpuCode &code, const KernelOutput &output) : code(code), output(output) {}
  Status run(const SlotValue *values, const OutputPart &part, const LaunchContext &context) override {
    if (std::string problem = checkValues(code, values); !problem.empty())
      return Status::error(problem);
    bool first = !partials;
    if (first) {
      count = partialCountOf(code, values, output);
      partials = memory.get(count * sizeof(double));
    }
    if (!partials)
      return noMemoryFor(count);
    Launch launch = of(values, part);
    return runPart(launch, first, context);
  }
  void finish(const SlotValue *values) override { runTail(of(values, {})); }

private:
  Launch of(const SlotValue *values, const OutputPart &part) const {
    return {code, values, output, part, gridOf(part, output.columnsAreTiles, code.reductions), partials, count};
  }

  const CpuCode &code;
  const KernelOutput output;
  Scratch memory;
  int64_t count = 0;
  void *partials = nullptr; ///< from the first part on
};

} // namespace

std::unique_ptr<PartLaunch> beginCpu(const CpuCode &code, const KernelOutput &output) {
  return std::make_unique<CpuPartLaunch>(code, output);
}

} // namespace mho

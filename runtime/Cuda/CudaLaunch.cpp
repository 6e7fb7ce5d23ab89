#include "runtime/Cuda/CudaLaunch.h"

#include "dialect/Numerics/Reduction.h"
#include "runtime/Cuda/KernelArguments.h"

#include <algorithm>
#include <climits>

namespace mho {
namespace {

/// A kernel counts in int, beyond the end of an axis by less than a CTA's block.
constexpr int64_t kMostElements = INT_MAX - 1024;
/// Grids may be this high.
constexpr int64_t kMostRows = 65535;

int64_t divideUp(int64_t n, int64_t by) { return (n + by - 1) / by; }

int64_t widestTile(const InputTiles &tiles) {
  int64_t widest = 0;
  for (int64_t t = 0; t < tiles.count(); ++t)
    widest = std::max(widest, tiles.begin(t + 1) - tiles.begin(t));
  return widest;
}

} // namespace

Status checkCudaSizes(const std::string &name, const TensorRef &tensor) {
  for (int d = 0; d < tensor.rank; ++d)
    if (tensor.sizes[d] > kMostElements)
      return Status::error("'" + name + "' has " + std::to_string(tensor.sizes[d]) + " elements along axis " +
                           std::to_string(d) + "; a CUDA kernel counts to " + std::to_string(kMostElements) +
                           ": split the batch or the layer");
  return Status::ok();
}

std::vector<CudaFunction> cudaFunctions(const lowering::CudaKernel &kernel) {
  std::vector<CudaFunction> functions;
  auto add = [&](const std::string &suffix, int64_t sharedBytes = 0) {
    functions.push_back({kernel.name + suffix, sharedBytes});
  };
  for (const lowering::CudaStatistic &statistic : kernel.statistics) {
    std::string name = "_statistic" + std::to_string(statistic.number);
    add(name);
    if (statistic.ofTile)
      add(name + "_total");
  }
  add("", kernel.sharedBytes);
  for (const lowering::CudaReduction &reduction : kernel.reductions)
    add("_result" + std::to_string(reduction.result));
  return functions;
}

int64_t CudaLaunch::take(int64_t floats) {
  constexpr int64_t kAlignment = 256;
  int64_t offset = workspaceBytes;
  workspaceBytes += divideUp(floats * int64_t(sizeof(float)), kAlignment) * kAlignment;
  return offset;
}

std::string CudaLaunch::argument(const SlotValue *values, const std::function<uint64_t(size_t slot)> &addressOf,
                                 uint64_t workspace) const {
  KernelArguments bytes;
  for (size_t i = 0; i < slots->size(); ++i) {
    const TensorRef &tensor = values[i].tensor;
    if ((*slots)[i].scalar)
      bytes.add(values[i].scalar);
    else
      bytes.tensor(addressOf(i), tensor.rank, tensor.sizes.data(), tensor.strides.data());
  }
  for (const WorkTensor &statistic : statistics) {
    int64_t strides[2] = {statistic.sizes[1], 1};
    if (statistic.slot >= 0)
      bytes.tensor(addressOf(size_t(statistic.slot)), values[statistic.slot].tensor.rank,
                   values[statistic.slot].tensor.sizes.data(), values[statistic.slot].tensor.strides.data());
    else
      bytes.tensor(workspace + uint64_t(statistic.offset), 2, statistic.sizes, strides);
  }
  for (const WorkPartials &partial : partials) {
    bytes.add(workspace + uint64_t(partial.offset));
    bytes.add(partial.rows);
    bytes.add(partial.columns);
  }
  return bytes.take();
}

Expected<CudaLaunch> planCuda(const lowering::CudaKernel &kernel, const std::vector<KernelSlot> &slots,
                              const SlotValue *values, const KernelOutput &output) {
  constexpr int64_t kBlock = kReductionBlock, kThreads = lowering::kCudaThreads;
  for (size_t i = 0; i < slots.size(); ++i)
    if (Status status = checkCudaSizes(slots[i].name, values[i].tensor); !status)
      return status;
  CudaLaunch launch;
  launch.slots = &slots;
  int64_t tiles = output.tiles.count(), widest = widestTile(output.tiles);
  size_t function = 0; // by the order of cudaFunctions()
  auto step = [&](int64_t x, int64_t y = 1, int64_t threads = lowering::kCudaThreads, int64_t shared = 0) {
    if (x > 0 && y > 0)
      launch.steps.push_back({function, {x, y, threads, shared}});
    ++function;
  };
  const lowering::CudaSchedule &schedule = kernel.schedule;
  for (const lowering::CudaStatistic &statistic : kernel.statistics) {
    int64_t rows = values[statistic.sourceSlot].tensor.sizes[statistic.sourceAxis];
    int64_t parts = statistic.ofTile ? divideUp(rows, kBlock) : rows;
    bool given = statistic.resultSlot >= 0 && values[statistic.resultSlot].tensor.data;
    CudaLaunch::WorkTensor whole{given ? statistic.resultSlot : -1, 0, {tiles, statistic.ofTile ? 1 : rows}}, partial;
    if (!given)
      whole.offset = launch.take(whole.sizes[0] * whole.sizes[1]);
    partial.sizes[0] = tiles;
    partial.sizes[1] = statistic.ofTile ? parts : 0;
    partial.offset = launch.take(partial.sizes[0] * partial.sizes[1]);
    launch.statistics.push_back(whole);
    launch.statistics.push_back(partial);
    step(tiles * divideUp(parts, kThreads / 16));
    if (statistic.ofTile)
      step(divideUp(tiles, kThreads));
  }
  int64_t columnBlocks =
      kernel.forward ? divideUp(output.columns, schedule.columns()) : tiles * divideUp(widest, schedule.columns());
  step(columnBlocks, divideUp(output.rows, schedule.rows()), schedule.threads(), kernel.sharedBytes);
  for (const lowering::CudaReduction &reduction : kernel.reductions) {
    int64_t columns = kernel.forward ? output.columns : widest;
    int64_t rows = reduction.keepsRows ? output.rows : divideUp(output.rows, kBlock);
    columns = reduction.keepsColumns ? columns : divideUp(columns, kBlock);
    launch.partials.push_back({launch.take((reduction.perTile ? tiles : 1) * rows * columns), rows, columns});
    const TensorRef &result = values[reduction.slot].tensor;
    step(result.data ? divideUp(result.elements(), kThreads) : 0);
  }
  for (const CudaLaunch::Step &each : launch.steps)
    if (each.grid.y > kMostRows)
      return Status::error("@" + kernel.name + " would need a grid of " + std::to_string(each.grid.y) +
                           " CTAs along y, and a GPU has " + std::to_string(kMostRows) + ": split the batch");
  return launch;
}

} // namespace mho

#include "runtime/Recompute.h"

#include "dialect/Numerics/Reduction.h"

#include <algorithm>

namespace mho {

bool isAccumulatorGradient(const KernelSlot &slot) {
  return slot.rank == 3 && (slot.name == "dz" || slot.name.compare(0, 3, "dz#") == 0);
}

namespace {

/// Number of a plane, from 0 on.
size_t planeNumber(const KernelSlot &slot) { return slot.name == "dz" ? 0 : std::stoul(slot.name.substr(3)) - 1; }

/// A block of the planes: all tiles, some rows, some outputs.
struct Block {
  int64_t rowBegin, rowEnd, outputBegin, outputEnd;
  int64_t rows() const { return rowEnd - rowBegin; }
  int64_t outputs() const { return outputEnd - outputBegin; }
};

class Recompute {
public:
  Recompute(const PlaneSizes &sizes, BoundGradient &tile, BoundGradient *input, BoundGradient *weight,
            const LaunchContext &context)
      : sizes(sizes), tile(tile), input(input), weight(weight), context(context) {
    const std::vector<KernelSlot> &slots = tile.kernel.slots();
    planes = std::count_if(slots.begin(), slots.end(), isAccumulatorGradient);
  }
  Status run(int64_t bytes);

private:
  int64_t step(int64_t size, int64_t otherSize, int64_t bytes) const;
  Status allocate(int64_t rows, int64_t outputs);
  void bind(BoundGradient &gradient, const Block &block);
  Status runWhole();
  Status runRows(int64_t step);
  Status runOutputs(int64_t step);
  bool reduces() const;
  bool runsInParts() const;

  const PlaneSizes &sizes;
  BoundGradient &tile, *input, *weight;
  const LaunchContext &context;
  int64_t planes;
  LentMemory memory;
};

/// Rows (or outputs) of a block: a multiple of the reduction block, beyond which no bit depends on it.
int64_t Recompute::step(int64_t size, int64_t otherSize, int64_t bytes) const {
  int64_t perRow = std::max<int64_t>(1, planes * sizes.tiles * otherSize * int64_t(sizeof(float)));
  int64_t most = std::max(kReductionBlock, bytes / perRow / kReductionBlock * kReductionBlock);
  return std::min(most, std::max<int64_t>(size, 1));
}

Status Recompute::allocate(int64_t rows, int64_t outputs) {
  int64_t floats = planes * sizes.tiles * rows * outputs;
  memory = LentMemory(*context.memory, floats * int64_t(sizeof(float)));
  if (!memory)
    return Status::error("no memory for " + std::to_string(floats) + " gradients of accumulators");
  return Status::ok();
}

/// Lays the planes so that a kernel finds the block at its place: it adds row and output to the address.
void Recompute::bind(BoundGradient &gradient, const Block &block) {
  const std::vector<KernelSlot> &slots = gradient.kernel.slots();
  int64_t plane = block.rows() * block.outputs();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!isAccumulatorGradient(slots[i]))
      continue;
    auto address = reinterpret_cast<intptr_t>(memory.get());
    int64_t before = block.rowBegin * block.outputs() + block.outputBegin;
    address += (int64_t(planeNumber(slots[i])) * sizes.tiles * plane - before) * int64_t(sizeof(float));
    gradient.values[i].tensor = {reinterpret_cast<void *>(address),
                                 ElementType::F32,
                                 3,
                                 {sizes.tiles, sizes.rows, sizes.outputs},
                                 {plane, block.outputs(), 1}};
  }
}

/// True if @f_dz has results beside its planes.
bool Recompute::reduces() const {
  const std::vector<KernelSlot> &slots = tile.kernel.slots();
  return std::any_of(slots.begin(), slots.end(),
                     [](const KernelSlot &slot) { return slot.result && !isAccumulatorGradient(slot); });
}

bool Recompute::runsInParts() const {
  return tile.kernel.runsInParts() && (!input || input->kernel.runsInParts()) &&
         (!weight || weight->kernel.runsInParts());
}

Status Recompute::runWhole() {
  if (Status status = allocate(sizes.rows, sizes.outputs); !status)
    return status;
  for (BoundGradient *gradient : {&tile, input, weight}) {
    if (!gradient)
      continue;
    bind(*gradient, {0, sizes.rows, 0, sizes.outputs});
    if (Status status = gradient->kernel.launch(gradient->values.data(), gradient->output, context); !status)
      return status;
  }
  return Status::ok();
}

/// Blocks of rows: gradients of the accumulators, then of the inputs.
Status Recompute::runRows(int64_t step) {
  if (Status status = allocate(step, sizes.outputs); !status)
    return status;
  std::unique_ptr<PartLaunch> launches[2];
  BoundGradient *gradients[] = {&tile, input};
  for (int i : {0, 1})
    if (gradients[i])
      launches[i] = gradients[i]->kernel.begin(gradients[i]->output);
  for (int64_t row = 0; row < sizes.rows; row += step) {
    Block block{row, std::min(row + step, sizes.rows), 0, sizes.outputs};
    for (int i : {0, 1}) {
      if (!gradients[i])
        continue;
      bind(*gradients[i], block);
      OutputPart part{block.rowBegin, block.rowEnd, 0, gradients[i]->output.columns};
      if (Status status = launches[i]->run(gradients[i]->values.data(), part, context); !status)
        return status;
    }
  }
  for (int i : {0, 1})
    if (gradients[i])
      launches[i]->finish(gradients[i]->values.data());
  return Status::ok();
}

/// Blocks of outputs: gradients of the accumulators again, then of the weights.
Status Recompute::runOutputs(int64_t step) {
  if (Status status = allocate(sizes.rows, step); !status)
    return status;
  std::unique_ptr<PartLaunch> ofTile = tile.kernel.begin(tile.output), ofWeight = weight->kernel.begin(weight->output);
  for (int64_t output = 0; output < sizes.outputs; output += step) {
    Block block{0, sizes.rows, output, std::min(output + step, sizes.outputs)};
    bind(tile, block);
    bind(*weight, block);
    OutputPart planes{0, sizes.rows, block.outputBegin, block.outputEnd};
    if (Status status = ofTile->run(tile.values.data(), planes, context); !status)
      return status;
    OutputPart rows{block.outputBegin, block.outputEnd, 0, weight->output.columns};
    if (Status status = ofWeight->run(weight->values.data(), rows, context); !status)
      return status;
  }
  ofWeight->finish(weight->values.data());
  return Status::ok();
}

Status Recompute::run(int64_t bytes) {
  int64_t rows = step(sizes.rows, sizes.outputs, bytes), outputs = step(sizes.outputs, sizes.rows, bytes);
  if (rows >= sizes.rows || !runsInParts())
    return runWhole();
  // The reductions of @f_dz itself are finished with the rows.
  if (input || reduces())
    if (Status status = runRows(rows); !status)
      return status;
  return weight ? runOutputs(outputs) : Status::ok();
}

} // namespace

Status runRecompute(const PlaneSizes &sizes, BoundGradient &tile, BoundGradient *input, BoundGradient *weight,
                    const LaunchContext &context, int64_t bytes) {
  return Recompute(sizes, tile, input, weight, context).run(bytes);
}

} // namespace mho

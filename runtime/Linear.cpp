// The compiled linear layer on any backend: compiles its kernels on first use and binds tensors to their slots.
#include "runtime/Linear.h"

#include "dialect/IR/AnalogDialect.h"
#include "runtime/Backend.h"
#include "runtime/CacheKey.h"
#include "runtime/LayerStages.h"
#include "runtime/LinearModule.h"
#include "runtime/LinearShapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <mutex>

namespace mho {
namespace {

/// Forward for inference, forward that saves what the gradients need, and the gradients.
enum class Direction { Forward, ForwardSave, Input, Weight };

/// Every tensor that some kernel of a layer takes.
struct Tensors {
  TensorRef x, weight, bias, range, key, grad, y, saturation, row_range, dx, dweight, drange;
};

/// Where a slot's value comes from.
struct Source {
  TensorRef Tensors::*tensor = nullptr;
  Strength strength = nullptr;
};

/// A kernel with its slots resolved, so that a call looks nothing up by name.
struct BoundKernel {
  std::shared_ptr<const Kernel> code;
  std::vector<Source> sources; ///< of each slot
};

/// Bit i: the tensor kInputs[i] is strided.
using StridedInputs = uint32_t;

class CompiledLinear final : public Linear {
public:
  CompiledLinear(LinearSpec spec, Backend &backend) : spec(std::move(spec)), backend(backend) {}
  Status forward(const LinearForwardArgs &a, const ParallelFor &parallelFor) override;
  Status backward(const LinearBackwardArgs &a, const ParallelFor &parallelFor) override;

private:
  Expected<const BoundKernel *> kernel(Direction direction, StridedInputs strided);
  Status run(Direction direction, const Tensors &tensors, const LinearScalars &scalars, const KernelOutput &output,
             const ParallelFor &parallelFor);

  LinearSpec spec;
  Backend &backend;
  std::mutex mutex;
  std::map<std::pair<Direction, StridedInputs>, BoundKernel> kernels;
};

/// A tensor of a layer, by the name of its slot.
struct Named {
  const char *name;
  TensorRef Tensors::*tensor;
};

/// Arguments of kernels, which may have any strides, and results, which may not.
constexpr Named kInputs[] = {{"x", &Tensors::x},
                             {"weight", &Tensors::weight},
                             {"bias", &Tensors::bias},
                             {"range", &Tensors::range},
                             {"key", &Tensors::key},
                             {"grad", &Tensors::grad},
                             {"saturation", &Tensors::saturation},
                             {"row_range", &Tensors::row_range}};
constexpr Named kOutputs[] = {
    {"y", &Tensors::y}, {"dx", &Tensors::dx}, {"dweight", &Tensors::dweight}, {"drange", &Tensors::drange}};

/// The tensor that a slot name stands for; null for outputs nobody asked for (the counts beside a range gradient). What
/// forward saves for backward is a result there and an argument here.
TensorRef Tensors::*tensorNamed(llvm::StringRef name) {
  for (const Named &named : kInputs)
    if (name == named.name)
      return named.tensor;
  for (const Named &named : kOutputs)
    if (name == named.name)
      return named.tensor;
  return nullptr;
}

StridedInputs stridedInputs(const Tensors &tensors) {
  StridedInputs mask = 0;
  for (auto [i, named] : llvm::enumerate(kInputs)) {
    const TensorRef &t = tensors.*named.tensor;
    if (t.defined() && t.sizes[t.rank - 1] > 1 && t.strides[t.rank - 1] != 1)
      mask |= StridedInputs(1) << i;
  }
  return mask;
}

/// The same by slot.
std::vector<bool> stridedSlots(const std::vector<KernelSlot> &slots, StridedInputs mask) {
  std::vector<bool> strided(slots.size());
  for (auto [i, slot] : llvm::enumerate(slots))
    for (auto [bit, named] : llvm::enumerate(kInputs))
      if (!slot.result && slot.name == named.name)
        strided[i] = mask >> bit & 1;
  return strided;
}

/// Vectors over the tiles that a kernel may make beside what is asked for.
constexpr int64_t kMaxIgnored = 3;

/// Where the value of each slot comes from.
Expected<std::vector<Source>> sourcesOf(const std::vector<KernelSlot> &slots) {
  std::vector<Source> sources;
  for (const KernelSlot &slot : slots) {
    Source source{slot.scalar ? nullptr : tensorNamed(slot.name), slot.scalar ? strengthNamed(slot.name) : nullptr};
    if (slot.scalar && !source.strength)
      return Status::error("the kernel takes a strength '" + slot.name + "' that the layer does not have");
    sources.push_back(source);
  }
  return sources;
}

/// The kernel of one direction: the layer's stages in a module of its own context, then the backend's.
Expected<BoundKernel> compile(const LinearSpec &spec, Backend &backend, Direction direction, StridedInputs strided) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  ModuleArtifact artifact(buildLinearModule(context, spec));
  bool gradients = direction == Direction::Input || direction == Direction::Weight;
  LayerOptions options{direction != Direction::Forward, gradients};
  // One layer's forward kernels differ by what they save: units of their own.
  std::string unit = unitName(kLinearFunction, artifact.text() + std::to_string(options.saveForBackward) +
                                                   std::to_string(options.gradients));
  if (Status status = runStages(unit, artifact, layerStages(artifact, options),
                                StageOptions::from(**knobs, allStages(backend.stages())));
      !status)
    return status;
  std::string name = kLinearFunction;
  if (gradients)
    name += direction == Direction::Input ? "_dx" : "_dw";
  auto function = artifact.mlirModule->lookupSymbol<mlir::func::FuncOp>(name);
  if (!function)
    return Status::error("no function @" + name + " in what the layer's compile stages gave");
  auto code = backend.compile(function, stridedSlots(kernelSlots(function), strided));
  if (!code)
    return code.error();
  Expected<std::vector<Source>> sources = sourcesOf((*code)->slots());
  if (!sources)
    return sources.error();
  return BoundKernel{std::move(*code), std::move(*sources)};
}

} // namespace

Expected<const BoundKernel *> CompiledLinear::kernel(Direction direction, StridedInputs strided) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = kernels.find({direction, strided});
  if (it == kernels.end()) {
    Expected<BoundKernel> compiled = compile(spec, backend, direction, strided);
    if (!compiled)
      return compiled.error();
    it = kernels.emplace(std::make_pair(direction, strided), std::move(*compiled)).first;
  }
  return const_cast<const BoundKernel *>(&it->second);
}

Status CompiledLinear::run(Direction direction, const Tensors &tensors, const LinearScalars &scalars,
                           const KernelOutput &output, const ParallelFor &parallelFor) {
  Expected<const BoundKernel *> bound = kernel(direction, stridedInputs(tensors));
  if (!bound)
    return bound.error();
  // The counts beside a range gradient are results of the kernel that nobody reads; they are small.
  llvm::SmallVector<float, 64> ignored(kMaxIgnored * output.tiles.count());
  float *nextIgnored = ignored.data();
  llvm::SmallVector<SlotValue, 24> values;
  for (size_t i = 0; i < (*bound)->sources.size(); ++i) {
    const Source &source = (*bound)->sources[i];
    const KernelSlot &slot = (*bound)->code->slots()[i];
    SlotValue &value = values.emplace_back();
    if (source.strength) {
      value.scalar = scalars.*source.strength;
    } else if (source.tensor && (tensors.*source.tensor).defined()) {
      value.tensor = tensors.*source.tensor;
      value.discard = !value.tensor.data && source.tensor == &Tensors::dx;
    } else if (slot.result && slot.rank == 1) {
      value.tensor = {nextIgnored, slot.type, 1, {output.tiles.count()}, {1}};
      nextIgnored += output.tiles.count();
    }
  }
  return (*bound)->code->launch(values.data(), output, {parallelFor});
}

/// The output of a kernel of this layer.
static KernelOutput outputOf(const LinearSpec &spec, const LinearSizes &sizes, Direction direction) {
  InputTiles tiles{sizes.inputs, spec.tileRows, spec.tiling == TilingKind::Fixed};
  switch (direction) {
  case Direction::Input:
    return {sizes.rows, sizes.tiles, true, tiles};
  case Direction::Weight:
    return {sizes.outputs, sizes.tiles, true, tiles};
  default:
    return {sizes.rows, sizes.outputs, false, tiles};
  }
}

Status CompiledLinear::forward(const LinearForwardArgs &a, const ParallelFor &parallelFor) {
  Expected<LinearSizes> sizes = checkForward(spec, a);
  if (!sizes)
    return sizes.error();
  Tensors t;
  t.x = a.x, t.weight = a.weight, t.bias = a.bias, t.range = a.range, t.key = a.key;
  t.y = a.y, t.saturation = a.saturation, t.row_range = a.rowRange;
  Direction direction = a.saturation.defined() || a.rowRange.defined() ? Direction::ForwardSave : Direction::Forward;
  return run(direction, t, a.scalars, outputOf(spec, *sizes, direction), parallelFor);
}

Status CompiledLinear::backward(const LinearBackwardArgs &a, const ParallelFor &parallelFor) {
  Expected<LinearSizes> sizes = checkBackward(spec, a);
  if (!sizes)
    return sizes.error();
  Tensors t;
  t.grad = a.grad, t.x = a.x, t.weight = a.weight, t.range = a.range, t.key = a.key;
  t.saturation = a.saturation, t.row_range = a.rowRange, t.dx = a.dx, t.dweight = a.dweight, t.drange = a.drange;
  if (a.dbias.defined())
    if (Status status = backend.sumColumns(a.grad, a.dbias, {parallelFor}); !status)
      return status;
  if (a.dweight.defined())
    if (Status status = run(Direction::Weight, t, a.scalars, outputOf(spec, *sizes, Direction::Weight), parallelFor);
        !status)
      return status;
  if (!a.dx.defined() && !a.drange.defined())
    return Status::ok();
  // The range gradient is made from the input gradient's elements, wanted or not.
  if (!a.dx.defined())
    t.dx = {nullptr, ElementType::F32, 2, {sizes->rows, sizes->inputs}, {sizes->inputs, 1}};
  return run(Direction::Input, t, a.scalars, outputOf(spec, *sizes, Direction::Input), parallelFor);
}

Expected<std::shared_ptr<Linear>> Linear::get(const LinearSpec &spec, const std::string &backend) {
  if (std::string problem = spec.validate(); !problem.empty())
    return Status::error("the layer's spec makes no sense: " + problem);
  Expected<Backend *> found = Backend::get(backend);
  if (!found)
    return found.error();
  if (std::string reason = (*found)->unavailable(); !reason.empty())
    return Status::error("the backend '" + backend + "' is not available: " + reason);
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::string>, std::shared_ptr<Linear>> layers;
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<Linear> &layer = layers[{backend, spec.canonical()}];
  if (!layer)
    layer = std::make_shared<CompiledLinear>(spec, **found);
  return layer;
}

} // namespace mho

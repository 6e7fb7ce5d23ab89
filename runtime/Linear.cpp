// The compiled linear layer on any backend: compiles its kernels on first use and binds tensors to their slots.
#include "runtime/Linear.h"

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Transforms/SoleKernel.h"
#include "runtime/Backend.h"
#include "runtime/CacheKey.h"
#include "runtime/LayerStages.h"
#include "runtime/LinearModule.h"
#include "runtime/LinearSlots.h"
#include "runtime/Recompute.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <memory>
#include <mutex>

namespace mho {
namespace {

/// Forward for inference, forward that saves what the gradients need, and the gradients: of the accumulators of tiles
/// where they are computed again, of the inputs, of the weights; and the statistics of the weights that these need.
enum class Direction { Forward, ForwardSave, Tile, Input, Weight, Statistics };

/// Where a slot's value comes from.
struct Source {
  int tensor = -1; ///< of LinearSlots; -1: a strength, or a result that nobody asks for
  Strength strength;
  llvm::SmallVector<analog::Axis, 2> over; ///< axes of a result
};

/// A kernel with its slots resolved, so that a call looks nothing up by name.
struct BoundKernel {
  std::shared_ptr<const Kernel> code;
  std::vector<Source> sources; ///< of each slot
};

/// The strengths of a call.
struct Strengths {
  const LinearScalars &builtIn;
  const std::vector<float> &effects;
  float operator[](const Strength &s) const { return s.field ? builtIn.*s.field : effects[s.effect]; }
};

struct Call;

/// Which kernels of the gradients a call needs.
struct Wanted {
  bool tile = false, input = false, weight = false;
};

class CompiledLinear final : public Linear {
public:
  CompiledLinear(const LinearSpec &spec, Backend &backend) : spec(spec), slots(spec), backend(backend) {
    for (const EffectStrength &strength : spec.effectStrengths())
      usualStrengths.push_back(strength.value);
  }
  Status forward(const LinearForwardArgs &a, const LaunchContext &context) override;
  Status backward(const LinearBackwardArgs &a, const LaunchContext &context) override;

private:
  Expected<const BoundKernel *> kernel(Direction direction, const TensorList &tensors);
  Expected<bool> recomputes(const TensorList &tensors);
  Expected<BoundGradient> bind(Direction direction, Call &call);
  Status run(Direction direction, Call &call);
  Status runRecomputed(Call &call, const Wanted &wanted);
  Status addHomes(const LinearBackwardArgs &a, const TensorList &tensors, bool recomputed, Wanted &wanted);
  Status takeStatistics(TensorList &tensors, const Call &call, std::vector<LentMemory> &memory);

  LinearSpec spec;
  LinearSlots slots;
  std::vector<float> usualStrengths;
  Backend &backend;
  std::mutex mutex;
  std::map<std::pair<Direction, StridedTensors>, BoundKernel> kernels;
};

/// Where the value of each slot comes from.
Expected<std::vector<Source>> sourcesOf(const LinearSpec &spec, const LinearSlots &tensors,
                                        const std::vector<KernelSlot> &slots, analog::TiledMvmOp kernel) {
  std::vector<Source> sources;
  unsigned result = 0;
  for (const KernelSlot &slot : slots) {
    Source source;
    if (slot.scalar)
      source.strength = strengthNamed(spec, slot.name);
    else
      source.tensor = tensors.tensorNamed(slot.name);
    if (slot.scalar && !source.strength)
      return Status::error("the kernel takes a strength '" + slot.name + "' that the layer does not have");
    if (slot.result)
      source.over = llvm::SmallVector<analog::Axis, 2>(kernel.getResultSpec(result++).getOver().getAxes());
    sources.push_back(std::move(source));
  }
  return sources;
}

/// Which slots are strided, by slot.
std::vector<bool> stridedSlots(const LinearSlots &tensors, const std::vector<KernelSlot> &slots, StridedTensors mask) {
  std::vector<bool> strided(slots.size());
  for (auto [i, slot] : llvm::enumerate(slots))
    if (!slot.result)
      strided[i] = mask & tensors.bitOf(tensors.tensorNamed(slot.name));
  return strided;
}

/// What analog-differentiate adds to the name of a layer's function.
const char *suffixOf(Direction direction) {
  switch (direction) {
  case Direction::Tile:
    return "_dz";
  case Direction::Input:
    return "_dx";
  case Direction::Weight:
    return "_dw";
  case Direction::Statistics:
    return "_stats";
  default:
    return "";
  }
}

/// The kernel of one direction: the layer's stages in a module of its own context, then the backend's.
Expected<BoundKernel> compile(const LinearSpec &spec, const LinearSlots &tensors, Backend &backend, Direction direction,
                              StridedTensors strided) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = buildLinearModule(context, spec);
  if (!module)
    return module.error();
  ModuleArtifact artifact(std::move(*module));
  const char *suffix = suffixOf(direction);
  bool gradients = *suffix;
  LayerOptions options{direction != Direction::Forward, gradients};
  // One layer's forward kernels differ by what they save: units of their own.
  std::string unit = unitName(kLinearFunction, artifact.text() + std::to_string(options.saveForBackward) +
                                                   std::to_string(options.gradients));
  if (Status status = runStages(unit, artifact, layerStages(artifact, options),
                                StageOptions::from(**knobs, allStages(backend.stages())));
      !status)
    return status;
  std::string name = std::string(kLinearFunction) + suffix;
  auto function = artifact.mlirModule->lookupSymbol<mlir::func::FuncOp>(name);
  std::string why = "it is not there";
  analog::TiledMvmOp fused = function ? analog::soleKernel(function, why) : analog::TiledMvmOp();
  if (!fused)
    return Status::error("no kernel @" + name + " in what the layer's compile stages gave: " + why);
  auto code = backend.compile(function, stridedSlots(tensors, kernelSlots(function), strided));
  if (!code)
    return code.error();
  Expected<std::vector<Source>> sources = sourcesOf(spec, tensors, (*code)->slots(), fused);
  if (!sources)
    return sources.error();
  return BoundKernel{std::move(*code), std::move(*sources)};
}

/// Memory for results that nobody asks for, the counts beside a parameter's gradient among them: as large as the
/// parameter, a vector over the tiles for a range.
class Ignored {
public:
  Ignored(const LinearSizes &sizes, KernelMemory &lender) : sizes(sizes), lender(lender) {}
  Expected<TensorRef> add(const KernelSlot &slot, llvm::ArrayRef<analog::Axis> over) {
    TensorRef t{nullptr, slot.type, slot.rank, {}, {}};
    int64_t count = 1;
    for (int i = slot.rank - 1; i >= 0; --i) {
      t.strides[i] = count;
      t.sizes[i] = sizeOf(over[i]);
      count *= t.sizes[i];
    }
    t.data = memory.emplace_back(lender, count * bytesOf(slot.type)).get();
    if (!t.data)
      return Status::error("no memory for " + std::to_string(count) + " elements of '" + slot.name + "'");
    return t;
  }

private:
  int64_t sizeOf(analog::Axis axis) const {
    switch (axis) {
    case analog::Axis::T:
      return sizes.tiles;
    case analog::Axis::M:
      return sizes.rows;
    case analog::Axis::N:
      return sizes.outputs;
    case analog::Axis::K:
      return sizes.inputs;
    }
    llvm_unreachable("all axes are listed");
  }
  const LinearSizes &sizes;
  KernelMemory &lender;
  std::vector<LentMemory> memory;
};

/// The output of a kernel of this layer.
KernelOutput outputOf(const LinearSpec &spec, const LinearSizes &sizes, Direction direction) {
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

/// A gradient that nobody asks for where its kernel makes another: it takes no memory of its size.
TensorRef discarded(ElementType storage, int64_t rows, int64_t inputs) {
  return {nullptr, storage, 2, {rows, inputs}, {inputs, 1}};
}

/// What the kernels of one call share.
struct Call {
  const TensorList &tensors;
  const Strengths strengths;
  const LinearSizes &sizes;
  const LaunchContext &context;
  Ignored ignored{sizes, *context.memory};
};

} // namespace

Expected<const BoundKernel *> CompiledLinear::kernel(Direction direction, const TensorList &tensors) {
  StridedTensors strided = slots.stridedOf(tensors);
  std::lock_guard<std::mutex> lock(mutex);
  auto it = kernels.find({direction, strided});
  if (it == kernels.end()) {
    Expected<BoundKernel> compiled = compile(spec, slots, backend, direction, strided);
    if (!compiled)
      return compiled.error();
    it = kernels.emplace(std::make_pair(direction, strided), std::move(*compiled)).first;
  }
  return const_cast<const BoundKernel *>(&it->second);
}

/// True if the gradients need the accumulators of tiles again: only an effect on the tile may make them so.
Expected<bool> CompiledLinear::recomputes(const TensorList &tensors) {
  if (llvm::none_of(spec.effects, [](const EffectUse &use) { return use.effect->site == EffectSite::Tile; }))
    return false;
  Expected<const BoundKernel *> bound = kernel(Direction::Input, tensors);
  if (!bound)
    return bound.error();
  return llvm::any_of((*bound)->code->slots(), isAccumulatorGradient);
}

/// A kernel with the values of its slots, but for the gradients of accumulators.
Expected<BoundGradient> CompiledLinear::bind(Direction direction, Call &call) {
  Expected<const BoundKernel *> found = kernel(direction, call.tensors);
  if (!found)
    return found.error();
  const BoundKernel &bound = **found;
  BoundGradient result{*bound.code, {}, outputOf(spec, call.sizes, direction)};
  for (auto [source, slot] : llvm::zip_equal(bound.sources, bound.code->slots())) {
    SlotValue &value = result.values.emplace_back();
    if (source.strength) {
      value.scalar = call.strengths[source.strength];
    } else if (source.tensor >= 0 && call.tensors[source.tensor].defined()) {
      value.tensor = call.tensors[source.tensor];
      value.discard = !value.tensor.data && (source.tensor == LinearSlots::Dx || source.tensor == LinearSlots::Dweight);
    } else if (slot.result && !isAccumulatorGradient(slot)) {
      Expected<TensorRef> ignored = call.ignored.add(slot, source.over);
      if (!ignored)
        return ignored.error();
      value.tensor = *ignored;
    }
  }
  return result;
}

Status CompiledLinear::run(Direction direction, Call &call) {
  Expected<BoundGradient> bound = bind(direction, call);
  return bound ? bound->kernel.launch(bound->values.data(), bound->output, call.context) : bound.error();
}

Status CompiledLinear::runRecomputed(Call &call, const Wanted &wanted) {
  Expected<BoundGradient> tile = bind(Direction::Tile, call);
  if (!tile)
    return tile.error();
  std::optional<BoundGradient> gradients[2];
  for (auto [i, direction, isWanted] :
       {std::tuple(0, Direction::Input, wanted.input), {1, Direction::Weight, wanted.weight}}) {
    if (!isWanted)
      continue;
    Expected<BoundGradient> bound = bind(direction, call);
    if (!bound)
      return bound.error();
    gradients[i].emplace(std::move(*bound));
  }
  auto pointerTo = [](std::optional<BoundGradient> &gradient) { return gradient ? &*gradient : nullptr; };
  return runRecompute({call.sizes.tiles, call.sizes.rows, call.sizes.outputs}, *tile, pointerTo(gradients[0]),
                      pointerTo(gradients[1]), call.context);
}

Status CompiledLinear::forward(const LinearForwardArgs &a, const LaunchContext &context) {
  Expected<LinearSizes> sizes = checkForward(spec, a);
  if (!sizes)
    return sizes.error();
  Direction direction = a.saturation.defined() || a.rowRange.defined() ? Direction::ForwardSave : Direction::Forward;
  TensorList t = slots.forward(a);
  Call call{t, {a.scalars, a.effectStrengths.empty() ? usualStrengths : a.effectStrengths}, *sizes, context};
  return run(direction, call);
}

/// Adds the kernels that make the gradients of effects' tensors that are asked for.
Status CompiledLinear::addHomes(const LinearBackwardArgs &a, const TensorList &tensors, bool recomputed,
                                Wanted &wanted) {
  for (size_t i = 0; i < a.deffects.size(); ++i) {
    if (!a.deffects[i].defined())
      continue;
    bool found = false;
    for (auto [direction, isWanted] : {std::pair(Direction::Tile, &wanted.tile),
                                       {Direction::Input, &wanted.input},
                                       {Direction::Weight, &wanted.weight}}) {
      if (direction == Direction::Tile && !recomputed)
        continue;
      Expected<const BoundKernel *> bound = kernel(direction, tensors);
      if (!bound)
        return bound.error();
      bool here = llvm::any_of((*bound)->sources, [&](const Source &s) { return s.tensor == slots.gradientOf(i); });
      *isWanted |= here;
      found |= here;
    }
    if (!found)
      return Status::error("no kernel of the layer makes the gradient of '" + effectTensors(spec.effects)[i].name +
                           "'");
  }
  return Status::ok();
}

/// The statistics of the weight that @f_dw reads, in `memory`: taken again, by a kernel that needs no rows of x.
Status CompiledLinear::takeStatistics(TensorList &tensors, const Call &call, std::vector<LentMemory> &memory) {
  Expected<const BoundKernel *> bound = kernel(Direction::Weight, tensors);
  if (!bound)
    return bound.error();
  for (auto [source, slot] : llvm::zip_equal((*bound)->sources, (*bound)->code->slots())) {
    if (source.tensor != LinearSlots::WeightRange && source.tensor != LinearSlots::WeightRange2)
      continue;
    int64_t outputs = slot.rank == 2 ? call.sizes.outputs : 1, count = call.sizes.tiles * outputs;
    memory.emplace_back(*call.context.memory, count * int64_t(sizeof(float)));
    if (!memory.back())
      return Status::error("no memory for " + std::to_string(count) + " largest weights");
    tensors[source.tensor] = {
        memory.back().get(), ElementType::F32, slot.rank, {call.sizes.tiles, outputs}, {outputs, 1}};
  }
  if (memory.empty())
    return Status::ok();
  TensorList withoutRows = tensors;
  withoutRows[LinearSlots::X].sizes[0] = 0;
  LinearSizes sizes = call.sizes;
  sizes.rows = 0;
  Call ofStatistics{withoutRows, call.strengths, sizes, call.context};
  return run(Direction::Statistics, ofStatistics);
}

Status CompiledLinear::backward(const LinearBackwardArgs &a, const LaunchContext &context) {
  Expected<LinearSizes> sizes = checkBackward(spec, a);
  if (!sizes)
    return sizes.error();
  TensorList t = slots.backward(a);
  if (a.dbias.defined())
    if (Status status = backend.sumColumns(a.grad, a.dbias, context); !status)
      return status;
  Expected<bool> recomputed = recomputes(t);
  if (!recomputed)
    return recomputed.error();
  // Gradients of parameters are made from the elements of another's, wanted or not.
  Wanted wanted{false, a.dx.defined() || a.drange.defined(), a.dweight.defined()};
  if (Status status = addHomes(a, t, *recomputed, wanted); !status)
    return status;
  if (!a.dx.defined())
    t[LinearSlots::Dx] = discarded(spec.storage, sizes->rows, sizes->inputs);
  if (!a.dweight.defined())
    t[LinearSlots::Dweight] = discarded(spec.storage, sizes->outputs, sizes->inputs);
  Call call{t, {a.scalars, a.effectStrengths.empty() ? usualStrengths : a.effectStrengths}, *sizes, context};
  std::vector<LentMemory> statistics;
  if (wanted.weight)
    if (Status status = takeStatistics(t, call, statistics); !status)
      return status;
  if (*recomputed)
    return wanted.tile || wanted.input || wanted.weight ? runRecomputed(call, wanted) : Status::ok();
  if (wanted.weight)
    if (Status status = run(Direction::Weight, call); !status)
      return status;
  return wanted.input ? run(Direction::Input, call) : Status::ok();
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

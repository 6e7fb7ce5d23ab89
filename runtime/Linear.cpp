// The compiled linear layer on any backend: compiles its kernels on first use and binds tensors to their slots.
#include "runtime/Linear.h"

#include "dialect/Transforms/Passes.h"
#include "runtime/Backend.h"
#include "runtime/LinearModule.h"
#include "runtime/LinearShapes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

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
  CompiledKernel code;
  std::vector<Source> sources; ///< of each slot
};

class CompiledLinear final : public Linear {
public:
  CompiledLinear(LinearSpec spec, Backend &backend) : spec(std::move(spec)), backend(backend) {}
  Status forward(const LinearForwardArgs &a, const ParallelFor &parallelFor) override;
  Status backward(const LinearBackwardArgs &a, const ParallelFor &parallelFor) override;

private:
  Expected<const BoundKernel *> kernel(Direction direction, uint32_t strided);
  Status run(Direction direction, const Tensors &tensors, const LinearScalars &scalars, const KernelOutput &output,
             const ParallelFor &parallelFor);

  LinearSpec spec;
  Backend &backend;
  std::mutex mutex;
  std::map<std::pair<Direction, uint32_t>, BoundKernel> kernels;
};

/// The tensor that a slot name stands for; null for outputs nobody asked for (the counts beside a range gradient).
TensorRef Tensors::*tensorNamed(llvm::StringRef name) {
  static const llvm::StringMap<TensorRef Tensors::*> members{
      {"x", &Tensors::x},
      {"weight", &Tensors::weight},
      {"bias", &Tensors::bias},
      {"range", &Tensors::range},
      {"key", &Tensors::key},
      {"grad", &Tensors::grad},
      {"saturation", &Tensors::saturation},
      {"row_range", &Tensors::row_range},
      {"y", &Tensors::y},
      {"dx", &Tensors::dx},
      {"dweight", &Tensors::dweight},
      {"drange", &Tensors::drange},
  };
  return members.lookup(name);
}

/// Vectors over the tiles that a kernel may make beside what is asked for.
constexpr int64_t kMaxIgnored = 3;

/// The fused function of one direction, in a module of its own context.
Expected<BoundKernel> compile(const LinearSpec &spec, Backend &backend, Direction direction, uint32_t strided) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = buildLinearModule(context, spec);
  mlir::PassManager passes(&context);
  analog::AnalogFusePassOptions options;
  options.saveForBackward = direction != Direction::Forward;
  passes.addPass(analog::createAnalogFusePass(options));
  if (direction == Direction::Input || direction == Direction::Weight)
    passes.addPass(analog::createAnalogDifferentiatePass());
  if (failed(passes.run(*module)))
    return Status::error("the layer '" + spec.canonical() + "' could not be fused or differentiated");
  std::string name = kLinearFunction;
  if (direction == Direction::Input || direction == Direction::Weight)
    name += direction == Direction::Input ? "_dx" : "_dw";
  Expected<CompiledKernel> code = backend.compile(module->lookupSymbol<mlir::func::FuncOp>(name), strided);
  if (!code)
    return code.error();
  BoundKernel bound{std::move(*code), {}};
  for (const KernelSlot &slot : bound.code.slots) {
    Source source{slot.scalar ? nullptr : tensorNamed(slot.name), slot.scalar ? strengthNamed(slot.name) : nullptr};
    if (slot.scalar && !source.strength)
      return Status::error("the kernel takes a strength '" + slot.name + "' that the layer does not have");
    bound.sources.push_back(source);
  }
  return bound;
}

} // namespace

Expected<const BoundKernel *> CompiledLinear::kernel(Direction direction, uint32_t strided) {
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
  Expected<const BoundKernel *> bound = kernel(direction, 0);
  if (!bound)
    return bound.error();
  // The counts beside a range gradient are results of the kernel that nobody reads; they are small.
  llvm::SmallVector<float, 64> ignored(kMaxIgnored * output.tiles);
  float *nextIgnored = ignored.data();
  llvm::SmallVector<SlotValue, 24> values;
  for (size_t i = 0; i < (*bound)->sources.size(); ++i) {
    const Source &source = (*bound)->sources[i];
    const KernelSlot &slot = (*bound)->code.slots[i];
    SlotValue &value = values.emplace_back();
    if (source.strength) {
      value.scalar = scalars.*source.strength;
    } else if (source.tensor && (tensors.*source.tensor).defined()) {
      value.tensor = tensors.*source.tensor;
      value.discard = !value.tensor.data && source.tensor == &Tensors::dx;
    } else if (slot.result && slot.rank == 1) {
      value.tensor = {nextIgnored, slot.type, 1, {output.tiles}, {1}};
      nextIgnored += output.tiles;
    }
  }
  if (uint32_t strided = stridedSlots((*bound)->code, values.data())) {
    bound = kernel(direction, strided);
    if (!bound)
      return bound.error();
  }
  return backend.launch((*bound)->code, values.data(), output, parallelFor);
}

Status CompiledLinear::forward(const LinearForwardArgs &a, const ParallelFor &parallelFor) {
  Expected<LinearSizes> sizes = checkForward(spec, a);
  if (!sizes)
    return sizes.error();
  Tensors t;
  t.x = a.x, t.weight = a.weight, t.bias = a.bias, t.range = a.range, t.key = a.key;
  t.y = a.y, t.saturation = a.saturation, t.row_range = a.rowRange;
  Direction direction = a.saturation.defined() || a.rowRange.defined() ? Direction::ForwardSave : Direction::Forward;
  return run(direction, t, a.scalars, {sizes->rows, sizes->outputs, false, sizes->tiles}, parallelFor);
}

Status CompiledLinear::backward(const LinearBackwardArgs &a, const ParallelFor &parallelFor) {
  Expected<LinearSizes> sizes = checkBackward(spec, a);
  if (!sizes)
    return sizes.error();
  Tensors t;
  t.grad = a.grad, t.x = a.x, t.weight = a.weight, t.range = a.range, t.key = a.key;
  t.saturation = a.saturation, t.row_range = a.rowRange, t.dx = a.dx, t.dweight = a.dweight, t.drange = a.drange;
  if (a.dbias.defined())
    if (Status status = backend.sumColumns(a.grad, a.dbias, parallelFor); !status)
      return status;
  if (a.dweight.defined())
    if (Status status =
            run(Direction::Weight, t, a.scalars, {sizes->outputs, sizes->tiles, true, sizes->tiles}, parallelFor);
        !status)
      return status;
  if (!a.dx.defined() && !a.drange.defined())
    return Status::ok();
  // The range gradient is made from the input gradient's elements, wanted or not.
  if (!a.dx.defined())
    t.dx = {nullptr, ElementType::F32, 2, {sizes->rows, sizes->inputs}, {sizes->inputs, 1}};
  return run(Direction::Input, t, a.scalars, {sizes->rows, sizes->tiles, true, sizes->tiles}, parallelFor);
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

#include "frontends/cli/run/LayerRun.h"

#include "lowering/AnalogToVector/AnalogToVector.h"
#include "runtime/CacheKey.h"
#include "runtime/LayerStages.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::cli {

using reference::Tensor;

namespace {

/// Compiles a module that holds a copy of the function through a layer's own stages.
Expected<OwningOpRef<ModuleOp>> runLayerStages(Backend &backend, func::FuncOp function, const LayerOptions &layer) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  ModuleArtifact artifact(moduleOf(function));
  // With and without gradients the stages give different results: units of their own.
  std::string unit = unitName(function.getName().str(), artifact.text() + std::to_string(layer.gradients));
  StageOptions options = StageOptions::from(**knobs, allStages(backend.stages()));
  if (Status status = runStages(unit, artifact, layerStages(artifact, layer), options); !status)
    return status;
  return std::move(artifact.mlirModule);
}

/// Adds to a gradient: an argument may be used in more than one place, as both factors for one.
void addTo(std::optional<Tensor> &sum, const Tensor &gradient) {
  if (!sum) {
    sum = gradient;
    return;
  }
  for (auto [total, value] : llvm::zip(sum->reals, gradient.reals))
    total = float(total) + float(value);
}

} // namespace

Expected<std::unique_ptr<LayerRun>> LayerRun::make(Backend &backend, func::FuncOp function,
                                                   const std::vector<Tensor> &inputs, bool gradients,
                                                   const CallOptions &options) {
  std::unique_ptr<LayerRun> run(new LayerRun(backend, inputs, options));
  run->name = function.getName().str();
  run->argumentCount = function.getNumArguments();
  for (auto accumulate : function.getOps<AccumulateOp>())
    if (auto bias = dyn_cast_or_null<BlockArgument>(accumulate.getBias()))
      run->biasArgument = bias.getArgNumber();
  Expected<OwningOpRef<ModuleOp>> module =
      runLayerStages(backend, function, {/*saveForBackward=*/gradients, /*gradients=*/gradients});
  if (!module)
    return module.error();
  run->module = std::move(*module);
  if (options.schedule)
    run->module->walk([&](TiledMvmOp kernel) { kernel->setAttr(lowering::kScheduleAttr, options.schedule); });
  auto forward = run->module->lookupSymbol<func::FuncOp>(run->name);
  if (!forward)
    return Status::error("no function @" + run->name + " in what the layer's compile stages gave");
  Expected<std::unique_ptr<KernelRun>> kernel = KernelRun::make(backend, forward, inputs, options);
  if (!kernel)
    return kernel.error();
  run->forwardKernel = std::move(*kernel);
  return run;
}

Expected<std::vector<Tensor>> LayerRun::runKernel(KernelRun &kernel) {
  if (Status status = kernel.run(); !status)
    return status;
  return kernel.results();
}

Expected<std::vector<Tensor>> LayerRun::forward() {
  Expected<std::vector<Tensor>> results = runKernel(*forwardKernel);
  if (results)
    saved.assign(results->begin() + 1, results->end());
  return results;
}

/// A kernel of the gradients: of what `first` holds, the layer's inputs and `last`.
Expected<std::unique_ptr<KernelRun>> LayerRun::makeKernel(const std::string &suffix, std::vector<Tensor> first,
                                                          const std::vector<Tensor> &last) {
  auto function = module->lookupSymbol<func::FuncOp>(name + suffix);
  if (!function)
    return Status::error("@" + name + " has no gradients: it is no forward kernel");
  CallOptions withFirst = options; // whose strides are those of the layer's inputs
  withFirst.strides.insert(withFirst.strides.begin(), first.size(), Strides());
  first.insert(first.end(), inputs.begin(), inputs.end());
  first.insert(first.end(), last.begin(), last.end());
  return KernelRun::make(backend, function, first, withFirst);
}

Status LayerRun::compileGradients(const Tensor &outputGradient) {
  std::vector<Tensor> first{outputGradient}, last = saved;
  auto add = [&](const std::string &suffix) -> Expected<std::vector<Tensor>> {
    Expected<std::unique_ptr<KernelRun>> made = makeKernel(suffix, first, last);
    if (!made)
      return made.error();
    gradientKernels.emplace_back(suffix, std::move(*made));
    return runKernel(*gradientKernels.back().second);
  };
  // Where the end of a tile needs its accumulators, the others take their gradients in place of that of the output.
  if (auto function = module->lookupSymbol<func::FuncOp>(name + "_dz")) {
    Expected<std::vector<Tensor>> results = add("_dz");
    if (!results)
      return results.error();
    auto kernel = *function.getOps<TiledMvmOp>().begin();
    first.clear();
    for (int64_t i : kernel.getResultsOf({ResultKind::Planes}))
      first.push_back((*results)[i]);
  }
  if (Expected<std::vector<Tensor>> results = add("_dx"); !results)
    return results.error();
  // Where the derivative of the weight needs statistics of it, a kernel of their own gives them.
  if (module->lookupSymbol(name + "_stats")) {
    std::vector<Tensor> gradient;
    std::swap(first, gradient);
    last.clear();
    Expected<std::vector<Tensor>> results = add("_stats");
    if (!results)
      return results.error();
    std::swap(first, gradient);
    last = saved;
    last.insert(last.end(), results->begin(), results->end());
  }
  Expected<std::vector<Tensor>> results = add("_dw");
  return results ? Status::ok() : results.error();
}

Expected<std::vector<std::optional<Tensor>>> LayerRun::backward(const Tensor &outputGradient) {
  if (gradientKernels.empty())
    if (Status status = compileGradients(outputGradient); !status)
      return status;
  std::vector<std::optional<Tensor>> gradients(argumentCount);
  for (auto &[suffix, kernel] : gradientKernels) {
    Expected<std::vector<Tensor>> results = runKernel(*kernel);
    if (!results)
      return results.error();
    auto function = module->lookupSymbol<func::FuncOp>(name + suffix);
    for (auto [i, result] : llvm::enumerate(*results))
      if (auto argument = function.getResultAttrOfType<IntegerAttr>(i, AnalogDialect::kGradientAttr))
        addTo(gradients[argument.getInt()], result);
  }
  if (biasArgument) {
    std::vector<float> rows(outputGradient.reals.begin(),
                            outputGradient.reals.end()); // those of 16 bits are floats too
    int64_t count = outputGradient.shape[0], columns = outputGradient.shape[1];
    std::vector<float> sums(columns);
    TensorRef grad{rows.data(), ElementType::F32, 2, {count, columns}, {columns, 1}};
    TensorRef out{sums.data(), ElementType::F32, 1, {columns}, {1}};
    if (Status status = backend.sumColumns(grad, out, {}); !status)
      return status;
    addTo(gradients[*biasArgument], Tensor::of({columns}, {sums.begin(), sums.end()}));
  }
  return gradients;
}

Status LayerRun::run() {
  if (Status status = forwardKernel->run(); !status)
    return status;
  for (auto &[suffix, kernel] : gradientKernels)
    if (Status status = kernel->run(); !status)
      return status;
  return Status::ok();
}

} // namespace mho::cli

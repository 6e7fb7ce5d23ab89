#include "runtime/CpuCompiler.h"

#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/AnalogToVector/Partials.h"
#include "runtime/Backend.h"
#include "runtime/CachedCompile.h"
#include "runtime/CpuArtifact.h"
#include "runtime/LayerStages.h"

#include "dialect/IR/AnalogDialect.h"

#include <cstdlib>

using namespace mlir;
using namespace mho::analog;

namespace mho {
namespace {

/// What the cache keeps of a kernel beside its object.
struct KernelPayload {
  int64_t workspaceBytes = 0;
  std::string object;

  std::string encode() const { return std::to_string(workspaceBytes) + "\n" + object; }
  static KernelPayload decode(const std::string &text) {
    size_t line = text.find('\n');
    return {std::strtoll(text.c_str(), nullptr, 10), text.substr(line + 1)};
  }
};

/// How the partial sums of the function's kernel lie.
std::vector<lowering::PartialShape> reductionsOf(func::FuncOp function) {
  std::vector<lowering::PartialShape> shapes;
  function.walk([&](TiledMvmOp kernel) {
    for (int64_t i : kernel.getReductions())
      shapes.push_back(lowering::partialShape(kernel, i));
  });
  return shapes;
}

/// The function's statistics over (t), with the entries of their code.
Expected<std::vector<TileStatistic>> statisticsOf(func::FuncOp function, const LoadedObject &loaded) {
  std::vector<TileStatistic> statistics;
  auto kernel = *function.getOps<TiledMvmOp>().begin();
  for (int64_t i : lowering::statisticsOfTiles(kernel)) {
    Side side = kernel.getStat(i).getSide();
    Value source = side == Side::Lhs ? kernel.getLhs()[0] : kernel.getRhs()[0];
    ArrayRef<Axis> axes = kernel.getAxesOf(side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes(), 0).getAxes();
    int axis = llvm::find(axes, kernel.getElementAxes(side).first) - axes.begin();
    std::string name = (function.getName() + lowering::kStatisticSuffix + Twine(i)).str();
    Expected<KernelEntry> blocks = loaded.entry(name), total = loaded.entry(name + lowering::kTotalSuffix.str());
    if (!blocks || !total)
      return blocks ? total.error() : blocks.error();
    statistics.push_back({cast<BlockArgument>(source).getArgNumber(), axis, *blocks, *total});
  }
  return statistics;
}

Expected<std::string> compileStages(OwningOpRef<ModuleOp> module, const std::string &unit, const Knobs &knobs) {
  CpuArtifact artifact(std::move(module), knobs.isa);
  StageOptions options = StageOptions::from(knobs, allStages(cpuStageNames()));
  if (Status status = runStages(unit, artifact, cpuStages(artifact), options); !status)
    return status;
  return KernelPayload{artifact.workspaceBytes, artifact.object}.encode();
}

} // namespace

Expected<CpuCode> compileCpuFunction(func::FuncOp function, const std::vector<bool> &strided) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  std::string name = function.getName().str();
  OwningOpRef<ModuleOp> module = isolate(function, strided);
  auto compile = [&](const std::string &unit) { return compileStages(module->clone(), unit, **knobs); };
  Expected<std::string> kept = compileCached(printed(*module), name, "cpu", hostTargetText(), **knobs, compile);
  if (!kept)
    return kept.error();
  KernelPayload payload = KernelPayload::decode(*kept);
  Expected<LoadedObject> loaded = LoadedObject::load(payload.object);
  if (!loaded)
    return loaded.error();
  CpuCode kernel;
  kernel.slots = kernelSlots(function);
  kernel.strided = strided;
  kernel.workspaceBytes = payload.workspaceBytes;
  kernel.reductions = reductionsOf(function);
  Expected<KernelEntry> body = loaded->entry(name);
  if (!body)
    return body.error();
  kernel.body = *body;
  Expected<std::vector<TileStatistic>> statistics = statisticsOf(function, *loaded);
  if (!statistics)
    return statistics.error();
  kernel.statistics = std::move(*statistics);
  if (kernel.reductions.empty())
    return kernel;
  Expected<KernelEntry> tail = loaded->entry(name + lowering::kTailSuffix.str());
  if (!tail)
    return tail.error();
  kernel.tail = *tail;
  return kernel;
}

} // namespace mho

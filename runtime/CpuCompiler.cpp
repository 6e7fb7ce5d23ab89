#include "runtime/CpuCompiler.h"

#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/Passes.h"
#include "lowering/VectorToLLVM/Pipeline.h"
#include "runtime/CacheKey.h"
#include "runtime/CpuArtifact.h"
#include "runtime/KernelCache.h"

#include "dialect/IR/AnalogDialect.h"

#include <cstdio>
#include <mutex>
#include <sstream>

using namespace mlir;
using namespace mho::analog;

namespace mho {
namespace {

/// What the cache keeps of a kernel beside its object.
struct KernelPayload {
  int64_t workspaceBytes = 0;
  int reductions = 0;
  std::string object;

  std::string encode() const {
    return std::to_string(workspaceBytes) + " " + std::to_string(reductions) + "\n" + object;
  }
  static KernelPayload decode(const std::string &text) {
    KernelPayload payload;
    size_t line = text.find('\n');
    std::istringstream(text.substr(0, line)) >> payload.workspaceBytes >> payload.reductions;
    payload.object = text.substr(line + 1);
    return payload;
  }
};

/// A module that holds a copy of `function` alone, marked with which tensors are strided.
OwningOpRef<ModuleOp> isolate(func::FuncOp function, uint32_t strided) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  auto copy = cast<func::FuncOp>(function->clone());
  module->push_back(copy);
  Attribute mark = UnitAttr::get(function.getContext());
  unsigned arguments = copy.getNumArguments();
  for (unsigned i = 0; i < arguments + copy.getNumResults(); ++i) {
    if (!(strided >> i & 1))
      continue;
    if (i < arguments)
      copy.setArgAttr(i, lowering::kStridedAttr, mark);
    else
      copy.setResultAttr(i - arguments, lowering::kStridedAttr, mark);
  }
  return module;
}

std::string printed(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

/// Sums and counts that the function's kernel makes.
int reductionsOf(func::FuncOp function) {
  int count = 0;
  function.walk([&](TiledMvmOp kernel) { count += kernel.getResultsOf({ResultKind::Sum, ResultKind::Count}).size(); });
  return count;
}

Expected<KernelPayload> compileStages(CpuArtifact &artifact, const std::string &name, int reductions,
                                      const Knobs &knobs) {
  std::vector<Stage> stages = cpuStages(artifact, name, reductions > 0);
  if (Status status = runStages(name, artifact, stages, StageOptions::from(knobs)); !status)
    return status;
  return KernelPayload{artifact.workspaceBytes, reductions, artifact.object};
}

/// Says once per process why kernels are not kept.
void warnOnce(const std::string &message) {
  static std::once_flag once;
  std::call_once(once, [&] { std::fprintf(stderr, "mho: warning: %s\n", message.c_str()); });
}

/// Takes the payload from the cache on disk, or compiles and stores it.
Expected<KernelPayload> obtain(OwningOpRef<ModuleOp> module, const std::string &name, const Knobs &knobs) {
  Expected<std::string> target = hostTargetText();
  if (!target)
    return target.error();
  int reductions = reductionsOf(module->lookupSymbol<func::FuncOp>(name));
  Expected<std::string> key = cacheKey(printed(*module), "cpu " + name, *target);
  if (!key)
    return key.error();
  bool useCache = knobs.cache && !knobs.cacheDir.empty() && !StageOptions::from(knobs).inspects();
  KernelCache cache(knobs.cacheDir, knobs.cacheLimitMiB << 20);
  if (useCache)
    if (std::optional<std::string> payload = cache.load(*key))
      return KernelPayload::decode(*payload);
  CpuArtifact artifact(std::move(module), knobs.isa);
  Expected<KernelPayload> payload = compileStages(artifact, name, reductions, knobs);
  if (payload && useCache)
    if (Status status = cache.store(*key, payload->encode()); !status)
      warnOnce(status.message());
  return payload;
}

KernelSlot slotOf(Type type, StringAttr name, bool result) {
  KernelSlot slot;
  slot.name = name ? name.str() : "";
  slot.result = result;
  auto tensor = dyn_cast<RankedTensorType>(type);
  slot.scalar = !tensor;
  Type element = tensor ? tensor.getElementType() : type;
  slot.rank = tensor ? tensor.getRank() : 0;
  slot.type = element.isInteger(64) ? ElementType::I64 : element.isInteger(32) ? ElementType::I32 : ElementType::F32;
  return slot;
}

} // namespace

std::vector<KernelSlot> kernelSlots(func::FuncOp function) {
  std::vector<KernelSlot> slots;
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    slots.push_back(
        slotOf(argument.getType(), function.getArgAttrOfType<StringAttr>(i, AnalogDialect::kNameAttr), false));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    slots.push_back(slotOf(type, function.getResultAttrOfType<StringAttr>(i, AnalogDialect::kNameAttr), true));
  return slots;
}

Expected<CompiledKernel> compileCpuFunction(func::FuncOp function, uint32_t strided) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  std::string name = function.getName().str();
  Expected<KernelPayload> payload = obtain(isolate(function, strided), name, **knobs);
  if (!payload)
    return payload.error();
  Expected<LoadedObject> loaded = LoadedObject::load(payload->object);
  if (!loaded)
    return loaded.error();
  CompiledKernel kernel;
  kernel.slots = kernelSlots(function);
  kernel.workspaceBytes = payload->workspaceBytes;
  kernel.reductions = payload->reductions;
  Expected<KernelEntry> body = loaded->entry(name);
  if (!body)
    return body.error();
  kernel.body = *body;
  if (kernel.reductions == 0)
    return kernel;
  Expected<KernelEntry> tail = loaded->entry(name + "_tail");
  if (!tail)
    return tail.error();
  kernel.tail = *tail;
  return kernel;
}

} // namespace mho

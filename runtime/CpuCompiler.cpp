#include "runtime/CpuCompiler.h"

#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/AnalogToVector/Partials.h"
#include "runtime/Backend.h"
#include "runtime/CacheKey.h"
#include "runtime/CpuArtifact.h"
#include "runtime/KernelCache.h"
#include "runtime/LayerStages.h"

#include "dialect/IR/AnalogDialect.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>

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

/// A module that holds a copy of `function` alone, marked with which arguments are strided, and without the strengths'
/// values: the same layer of another strength has the same kernel.
OwningOpRef<ModuleOp> isolate(func::FuncOp function, const std::vector<bool> &strided) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  auto copy = cast<func::FuncOp>(function->clone());
  module->push_back(copy);
  for (unsigned i = 0; i < copy.getNumArguments(); ++i) {
    copy.removeArgAttr(i, AnalogDialect::kValueAttr);
    if (i < strided.size() && strided[i])
      copy.setArgAttr(i, lowering::kStridedAttr, UnitAttr::get(function.getContext()));
  }
  return module;
}

/// How the partial sums of the function's kernel lie.
std::vector<lowering::PartialShape> reductionsOf(func::FuncOp function) {
  std::vector<lowering::PartialShape> shapes;
  function.walk([&](TiledMvmOp kernel) {
    for (int64_t i : kernel.getReductions())
      shapes.push_back(lowering::partialShape(kernel, i));
  });
  return shapes;
}

/// Says once per process why kernels are not kept.
void warnOnce(const std::string &message) {
  static std::once_flag once;
  std::call_once(once, [&] { std::fprintf(stderr, "mho: warning: %s\n", message.c_str()); });
}

/// The cache key of a function's kernel. Errors: those of cacheKey(), and a processor that LLVM does not know.
Expected<std::string> keyOf(const std::string &ir, const std::string &name) {
  Expected<std::string> target = hostTargetText();
  return target ? cacheKey(ir, "cpu " + name, *target) : target;
}

Expected<KernelPayload> compileStages(OwningOpRef<ModuleOp> module, const std::string &unit, const Knobs &knobs) {
  CpuArtifact artifact(std::move(module), knobs.isa);
  StageOptions options = StageOptions::from(knobs, allStages(cpuStageNames()));
  if (Status status = runStages(unit, artifact, cpuStages(artifact), options); !status)
    return status;
  return KernelPayload{artifact.workspaceBytes, artifact.object};
}

/// An entry of the cache, where there is one; says so where times are asked for.
std::optional<KernelPayload> takeCached(const KernelCache &cache, const std::string &key, const std::string &unit,
                                        bool time) {
  auto start = std::chrono::steady_clock::now();
  std::optional<std::string> payload = cache.load(key);
  if (!payload)
    return std::nullopt;
  std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
  if (time)
    printStageTime(unit, "cache hit", elapsed.count());
  return KernelPayload::decode(*payload);
}

/// Takes the payload from the cache on disk, or compiles and stores it. Of several processes that want the same kernel
/// one compiles; the others wait and take it.
Expected<KernelPayload> obtain(OwningOpRef<ModuleOp> module, const std::string &name, const Knobs &knobs) {
  std::string ir = printed(*module), unit = unitName(name, ir);
  if (!knobs.cache || knobs.cacheDir.empty() || StageOptions::from(knobs, {}).inspects())
    return compileStages(std::move(module), unit, knobs);
  Expected<std::string> key = keyOf(ir, name);
  if (!key) {
    warnOnce("kernels are not kept on disk: " + key.message());
    return compileStages(std::move(module), unit, knobs);
  }
  KernelCache cache(knobs.cacheDir, knobs.cacheLimitMiB << 20);
  if (std::optional<KernelPayload> hit = takeCached(cache, *key, unit, knobs.time))
    return *hit;
  KernelCache::Lock lock = cache.lock(*key);
  if (std::optional<KernelPayload> hit = takeCached(cache, *key, unit, knobs.time))
    return *hit;
  Expected<KernelPayload> payload = compileStages(std::move(module), unit, knobs);
  if (payload)
    if (Status status = cache.store(*key, payload->encode()); !status)
      warnOnce(status.message());
  return payload;
}

} // namespace

Expected<CpuCode> compileCpuFunction(func::FuncOp function, const std::vector<bool> &strided) {
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
  CpuCode kernel;
  kernel.slots = kernelSlots(function);
  kernel.strided = strided;
  kernel.workspaceBytes = payload->workspaceBytes;
  kernel.reductions = reductionsOf(function);
  Expected<KernelEntry> body = loaded->entry(name);
  if (!body)
    return body.error();
  kernel.body = *body;
  if (kernel.reductions.empty())
    return kernel;
  Expected<KernelEntry> tail = loaded->entry(name + lowering::kTailSuffix.str());
  if (!tail)
    return tail.error();
  kernel.tail = *tail;
  return kernel;
}

} // namespace mho

#include "runtime/CachedCompile.h"

#include "lowering/AnalogToVector/AnalogToVector.h"
#include "runtime/CacheKey.h"
#include "runtime/KernelCache.h"
#include "runtime/ModuleArtifact.h"

#include "dialect/IR/AnalogDialect.h"

#include <chrono>
#include <cstdio>
#include <mutex>

using namespace mlir;

namespace mho {
namespace {

/// Says once per process why kernels are not kept.
void warnOnce(const std::string &message) {
  static std::once_flag once;
  std::call_once(once, [&] { std::fprintf(stderr, "mho: warning: %s\n", message.c_str()); });
}

/// An entry of the cache, where there is one; says so where times are asked for.
std::optional<std::string> takeCached(const KernelCache &cache, const std::string &key, const std::string &unit,
                                      bool time) {
  auto start = std::chrono::steady_clock::now();
  std::optional<std::string> payload = cache.load(key);
  if (!payload)
    return std::nullopt;
  std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
  if (time)
    printStageTime(unit, "cache hit", elapsed.count());
  return payload;
}

} // namespace

OwningOpRef<ModuleOp> isolate(func::FuncOp function, const std::vector<bool> &strided) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  auto copy = cast<func::FuncOp>(function->clone());
  module->push_back(copy);
  for (unsigned i = 0; i < copy.getNumArguments(); ++i) {
    copy.removeArgAttr(i, analog::AnalogDialect::kValueAttr);
    if (i < strided.size() && strided[i])
      copy.setArgAttr(i, lowering::kStridedAttr, UnitAttr::get(function.getContext()));
  }
  return module;
}

Expected<std::string> compileCached(const std::string &text, const std::string &name, const std::string &kind,
                                    const Expected<std::string> &target, const Knobs &knobs,
                                    const CompileUnit &compile) {
  std::string unit = unitName(name, text);
  if (!knobs.cache || knobs.cacheDir.empty() || StageOptions::from(knobs, {}).inspects())
    return compile(unit);
  Expected<std::string> held = target;
  Expected<std::string> key = held ? cacheKey(text, kind + " " + name, *held) : held;
  if (!key) {
    warnOnce("kernels are not kept on disk: " + key.message());
    return compile(unit);
  }
  KernelCache cache(knobs.cacheDir, knobs.cacheLimitMiB << 20);
  if (std::optional<std::string> hit = takeCached(cache, *key, unit, knobs.time))
    return *hit;
  KernelCache::Lock lock = cache.lock(*key);
  if (std::optional<std::string> hit = takeCached(cache, *key, unit, knobs.time))
    return *hit;
  Expected<std::string> payload = compile(unit);
  if (payload)
    if (Status status = cache.store(*key, *payload); !status)
      warnOnce(status.message());
  return payload;
}

} // namespace mho

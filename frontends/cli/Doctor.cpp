// mho doctor and mho knobs: what a user needs when something is not as expected.
#include "frontends/cli/Commands.h"
#include "frontends/cli/Tool.h"
#include "runtime/Cuda/Driver.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/KernelCache.h"
#include "runtime/Knobs.h"
#include "runtime/Linear.h"
#include "runtime/Orc/ObjectLoader.h"

#include <cstdio>
#include <vector>

namespace {

/// Runs a tiny layer with converters and noise through the whole compiler; the answer is known.
mho::Status tryKernel() {
  mho::LinearSpec spec;
  spec.inputRange = mho::InputRange::Given;
  spec.quantizeInput = true;
  auto layer = mho::Linear::get(spec, "cpu");
  if (!layer)
    return layer.error();
  // Range 2 of 2 half-levels: codes are x, clamped.
  float x[3] = {1, -2, 5}, weight[3] = {1, 10, 100}, range[1] = {2}, y[1] = {0};
  auto matrix = [](float *data, int64_t rows, int64_t columns) {
    return mho::TensorRef{data, mho::ElementType::F32, 2, {rows, columns}, {columns, 1}};
  };
  mho::LinearForwardArgs args;
  args.x = matrix(x, 1, 3), args.weight = matrix(weight, 1, 3), args.y = matrix(y, 1, 1);
  args.range = {range, mho::ElementType::F32, 1, {1}, {1}};
  args.scalars.inputHalfLevels = 2;
  mho::Status status = (*layer)->forward(args, {});
  if (status && y[0] != 181)
    return mho::Status::error("a kernel computed " + std::to_string(y[0]) +
                              " where 1 - 20 + 200 = 181 is right; this CPU "
                              "or its LLVM target is not one that mho knows how to use");
  return status;
}

/// One line of the doctor's report; counts failures.
void report(const char *what, const mho::Status &status, const std::string &good, int &failures) {
  std::printf("%-14s %s %s\n", what, status ? "ok  " : "FAIL", status ? good.c_str() : status.message().c_str());
  failures += !status;
}

} // namespace

int mho::cli::unexpectedWord(const char *command, const char *word) {
  std::fprintf(stderr, "mho %s: unexpected word '%s'; see mho %s --help\n", command, word, command);
  return kWrongUsage;
}

int mho::cli::knobs(int argc, char **argv) {
  if (argc > 1 && isHelp(argv[1])) {
    std::printf("usage: mho knobs\n\nLists the environment variables that mho reads.\n");
    return 0;
  }
  if (argc > 1)
    return unexpectedWord("knobs", argv[1]);
  for (const KnobInfo &info : Knobs::table())
    std::printf("%-20s %s\n%-20s default: %s; changes generated code: %s\n", info.name, info.help, "",
                *info.fallback ? info.fallback : "none", info.changesOutput ? "yes" : "no");
  return 0;
}

int mho::cli::doctor(int argc, char **argv) {
  if (argc > 1 && isHelp(argv[1])) {
    std::printf("usage: mho doctor\n\nChecks what mho needs on this machine; exit status 1 if something is missing.\n");
    return 0;
  }
  if (argc > 1)
    return unexpectedWord("doctor", argv[1]);
  int failures = 0;
  std::printf("%-14s ok   %s\n", "version", versionText("mho").c_str());
  Expected<const Knobs *> knobs = Knobs::get();
  report("environment", knobs ? Status::ok() : knobs.error(), "no unknown MHO_ variable", failures);
  Expected<std::string> target = hostTargetText();
  report("processor", target ? Status::ok() : target.error(), target ? target->substr(0, target->rfind(' ')) : "",
         failures);
  if (!knobs)
    return 1;
  Status cacheStatus = Status::ok();
  if ((*knobs)->cache && !(*knobs)->cacheDir.empty()) {
    KernelCache cache((*knobs)->cacheDir, (*knobs)->cacheLimitMiB << 20);
    const std::string probe(64, '0');
    cacheStatus = cache.store(probe, "written by mho doctor");
    if (cacheStatus && cache.load(probe) != "written by mho doctor")
      cacheStatus = Status::error("what is written to '" + cache.path() + "' does not come back");
    cache.remove(probe);
    report("cache", cacheStatus, cache.path(), failures);
  } else {
    std::printf("%-14s --   off: every process compiles its kernels anew\n", "cache");
  }
  report("kernel", tryKernel(), "compiled, ran, and was right", failures);
  Expected<const Nvrtc *> nvrtc = Nvrtc::get((*knobs)->nvrtc);
  std::printf("%-14s %s %s\n", "nvrtc", nvrtc ? "ok  " : "--  ",
              nvrtc ? ((*nvrtc)->version() + " " + (*nvrtc)->path()).c_str() : nvrtc.message().c_str());
  auto driver = CudaDriver::open((*knobs)->cudaDriver);
  if (!driver)
    std::printf("%-14s --   %s\n", "gpu", driver.message().c_str());
  for (const CudaDevice &device : driver ? (*driver)->devices() : std::vector<CudaDevice>())
    std::printf(
        "%-14s --   %s, sm_%d%d, driver for CUDA %s; %s. No GPU has run mho's kernels yet: compare first results with "
        "the CPU's\n",
        "gpu", device.name.c_str(), device.major, device.minor, (*driver)->version().c_str(),
        device.runsKernels() ? "the backend cuda launches on it" : "too old for the backend cuda (sm_80 or newer)");
  return failures ? 1 : 0;
}

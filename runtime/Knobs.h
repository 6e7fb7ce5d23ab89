// The environment variables of mho: the only place that reads them.
//
//   Expected<const Knobs *> knobs = Knobs::get();   // read once, at first use
//   if (!knobs) return knobs.error();               // an unknown MHO_* name, an impossible value
#pragma once

#include "runtime/Status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mho {

/// One variable, for `mho knobs` and the messages.
struct KnobInfo {
  const char *name;
  const char *fallback; ///< what holds where it is not set
  const char *help;     ///< what it does and which values it takes
  bool changesOutput;   ///< can make another kernel: part of its cache key, or the cache is not used
};

struct Knobs {
  std::string cacheDir;        ///< empty: no place found, kernels are not kept on disk
  bool cache = true;           ///< MHO_CACHE
  int64_t cacheLimitMiB = 512; ///< MHO_CACHE_LIMIT_MB
  std::string dumpDir;         ///< MHO_DUMP_DIR
  std::string stopAfter;       ///< MHO_STOP_AFTER
  std::string overrideDir;     ///< MHO_OVERRIDE_DIR
  bool time = false;           ///< MHO_TIME
  std::string isa;             ///< MHO_ISA, empty: the machine's
  std::string cudaDriver;      ///< MHO_CUDA_DRIVER, empty: libcuda.so.1
  std::string nvrtc;           ///< MHO_NVRTC, empty: looked for

  std::string cudaMath = "fma"; ///< MHO_CUDA_MATH
  bool ptxReport = false;       ///< MHO_PTX_REPORT

  /// Text of the knobs that change generated code, for the cache key.
  std::string outputKey() const { return "isa=" + isa + " cuda_math=" + cudaMath; }

  static const std::vector<KnobInfo> &table();
  /// Reads a list of "NAME=value" texts; names without MHO_ are skipped but for XDG_CACHE_HOME and HOME. Errors: an
  /// unknown MHO_ name (with the nearest known one), a value out of range.
  static Expected<Knobs> parse(const std::vector<std::string> &environment);
  /// The process's knobs, read at the first call.
  static Expected<const Knobs *> get();
};

} // namespace mho

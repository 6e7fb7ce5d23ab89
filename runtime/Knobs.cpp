#include "runtime/Knobs.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSwitch.h"

#include <map>

extern char **environ;

namespace mho {
namespace {

using Environment = std::map<std::string, std::string>;

/// The known name with the smallest edit distance.
std::string nearestKnob(const std::string &name) {
  const KnobInfo *best = nullptr;
  unsigned distance = ~0u;
  for (const KnobInfo &info : Knobs::table())
    if (unsigned d = llvm::StringRef(name).edit_distance(info.name); d < distance) {
      distance = d;
      best = &info;
    }
  return best->name;
}

Status wrongValue(const std::string &name, const std::string &value, const std::string &allowed) {
  return Status::error(name + "='" + value + "' is not a value it takes; expected " + allowed);
}

Status readSwitch(const Environment &environment, const char *name, bool &field) {
  auto it = environment.find(name);
  if (it == environment.end())
    return Status::ok();
  int parsed = llvm::StringSwitch<int>(it->second).Cases("0", "off", 0).Cases("1", "on", 1).Default(-1);
  if (parsed < 0)
    return wrongValue(name, it->second, "0, 1, off or on");
  field = parsed == 1;
  return Status::ok();
}

Status readLimit(const Environment &environment, const char *name, int64_t &field) {
  auto it = environment.find(name);
  if (it == environment.end())
    return Status::ok();
  if (llvm::StringRef(it->second).getAsInteger(10, field) || field < 1 || field > (int64_t(1) << 30))
    return wrongValue(name, it->second, "a number of MiB, 1 to 2^30");
  return Status::ok();
}

std::string valueOf(const Environment &environment, const char *name) {
  auto it = environment.find(name);
  return it == environment.end() ? "" : it->second;
}

std::string defaultCacheDir(const Environment &environment) {
  if (std::string xdg = valueOf(environment, "XDG_CACHE_HOME"); !xdg.empty())
    return xdg + "/mho";
  std::string home = valueOf(environment, "HOME");
  return home.empty() ? "" : home + "/.cache/mho";
}

} // namespace

const std::vector<KnobInfo> &Knobs::table() {
  static const std::vector<KnobInfo> knobs{
      {"MHO_CACHE", "on", "on or off: keep compiled kernels on disk", false},
      {"MHO_CACHE_DIR", "$XDG_CACHE_HOME/mho or ~/.cache/mho", "folder of the kernels on disk; must be the user's own",
       false},
      {"MHO_CACHE_LIMIT_MB", "512", "MiB of kernels on disk; beyond it the least recently used ones are removed",
       false},
      {"MHO_DUMP_DIR", "",
       "folder that gets the IR after each compile stage, <unit>.<number>-<stage>.<extension> (the cache on disk is "
       "then not used, so that every stage runs)",
       false},
      {"MHO_STOP_AFTER", "", "name of the compile stage to stop after, with an error that names the IR's file", false},
      {"MHO_OVERRIDE_DIR", "",
       "folder with edited files of MHO_DUMP_DIR: the file of a unit and stage, where there is one, is taken instead "
       "of the "
       "stage's own result (the cache on disk is then not used)",
       true},
      {"MHO_TIME", "off", "on or off: print the time of each compile stage, or of the cache hit, to stderr", false},
      {"MHO_ISA", "the machine's", "avx512, avx2 or generic: vector instructions of CPU kernels", true},
      {"MHO_CUDA_DRIVER", "libcuda.so.1, where the loader looks", "file of NVIDIA's driver library", false},
      {"MHO_CUDA_MATH", "fma",
       "how CUDA kernels multiply: fma (fp32), tf32 (tensor cores, fp32 in two parts), f16 or bf16 (tensor cores, "
       "operands "
       "rounded to 16 bits)",
       true},
      {"MHO_PTX_REPORT", "off",
       "on or off: print to stderr what the interpreter counted in each launch of the backend ptx: instructions, bank "
       "conflicts, sectors",
       false},
      {"MHO_NVRTC", "beside LibTorch, in the CUDA toolkit, or where the loader looks",
       "file of NVRTC (libnvrtc.so.13), the compiler of CUDA C++", false},
  };
  return knobs;
}

Expected<Knobs> Knobs::parse(const std::vector<std::string> &variables) {
  Environment environment;
  for (const std::string &text : variables) {
    auto [name, value] = llvm::StringRef(text).split('=');
    bool known = name == "XDG_CACHE_HOME" || name == "HOME";
    for (const KnobInfo &info : table())
      known |= name == info.name;
    if (!known && name.starts_with("MHO_"))
      return Status::error("unknown environment variable " + name.str() + "; did you mean " + nearestKnob(name.str()) +
                           "? `mho knobs` lists them");
    if (known)
      environment[name.str()] = value.str();
  }
  Knobs knobs;
  for (Status status :
       {readSwitch(environment, "MHO_CACHE", knobs.cache), readSwitch(environment, "MHO_TIME", knobs.time),
        readSwitch(environment, "MHO_PTX_REPORT", knobs.ptxReport),
        readLimit(environment, "MHO_CACHE_LIMIT_MB", knobs.cacheLimitMiB)})
    if (!status)
      return status;
  knobs.cacheDir = valueOf(environment, "MHO_CACHE_DIR");
  if (knobs.cacheDir.empty())
    knobs.cacheDir = defaultCacheDir(environment);
  knobs.dumpDir = valueOf(environment, "MHO_DUMP_DIR");
  knobs.stopAfter = valueOf(environment, "MHO_STOP_AFTER");
  knobs.overrideDir = valueOf(environment, "MHO_OVERRIDE_DIR");
  knobs.isa = valueOf(environment, "MHO_ISA");
  knobs.nvrtc = valueOf(environment, "MHO_NVRTC");
  knobs.cudaDriver = valueOf(environment, "MHO_CUDA_DRIVER");
  if (!knobs.isa.empty() && knobs.isa != "avx512" && knobs.isa != "avx2" && knobs.isa != "generic")
    return wrongValue("MHO_ISA", knobs.isa, "avx512, avx2 or generic");
  if (std::string math = valueOf(environment, "MHO_CUDA_MATH"); !math.empty())
    knobs.cudaMath = math;
  if (const std::string &math = knobs.cudaMath; math != "fma" && math != "tf32" && math != "f16" && math != "bf16")
    return wrongValue("MHO_CUDA_MATH", math, "fma, tf32, f16 or bf16");
  return knobs;
}

Expected<const Knobs *> Knobs::get() {
  static Expected<Knobs> knobs = [] {
    std::vector<std::string> variables;
    for (char **variable = environ; *variable; ++variable)
      variables.push_back(*variable);
    return parse(variables);
  }();
  if (!knobs)
    return knobs.error();
  return const_cast<const Knobs *>(&*knobs);
}

} // namespace mho

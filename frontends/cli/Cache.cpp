// mho cache: the folder of compiled kernels.
#include "frontends/cli/Commands.h"
#include "frontends/cli/Tool.h"
#include "runtime/KernelCache.h"
#include "runtime/Knobs.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

const char *kHelp = "usage: mho cache [info | clear]\n\n"
                    "Shows or empties the folder of compiled kernels (MHO_CACHE_DIR).\n";

/// Empty where kernels can be kept in the folder, which need not be there yet; else what is in the way.
std::string obstacle(const fs::path &folder) {
  std::error_code problem;
  fs::path nearest = fs::absolute(folder, problem);
  while (!fs::exists(nearest, problem) && nearest.has_relative_path())
    nearest = nearest.parent_path();
  if (!fs::is_directory(nearest, problem))
    return "'" + nearest.string() + "' is no folder";
  if (access(nearest.c_str(), W_OK | X_OK) != 0)
    return "'" + nearest.string() + "' may not be written: " + std::strerror(errno);
  return "";
}

int clear(const mho::KernelCache &cache) {
  mho::Expected<int64_t> removed = cache.clear();
  if (!removed) {
    std::fprintf(stderr, "mho cache: %s\n", removed.message().c_str());
    return 1;
  }
  std::printf("removed %lld kernels from %s\n", static_cast<long long>(*removed), cache.path().c_str());
  return 0;
}

} // namespace

int mho::cli::cache(int argc, char **argv) {
  if (argc > 1 && isHelp(argv[1])) {
    std::printf("%s", kHelp);
    return 0;
  }
  bool wantsClear = argc > 1 && !std::strcmp(argv[1], "clear"), known = argc == 1 || wantsClear;
  known |= argc > 1 && !std::strcmp(argv[1], "info");
  if (!known || argc > 2)
    return unexpectedWord("cache", argv[known ? 2 : 1]);
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs) {
    std::fprintf(stderr, "mho cache: %s\n", knobs.message().c_str());
    return 1;
  }
  const std::string &folder = (*knobs)->cacheDir;
  if (folder.empty()) {
    std::printf("no folder: none of MHO_CACHE_DIR, XDG_CACHE_HOME and HOME is set; every process compiles anew\n");
    return 0;
  }
  if (!(*knobs)->cache)
    std::printf("off (MHO_CACHE): every process compiles its kernels anew\n");
  if (std::string problem = obstacle(folder); !problem.empty()) {
    std::fprintf(stderr,
                 "mho cache: kernels cannot be kept in '%s': %s; set MHO_CACHE_DIR to a folder of your own, or "
                 "MHO_CACHE=off\n",
                 folder.c_str(), problem.c_str());
    return 1;
  }
  KernelCache cache(folder, (*knobs)->cacheLimitMiB << 20);
  if (wantsClear)
    return clear(cache);
  KernelCache::Usage usage = cache.usage();
  std::printf("%s: %lld kernels, %.1f MiB of at most %lld\n", cache.path().c_str(),
              static_cast<long long>(usage.entries), double(usage.bytes) / (1 << 20),
              static_cast<long long>((*knobs)->cacheLimitMiB));
  return 0;
}

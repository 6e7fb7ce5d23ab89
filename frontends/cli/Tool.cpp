#include "frontends/cli/Tool.h"

#include "runtime/Knobs.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace mho::cli {

std::string versionText(const std::string &tool) { return tool + " " MHO_VERSION " (LLVM " MHO_LLVM_VERSION ")"; }

bool isHelp(const char *argument) { return !std::strcmp(argument, "--help") || !std::strcmp(argument, "-h"); }

bool checkEnvironment(const char *tool) {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    std::fprintf(stderr, "%s: %s\n", tool, knobs.message().c_str());
  return bool(knobs);
}

std::optional<int> beginTool(int argc, char **argv, const char *tool) {
  if (argc > 1 && !std::strcmp(argv[1], "--version")) {
    std::printf("%s\n", versionText(tool).c_str());
    return 0;
  }
  if (std::none_of(argv + 1, argv + argc, isHelp) && !checkEnvironment(tool))
    return kWrongUsage;
  return std::nullopt;
}

} // namespace mho::cli

// mho: the command-line tool. `mho --help` lists its commands; each is a function below.
#include "frontends/cli/Commands.h"
#include "frontends/cli/Tool.h"

#include <cstdio>
#include <cstring>

namespace {

struct Command {
  const char *name;
  const char *help;
  int (*run)(int argc, char **argv);
  /// Needs an environment without unknown MHO_ variables; the others show or judge it.
  bool needsEnvironment;
};

const Command kCommands[] = {
    {"explain", "show what a layer is compiled to: algebra, fused kernel, gradient kernels", mho::cli::explain, true},
    {"bench", "time layers against torch's linear (runs mho-bench)", mho::cli::bench, true},
    {"doctor", "check this machine: CPU, LLVM, cache directory", mho::cli::doctor, false},
    {"cache", "show or empty the folder of compiled kernels", mho::cli::cache, true},
    {"ptx", "run a PTX kernel on the CPU and check it; compile CUDA C++ to PTX", mho::cli::ptx, true},
    {"knobs", "list the environment variables that mho reads", mho::cli::knobs, false},
};

int usage(std::FILE *out) {
  std::fprintf(out, "usage: mho COMMAND [ARGUMENTS]\n       mho --version\n\ncommands:\n");
  for (const Command &command : kCommands)
    std::fprintf(out, "  %-10s %s\n", command.name, command.help);
  std::fprintf(out, "\n`mho COMMAND --help` tells more. Exit status: 0 success, 1 failure, 2 wrong usage.\n"
                    "Other tools: mho-run, mho-opt, mho-translate, mho-fuzz, mho-bench, mho-demo; docs/tools.md has an "
                    "example of each.\n");
  return out == stdout ? 0 : mho::cli::kWrongUsage;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return usage(stderr);
  if (mho::cli::isHelp(argv[1]))
    return usage(stdout);
  if (!std::strcmp(argv[1], "--version")) {
    std::printf("%s\n", mho::cli::versionText("mho").c_str());
    return 0;
  }
  for (const Command &command : kCommands) {
    if (std::strcmp(argv[1], command.name) != 0)
      continue;
    bool help = argc > 2 && mho::cli::isHelp(argv[2]);
    if (command.needsEnvironment && !help && !mho::cli::checkEnvironment("mho"))
      return mho::cli::kWrongUsage;
    return command.run(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "mho: unknown command '%s'\n", argv[1]);
  return usage(stderr);
}

// mho: the command-line tool. `mho --help` lists its commands; each is a function below.
#include "frontends/cli/Commands.h"

#include <cstdio>
#include <cstring>
#include <iterator>

namespace {

struct Command {
  const char *name;
  const char *help;
  int (*run)(int argc, char **argv);
};

const Command kCommands[] = {
    {"explain", "show what a layer is compiled to: algebra, fused kernel, gradient kernels", mho::cli::explain},
    {"doctor", "check this machine: CPU, LLVM, cache directory", mho::cli::doctor},
    {"cache", "show or empty the folder of compiled kernels", mho::cli::cache},
    {"knobs", "list the environment variables that mho reads", mho::cli::knobs},
};

int usage(std::FILE *out) {
  std::fprintf(out, "usage: mho COMMAND [ARGUMENTS]\n       mho --version\n\ncommands:\n");
  for (const Command &command : kCommands)
    std::fprintf(out, "  %-10s %s\n", command.name, command.help);
  std::fprintf(out, "\n`mho COMMAND --help` tells more. Exit status: 0 success, 1 failure, 2 wrong usage.\n");
  return out == stdout ? 0 : 2;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return usage(stderr);
  if (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h"))
    return usage(stdout);
  if (!std::strcmp(argv[1], "--version")) {
    std::printf("mho %s (LLVM %s)\n", MHO_VERSION, MHO_LLVM_VERSION);
    return 0;
  }
  for (const Command &command : kCommands)
    if (!std::strcmp(argv[1], command.name))
      return command.run(argc - 1, argv + 1);
  std::fprintf(stderr, "mho: unknown command '%s'\n", argv[1]);
  return usage(stderr);
}

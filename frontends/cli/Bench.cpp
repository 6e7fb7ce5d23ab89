// mho bench: runs mho-bench, which lies beside this program.
#include "frontends/cli/Commands.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

int mho::cli::bench(int argc, char **argv) {
  static int anchor;
  llvm::SmallString<256> program(llvm::sys::fs::getMainExecutable("/proc/self/exe", &anchor));
  llvm::sys::path::remove_filename(program);
  llvm::sys::path::append(program, "mho-bench");
  program.push_back('\0');
  argv[0] = program.data(); // a program finds its own code by this name
  execv(program.data(), argv);
  if (errno == ENOENT)
    std::fprintf(stderr,
                 "mho bench: there is no '%s': it is built where the LibTorch frontend and the benchmarks are "
                 "(-DMHO_WITH_TORCH=ON -DMHO_WITH_BENCH=ON, then `scripts/build mho-bench`)\n",
                 program.data());
  else
    std::fprintf(stderr, "mho bench: cannot run '%s': %s\n", program.data(), std::strerror(errno));
  return 1;
}

// The commands of the tool `mho`. Each takes its own argv (argv[0] is the command's name) and returns the exit status.
#pragma once

namespace mho::cli {

/// Prints the IR of a layer given by its spec text (LinearSpec::canonical).
int explain(int argc, char **argv);

/// Becomes mho-bench, which is a program of its own because it links torch and `mho` does not.
int bench(int argc, char **argv);

/// Checks what mho needs on this machine; status 1 if something is missing.
int doctor(int argc, char **argv);

/// Lists the environment variables that mho reads.
int knobs(int argc, char **argv);

/// Shows or empties the kernel cache.
int cache(int argc, char **argv);

/// Runs PTX on the interpreter; compiles CUDA C++ to PTX.
int ptx(int argc, char **argv);

/// Says on stderr that a command has no use for `word`; the exit status of that.
int unexpectedWord(const char *command, const char *word);

} // namespace mho::cli

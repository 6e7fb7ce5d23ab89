// What every tool of mho does before its own work.
//
//   int main(int argc, char **argv) {
//     if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-run"))
//       return *status;
#pragma once

#include <optional>
#include <string>

namespace mho::cli {

/// Exit status of a command line or an environment that a tool cannot work with.
constexpr int kWrongUsage = 2;

/// "mho-run 0.1.0 (LLVM 19.1.7)"
std::string versionText(const std::string &tool);

/// Answers --version where it is the first argument, and refuses MHO_ variables that are unknown or have an impossible
/// value (--help works all the same). Returns the exit status where the tool is done.
std::optional<int> beginTool(int argc, char **argv, const char *tool);

/// The environment's part of beginTool alone: false, with the reason on stderr, where a MHO_ variable is wrong.
bool checkEnvironment(const char *tool);

/// True for an argument that asks for help.
bool isHelp(const char *argument);

} // namespace mho::cli

// Runs cases in mho-run, each in a process of its own: a crash and an endless loop are findings like others.
#pragma once

#include "frontends/cli/fuzz/Case.h"

namespace mho::cli::fuzz {

/// What the compiler says of legal layers that it does not compile; README.md, "What exists and what does not yet".
inline constexpr const char *kStatedLimits[] = {
    "expected a parameter that is used twice to be over the same axes",
    "which its tail uses, to be a parameter", // on a tile: not the largest weight
};

enum class Outcome {
  Equal,
  Differs,  ///< --check found a difference
  Declined, ///< refused for a limit that is stated (kStatedLimits)
  Refused,  ///< legal by SPEC.md, yet mho-run gives another error
  Crashed,  ///< ended by a signal
  TimedOut, ///< longer than the limit
};

struct Verdict {
  Outcome outcome = Outcome::Equal;
  std::string output; ///< of mho-run
  /// The kind of finding: its shrunk cases are of the same.
  std::string kind() const;
};

class Runner {
public:
  /// `fault`: an element of each first result that mho-run falsifies, or -1. `folder`: where files are written.
  Runner(std::string folder, int64_t fault, int secondsPerCase)
      : folder(std::move(folder)), fault(fault), limit(secondsPerCase) {}
  Verdict run(const Case &layer, const std::string &file) const;
  /// The command that runs the case's file, as a shell takes it.
  std::string command(const Case &layer, const std::string &file) const;
  /// Writes the case with its command and the verdict as comments. Returns the path.
  std::string write(const Case &layer, const std::string &file, const std::string &comment = "") const;

private:
  std::vector<std::string> words(const Case &layer, const std::string &file) const;

  std::string folder;
  int64_t fault;
  int limit;
};

} // namespace mho::cli::fuzz

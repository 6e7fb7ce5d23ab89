// Compilation as a list of named stages, run by one loop that can dump, stop, override and time each of them.
//
//   std::vector<Stage> stages{{"vector", "mlir", run}, ...};
//   Status status = runStages("linear_dx-1f00ba47", artifact, stages, options);
//
// A compilation may run its stages in several lists (a layer's own, then each kernel's); options.order numbers them
// all. A stage that fails is named in the error, with what was wrong and the file that holds the IR it was given.
#pragma once

#include "runtime/Knobs.h"
#include "runtime/Status.h"

#include <functional>
#include <string>
#include <vector>

namespace mho {

/// What is being compiled, in whatever form the last stage left it.
class Artifact {
public:
  virtual ~Artifact() = default;
  /// The current form as a person reads it (or bytes, for an object).
  virtual std::string text() const = 0;
  /// The form as it is now, to be printed later should the next stage fail: cheap, since most never do.
  virtual std::function<std::string()> snapshot() const = 0;
  /// Takes an edited text in place of the current form.
  virtual Status replace(const std::string &text) = 0;
};

struct Stage {
  std::string name;
  std::string extension; ///< of the file of its result
  std::function<Status()> run;
};

struct StageOptions {
  std::string dumpDir, stopAfter, overrideDir;
  bool time = false;
  /// Where a failed stage leaves its IR when dumpDir is empty: a folder that is this user's alone. Empty: nowhere.
  std::string failureDir;
  /// Names of all stages of the compilation, which the numbers of files count and stopAfter may name. Empty: those of
  /// the list that is run.
  std::vector<std::string> order;

  static StageOptions from(const Knobs &knobs, std::vector<std::string> order);
  /// Someone wants to see the stages run, so a cached result is of no use.
  bool inspects() const { return !dumpDir.empty() || !stopAfter.empty() || !overrideDir.empty(); }
};

/// Runs the stages in order. Files are <dir>/<unit>.<number>-<stage>.<extension>. Errors: a failed stage, an unknown
/// stopAfter (with the list), an overrideDir that is no folder, a stop, a folder that cannot be written.
Status runStages(const std::string &unit, Artifact &artifact, const std::vector<Stage> &stages,
                 const StageOptions &options);

/// The line of MHO_TIME on stderr.
void printStageTime(const std::string &unit, const std::string &stage, double milliseconds);

} // namespace mho

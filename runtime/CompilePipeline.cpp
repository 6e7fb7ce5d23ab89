#include "runtime/CompilePipeline.h"

#include "runtime/OwnFolder.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mho {
namespace {

Status writeText(const fs::path &path, const std::string &text) {
  std::error_code problem;
  fs::create_directories(path.parent_path(), problem);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    return Status::error("cannot write '" + path.string() + "'; is its folder writable and not full?");
  return Status::ok();
}

std::string fileName(const std::string &unit, const Stage &stage, const std::vector<std::string> &order) {
  auto number = std::find(order.begin(), order.end(), stage.name) - order.begin();
  return unit + "." + std::to_string(number) + "-" + stage.name + "." + stage.extension;
}

Status checkOptions(const std::vector<std::string> &order, const StageOptions &options) {
  std::string known;
  for (const std::string &stage : order)
    known += (known.empty() ? "" : ", ") + stage;
  if (!options.stopAfter.empty() && std::find(order.begin(), order.end(), options.stopAfter) == order.end())
    return Status::error("MHO_STOP_AFTER='" + options.stopAfter + "' is no compile stage; stages: " + known);
  std::error_code problem;
  if (!options.overrideDir.empty() && !fs::is_directory(options.overrideDir, problem))
    return Status::error("MHO_OVERRIDE_DIR='" + options.overrideDir +
                         "' is no folder; name one that holds edited files of MHO_DUMP_DIR");
  return Status::ok();
}

/// Writes where the user finds it: the dump folder, or the one for failures. The text tells where, or why it is
/// nowhere.
Expected<std::string> keep(const std::string &file, const std::string &text, const StageOptions &options) {
  if (options.dumpDir.empty() && options.failureDir.empty())
    return Status::error(
        "it was not kept, for there is no folder for temporary files; mend TMPDIR or set MHO_DUMP_DIR");
  if (options.dumpDir.empty())
    if (Status own = prepareOwnFolder("the folder", options.failureDir, Links::Refuse); !own)
      return Status::error("it was not kept: " + own.message() + "; remove it or set MHO_DUMP_DIR");
  fs::path path = fs::path(options.dumpDir.empty() ? options.failureDir : options.dumpDir) / file;
  if (Status written = writeText(path, text); !written)
    return written;
  return path.string();
}

/// Takes <overrideDir>/<file> where it exists.
Status takeOverride(Artifact &artifact, const StageOptions &options, const std::string &file) {
  fs::path path = fs::path(options.overrideDir) / file;
  std::error_code problem;
  if (options.overrideDir.empty() || !fs::exists(path, problem))
    return Status::ok();
  std::ifstream input(path, std::ios::binary);
  std::ostringstream text;
  text << input.rdbuf();
  if (Status status = artifact.replace(text.str()); !status)
    return Status::error("the override '" + path.string() + "' cannot be used: " + status.message());
  std::fprintf(stderr, "mho: took %s instead of the stage's own result\n", path.c_str());
  return Status::ok();
}

Status failed(const std::string &unit, const Stage &stage, const std::string &before, const std::string &extension,
              const std::string &why, const StageOptions &options) {
  std::string message = "compile stage '" + stage.name + "' of " + unit + " failed: " + why;
  Expected<std::string> path = keep(unit + ".before-" + stage.name + "." + extension, before, options);
  return Status::error(message + "\nthe IR it was given" + (path ? " is in " + *path : ": " + path.message()));
}

} // namespace

StageOptions StageOptions::from(const Knobs &knobs, std::vector<std::string> order) {
  StageOptions options;
  options.dumpDir = knobs.dumpDir;
  options.stopAfter = knobs.stopAfter;
  options.overrideDir = knobs.overrideDir;
  options.time = knobs.time;
  std::error_code problem;
  fs::path temporary = fs::temp_directory_path(problem);
  if (!problem)
    options.failureDir = (temporary / ("mho-failed-" + std::to_string(geteuid()))).string();
  options.order = std::move(order);
  return options;
}

void printStageTime(const std::string &unit, const std::string &stage, double milliseconds) {
  std::fprintf(stderr, "mho: %-24s %-13s %8.2f ms\n", unit.c_str(), stage.c_str(), milliseconds);
}

Status runStages(const std::string &unit, Artifact &artifact, const std::vector<Stage> &stages,
                 const StageOptions &options) {
  std::vector<std::string> order = options.order;
  if (order.empty())
    for (const Stage &stage : stages)
      order.push_back(stage.name);
  if (Status status = checkOptions(order, options); !status)
    return status;
  std::string extension = stages.front().extension; // of the form a stage starts from
  for (const Stage &stage : stages) {
    std::function<std::string()> before = artifact.snapshot();
    auto start = std::chrono::steady_clock::now();
    if (Status status = stage.run(); !status)
      return failed(unit, stage, before(), extension, status.message(), options);
    std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (options.time)
      printStageTime(unit, stage.name, elapsed.count());
    std::string file = fileName(unit, stage, order);
    if (Status status = takeOverride(artifact, options, file); !status)
      return status;
    if (!options.dumpDir.empty())
      if (Status status = writeText(fs::path(options.dumpDir) / file, artifact.text()); !status)
        return status;
    if (stage.name == options.stopAfter) {
      Expected<std::string> path = keep(file, artifact.text(), options);
      return Status::error("stopped after compile stage '" + stage.name + "' of " + unit +
                           " as MHO_STOP_AFTER says; its result" + (path ? " is in " + *path : ": " + path.message()));
    }
    extension = stage.extension;
  }
  return Status::ok();
}

} // namespace mho

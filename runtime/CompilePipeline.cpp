#include "runtime/CompilePipeline.h"

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

std::string fileName(const std::string &unit, size_t number, const Stage &stage) {
  return unit + "." + std::to_string(number) + "-" + stage.name + "." + stage.extension;
}

Status checkStopName(const std::vector<Stage> &stages, const std::string &name) {
  std::string known;
  for (const Stage &stage : stages) {
    if (name.empty() || stage.name == name)
      return Status::ok();
    known += (known.empty() ? "" : ", ") + stage.name;
  }
  return Status::error("MHO_STOP_AFTER='" + name + "' is no compile stage; stages: " + known);
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
  fs::path path = fs::path(options.dumpDir.empty() ? options.failureDir : options.dumpDir) /
                  (unit + ".before-" + stage.name + "." + extension);
  std::string message = "compile stage '" + stage.name + "' of " + unit + " failed: " + why;
  Status written = writeText(path, before);
  return Status::error(message + (written ? "\nthe IR it was given is in " + path.string() : "\n" + written.message()));
}

} // namespace

StageOptions StageOptions::from(const Knobs &knobs) {
  StageOptions options;
  options.dumpDir = knobs.dumpDir;
  options.stopAfter = knobs.stopAfter;
  options.overrideDir = knobs.overrideDir;
  options.time = knobs.time;
  std::error_code problem;
  options.failureDir = (fs::temp_directory_path(problem) / ("mho-failed-" + std::to_string(getuid()))).string();
  return options;
}

Status runStages(const std::string &unit, Artifact &artifact, const std::vector<Stage> &stages,
                 const StageOptions &options) {
  if (Status status = checkStopName(stages, options.stopAfter); !status)
    return status;
  std::string extension = stages.front().extension; // of the form a stage starts from
  for (size_t i = 0; i < stages.size(); ++i) {
    const Stage &stage = stages[i];
    std::function<std::string()> before = artifact.snapshot();
    auto start = std::chrono::steady_clock::now();
    if (Status status = stage.run(); !status)
      return failed(unit, stage, before(), extension, status.message(), options);
    std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (options.time)
      std::fprintf(stderr, "mho: %-24s %-10s %8.2f ms\n", unit.c_str(), stage.name.c_str(), elapsed.count());
    std::string file = fileName(unit, i, stage);
    if (Status status = takeOverride(artifact, options, file); !status)
      return status;
    if (!options.dumpDir.empty())
      if (Status status = writeText(fs::path(options.dumpDir) / file, artifact.text()); !status)
        return status;
    if (stage.name == options.stopAfter) {
      fs::path path = fs::path(options.dumpDir.empty() ? options.failureDir : options.dumpDir) / file;
      Status written = writeText(path, artifact.text());
      return Status::error("stopped after compile stage '" + stage.name + "' of " + unit + " as MHO_STOP_AFTER says; " +
                           (written ? "its result is in " + path.string() : written.message()));
    }
    extension = stage.extension;
  }
  return Status::ok();
}

} // namespace mho

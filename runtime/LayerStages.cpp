#include "runtime/LayerStages.h"

#include "dialect/Transforms/Passes.h"

namespace mho {

std::vector<Stage> layerStages(ModuleArtifact &artifact, const LayerOptions &options) {
  auto fuse = [&artifact, save = options.saveForBackward] {
    analog::AnalogFusePassOptions passOptions;
    passOptions.saveForBackward = save;
    return artifact.runPasses(
        [&](mlir::OpPassManager &passes) { passes.addPass(analog::createAnalogFusePass(passOptions)); });
  };
  auto differentiate = [&artifact] {
    return artifact.runPasses(
        [](mlir::OpPassManager &passes) { passes.addPass(analog::createAnalogDifferentiatePass()); });
  };
  // No passes: the pass manager verifies the module.
  auto verify = [&artifact] { return artifact.runPasses([](mlir::OpPassManager &) {}); };
  std::vector<Stage> stages{{"algebra", "mlir", verify}, {"fuse", "mlir", fuse}};
  if (options.gradients)
    stages.push_back({"differentiate", "mlir", differentiate});
  return stages;
}

std::vector<std::string> allStages(const std::vector<std::string> &backendStages) {
  std::vector<std::string> names{"algebra", "fuse", "differentiate"};
  names.insert(names.end(), backendStages.begin(), backendStages.end());
  return names;
}

} // namespace mho

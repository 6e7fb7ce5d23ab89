// The first stages of every compilation: a layer's algebra, fused to its forward kernel, then differentiated.
//
//   ModuleArtifact artifact(std::move(module));
//   runStages(unitName("linear", artifact.text()), artifact, layerStages(artifact, options), stageOptions);
#pragma once

#include "runtime/ModuleArtifact.h"

namespace mho {

/// What is made of a layer.
struct LayerOptions {
  bool saveForBackward = false; ///< the forward kernel also gives what the gradients need
  bool gradients = false;       ///< also the kernels of the gradients; they need saveForBackward
};

/// algebra (verifies the module), fuse and, where gradients are wanted, differentiate.
std::vector<Stage> layerStages(ModuleArtifact &artifact, const LayerOptions &options);

/// Names of all stages of a compilation: the layer's, then the backend's.
std::vector<std::string> allStages(const std::vector<std::string> &backendStages);

} // namespace mho

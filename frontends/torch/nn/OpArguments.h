// What a layer hands to the ops beside its tensors. Private to the layers.
#pragma once

#include "frontends/torch/ops/Ops.h"

#include <torch/types.h>

namespace mho::nn {

/// Nothing for an undefined tensor.
inline ops::OptionalTensor orNothing(const torch::Tensor &tensor) {
  return tensor.defined() ? ops::OptionalTensor(tensor) : std::nullopt;
}

/// A key (seed, 0), int64 [2], with one of all 2^64 seeds from the device's default generator.
torch::Tensor drawKey(torch::Device device);

} // namespace mho::nn

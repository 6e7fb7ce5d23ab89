// From tensors to the runtime's view of them, and from its errors to exceptions. Private to the ops.
#pragma once

#include "runtime/Linear.h"

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>

namespace mho::ops {

/// A spec in use: parsed and checked once per text.
struct LayerOfText {
  LinearSpec spec;
  std::shared_ptr<Linear> linear;
};

/// The compiled layer of a config text on a kind of device, for an x and weight of that type. Throws for a text that is
/// no valid spec, and where the device's backend is not available.
const LayerOfText &layerOf(const std::string &config, at::ScalarType storage, c10::DeviceType device);

/// The spec alone, for shapes.
const LinearSpec &specOf(const std::string &config);

/// View of a tensor on any device. Throws, naming the argument and the remedy, unless it is dense, of at most 3
/// dimensions and of the type.
TensorRef refOf(const at::Tensor &tensor, const char *name, at::ScalarType type = at::kFloat);
TensorRef refOf(const std::optional<at::Tensor> &tensor, const char *name, at::ScalarType type = at::kFloat);

/// The key as the kernels read it: two adjacent words.
std::optional<at::Tensor> keyWords(const std::optional<at::Tensor> &key);

/// Reads the strengths of a float32 CPU tensor of LinearScalars::kCount elements and those of effects that are text.
/// Throws for a strength that an effect of this layer cannot have, naming it.
void readScalars(const at::Tensor &scalars, const LinearSpec &spec, LinearScalars &builtIn,
                 std::vector<float> &effects);

/// Views of the tensors of effects.
std::vector<TensorRef> refsOf(at::TensorList tensors, const LinearSpec &spec);

/// Torch's intra-op threads.
const ParallelFor &torchThreads();

/// Throws c10::Error with the status's message.
void check(const Status &status, const char *op);

} // namespace mho::ops

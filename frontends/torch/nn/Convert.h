// A digital network made analog.
//
//   auto report = mho::convert_to_analog(*network, config);
//   mho::convert_to_analog(*network, config, [](const std::string &path, const torch::nn::Module &) { return path !=
//   "head"; });
#pragma once

#include "frontends/torch/nn/AnalogConfig.h"
#include "frontends/torch/nn/AnalogLinear.h"

#include <torch/nn/module.h>

#include <functional>
#include <string>
#include <vector>

namespace mho {

/// Should this layer become analog? `path` is its name in the network, e.g. "encoder.0".
using ConversionFilter = std::function<bool(const std::string &path, const torch::nn::Module &layer)>;

/// Makes every nn::Linear in a Sequential, ModuleList or ModuleDict, and every AnalogLinear member that is still
/// digital, an analog layer with this config. Weights and biases stay the same tensors, so an optimizer that holds them
/// keeps working; learned ranges are new parameters. A layer registered twice stays one layer. Returns the paths.
///
/// Throws, and has then changed nothing: std::invalid_argument for an impossible config; c10::Error for an nn::Linear
/// it cannot reach (a typed member of a module of your own), with its path and the remedy.
std::vector<std::string> convert_to_analog(torch::nn::Module &module, const nn::AnalogConfig &config,
                                           const ConversionFilter &filter = nullptr);

} // namespace mho

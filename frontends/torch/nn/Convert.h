// A digital network made analog.
//
//   auto isHead = [](const std::string &path, const torch::nn::Module &) { return path == "head"; };
//   mho::convert_to_analog(*network, precise, isHead);
//   mho::convert_to_analog(*network, usual);             // all that is still digital
//   mho::convert_to_analog(*network, usual, nullptr, {effect});
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
/// keeps working; learned ranges are new parameters. A layer registered twice stays one layer. A layer that is analog
/// already keeps its config, whatever this one says: nn::AnalogLinearImpl::setConfig() changes it. Returns the paths of
/// the layers that became analog. Each gets the effects, with tensors of its own shape; an AnalogLinear has those of
/// its own options before them.
///
/// Throws, and has then changed nothing: std::invalid_argument for an impossible config and for effects that do not fit
/// a layer; c10::Error, with the path and the remedy, for an nn::Linear it cannot reach (a typed member of a module of
/// your own), for one that is more than an nn::Linear (a derived class, further parameters, buffers or children), and
/// where the filter wants only one of several paths to the same layer.
std::vector<std::string> convert_to_analog(torch::nn::Module &module, const nn::AnalogConfig &config,
                                           const ConversionFilter &filter = nullptr,
                                           const std::vector<nn::Effect> &effects = {});

} // namespace mho

// The layer that several tests share: three tiles of 14, 13 and 13 inputs, learned ranges estimated from two batches.
#pragma once

#include "frontends/torch/Torch.h"

#include <torch/serialize.h>

#include <sstream>
#include <stdexcept>

namespace mho::nn {

inline AnalogConfig noisyConfig() {
  AnalogConfig config;
  config.tileRows = 16;
  config.inputRange = InputRange::Learned;
  config.inputBits = config.adcBits = 8;
  config.weightNoise = 0.1;
  config.outputNoise = 0.04;
  config.inputRangeFromData = 2;
  return config;
}

inline AnalogLinear noisyLayer() { return AnalogLinear(AnalogLinearOptions(40, 21).config(noisyConfig())); }

/// Deviation of each tile's inputs.
inline torch::Tensor tileDeviations(const torch::Tensor &x) {
  return torch::stack({x.narrow(1, 0, 14).std(), x.narrow(1, 14, 13).std(), x.narrow(1, 27, 13).std()});
}

template <class Holder> std::string saved(const Holder &module) {
  std::ostringstream stream;
  torch::save(module, stream);
  return stream.str();
}

template <class Holder> void loadFrom(Holder &module, const std::string &bytes) {
  std::istringstream stream(bytes);
  torch::load(module, stream);
}

/// The message of the std::invalid_argument that `action` throws.
template <class Action> std::string refusal(Action action) {
  try {
    action();
  } catch (const std::invalid_argument &error) {
    return error.what();
  }
  return "no error";
}

/// The message of the c10::Error that `action` throws.
template <class Action> std::string errorOf(Action action) {
  try {
    action();
  } catch (const c10::Error &error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

} // namespace mho::nn

// How networks fare on the simulated chip: accuracy over many chips, each with its own draw of the weight noise.
//
//   Curve curve = measure(network, "digital", {0, .1, .2}, 10, test);
#pragma once

#include "frontends/demo/FashionMnist.h"

#include <torch/nn/modules/container/sequential.h>

#include <string>
#include <vector>

namespace mho::demo {

struct Measurement {
  double strength; ///< weight noise: standard deviation in units of the channel's largest |weight|
  double mean;     ///< test accuracy in percent, mean over the draws
  double error;    ///< standard error of that mean
};

struct Curve {
  std::string name;
  std::vector<Measurement> points;
};

/// Mean and standard error of `values` (at least two).
Measurement summarize(double strength, const std::vector<double> &values);

/// Accuracy of an analog network at each strength over `draws` chips. Reports progress under `name`.
Curve measure(torch::nn::Sequential &network, const std::string &name, const std::vector<double> &strengths,
              int64_t draws, const Dataset &test);

/// A table for people; curves must share their strengths.
std::string formatTable(const std::vector<Curve> &curves);
/// Columns network, weight_noise, accuracy_mean, accuracy_standard_error.
std::string formatCsv(const std::vector<Curve> &curves);

} // namespace mho::demo

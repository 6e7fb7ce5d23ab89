#include "frontends/demo/Chip.h"

#include "frontends/demo/Networks.h"
#include "frontends/demo/Progress.h"
#include "frontends/demo/Train.h"

#include <cmath>
#include <cstdio>

namespace mho::demo {

namespace {

std::string format(const char *pattern, double a, double b = 0) {
  char text[96];
  std::snprintf(text, sizeof text, pattern, a, b);
  return text;
}

} // namespace

Measurement summarize(double strength, const std::vector<double> &values) {
  double sum = 0, squares = 0;
  for (double v : values)
    sum += v;
  const double n = values.size(), mean = sum / n;
  for (double v : values)
    squares += (v - mean) * (v - mean);
  return {strength, mean, std::sqrt(squares / (n - 1) / n)};
}

Curve measure(torch::nn::Sequential &network, const std::string &name, const std::vector<double> &strengths,
              int64_t draws, const Dataset &test) {
  Curve curve{name, {}};
  Progress progress(name, static_cast<int64_t>(strengths.size()) * draws, "chips");
  for (double strength : strengths) {
    setWeightNoise(network, strength);
    std::vector<double> values;
    for (int64_t i = 0; i < draws; ++i) {
      values.push_back(accuracy(network, test));
      progress.advance(1, format("weight noise %.2f", strength));
    }
    curve.points.push_back(summarize(strength, values));
  }
  progress.finish("measured on " + std::to_string(strengths.size() * draws) + " chips");
  return curve;
}

std::string formatTable(const std::vector<Curve> &curves) {
  std::string out = "weight noise";
  for (const Curve &curve : curves)
    out += std::string(curve.name.size() < 22 ? 22 - curve.name.size() : 1, ' ') + curve.name;
  out += "\n";
  for (size_t i = 0; i < curves.front().points.size(); ++i) {
    out += format("%12.2f", curves.front().points[i].strength);
    for (const Curve &curve : curves)
      out += format("      %6.2f +- %4.2f %%", curve.points[i].mean, curve.points[i].error);
    out += "\n";
  }
  return out;
}

std::string formatCsv(const std::vector<Curve> &curves) {
  std::string out = "network,weight_noise,accuracy_mean,accuracy_standard_error\n";
  for (const Curve &curve : curves)
    for (const Measurement &m : curve.points)
      out += curve.name + format(",%g", m.strength) + format(",%.4f,%.4f\n", m.mean, m.error);
  return out;
}

} // namespace mho::demo

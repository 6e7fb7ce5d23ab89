#include "bench/BarPlot.h"

#include "frontends/demo/Svg.h"

#include <algorithm>

namespace mho::bench {

using namespace mho::svg;

namespace {

constexpr double kTop = 70, kBottom = 400, kLeft = 64, kBar = 14, kGap = 16;

/// Distinct values of a field, in order of appearance.
template <class Field> std::vector<std::string> distinct(const std::vector<Ratio> &ratios, Field field) {
  std::vector<std::string> values;
  for (const Ratio &ratio : ratios)
    if (std::string value = field(ratio); std::find(values.begin(), values.end(), value) == values.end())
      values.push_back(value);
  return values;
}

std::string seriesOf(const Ratio &ratio) { return ratio.pass + ", width " + std::to_string(ratio.width); }

size_t positionOf(const std::vector<std::string> &values, const std::string &value) {
  return std::find(values.begin(), values.end(), value) - values.begin();
}

std::string drawLegend(const std::vector<std::string> &series) {
  std::string out;
  for (size_t i = 0; i < series.size(); ++i) {
    out += rectangle(kLeft + 150.0 * i, 46, 12, 12, colour(i));
    out += text(kLeft + 150.0 * i + 18, 56, series[i], "");
  }
  return out;
}

} // namespace

std::string drawRatios(const std::vector<Ratio> &ratios, const std::string &subtitle) {
  const std::vector<std::string> names = distinct(ratios, [](const Ratio &r) { return r.name; }),
                                 series = distinct(ratios, seriesOf);
  const double group = kBar * series.size() + kGap;
  const double right = kLeft + std::max(group * names.size(), 150.0 * series.size()) + kGap, width = right + 24;
  double highest = 1;
  for (const Ratio &ratio : ratios)
    highest = std::max(highest, ratio.ratio);
  const Axis y(0, highest, kBottom, kTop); // bars begin at 0: their lengths are the times
  std::string out = open(width, 500);
  out += text(kLeft, 22, "Time of an analog layer over the digital one", "font-size=\"16\" font-weight=\"bold\"");
  out += text(kLeft, 38, subtitle, "fill=\"#555555\"") + drawLegend(series);
  for (int i = 0; i <= y.ticks(); ++i) {
    out += line(kLeft, y.at(y.tick(i)), right, y.at(y.tick(i)), "stroke=\"#dddddd\"");
    out += text(kLeft - 8, y.at(y.tick(i)) + 4.5, number(y.tick(i)), "text-anchor=\"end\"");
  }
  for (const Ratio &ratio : ratios) {
    const size_t name = positionOf(names, ratio.name), bar = positionOf(series, seriesOf(ratio));
    const double x = kLeft + kGap / 2 + group * name + kBar * bar, top = y.at(ratio.ratio);
    out += rectangle(x, top, kBar - 2, kBottom - top, colour(bar));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string at = number(kLeft + group * (i + 0.5)) + " " + number(kBottom + 16);
    out += text(0, 0, names[i], "text-anchor=\"end\" transform=\"translate(" + at + ") rotate(-35)\"");
  }
  out += line(kLeft, y.at(1), right, y.at(1), "stroke=\"#222222\" stroke-width=\"1.6\" stroke-dasharray=\"6 3\"");
  out += text(right, y.at(1) - 5, "digital", "text-anchor=\"end\"");
  return out + close();
}

} // namespace mho::bench

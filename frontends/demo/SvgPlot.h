// A line plot with error bars, written as SVG: no library, no fonts of its own, readable on white and in print.
//
//   SvgPlot plot("Fashion-MNIST on the simulated chip", "weight noise", "test accuracy (%)");
//   plot.add({"digital", {{0, 88.9, .1}, {.1, 61, 1.2}}});
//   std::string svg = plot.render();
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mho::demo {

struct PlotPoint {
  double x, y, error; ///< error: half the length of the bar
};

struct PlotSeries {
  std::string name;
  std::vector<PlotPoint> points;
};

class SvgPlot {
public:
  SvgPlot(std::string title, std::string xLabel, std::string yLabel)
      : title(std::move(title)), xLabel(std::move(xLabel)), yLabel(std::move(yLabel)) {}
  void add(PlotSeries s) { series.push_back(std::move(s)); }
  /// The document. Axes cover all points and their bars and end on round numbers; without points the axes are 0..1.
  std::string render() const;

private:
  std::string title, xLabel, yLabel;
  std::vector<PlotSeries> series;
};

} // namespace mho::demo

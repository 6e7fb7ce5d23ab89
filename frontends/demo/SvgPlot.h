// A line plot with error bars, written as SVG.
//
//   SvgPlot plot("Fashion-MNIST on the simulated chip", "weight noise", "test accuracy (%)");
//   plot.setNote("bars: standard error of 12 draws");
//   plot.add({"digital", {{0, 88.9, .1}, {.1, 61, 1.2}}});
//   plot.addLevel({"not on a chip", 89.2});
//   std::string svg = plot.render();
#pragma once

#include <optional>
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

/// A dashed line across the plot.
struct PlotLevel {
  std::string name;
  double y;
};

class SvgPlot {
public:
  SvgPlot(std::string title, std::string xLabel, std::string yLabel)
      : title(std::move(title)), xLabel(std::move(xLabel)), yLabel(std::move(yLabel)) {}
  void add(PlotSeries s) { series.push_back(std::move(s)); }
  void addLevel(PlotLevel level) { levels.push_back(std::move(level)); }
  /// A line under the title: what the bars are.
  void setNote(std::string text) { note = std::move(text); }
  /// The y axis covers at least these values, so that a loss is seen against the whole.
  void coverY(double low, double high) { yRange = {low, high}; }
  /// The document. Axes cover all points with their bars and all levels and end on round numbers; without points the
  /// axes are 0..1.
  std::string render() const;

private:
  std::string title, xLabel, yLabel, note;
  std::vector<PlotSeries> series;
  std::vector<PlotLevel> levels;
  std::optional<std::pair<double, double>> yRange;
};

} // namespace mho::demo

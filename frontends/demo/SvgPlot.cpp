#include "frontends/demo/SvgPlot.h"

#include "frontends/demo/Svg.h"

#include <algorithm>
#include <limits>

namespace mho::demo {

using namespace mho::svg;

namespace {

constexpr double kWidth = 720, kHeight = 440;
constexpr double kLeft = 76, kRight = 700, kTop = 52, kBottom = 380;
std::string renderAxes(const Axis &x, const Axis &y, const std::string &xLabel, const std::string &yLabel) {
  const std::string grid = "stroke=\"#dddddd\"", axis = "stroke=\"#333333\" stroke-width=\"1.2\"";
  std::string out;
  for (int i = 0; i <= y.ticks(); ++i) {
    out += line(kLeft, y.at(y.tick(i)), kRight, y.at(y.tick(i)), grid);
    out += text(kLeft - 8, y.at(y.tick(i)) + 4.5, number(y.tick(i)), "text-anchor=\"end\"");
  }
  for (int i = 0; i <= x.ticks(); ++i) {
    out += line(x.at(x.tick(i)), kBottom, x.at(x.tick(i)), kBottom + 5, axis);
    out += text(x.at(x.tick(i)), kBottom + 20, number(x.tick(i)), "text-anchor=\"middle\"");
  }
  out += line(kLeft, kBottom, kRight, kBottom, axis) + line(kLeft, kTop, kLeft, kBottom, axis);
  out += text((kLeft + kRight) / 2, kBottom + 46, xLabel, "text-anchor=\"middle\" font-size=\"15\"");
  out += text(0, 0, yLabel,
              "text-anchor=\"middle\" font-size=\"15\" transform=\"translate(22 " + number((kTop + kBottom) / 2) +
                  ") rotate(-90)\"");
  return out;
}

std::string strokeOf(size_t series) { return "stroke=\"" + colour(series) + "\""; }

std::string point(double x, double y, size_t series) {
  return "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"4\" fill=\"" + colour(series) + "\"/>\n";
}

std::string renderSeries(const PlotSeries &series, const Axis &x, const Axis &y, size_t position) {
  const std::string stroke = strokeOf(position);
  std::string path, marks;
  for (const PlotPoint &p : series.points) {
    const double px = x.at(p.x), py = y.at(p.y);
    path += number(px) + "," + number(py) + " ";
    const double above = y.at(p.y + p.error), below = y.at(p.y - p.error);
    marks += line(px, above, px, below, stroke + " stroke-width=\"1.5\"");
    marks += line(px - 5, above, px + 5, above, stroke + " stroke-width=\"1.5\"");
    marks += line(px - 5, below, px + 5, below, stroke + " stroke-width=\"1.5\"");
    marks += point(px, py, position);
  }
  return "<polyline points=\"" + path + "\" fill=\"none\" " + stroke + " stroke-width=\"2.2\"/>\n" + marks;
}

const std::string kLevelStyle = "stroke=\"#555555\" stroke-width=\"1.6\" stroke-dasharray=\"6 3\"";

/// Names of the series and levels at the bottom left, where curves that fall to the right leave room.
std::string renderLegend(const std::vector<PlotSeries> &series, const std::vector<PlotLevel> &levels) {
  std::vector<std::string> names;
  for (const PlotLevel &level : levels)
    names.push_back(level.name);
  for (const PlotSeries &s : series)
    names.push_back(s.name);
  size_t longest = 0;
  for (const std::string &name : names)
    longest = std::max(longest, name.size());
  const double height = 22 * names.size() + 10, top = kBottom - height - 14, left = kLeft + 16;
  std::string out = "<rect x=\"" + number(left) + "\" y=\"" + number(top) + "\" width=\"" + number(58 + 7.6 * longest) +
                    "\" height=\"" + number(height) + "\" rx=\"4\" fill=\"white\" stroke=\"#bbbbbb\"/>\n";
  for (size_t i = 0; i < names.size(); ++i) {
    const double y = top + 16 + 22 * i;
    if (i < levels.size()) {
      out += line(left + 10, y, left + 38, y, kLevelStyle);
    } else {
      const size_t position = i - levels.size();
      out += line(left + 10, y, left + 38, y, strokeOf(position) + " stroke-width=\"2.2\"");
      out += point(left + 24, y, position);
    }
    out += text(left + 48, y + 4.5, names[i], "");
  }
  return out;
}

} // namespace

std::string SvgPlot::render() const {
  const double infinity = std::numeric_limits<double>::infinity();
  double xMin = infinity, xMax = -infinity, yMin = infinity, yMax = -infinity;
  for (const PlotSeries &s : series)
    for (const PlotPoint &p : s.points) {
      xMin = std::min(xMin, p.x);
      xMax = std::max(xMax, p.x);
      yMin = std::min(yMin, p.y - p.error);
      yMax = std::max(yMax, p.y + p.error);
    }
  for (const PlotLevel &level : levels) {
    yMin = std::min(yMin, level.y);
    yMax = std::max(yMax, level.y);
  }
  if (yRange) {
    yMin = std::min(yMin, yRange->first);
    yMax = std::max(yMax, yRange->second);
  }
  if (!(xMin <= xMax))
    xMin = 0, xMax = 1;
  if (!(yMin <= yMax))
    yMin = 0, yMax = 1;
  const Axis x(xMin, xMax, kLeft, kRight), y(yMin, yMax, kBottom, kTop);

  std::string out = open(kWidth, kHeight);
  out += text((kLeft + kRight) / 2, 24, title, "text-anchor=\"middle\" font-size=\"17\" font-weight=\"bold\"");
  out += text((kLeft + kRight) / 2, 42, note, "text-anchor=\"middle\" fill=\"#555555\"");
  out += renderAxes(x, y, xLabel, yLabel);
  for (const PlotLevel &level : levels)
    out += line(kLeft, y.at(level.y), kRight, y.at(level.y), kLevelStyle);
  for (size_t i = 0; i < series.size(); ++i)
    out += renderSeries(series[i], x, y, i);
  return out + renderLegend(series, levels) + close();
}

} // namespace mho::demo

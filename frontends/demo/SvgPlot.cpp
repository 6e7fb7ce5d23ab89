#include "frontends/demo/SvgPlot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace mho::demo {

namespace {

constexpr double kWidth = 720, kHeight = 440;
constexpr double kLeft = 76, kRight = 700, kTop = 52, kBottom = 380;
// Two colours that stay apart for colour-blind readers and in grey, then spares.
const char *const kColours[] = {"#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9"};

std::string format(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", std::abs(value) < 1e-12 ? 0 : value);
  return text;
}

std::string escape(const std::string &text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// An axis from `low` to `high` that ends on multiples of `step`, a 1, 2 or 5 times a power of ten.
struct Axis {
  double low, high, step, from, to;

  Axis(double minimum, double maximum, double from, double to) : from(from), to(to) {
    if (!(minimum < maximum))
      maximum = minimum + 1;
    const double rough = (maximum - minimum) / 6, power = std::pow(10, std::floor(std::log10(rough)));
    step = (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10) * power;
    low = std::floor(minimum / step + 1e-9) * step;
    high = std::ceil(maximum / step - 1e-9) * step;
  }
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
  int ticks() const { return static_cast<int>(std::lround((high - low) / step)); }
  double tick(int i) const { return low + i * step; }
};

std::string line(double x1, double y1, double x2, double y2, const std::string &style) {
  return "<line x1=\"" + format(x1) + "\" y1=\"" + format(y1) + "\" x2=\"" + format(x2) + "\" y2=\"" + format(y2) +
         "\" " + style + "/>\n";
}

std::string text(double x, double y, const std::string &body, const std::string &style) {
  return "<text x=\"" + format(x) + "\" y=\"" + format(y) + "\" " + style + ">" + escape(body) + "</text>\n";
}

std::string renderAxes(const Axis &x, const Axis &y, const std::string &xLabel, const std::string &yLabel) {
  const std::string grid = "stroke=\"#dddddd\"", axis = "stroke=\"#333333\" stroke-width=\"1.2\"";
  std::string out;
  for (int i = 0; i <= y.ticks(); ++i) {
    out += line(kLeft, y.at(y.tick(i)), kRight, y.at(y.tick(i)), grid);
    out += text(kLeft - 8, y.at(y.tick(i)) + 4.5, format(y.tick(i)), "text-anchor=\"end\"");
  }
  for (int i = 0; i <= x.ticks(); ++i) {
    out += line(x.at(x.tick(i)), kBottom, x.at(x.tick(i)), kBottom + 5, axis);
    out += text(x.at(x.tick(i)), kBottom + 20, format(x.tick(i)), "text-anchor=\"middle\"");
  }
  out += line(kLeft, kBottom, kRight, kBottom, axis) + line(kLeft, kTop, kLeft, kBottom, axis);
  out += text((kLeft + kRight) / 2, kBottom + 46, xLabel, "text-anchor=\"middle\" font-size=\"15\"");
  out += text(0, 0, yLabel,
              "text-anchor=\"middle\" font-size=\"15\" transform=\"translate(22 " + format((kTop + kBottom) / 2) +
                  ") rotate(-90)\"");
  return out;
}

std::string renderSeries(const PlotSeries &series, const Axis &x, const Axis &y, const std::string &colour) {
  const std::string stroke = "stroke=\"" + colour + "\"";
  std::string path, marks;
  for (const PlotPoint &p : series.points) {
    const double px = x.at(p.x), py = y.at(p.y);
    path += format(px) + "," + format(py) + " ";
    const double above = y.at(p.y + p.error), below = y.at(p.y - p.error);
    marks += line(px, above, px, below, stroke + " stroke-width=\"1.5\"");
    marks += line(px - 5, above, px + 5, above, stroke + " stroke-width=\"1.5\"");
    marks += line(px - 5, below, px + 5, below, stroke + " stroke-width=\"1.5\"");
    marks += "<circle cx=\"" + format(px) + "\" cy=\"" + format(py) + "\" r=\"4\" fill=\"" + colour + "\"/>\n";
  }
  return "<polyline points=\"" + path + "\" fill=\"none\" " + stroke + " stroke-width=\"2.2\"/>\n" + marks;
}

/// Names of the series at the bottom left, where curves that fall to the right leave room.
std::string renderLegend(const std::vector<PlotSeries> &series) {
  size_t longest = 0;
  for (const PlotSeries &s : series)
    longest = std::max(longest, s.name.size());
  const double height = 22 * series.size() + 10, top = kBottom - height - 14, left = kLeft + 16;
  std::string out = "<rect x=\"" + format(left) + "\" y=\"" + format(top) + "\" width=\"" + format(58 + 7.6 * longest) +
                    "\" height=\"" + format(height) + "\" rx=\"4\" fill=\"white\" stroke=\"#bbbbbb\"/>\n";
  for (size_t i = 0; i < series.size(); ++i) {
    const std::string colour = kColours[i % std::size(kColours)];
    const double y = top + 16 + 22 * i;
    out += line(left + 10, y, left + 38, y, "stroke=\"" + colour + "\" stroke-width=\"2.2\"");
    out += "<circle cx=\"" + format(left + 24) + "\" cy=\"" + format(y) + "\" r=\"4\" fill=\"" + colour + "\"/>\n";
    out += text(left + 48, y + 4.5, series[i].name, "");
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
  if (!(xMin <= xMax))
    xMin = yMin = 0, xMax = yMax = 1;
  const Axis x(xMin, xMax, kLeft, kRight), y(yMin, yMax, kBottom, kTop);

  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + format(kWidth) + " " +
                    format(kHeight) + "\" width=\"" + format(kWidth) + "\" height=\"" + format(kHeight) +
                    "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222222\">\n";
  out += "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  out += text((kLeft + kRight) / 2, 30, title, "text-anchor=\"middle\" font-size=\"17\" font-weight=\"bold\"");
  out += renderAxes(x, y, xLabel, yLabel);
  for (size_t i = 0; i < series.size(); ++i)
    out += renderSeries(series[i], x, y, kColours[i % std::size(kColours)]);
  return out + renderLegend(series) + "</svg>\n";
}

} // namespace mho::demo

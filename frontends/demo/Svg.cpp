#include "frontends/demo/Svg.h"

#include <cmath>
#include <cstdio>
#include <iterator>

namespace mho::svg {

namespace {

std::string escape(const std::string &text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

} // namespace

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", std::abs(value) < 1e-12 ? 0 : value);
  return text;
}

std::string open(double width, double height) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + " " + number(height) +
         "\" width=\"" + number(width) + "\" height=\"" + number(height) +
         "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222222\">\n"
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
}

std::string close() { return "</svg>\n"; }

std::string line(double x1, double y1, double x2, double y2, const std::string &style) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
         "\" " + style + "/>\n";
}

std::string rectangle(double x, double y, double width, double height, const std::string &fill) {
  return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" +
         number(height) + "\" fill=\"" + fill + "\"/>\n";
}

std::string text(double x, double y, const std::string &body, const std::string &style) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + style + ">" + escape(body) + "</text>\n";
}

std::string colour(size_t series) {
  static const char *const colours[] = {"#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"};
  return colours[series % std::size(colours)];
}

Axis::Axis(double minimum, double maximum, double from, double to) : from(from), to(to) {
  if (!(minimum < maximum))
    maximum = minimum + 1;
  const double rough = (maximum - minimum) / 6, power = std::pow(10, std::floor(std::log10(rough)));
  step = (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10) * power;
  low = std::floor(minimum / step + 1e-9) * step;
  high = std::ceil(maximum / step - 1e-9) * step;
}

int Axis::ticks() const { return static_cast<int>(std::lround((high - low) / step)); }

} // namespace mho::svg

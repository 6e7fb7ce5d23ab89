// The elements that the plots are made of: SVG text, no library, no fonts of its own, readable on white and in print.
#pragma once

#include <cstddef>
#include <string>

namespace mho::svg {

/// Start and end of a document of that size, with a white ground.
std::string open(double width, double height);
std::string close();

/// A number as SVG and people read it: six digits, no negative zero.
std::string number(double value);
std::string line(double x1, double y1, double x2, double y2, const std::string &style);
std::string rectangle(double x, double y, double width, double height, const std::string &fill);
/// `body` is escaped.
std::string text(double x, double y, const std::string &body, const std::string &style);

/// Colours of a plot's series: the first ones stay apart for colour-blind readers and in grey.
std::string colour(size_t series);

/// An axis from `low` to `high` that ends on multiples of `step`, a 1, 2 or 5 times a power of ten.
struct Axis {
  double low, high, step;
  double from, to; ///< coordinates of `low` and `high` in the document

  /// Covers minimum..maximum; one unit where they are equal.
  Axis(double minimum, double maximum, double from, double to);
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
  int ticks() const;
  double tick(int i) const { return low + i * step; }
};

} // namespace mho::svg

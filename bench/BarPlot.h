// The result of a benchmark run as a drawing: a bar per effect, the digital layer as the line at 1.
#pragma once

#include <string>
#include <vector>

namespace mho::bench {

/// One row of the table.
struct Ratio {
  std::string name; ///< of the effect
  std::string pass; ///< "forward" or "step"
  int64_t width;
  double ratio; ///< time over that of the digital products
};

/// An SVG document: groups of bars by effect, one bar for each pass and width. `subtitle` says how it was measured.
std::string drawRatios(const std::vector<Ratio> &ratios, const std::string &subtitle);

} // namespace mho::bench

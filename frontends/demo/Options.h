// Command line of mho-demo.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mho::demo {

struct Options {
  std::string data = "/usr/share/datasets/fashion-mnist"; ///< folder of the four .gz files
  std::string out = "demo-out";                           ///< folder of demo.csv and demo.svg, made if missing
  int64_t epochs = 12;
  int64_t draws = 12; ///< noise draws (simulated chips) per strength
  uint64_t seed = 1;
  int threads = 0;    ///< 0: torch's own choice
  bool quick = false; ///< a small run for tests: few samples, few draws
  std::vector<double> strengths = {0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5};
};

/// Reads the command line. std::nullopt: the program is done (help was printed). Throws std::invalid_argument naming
/// the option, the value and what is allowed.
std::optional<Options> parseOptions(int argc, char **argv);

} // namespace mho::demo

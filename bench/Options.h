// Command line of mho-bench: its own options; the others are Google Benchmark's.
#pragma once

#include "bench/Layer.h"

#include <string>
#include <vector>

namespace mho::bench {

struct Options {
  std::vector<int64_t> widths = {512, 1024, 2048};
  int64_t batch = 512, tile = 512;
  int64_t rounds = 15; ///< of the interleaved loop, of which medians are taken
  std::string plot;    ///< file of the SVG; empty: none
};

/// Takes mho-bench's own options out of argv (argc counts what is left). Throws std::invalid_argument naming option,
/// value and what is allowed.
Options takeOptions(int &argc, char **argv);

/// The text of --help.
void printHelp();

} // namespace mho::bench

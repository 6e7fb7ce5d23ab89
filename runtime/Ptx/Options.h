// How a launch is carried out.
#pragma once

#include <cstdint>

namespace mho::ptx {

/// The order in which mma.sync adds the products of one element. The PTX manual leaves it open; real tensor cores
/// follow the last two kinds (Fasi et al. 2021; arXiv 2512.07004), whose details are published measurements, not a
/// specification. On integer-valued data whose sums stay below 2^24 all give the same bits.
enum class Accumulation : uint8_t {
  Sequential,  ///< fma by ascending k
  Reversed,    ///< fma by descending k
  Tree,        ///< products added pairwise, then the accumulator
  Truncated8,  ///< blocks of 8 products and the accumulator, aligned to the largest exponent, 24 bits kept, truncated
  Truncated16, ///< blocks of 16 products, 25 bits kept
};

struct LaunchOptions {
  Accumulation accumulation = Accumulation::Sequential;
  /// cp.async copies at its issue instead of at its wait.
  bool copiesEarly = false;
  bool findsRaces = true;
  bool findsUninitialised = true;
  /// Threads that CTAs are spread over. The result does not depend on it, but for the order of atomics on global memory
  /// and for programs whose CTAs race.
  int threads = 1;
  /// Warp instructions of one CTA, after which the launch stops.
  uint64_t instructionBudget = 200'000'000;
};

} // namespace mho::ptx

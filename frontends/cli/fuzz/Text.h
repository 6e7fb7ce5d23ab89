// Random effects that are text.
//
//   Text text = randomText(Site::Tile, Snap::None, random);
//   std::string lines = print(text, 3);                       // analog.effect @e3 on tile(%e) ...
#pragma once

#include "frontends/cli/fuzz/Code.h"

#include <algorithm>

namespace mho::cli::fuzz {

enum class Site { Input, Weight, Tile, Output };

/// What a derivative may be: multiples of 2^-fraction of magnitude 2^gain at most.
struct Slope {
  int gain = 0, fraction = 0;
};

struct Text {
  Site site;
  std::vector<std::string> params;    ///< axes of each, letters of "tmnk" in that order
  std::vector<std::string> strengths; ///< values
  std::string surrogate;              ///< straight_through, masked, derived, own
  int learnable = -1;                 ///< position of the parameter
  int further = 0;                    ///< values of a tile that the code yields after the first, for sums
  int taken = 0;                      ///< sums that the code of the output takes, arguments after the element
  int bits = 0;                       ///< yielded by the code, after the values
  Code code, derivative, tail;
  int sums = 0, counts = 0; ///< yielded by the derivative, after the value
  Snap snap = Snap::None;
  std::vector<std::pair<int, int>> accumulators; ///< further ones: factors of the input and the weight, 0 the element
  Code inputs, weights;                          ///< results: the factors from 1 on, small whole numbers
  Slope slope, factorSlope;                      ///< with `derived`: of the code and of each factor
};

Text randomText(Site site, Snap snap, Random &random);
/// An effect on the output that takes so many sums; `identity`: its surrogate is straight_through.
Text randomOutputText(int sums, bool identity, Random &random);
/// Some of these axes.
std::string randomAxes(const std::string &among, Random &random);
/// The axes of the elements of a site.
inline const char *axesOf(Site site) {
  static constexpr const char *axes[] = {"tmk", "tnk", "tmn", "mn"};
  return axes[int(site)];
}
inline const char *nameOf(Site site) {
  static constexpr const char *names[] = {"input", "weight", "tile", "output"};
  return names[int(site)];
}
/// How many numbers the effect draws.
inline int draws(const Text &text) { return draws(text.code) + draws(text.inputs) + draws(text.weights); }
/// Takes an accumulator away, its uses and the factors that only it has.
void removeAccumulator(Text &text, int accumulator);
/// Takes the last of the sums away, and its uses.
void removeSum(Text &text);
/// The effect @e<number>.
std::string print(const Text &text, int number);
/// "a, b".
std::string joined(const std::vector<std::string> &parts, const std::string &separator = ", ");
/// " over (t, n)", nothing where there are no axes.
std::string over(const std::string &axes);

} // namespace mho::cli::fuzz

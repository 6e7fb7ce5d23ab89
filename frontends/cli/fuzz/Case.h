// A random layer of the algebra with its shapes, data and schedule: what mho-fuzz makes, prints, shrinks and has
// mho-run run on the CPU and on the evaluator.
//
//   Case layer = randomCase(seed, 17);
//   std::optional<double> tolerance = toleranceOf(layer);     // 0: every bit
//   std::string file = print(layer);                          // .mlir
#pragma once

#include "frontends/cli/fuzz/Text.h"

#include <array>
#include <optional>

namespace mho::cli::fuzz {

/// A tensor that an effect reads: an argument of the layer of its own, or a maximum of x or W.
struct Scale {
  enum class Source { Argument, Channel, Tensor, Row } source = Source::Argument;
  int id = 0;                       ///< scales of one id and axes are one argument
  std::string axes;                 ///< letters of "tmnk", in that order
  std::optional<std::string> value; ///< of all elements of an argument; else random
};

struct Effect {
  std::string op; ///< quantize_input, quantize_weight, inject_noise, drop_connect, rescale, adc or apply
  Site site;
  std::vector<Scale> scales;
  std::string levels, strength; ///< half_levels; sigma, probability or lambda
  std::string decay, share;     ///< of quantize_input
  std::string rangeGradient;    ///< likewise
  bool straight = false;        ///< an adc's gradient
  bool word = false;            ///< inject_noise's map
  int key = 0;
  std::vector<int> streams; ///< of an apply: empty, those of its effect's name
  bool redraw = false;      ///< of the effect before it
  int text = -1;            ///< an apply's effect
};

struct Case {
  uint64_t seed = 1, number = 0;
  int64_t rows = 1, inputs = 1, outputs = 1;
  bool fixedTiles = false;
  int64_t tileRows = 0;
  bool staticTypes = false;
  std::string storage = "f32"; ///< of x, W and y; of 16 bits only where every bit is determined
  bool normal = false;         ///< data are normal numbers, not integers from -4 to 4
  bool gradient = true;
  bool bias = false;
  bool noisyBackward = false;
  std::vector<Effect> effects; ///< of inputs, of weights, of tiles, of outputs, each in their order
  std::vector<Text> texts;
  std::string backend;                                   ///< of mho-run, or empty: the CPU's
  std::string isa;                                       ///< MHO_ISA, or empty
  std::vector<std::pair<std::string, int64_t>> schedule; ///< numbers of analog.schedule
  std::array<std::vector<int64_t>, 2> strides;           ///< of x and W; empty: rows side by side
  int threads = 1;

  int64_t tiles() const;
  /// Values of tiles, beside their accumulators, that may be summed for effects on the output.
  int furtherValues() const;
};

/// Case `number` of a seed: always the same.
Case randomCase(uint64_t seed, uint64_t number);

/// How far the compiled layer may be from the evaluator: 0 where all is exact or in a fixed order, else a bound of the
/// error of float sums of that length. Nothing where the two need not be near each other.
std::optional<double> toleranceOf(const Case &layer);

/// The layer as a .mlir file.
std::string print(const Case &layer);
/// Arguments of mho-run behind the file's name.
std::vector<std::string> runArguments(const Case &layer, double tolerance);

/// Everything that is smaller in one way, the greatest steps first.
std::vector<Case> smallerCases(const Case &layer);
/// One line: shape and effects.
std::string summary(const Case &layer);

} // namespace mho::cli::fuzz

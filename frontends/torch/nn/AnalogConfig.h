// What kind of chip a layer is simulated on: one struct for a whole network, readable as JSON.
//
//   mho::nn::AnalogConfig config;
//   config.tileRows = 256;
//   config.inputRange = mho::nn::InputRange::Learned;
//   config.inputBits = config.adcBits = 8;
//   config.weightNoise = 0.05;
//   config.validate();
//
// Formulas: dialect/SPEC.md. A strength of 0 or a number of bits of 0 leaves the effect out.
#pragma once

#include "runtime/LinearSpec.h"

#include <cstdint>
#include <optional>
#include <string>

namespace mho::nn {

/// Where the DAC's range comes from: none; a buffer; max |x| of each row and tile; a parameter.
enum class InputRange : uint8_t { None, Fixed, Dynamic, Learned };
enum class Tiling : uint8_t { Balanced, Fixed };
/// Over what max |W| is taken.
enum class Scale : uint8_t { PerChannel, PerTensor };
/// Strength of output noise: each tile has it, or the sum over the tiles (sigma / sqrt(T) each).
enum class NoisePer : uint8_t { Tile, Layer };
enum class AdcGradient : uint8_t { Masked, StraightThrough };
using mho::NormalMap;
using mho::RangeGradient;
/// How weights are clipped after an optimizer step: not; at clipSigma standard deviations of the layer, or of each
/// output's row; at clipValue.
enum class Clip : uint8_t { None, LayerStd, RowStd, Fixed };

/// The kind of clipping that configs call `name`; nothing if there is none. clipNames() lists them: "none, ...".
std::optional<Clip> clipNamed(const std::string &name);
std::string clipNames();

struct AnalogConfig {
  bool perfect = false; ///< y = x W^T + bias, nothing else

  Tiling tiling = Tiling::Balanced;
  int64_t tileRows = 512; ///< inputs per crossbar tile; 0: one tile

  InputRange inputRange = InputRange::None;
  int64_t inputBits = 0;            ///< DAC; 8 bits have 127 half-levels
  double inputRangeInit = 3;        ///< of a fixed or learned range
  int64_t inputRangeFromData = 100; ///< training forwards that estimate a learned range; 0: none
  double inputRangeAlpha = 3;       ///< estimate = alpha * standard deviation of the tile's inputs
  RangeGradient rangeGradient = RangeGradient::SignFiltered; ///< of a learned range
  double rangeDecay = 1e-3;                                  ///< tau: shrinks a learned range that clips too little
  double rangeShare = 0.95;                                  ///< share of unclipped inputs above which the decay acts

  int64_t weightBits = 0; ///< weight quantiser
  Scale weightScale = Scale::PerChannel;
  double weightNoise = 0; ///< gamma_w, in units of max |W|
  double dropConnect = 0; ///< probability that a device is dead

  double outputNoise = 0; ///< gamma_out, in units of range * max |W|
  NoisePer outputNoisePer = NoisePer::Tile;
  Scale outputScale = Scale::PerChannel; ///< max |W| of output noise and ADC bound
  int64_t adcBits = 0;
  double outputBound = 12; ///< lambda: ADC bound in units of range * max |W|
  AdcGradient adcGradient = AdcGradient::Masked;

  NormalMap normals = NormalMap::Half; ///< of weight and output noise: tails to 4.3 or to 6.3 sigma
  bool noisyBackward = false;          ///< backward through the noisy weights, drawn again, instead of the clean ones
  bool noiseInEval = false;            ///< noise and drop-connect in eval mode too

  Clip clip = Clip::None;
  double clipSigma = 2.5;
  double clipValue = 1;

  /// Empty, or what is impossible: key, value and what is allowed.
  std::string problem() const;
  /// Throws std::invalid_argument with problem().
  void validate() const;

  /// Every field by its snake_case name.
  std::string toJson() const;
  /// Fields that the text does not name keep their defaults. Throws std::invalid_argument for a malformed text (with
  /// the byte and the reason), an unknown key (with the nearest one), a key given twice, a wrong type or an impossible
  /// value.
  static AnalogConfig fromJson(const std::string &text);
  /// The fields that differ from their defaults, "tile_rows=256, input_bits=8"; empty if none does.
  std::string summary() const;

  /// Structure of a layer in training or evaluation; effects of strength 0 are left out.
  LinearSpec spec(bool training, bool bias) const;
  /// Strengths of a layer of `tiles` tiles.
  LinearScalars scalars(int64_t tiles) const;
  /// Number of crossbar tiles of K inputs, and the first input of a tile, 0 .. tiles(inputs). A perfect layer has them
  /// too: they shape its range.
  int64_t tiles(int64_t inputs) const { return tilingSpec().tiles(inputs); }
  int64_t tileBegin(int64_t inputs, int64_t tile) const { return tilingSpec().tileBegin(inputs, tile); }
  /// Is there a range tensor [T], a parameter or a buffer?
  bool hasRangeTensor() const { return inputRange == InputRange::Fixed || inputRange == InputRange::Learned; }

  bool operator==(const AnalogConfig &o) const { return toJson() == o.toJson(); }

private:
  LinearSpec tilingSpec() const;
};

} // namespace mho::nn

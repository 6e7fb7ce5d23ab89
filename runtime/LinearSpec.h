// What an analog linear layer computes, as plain data: the structure (which effects take part: part of the kernel's
// identity) apart from the strengths (scalars that may change at every call without a new kernel).
//
//   LinearSpec spec;                     // an ideal layer, one tile
//   spec.tileRows = 256;                 // crossbar tiles of at most 256 rows
//   spec.inputRange = InputRange::Given; // beta per tile, a tensor argument
//   spec.adc = true;
//   LinearScalars s; s.outputBound = 12;
//
// No MLIR and no torch header here: both sides of the runtime include this file.
#pragma once

#include "runtime/EffectUse.h"
#include "runtime/TensorRef.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mho {

/// How K inputs are cut into crossbar tiles (SPEC.md, "Tiling").
enum class TilingKind : uint8_t { Balanced, Fixed };

/// Where the DAC's range beta comes from: no DAC at all, a tensor beta[T] (static or learned), or max |x| of the row
/// and tile.
enum class InputRange : uint8_t { None, Given, Dynamic };

/// Gradient of a given range beta: that of the toolkits' code, of L Eq. 6, of the quantiser (SPEC.md, quantize_input).
enum class RangeGradient : uint8_t { SignFiltered, Paper, Lsq };

/// How many random bits a normal is made of: 16, or 32 for the study of rare events (SPEC.md, N6, N7).
enum class NormalMap : uint8_t { Half, Word };

/// Over what A = max |W| is taken for a scale: the row of the tile, or the whole tile.
enum class ScalePer : uint8_t { Channel, Tensor };

/// Structure of one layer. Two layers with equal specs share their kernels, whatever their sizes and strengths.
struct LinearSpec {
  TilingKind tiling = TilingKind::Balanced;
  int64_t tileRows = 0; ///< <= 0: one tile
  InputRange inputRange = InputRange::None;
  bool quantizeInput = false;                                ///< DAC codes; needs an input range
  RangeGradient rangeGradient = RangeGradient::SignFiltered; ///< of the DAC's given range
  bool quantizeWeight = false;                               ///< weight codes of step A / weightHalfLevels
  bool weightNoise = false;
  bool dropConnect = false;
  bool outputNoise = false;                 ///< needs an input range
  bool adc = false;                         ///< needs an input range
  ScalePer weightScale = ScalePer::Channel; ///< A of weight quantiser and weight noise
  ScalePer outputScale = ScalePer::Channel; ///< A of output noise and ADC bound
  bool maskSaturated = true;                ///< ADC gradient: zero where saturated, else straight through
  NormalMap normals = NormalMap::Half;      ///< of weight and output noise
  bool noisyBackward = false;               ///< the input gradient contracts with the noisy weights, drawn again
  bool bias = false;
  ElementType storage = ElementType::F32; ///< of x, weight, y and their gradients: F32, F16 or BF16
  std::vector<EffectUse> effects;         ///< that are text; those of one place act in this order

  bool operator==(const LinearSpec &o) const { return canonical() == o.canonical(); }

  /// One line of text that names the structure, e.g. "tile=balanced:256 range=given dac adc bias", and a block for each
  /// effect that is text; equal specs, equal text.
  std::string canonical() const;
  /// Reads canonical() back. Empty `error` on success, else what is wrong, naming the word.
  static LinearSpec parse(const std::string &text, std::string &error);
  /// Empty if the spec makes sense, else which choice contradicts which.
  std::string validate() const;
  /// Number of crossbar tiles of a layer with K inputs.
  int64_t tiles(int64_t inputs) const;
  /// First input of a tile, 0 .. tiles(inputs).
  int64_t tileBegin(int64_t inputs, int64_t tile) const;
  bool draws() const;
  /// Is the weight noisy?
  bool drawsWeight() const;
  /// Names of the sets of saved bits, one bit per accumulator each, in the order in which a layer stacks them: that of
  /// the effects that save them. The ADC's is "adc".
  std::vector<std::string> savedBits() const;
  /// Names of the strengths of the effects that are text, "reram_noise.s", and the values that their texts give, in the
  /// order in which a call gives them.
  std::vector<EffectStrength> effectStrengths() const;
};

/// Strengths of the built-in effects: kernel parameters, order fixed (through the torch op they travel as a float
/// tensor of kCount elements, followed by LinearSpec::effectStrengths()).
struct LinearScalars {
  float inputHalfLevels = 127;  ///< L of the DAC: 2^bits = 2 L + 2
  float weightHalfLevels = 127; ///< L of the weight quantiser
  float weightNoise = 0;        ///< gamma_w, units of A
  float dropProbability = 0;    ///< drop-connect, 0..1
  float outputNoise =
      0; ///< gamma_out, units of beta * A (per tile; a per-layer strength is divided by sqrt(T) by the caller)
  float outputBound = 12;       ///< lambda, units of beta * A
  float outputHalfLevels = 127; ///< L of the ADC
  float rangeDecay = 0;         ///< tau of the learned range
  float rangeShare = 0.95f;     ///< threshold of the share of unclipped inputs above which the decay acts

  static constexpr int64_t kCount = 9;
  std::array<float, kCount> pack() const {
    return {inputHalfLevels, weightHalfLevels, weightNoise, dropProbability, outputNoise,
            outputBound,     outputHalfLevels, rangeDecay,  rangeShare};
  }
  static LinearScalars unpack(const float *v) { return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]}; }
};

} // namespace mho

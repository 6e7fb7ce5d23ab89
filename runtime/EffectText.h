// An effect that is text (SPEC.md, "effect") as plain data: what a layer must know of it, without MLIR.
//
//   auto effect = EffectText::parse(text, "reram_noise.mlir", /*name=*/"");
//   if (!effect) fail(effect.message());   // reram_noise.mlir:9:8: expected ...
#pragma once

#include "runtime/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mho {

/// Whose elements an effect maps: inputs, weights, a tile's accumulators, or outputs.
enum class EffectSite : uint8_t { Input, Weight, Tile, Output };

struct EffectParam {
  std::string name;
  std::string axes; ///< the letters of those it may vary over, "tn"; of a number, none
  bool learnable = false;
};

struct EffectStrength {
  std::string name;
  float value = 0; ///< where a use gives none
};

/// One verified analog.effect of a text.
struct EffectText {
  std::string text;   ///< the user's, verbatim: messages name its lines
  std::string source; ///< what messages call it: a file, or kEffectSource
  std::string name;
  EffectSite site = EffectSite::Input;
  std::vector<EffectParam> params;
  std::vector<EffectStrength> strengths;
  int64_t draws = 0;
  int64_t savedBits = 0;        ///< bits of an accumulator that its gradient needs
  bool straightThrough = false; ///< its surrogate
  int64_t further = 0;          ///< values of a tile, after the first, that are summed over the tiles by themselves
  int64_t sums = 0;             ///< of an effect on the output: such sums that it takes

  /// Reads and verifies `text`, which may hold more than effects; `name` may be empty where it has one effect only.
  /// Errors: what is wrong with the text, at its place ("file:line:column: ..."); a name that it does not have.
  static Expected<std::shared_ptr<const EffectText>> parse(const std::string &text, const std::string &source,
                                                           const std::string &name);
  /// The same of a file. Errors: also a file that cannot be read.
  static Expected<std::shared_ptr<const EffectText>> load(const std::string &path, const std::string &name);
};

/// What messages call a text that is no file.
inline constexpr const char *kEffectSource = "<effect text>";

} // namespace mho

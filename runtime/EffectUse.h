// How a layer uses an effect that is text: where it acts among the built-in ones, and what its parameters are.
//
//   EffectUse use(effect);                                  // of EffectText::parse()
//   use.sources = {ParamSource::LargestWeight};
//   spec.effects.push_back(use);
#pragma once

#include "runtime/EffectText.h"

#include <optional>

namespace mho {

enum class InputRange : uint8_t; // LinearSpec.h

/// What a parameter is: max |W| of the channel and tile (of the tile, where the parameter does not vary over outputs);
/// the range beta of the inputs; a tensor of the caller's.
enum class ParamSource : uint8_t { LargestWeight, InputRange, Tensor };

struct EffectUse {
  EffectUse() = default;
  /// At the site's usual place, every parameter a tensor.
  explicit EffectUse(std::shared_ptr<const EffectText> effect);

  std::shared_ptr<const EffectText> effect;
  std::string name;                 ///< in the layer: names its tensors and strengths, and where nothing else does its
                                    ///< streams
  int place = 0;                    ///< after the first `place` built-in effects of its site, which usualOrder() lists
  std::vector<ParamSource> sources; ///< of each parameter
  std::vector<int64_t> streams;     ///< of each draw; empty: those of the name
  bool holdsKey = false;            ///< draws from a key of its own, a tensor of the caller's, not from the layer's

  /// Streams of the draws.
  std::vector<int64_t> drawStreams() const;
  /// Does it draw from the key of each call?
  bool drawsAnew() const { return effect->draws > 0 && !holdsKey; }
  /// One block of text that says all of this, for read().
  std::string write() const;
  /// Takes a block from the front of `text`. Errors: no such block, or a text that is wrong in itself.
  static Expected<EffectUse> read(std::string &text);
};

/// Built-in effects of a site, in the order in which they act, by their words in a layer's spec.
const std::vector<std::string> &usualOrder(EffectSite site);
std::string siteName(EffectSite site);

/// Puts a use "before" or "after" the built-in effect `word` of its site, present or not. Empty, or what is wrong.
std::string placeAt(EffectUse &use, const std::string &word, bool after);
/// "before:adc", as placeAt() takes it.
std::string placeName(const EffectUse &use);

/// Words of parameters' sources: largest_weight, input_range, tensor.
std::string sourceName(ParamSource source);
std::optional<ParamSource> sourceNamed(const std::string &name);

/// Empty, or what is impossible about effects in a layer with this kind of range, and what to do.
std::string problemOf(const std::vector<EffectUse> &uses, InputRange range);

/// A parameter that is a tensor of the caller's, or the key that an effect holds.
struct EffectTensor {
  std::string name; ///< "<effect>.<parameter>", "<effect>.key"
  EffectSite site;
  std::string axes;
  bool learnable = false;
  bool isKey = false; ///< int64, (seed, step)
  /// One for each axis; of a key 2.
  std::vector<int64_t> sizes(int64_t tiles, int64_t outputs, int64_t inputs) const;
};

/// More tensors than these no layer takes.
inline constexpr size_t kMostEffectTensors = 32;

/// The tensors that the caller of a layer with these effects gives, in order; an effect's key follows its parameters.
std::vector<EffectTensor> effectTensors(const std::vector<EffectUse> &uses);

/// Name of a parameter's tensor, "<effect>.<parameter>".
std::string tensorName(const EffectUse &use, const EffectParam &param);
/// Name of the key that an effect holds, "<effect>.key".
std::string keyName(const EffectUse &use);

} // namespace mho

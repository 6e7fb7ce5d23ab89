// How near the compiled layer must be to the evaluator. SPEC.md leaves one thing open, the order of a contraction's
// float sums. Where factors are multiples of powers of two and small enough, all partial sums are exact and so every
// bit is determined; else the difference is bounded by the usual n u sum |a b|, u = 2^-24, as long as nothing behind
// the sum jumps.
#include "frontends/cli/fuzz/Case.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace mho::cli::fuzz {
namespace {

/// What is known of the factors of a contraction: each is a multiple of 2^-bits of magnitude `bound` at most.
struct Factor {
  double bound = 4;
  int bits = 0;
  bool exact = true;
  /// Of normal data: a row of n has a norm of at most norm * sqrt(normBound(n)).
  double norm = 1;
};

/// Scales are whole numbers up to 4 or quarters up to it; normal numbers below 6.
constexpr double kLargestScale = 4, kLargestNormal = 6;
constexpr int kScaleBits = 2;
/// The longest normal number of either map.
constexpr double kLargestDraw = 6.34;

/// The squared norm of n normal numbers is above it with a probability of e^-18 (Laurent and Massart 2000).
double normBound(double n) { return n + 2 * std::sqrt(18 * n) + 36; }

/// The exponent of a power of two; -1 of others.
int exponentOf(const std::string &levels) {
  double value = std::atof(levels.c_str());
  int exponent;
  return std::frexp(value, &exponent) == 0.5 ? exponent - 1 : -1;
}

double gainOf(const Effect &effect) {
  return std::fabs(std::atof(effect.strength.c_str())) * std::pow(kLargestNormal, effect.scales.size());
}

Factor snapped(Snap snap) {
  double bound = snap == Snap::Bits ? 7 : 8;
  return {bound, 0, snap != Snap::None, bound};
}

/// The factor behind an effect on an input or a weight; `draws`: as the forward pass saw it.
Factor behind(const Effect &effect, Factor factor, const Case &layer, bool draws) {
  int exponent = exponentOf(effect.levels);
  double levels = std::atof(effect.levels.c_str());
  if (effect.op == "quantize_input")
    return {levels, 0, true, levels};
  if (effect.op == "quantize_weight")
    return {kLargestScale, exponent + kScaleBits, exponent >= 0 && !layer.normal, kLargestNormal};
  if (effect.op == "inject_noise" && draws) {
    factor.exact = false;
    factor.norm += gainOf(effect) * kLargestDraw;
  }
  if (effect.op == "apply")
    return snapped(layer.texts[effect.text].snap);
  return factor;
}

Factor factorOf(Site site, const Case &layer, bool draws) {
  Factor factor;
  factor.exact = !layer.normal;
  for (const Effect &effect : layer.effects)
    if (effect.site == site)
      factor = behind(effect, factor, layer, draws);
  return factor;
}

/// Factors of further accumulators are whole numbers up to 8.
const Factor kSmall{8, 0, true, 8};

/// The gradients of a tile's sums: of its own, and, beside each effect, of the further accumulators that it is derived
/// in.
struct TileGradients {
  Factor own;
  std::vector<std::pair<const Text *, Factor>> further;
};

TileGradients tileGradients(const Case &layer) {
  TileGradients gradients;
  Factor &factor = gradients.own;
  factor.exact = !layer.normal;
  for (auto effect = layer.effects.rbegin(); effect != layer.effects.rend(); ++effect) {
    if (effect->site != Site::Tile && effect->site != Site::Output)
      continue;
    int exponent = exponentOf(effect->levels);
    const Text *text = effect->op == "apply" ? &layer.texts[effect->text] : nullptr;
    if (effect->op == "rescale") {
      factor.bound *= kLargestScale;
      factor.bits += exponent + kScaleBits;
      factor.exact &= exponent >= 0;
      factor.norm *= kLargestNormal / std::atof(effect->levels.c_str());
    } else if (text && text->surrogate == "own") {
      factor = snapped(Snap::Clamp);
    } else if (text && text->surrogate == "derived") {
      factor.bound *= std::exp2(text->slope.gain);
      factor.bits += text->slope.fraction;
      gradients.further.push_back({text, factor});
    }
  }
  return gradients;
}

/// A sum of sums of products.
struct Sum {
  double bound = 0;
  int bits = 0;
  bool exact = true;
  void add(int64_t length, const Factor &a, const Factor &b, const Slope &slope = {}) {
    bound += double(length) * a.bound * b.bound * std::exp2(slope.gain);
    bits = std::max(bits, a.bits + b.bits + slope.fraction);
    exact &= a.exact && b.exact;
  }
  bool isExact() const { return exact && bound * std::exp2(bits) <= 0x1p24; }
};

bool isExact(int64_t length, const Factor &a, const Factor &b) {
  return a.exact && b.exact && double(length) * a.bound * b.bound * std::exp2(a.bits + b.bits) <= 0x1p24;
}

/// Sums of the accumulators of every tile.
bool areAccumulatorsExact(const Case &layer, const Factor &x, const Factor &w) {
  bool exact = isExact(layer.inputs, x, w);
  for (const Effect &effect : layer.effects)
    if (effect.op == "apply")
      for (auto [left, right] : layer.texts[effect.text].accumulators)
        exact &= isExact(layer.inputs, left ? kSmall : x, right ? kSmall : w);
  return exact;
}

/// The gradients of what the mvm takes; `clean`: the weight that dx contracts with.
bool areGradientsExact(const Case &layer, const TileGradients &g, const Factor &x, const Factor &clean) {
  Sum dx, dw;
  dx.add(layer.outputs, g.own, clean);
  dw.add(layer.rows, g.own, x);
  for (const auto &[text, gradient] : g.further)
    for (auto [left, right] : text->accumulators) {
      dx.add(layer.outputs, gradient, right ? kSmall : clean, left ? text->factorSlope : Slope());
      dw.add(layer.rows, gradient, left ? kSmall : x, right ? text->factorSlope : Slope());
    }
  return dx.isExact() && dw.isExact();
}

/// Where an error of a sum stays as small as it is: nothing rounds to codes or is code behind it.
bool isSmooth(const Case &layer) {
  for (const Effect &effect : layer.effects) {
    bool ofText = effect.op == "apply";
    const std::string &surrogate = ofText ? layer.texts[effect.text].surrogate : "";
    if ((effect.site == Site::Tile && (ofText || effect.op == "adc")) || effect.site == Site::Output)
      return false;
    if (layer.gradient && (effect.op == "quantize_input" || surrogate == "own" || surrogate == "derived"))
      return false;
    if (ofText && layer.texts[effect.text].snap == Snap::None)
      return false;
  }
  return true;
}

/// Where SPEC.md determines every gradient: a derived one needs a finite gradient of its result, which code of one's
/// own behind it may not give.
bool isDetermined(const Case &layer) {
  for (Site site : {Site::Input, Site::Weight}) {
    bool derived = false;
    for (const Effect &effect : layer.effects) {
      if (effect.site != site || effect.op != "apply")
        continue;
      const std::string &surrogate = layer.texts[effect.text].surrogate;
      if (surrogate == "own" && derived)
        return false;
      derived |= surrogate == "derived";
    }
  }
  return true;
}

/// Forward and reverse mode give zeros of different signs; a tolerance of the two smallest numbers takes these for
/// equal.
constexpr double kSignOfZero = 2 * double(std::numeric_limits<float>::denorm_min());
bool hasDerived(const Case &layer) {
  return std::any_of(layer.effects.begin(), layer.effects.end(), [&](const Effect &effect) {
    return effect.op == "apply" && layer.texts[effect.text].surrogate == "derived";
  });
}

/// n u sum |a b| <= n u |a| |b|, of sums and of what follows them.
double sumError(int64_t length, int64_t steps, double a, double b) {
  return 0x1p-24 * double(length + steps) * normBound(length) * a * b;
}

} // namespace

std::optional<double> toleranceOf(const Case &layer) {
  Factor x = factorOf(Site::Input, layer, true), w = factorOf(Site::Weight, layer, true),
         clean = layer.noisyBackward ? w : factorOf(Site::Weight, layer, false);
  const TileGradients gradients = tileGradients(layer);
  const Factor &g = gradients.own;
  if (layer.gradient && !isDetermined(layer))
    return std::nullopt;
  bool exact = areAccumulatorsExact(layer, x, w) && (!layer.gradient || areGradientsExact(layer, gradients, x, clean));
  if (exact)
    return layer.gradient && hasDerived(layer) ? kSignOfZero : 0;
  if (!layer.normal || !isSmooth(layer))
    return std::nullopt;
  double gain = 1, noise = 0;
  int64_t steps = layer.tiles() + layer.effects.size() + 4;
  for (const Effect &effect : layer.effects)
    if (effect.site == Site::Tile && effect.op == "rescale")
      gain *= kLargestNormal / std::atof(effect.levels.c_str());
    else if (effect.site == Site::Tile)
      noise += gainOf(effect) * kLargestDraw;
  double forward = sumError(layer.inputs, steps, x.norm, w.norm) * gain + 0x1p-24 * steps * layer.tiles() * noise;
  if (!layer.gradient)
    return forward;
  return std::max(
      {forward, sumError(layer.outputs, steps, g.norm, clean.norm), sumError(layer.rows, steps, g.norm, x.norm)});
}

} // namespace mho::cli::fuzz

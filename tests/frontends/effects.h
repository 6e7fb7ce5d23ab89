// Effects that several tests share.
#pragma once

#include "tests/frontends/noisy_layer.h"

namespace mho::nn {

inline const std::string kExamples = MHO_EXAMPLES "/effects/";

inline Effect reram() { return Effect::fromFile(kExamples + "reram_noise.mlir").bind("a", Effect::largestWeight()); }
inline Effect learnedClip(const Effect::Binding &bound) {
  return Effect::fromFile(kExamples + "learned_clip.mlir").bind("bound", bound);
}

/// w' = fma(s, n, w): noise of one stream.
inline Effect jitter(const std::string &site = "weight") {
  return Effect::fromText("analog.effect @jitter on " + site + R"((%v) strengths(%s = 0.5) surrogate(straight_through) {
    %n = analog.normal : f32
    %r = math.fma %s, %n, %v : f32
    analog.yield %r : f32
  })");
}

/// v * a: a gain that may differ from element to element.
inline Effect gain(const std::string &site, const std::string &axes) {
  return Effect::fromText("analog.effect @gain on " + site + "(%v) params(%a over (" + axes + R"()) surrogate(derived) {
    %r = arith.mulf %v, %a : f32
    analog.yield %r : f32
  })");
}

/// The accumulator clipped at +-bound; backward keeps a bit.
inline Effect tileClip() {
  return Effect::fromText(R"(analog.effect @tile_clip on tile(%y) strengths(%bound = 8.0) surrogate(masked) {
    %low = arith.negf %bound : f32
    %above = arith.maximumf %y, %low : f32
    %clipped = arith.minimumf %above, %bound : f32
    %absolute = math.absf %y : f32
    %beyond = arith.cmpf ogt, %absolute, %bound : f32
    analog.yield %clipped : f32 bits(%beyond)
  })");
}

inline AnalogConfig tiled(int64_t rows = 16) {
  AnalogConfig config;
  config.tileRows = rows;
  return config;
}

inline AnalogLinear layerOf(const AnalogConfig &config, const std::vector<Effect> &effects, int64_t inputs = 40,
                            int64_t outputs = 21) {
  return AnalogLinear(AnalogLinearOptions(inputs, outputs).bias(false).config(config).effects(effects));
}

/// Values from -size to size, all of them whole: sums are exact in any order.
inline torch::Tensor whole(at::IntArrayRef shape, int64_t size) {
  return torch::randint(-size, size + 1, shape).to(torch::kFloat);
}

inline torch::Tensor keyOf(int64_t seed) { return torch::tensor({seed, int64_t(0)}); }

} // namespace mho::nn

// The layer that several tests share: DAC with a given range, weight quantiser, noise and drop-connect, output noise,
// ADC, bias.
#pragma once

#include "tests/reference/Program.h"

#include <random>

namespace mho::reference {

/// @f(x, w, bias, beta [T], a [T,O], key); `a` is the scale of all weight effects unless `absmax`, which takes it from
/// w.
struct LayerText {
  std::string tiling = "balanced, rows = 3";
  std::string gradient = "masked";
  std::string rangeGradient = "sign_filtered";
  std::string share = "0.95", decay = "0.0", lambda = "3.0";
  std::string storage = "f32"; ///< of x, w and y
  bool noise = false, noisyBackward = false, absmax = false, dynamic = false;

  std::string str() const {
    std::string matrix = "tensor<?x?xf32>", planes = "tensor<?x?x?xf32>", range = dynamic ? matrix : "tensor<?xf32>";
    std::string b = dynamic ? "%r over (t, m)" : "%beta over (t)", a = absmax ? "%m" : "%a";
    bool isStored = storage != "f32";
    std::string stored = "tensor<?x?x" + storage + ">", s = isStored ? "s" : "";
    std::string t = "func.func @f(%x" + s + ": " + stored + ", %w" + s + ": " + stored +
                    ", %bias: tensor<?xf32>, %beta: tensor<?xf32>, %a: " + matrix + ", %key: tensor<2xi64>) -> " +
                    stored + " attributes {analog.tiling = #analog.tiling<" + tiling + ">" +
                    (noisyBackward ? ", analog.noisy_backward" : "") + "} {\n";
    auto line = [&](const std::string &text) { t += "  " + text + "\n"; };
    for (std::string name : {"x", "w"})
      if (isStored)
        line("%" + name + " = arith.extf %" + name + "s : " + stored + " to " + matrix);
    if (absmax)
      line("%m = analog.absmax %w per channel : " + matrix + " -> " + matrix);
    if (dynamic)
      line("%r = analog.absmax %x per row : " + matrix + " -> " + matrix);
    line("%c = analog.quantize_input %x range(" + b + ") gradient " + rangeGradient +
         " {half_levels = 127.0 : f32, decay = " + decay + " : f32, share = " + share + " : f32} : " + matrix + ", " +
         range + " -> " + matrix);
    line("%w0 = analog.quantize_weight %w scale(" + a + " over (t, n)) {half_levels = 31.0 : f32} : " + matrix + ", " +
         matrix + " -> " + matrix);
    std::string w = "%w0", v = "%p1";
    if (noise) {
      line("%w1 = analog.inject_noise %w0 scale(" + a + " over (t, n)) key(%key, stream = 0) {sigma = 0.05 : f32} : (" +
           matrix + ", " + matrix + ", tensor<2xi64>) -> " + matrix);
      line("%w2 = analog.drop_connect %w1 key(%key, stream = 2) {probability = 0.2 : f32} : (" + matrix +
           ", tensor<2xi64>) -> " + matrix);
      w = "%w2";
    }
    line("%p0 = analog.mvm %c, " + w + " : " + matrix + ", " + matrix + " -> " + planes);
    line("%p1 = analog.rescale %p0 range(" + b + ") {half_levels = 127.0 : f32} : " + planes + ", " + range + " -> " +
         planes);
    if (noise) {
      line("%p2 = analog.inject_noise %p1 scale(" + b + ", " + a +
           " over (t, n)) key(%key, stream = 1) {sigma = 0.04 : f32} : (" + planes + ", " + range + ", " + matrix +
           ", tensor<2xi64>) -> " + planes);
      v = "%p2";
    }
    line("%p3 = analog.adc " + v + " bound(" + b + ", " + a + " over (t, n)) {lambda = " + lambda +
         " : f32, half_levels = 127.0 : f32, gradient = " + "#analog<gradient " + gradient + ">} : (" + planes + ", " +
         range + ", " + matrix + ") -> " + planes);
    line("%y = analog.accumulate %p3 bias(%bias) : (" + planes + ", tensor<?xf32>) -> " + matrix);
    if (isStored)
      line("%ys = arith.truncf %y : " + matrix + " to " + stored);
    return t + "  return %y" + s + " : " + stored + "\n}";
  }
};

/// Uniform values of a fixed seed, each a float.
inline Tensor randomTensor(llvm::ArrayRef<int64_t> shape, unsigned seed, double low = -1, double high = 1) {
  std::mt19937 engine(seed);
  Tensor result = Tensor::zeros(shape);
  for (double &v : result.reals)
    v = float(low + (high - low) * (engine() / 4294967296.0));
  return result;
}

/// Inputs of a layer of `batch` rows, 7 inputs and 5 outputs in 3 tiles.
inline std::vector<Tensor> layerInputs(int64_t batch = 4) {
  return {randomTensor({batch, 7}, 1),
          randomTensor({5, 7}, 2),
          randomTensor({5}, 3),
          Tensor::of({3}, {.75, .5, 1.25}),
          randomTensor({3, 5}, 4, 1, 1.5),
          Tensor::integers({2}, {1234567890123456789, 3})};
}

} // namespace mho::reference

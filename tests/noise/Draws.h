// Draws as compiled kernels make them: an effect at the end of a tile that yields its draw.
//
//   std::vector<float> numbers = draw(Law::Half, {/*stream=*/64, /*tile=*/0, /*seed=*/1, /*step=*/0});
//
// Seeds are fixed, so every test gives the same result each time; the false alarms stated are those of another seed.
#pragma once

#include "dialect/Numerics/Philox.h"
#include "frontends/cli/run/LayerRun.h"
#include "tests/reference/Program.h"

#include <cmath>

namespace mho::noise {

enum class Law { Half, Word, Uniform };

inline std::string nameOf(Law law) { return law == Law::Half ? "half" : law == Law::Word ? "word" : "uniform"; }

/// Where a field of kRows x kColumns draws lies.
struct Place {
  int64_t stream = 64, tile = 0, seed = 1, step = 0;
};

#if defined(__SANITIZE_ADDRESS__)
inline constexpr int64_t kRows = 128; // what a sanitizer sees of it is the same
#else
inline constexpr int64_t kRows = 2048;
#endif
inline constexpr int64_t kColumns = 2048;
inline constexpr int64_t kField = kRows * kColumns;

/// A deviation of so many standard errors is a failure: by chance in 2e-9 of comparisons. A run makes about 2200.
inline constexpr double kDeviations = 6;

/// 24 places, two or three of each coordinate: 10^8 draws.
inline std::vector<Place> places() {
  std::vector<Place> all;
  for (int64_t seed : {1, 2})
    for (int64_t step : {0, 1, 2})
      for (int64_t tile : {0, 1})
        for (int64_t stream : {64, 65})
          all.push_back({stream, tile, seed, step});
  return all;
}

template <class T> T take(Expected<T> value) {
  if (!value)
    throw std::runtime_error(value.message());
  return std::move(*value);
}

/// A program, and its functions on the CPU.
class Program : public reference::Program {
public:
  using reference::Program::Program;
  /// Results of a function; with `grad` the gradients of its arguments instead.
  std::vector<reference::Tensor> run(const std::string &name, const std::vector<reference::Tensor> &inputs,
                                     const reference::Tensor *grad = nullptr) {
    cli::CallOptions options;
    options.threads = 2;
    auto layer =
        take(cli::LayerRun::make(*take(Backend::get("cpu")), function(name), inputs, grad != nullptr, options));
    std::vector<reference::Tensor> results = take(layer->forward());
    if (!grad)
      return results;
    results.clear();
    for (std::optional<reference::Tensor> &gradient : take(layer->backward(*grad)))
      results.push_back(gradient ? std::move(*gradient) : reference::Tensor::zeros({}));
    return results;
  }
};

/// The draws at rows and columns from 0 on. Tiles are of one input; all but the wanted one add 0.
inline std::vector<float> draw(Law law, const Place &place) {
  using reference::Tensor;
  std::string op = law == Law::Uniform ? "analog.uniform"
                   : law == Law::Word  ? "analog.normal map word"
                                       : "analog.normal";
  Program program(R"(
    analog.effect @draw on tile(%y) params(%wanted over (t)) surrogate(straight_through) {
      %n = )" + op +
                  R"( : f32
      %zero = arith.constant 0.0 : f32
      %is = arith.cmpf une, %wanted, %zero : f32
      %r = arith.select %is, %n, %zero : f32
      analog.yield %r : f32
    }
    func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %wanted: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
        attributes {analog.tiling = #analog.tiling<balanced, rows = 1>} {
      %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      %d = analog.apply @draw %p params(%wanted over (t)) key(%key) streams [)" +
                  std::to_string(place.stream) +
                  R"(] : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
      %y = analog.accumulate %d : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    })");
  Tensor wanted = Tensor::zeros({place.tile + 1});
  wanted.reals[place.tile] = 1;
  std::vector<Tensor> results =
      program.run("f", {Tensor::zeros({kRows, place.tile + 1}), Tensor::zeros({kColumns, place.tile + 1}), wanted,
                        Tensor::integers({2}, {place.seed, place.step})});
  return {results[0].reals.begin(), results[0].reals.end()};
}

/// The expectation of f(value), from the 2^16 or 2^32 equally likely values of the map: all of the former, of the
/// latter 2^17 at most of each power of two of the tail probability.
template <class Function> double expectation(Law law, Function f) {
  double sum = 0;
  if (law == Law::Half) {
    for (uint32_t h = 0; h < 65536; ++h)
      sum += f(double(gaussianFromHalf(uint16_t(h))));
    return sum / 65536;
  }
  // Words from the tail inwards, |s| = 2 h + 1 in [2^e, 2^(e+1)): h in [2^(e-1), 2^e), and h = 0.
  if (law == Law::Word) {
    auto both = [&](int64_t h) {
      return f(double(gaussianFromWord(uint32_t(0x80000000 + h)))) +
             f(double(gaussianFromWord(uint32_t(0x7FFFFFFF - h))));
    };
    sum = both(0);
    for (int e = 0; e < 31; ++e) {
      int64_t begin = int64_t(1) << e, count = begin, samples = std::min<int64_t>(count, 1 << 17);
      double inner = 0;
      for (int64_t i = 0; i < samples; ++i)
        inner += both(begin + (2 * i + 1) * count / (2 * samples));
      sum += inner * double(count) / double(samples);
    }
    return sum / 0x1p32;
  }
  for (int64_t i = 0; i < 1 << 20; ++i) // the midpoint rule
    sum += f((double(i) + .5) / (1 << 20));
  return sum / (1 << 20);
}

/// The central moments of a law: its mean, then those of the powers 2 to 8.
inline std::vector<double> moments(Law law) {
  std::vector<double> all{1, expectation(law, [](double v) { return v; })};
  for (int power = 2; power <= 8; ++power)
    all.push_back(expectation(law, [&](double v) { return std::pow(v - all[1], power); }));
  return all;
}

inline std::string lawName(const testing::TestParamInfo<Law> &info) { return nameOf(info.param); }

} // namespace mho::noise

// The examples with further accumulators in AnalogLinear, from their files: on several tiles and ragged shapes, forward
// and backward, against the evaluator bit for bit and against their formulas in loops. Data are whole numbers.
#include "dialect/Numerics/EffectStream.h"
#include "dialect/Numerics/Philox.h"
#include "tests/frontends/evaluator.h"

#include <cmath>

namespace mho::nn {
namespace {

using torch::Tensor;

struct Shape {
  int64_t rows, inputs, outputs;
};
constexpr Shape kShapes[] = {{5, 70, 33}, {65, 131, 40}};

Effect fromExample(const std::string &file, const std::string &name) {
  return Effect::fromFile(kExamples + file + ".mlir", name);
}

/// Tiles of at most 64 rows.
AnalogConfig chip(int64_t weightBits, bool dac) {
  AnalogConfig config = tiled(64);
  config.weightBits = weightBits;
  if (dac) { // whose codes are the inputs
    config.inputRange = InputRange::Fixed;
    config.inputRangeInit = 127;
    config.inputBits = 8;
  }
  return config;
}

/// A layer of whole weights of at most `largest`, which each channel has in each tile: a code of the weight is the
/// weight.
AnalogLinear example(const AnalogConfig &config, const std::vector<Effect> &effects, const Shape &s, int64_t largest) {
  AnalogLinear layer = layerOf(config, effects, s.inputs, s.outputs);
  torch::NoGradGuard guard;
  layer->weight.copy_(whole({s.outputs, s.inputs}, largest));
  for (int64_t o = 0; o < s.outputs; ++o)
    for (int64_t t = 0; t < layer->tiles(); ++t) {
      int64_t begin = config.tileBegin(s.inputs, t), rows = config.tileBegin(s.inputs, t + 1) - begin;
      layer->weight[o][begin + o % rows] = double(o % 2 ? largest : -largest);
    }
  return layer;
}

/// A tile of an output: its rows, and where it stands.
struct Tile {
  int64_t b, o, t, begin, end;
};

/// What a formula says in double: y, and gradients for the incoming g.
struct Expected {
  Tensor y, dx, dw, g;
};

/// The matrices of an Expected, element by element.
using Matrix = torch::TensorAccessor<double, 2>;
struct Elements {
  Matrix y, dx, dw, g;
};

Matrix matrix(const Tensor &tensor) { return tensor.accessor<double, 2>(); }

/// Calls `formula(tile, x, w, e)` for every tile of every output, which adds to y, dx and dw.
template <class Formula> Expected inLoops(AnalogLinear &layer, const Tensor &xs, const Tensor &gs, Formula formula) {
  Tensor x = xs.to(torch::kDouble), w = layer->weight.detach().to(torch::kDouble);
  Expected e{torch::zeros({x.size(0), w.size(0)}, torch::kDouble), torch::zeros_like(x), torch::zeros_like(w),
             gs.to(torch::kDouble)};
  Elements elements{matrix(e.y), matrix(e.dx), matrix(e.dw), matrix(e.g)};
  for (int64_t b = 0; b < x.size(0); ++b)
    for (int64_t o = 0; o < w.size(0); ++o)
      for (int64_t t = 0; t < layer->tiles(); ++t)
        formula(Tile{b, o, t, layer->config().tileBegin(x.size(1), t), layer->config().tileBegin(x.size(1), t + 1)},
                matrix(x), matrix(w), elements);
  return e;
}

/// The gradients of x W^T.
void addStraightThrough(Expected &e, const Tensor &x, const Tensor &w) {
  e.dx = e.g.matmul(w.detach().to(torch::kDouble));
  e.dw = e.g.t().matmul(x.to(torch::kDouble));
}

/// The layer's y within `tolerance` of the largest, its gradients exactly; all of them those of the evaluator.
void expect(AnalogLinear &layer, const Tensor &values, const Expected &expected, double tolerance = 0) {
  Tensor x = values.clone().requires_grad_(), y = layer->forwardWithKey(x, keyOf(5));
  layer->zero_grad();
  y.backward(expected.g.to(torch::kFloat));
  Tensor error = (y.detach().to(torch::kDouble) - expected.y).abs();
  EXPECT_LE(error.max().item<double>(), tolerance * expected.y.abs().max().item<double>());
  EXPECT_TRUE(torch::equal(x.grad().to(torch::kDouble), expected.dx));
  EXPECT_TRUE(torch::equal(layer->weight.grad().to(torch::kDouble), expected.dw));
  EXPECT_GT(expected.y.abs().max().item<double>(), 0);
  layer->zero_grad();
  expectEvaluator(layer, values);
}

double largestOf(Matrix w, const Tile &at) {
  double largest = 0;
  for (int64_t k = at.begin; k < at.end; ++k)
    largest = std::max(largest, std::fabs(w[at.o][k]));
  return largest;
}

TEST(EffectExamples, PcmReadNoise) {
  for (const Shape &s : kShapes) {
    torch::manual_seed(1);
    AnalogLinear layer = example(
        chip(0, true), {fromExample("pcm_read_noise", "pcm_read_noise").bind("a", Effect::largestWeight())}, s, 9);
    Tensor x = whole({s.rows, s.inputs}, 4), g = whole({s.rows, s.outputs}, 3);
    Expected e = inLoops(layer, x, g, [](const Tile &at, Matrix x, Matrix w, Elements &e) {
      double sum = 0, power = 0;
      for (int64_t k = at.begin; k < at.end; ++k) {
        sum += x[at.b][k] * w[at.o][k];
        power += x[at.b][k] * x[at.b][k] * std::fabs(w[at.o][k]);
      }
      double n = drawNormal({at.b, at.o, effectStream("pcm_read_noise", 0), at.t, 0, 5});
      e.y[at.b][at.o] += sum + 0.0175f * std::sqrt(largestOf(w, at) * power) * n;
    });
    addStraightThrough(e, x, layer->weight);
    expect(layer, x, e, 1e-6); // a few roundings
  }
}

TEST(EffectExamples, IrDrop) {
  for (const Shape &s : kShapes) {
    torch::manual_seed(2);
    AnalogConfig config = chip(0, true);
    config.tiling = Tiling::Fixed; // the places of 64 rows are exact
    Effect drop = fromExample("ir_drop", "ir_drop").bind("a", Effect::largestWeight()).strength("ir", 8);
    AnalogLinear layer = example(config, {drop}, s, 9);
    Tensor x = whole({s.rows, s.inputs}, 4), g = whole({s.rows, s.outputs}, 3);
    Expected e = inLoops(layer, x, g, [](const Tile &at, Matrix x, Matrix w, Elements &e) {
      double sum = 0, far = 0, current = 0;
      for (int64_t k = at.begin; k < at.end; ++k) {
        double product = x[at.b][k] * w[at.o][k], rest = 1 - double(k - at.begin) / 64;
        sum += product;
        far += product * (1 - rest * rest);
        current += std::fabs(product);
      }
      double load = 64 / 571428.57 * current / (largestOf(w, at) * 127);
      e.y[at.b][at.o] += sum - 8 * load * (load * (0.05 * load - 0.2) + 0.5) * far;
    });
    addStraightThrough(e, x, layer->weight);
    expect(layer, x, e, 1e-6);
  }
}

TEST(EffectExamples, BitSlices) {
  for (const Shape &s : kShapes) {
    torch::manual_seed(3);
    // ADCs of a few steps, which round and clip.
    Effect slices = fromExample("bit_slices", "bit_slices").bind("a", Effect::largestWeight());
    AnalogLinear layer = example(chip(8, true), {slices.strength("step", 8).strength("top", 3)}, s, 127);
    Tensor x = whole({s.rows, s.inputs}, 4), g = whole({s.rows, s.outputs}, 3);
    int64_t clipped = 0, rounded = 0;
    Expected e = inLoops(layer, x, g, [&](const Tile &at, Matrix x, Matrix w, Elements &e) {
      for (int slice = 0; slice < 4; ++slice) {
        double sum = 0;
        for (int64_t k = at.begin; k < at.end; ++k) {
          int code = int(w[at.o][k]), cell = (std::abs(code) >> 2 * slice) & 3;
          sum += x[at.b][k] * (code < 0 ? -cell : cell);
        }
        double code = std::nearbyint(sum / 8);
        clipped += std::fabs(code) > 3;
        rounded += code * 8 != sum;
        e.y[at.b][at.o] += std::pow(4, slice) * 8 * std::clamp(code, -3.0, 3.0);
      }
    });
    EXPECT_GT(clipped, 0);
    EXPECT_GT(rounded, 0);
    addStraightThrough(e, x, layer->weight);
    expect(layer, x, e);
  }
}

TEST(EffectExamples, ShiftedInput) {
  for (const Shape &s : kShapes) {
    torch::manual_seed(4);
    const double step = 0.5, z = -1, top = 9;
    std::vector<Effect> effects;
    for (const char *name : {"shifted_code", "floor_adc", "unshift", "in_steps"})
      effects.push_back(fromExample("shifted_input", name));
    for (int i : {0, 2, 3})
      effects[i] = effects[i].bind("step", step);
    for (int i : {0, 2})
      effects[i] = effects[i].strength("z", z);
    effects[1] = effects[1].strength("high", top);
    AnalogLinear layer = example(chip(4, false), effects, s, 7);
    Tensor x = whole({s.rows, s.inputs}, 8), g = whole({s.rows, s.outputs}, 3);
    int64_t clipped = 0;
    Expected e = inLoops(layer, x, g, [&](const Tile &at, Matrix x, Matrix w, Elements &e) {
      double sum = 0, weights = 0;
      auto code = [&](int64_t k) { return std::clamp((x[at.b][k] - z) / step, 0.0, 15.0); };
      for (int64_t k = at.begin; k < at.end; ++k) {
        sum += (code(k) - 8) * w[at.o][k];
        weights += w[at.o][k];
      }
      double scaled = sum / 16, held = std::clamp(scaled, -128.0, top);
      clipped += held != scaled;
      e.y[at.b][at.o] += step * (16 * std::floor(held) + (8 + z / step) * weights);
      double gradient = step * e.g[at.b][at.o], passed = held == scaled ? gradient : 0;
      for (int64_t k = at.begin; k < at.end; ++k) {
        bool inside = code(k) == (x[at.b][k] - z) / step;
        e.dx[at.b][k] += inside ? passed * w[at.o][k] / step : 0;
        e.dw[at.o][k] += passed * (code(k) - 8) + gradient * (8 + z / step);
      }
    });
    EXPECT_GT(clipped, 0);
    expect(layer, x, e);
  }
}

TEST(EffectExamples, StuckCells) {
  for (const Shape &s : kShapes) {
    torch::manual_seed(5);
    const float rate = 0.25f, open = rate * 0.162187f;
    Effect stuck = fromExample("stuck_cells", "stuck_cells").bind("a", Effect::largestWeight()).strength("rate", rate);
    AnalogLinear layer = example(chip(8, true), {stuck.heldKey(11), fromExample("stuck_cells", "vote")}, s, 127);
    Tensor x = whole({s.rows, s.inputs}, 4), g = whole({s.rows, s.outputs}, 3);
    // Sums over the tiles of the lower bits and of each copy.
    std::vector<Tensor> sums(4, torch::zeros({s.rows, s.outputs}, torch::kDouble));
    for (Tensor &sum : sums)
      sum = sum.clone();
    Expected e = inLoops(layer, x, g, [&](const Tile &at, Matrix x, Matrix w, Elements &) {
      auto cell = [&](int64_t k, int i, bool bit) {
        float u = drawUniform({at.o, k - at.begin, effectStream("stuck_cells", i), at.t, 0, 11});
        return u < open ? 0 : u < rate ? 1 : int(bit);
      };
      for (int64_t k = at.begin; k < at.end; ++k) {
        int code = int(w[at.o][k]), top = std::abs(code) >= 64;
        matrix(sums[0])[at.b][at.o] += x[at.b][k] * (code < 0 ? -1 : 1) * (std::abs(code) - 64 * top);
        for (int copy = 0; copy < 3; ++copy)
          matrix(sums[copy + 1])[at.b][at.o] +=
              x[at.b][k] * (cell(k, 2 * copy + 1, !(top && code < 0)) - cell(k, 2 * copy, !(top && code > 0)));
      }
    });
    Tensor median = std::get<0>(torch::stack({sums[1], sums[2], sums[3]}).median(0));
    EXPECT_FALSE(torch::equal(sums[1], median)) << "faults";
    e.y = 64 * median + sums[0];
    addStraightThrough(e, x, layer->weight);
    expect(layer, x, e);
  }
}

} // namespace
} // namespace mho::nn

// A layer with inputs on which every backend must give the evaluator's bits: integers throughout.
//
// The DAC's range is its number of half-levels and so is the weight quantiser's, so that both steps are 1 and all
// codes and weights integers; sums of their products below 2^24 are exact in any order. A dynamic range is an integer
// and the number of half-levels a power of two, so that its steps have few bits and sums are exact too. What follows an
// accumulator (rescale, noise, ADC) is the same sequence of fp32 operations in kernel and evaluator, whatever its
// values.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Numerics/Tiling.h"
#include "dialect/Reference/Evaluator.h"
#include "runtime/Backend.h"
#include "runtime/Linear.h"
#include "runtime/LinearModule.h"
#include "runtime/RealElement.h"
#include "tests/cuda/TestGpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace mho::conformance {

using reference::Tensor;

struct LayerCase {
  LinearSpec spec;
  LinearScalars scalars;
  int64_t rows, inputs, outputs;
};

/// Reals of a shape, and how they lie in memory: `padding` unused elements after each row, `step` between columns.
struct Matrix {
  std::vector<float> data;
  std::vector<uint16_t> halves; ///< where the type has 16 bits: what kernels read and write, see store() and load()
  TensorRef ref;
  Matrix(std::initializer_list<int64_t> shape, int64_t padding = 0, int64_t step = 1,
         ElementType type = ElementType::F32) {
    ref.rank = shape.size();
    std::copy(shape.begin(), shape.end(), ref.sizes.begin());
    int64_t stride = step;
    for (int i = ref.rank - 1; i >= 0; --i) {
      ref.strides[i] = stride;
      stride *= ref.sizes[i];
      stride += i == ref.rank - 1 ? padding : 0;
    }
    data.assign(std::max<int64_t>(1, stride), NAN);
    ref.data = data.data();
    ref.type = type;
    if (type == ElementType::F32)
      return;
    halves.resize(data.size());
    ref.data = halves.data();
  }
  /// `data` to where kernels find it, and back.
  void store() {
    for (size_t i = 0; i < halves.size(); ++i)
      storeReal(halves.data(), ref.type, i, data[i]);
  }
  void load() {
    for (size_t i = 0; i < halves.size(); ++i)
      data[i] = loadReal(halves.data(), ref.type, i);
  }
  float &at(int64_t flat) {
    int64_t offset = 0;
    for (int i = ref.rank - 1; i >= 0; --i) {
      offset += flat % ref.sizes[i] * ref.strides[i];
      flat /= ref.sizes[i];
    }
    return data[offset];
  }
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < ref.rank; ++i)
      n *= ref.sizes[i];
    return n;
  }
  void fill(std::mt19937 &engine, int low, int high) {
    std::uniform_int_distribution<int> distribution(low, high);
    for (int64_t i = 0; i < size(); ++i)
      at(i) = distribution(engine);
  }
  Tensor tensor() {
    Tensor t = Tensor::zeros(llvm::ArrayRef(ref.sizes.data(), ref.rank));
    for (int64_t i = 0; i < size(); ++i)
      t.reals[i] = at(i);
    return t;
  }
};

/// Runs on `threads` threads, pieces in no particular order.
inline ParallelFor pool(int64_t threads) {
  return [threads](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) {
    int64_t chunk = (n + threads - 1) / threads;
    std::vector<std::thread> running;
    for (int64_t begin = 0; begin < n; begin += chunk)
      running.emplace_back([&body, begin, end = std::min(n, begin + chunk)] { body(begin, end); });
    for (std::thread &thread : running)
      thread.join();
  };
}

inline ParallelFor serial() {
  return [](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) {
    if (n > 0)
      body(0, n);
  };
}

/// The inputs of a case and both of its runs.
class LayerRun {
public:
  explicit LayerRun(const LayerCase &layer, int64_t padding = 0, int64_t step = 1)
      : layer(layer), tiles(layer.spec.tiles(layer.inputs)),
        x({layer.rows, layer.inputs}, padding, step, layer.spec.storage),
        weight({layer.outputs, layer.inputs}, padding, step, layer.spec.storage),
        grad({layer.rows, layer.outputs}, padding, step, layer.spec.storage), bias({layer.outputs}), range({tiles}),
        y({layer.rows, layer.outputs}, padding, 1, layer.spec.storage), rowRange({tiles, layer.rows}),
        dx({layer.rows, layer.inputs}, padding, 1, layer.spec.storage),
        dweight({layer.outputs, layer.inputs}, padding, 1, layer.spec.storage), dbias({layer.outputs}),
        drange({tiles}) {
    std::mt19937 engine(7);
    x.fill(engine, -9, 9);
    weight.fill(engine, -7, 7);
    grad.fill(engine, -3, 3);
    bias.fill(engine, -5, 5);
    for (float &beta : range.data)
      beta = layer.scalars.inputHalfLevels;
    // Every channel's largest weight of every tile is 7; where scales are of the whole tile, the last channel's alone.
    bool ofTile = layer.spec.weightScale == ScalePer::Tensor || layer.spec.outputScale == ScalePer::Tensor;
    if (ofTile)
      weight.fill(engine, -5, 5);
    for (int64_t o = ofTile ? layer.outputs - 1 : 0; o < layer.outputs && layer.inputs > 0; ++o)
      for (int64_t t = 0; t < tiles; ++t)
        weight.at(o * layer.inputs + layer.spec.tileBegin(layer.inputs, t)) = o % 2 ? 7 : -7;
    saturation.assign(tiles * layer.rows * packedWords(layer.outputs) + 1, -1);
  }

  Status forward(const std::string &backend, const ParallelFor &parallelFor, bool save = false) {
    auto compiled = Linear::get(layer.spec, backend);
    if (!compiled)
      return compiled.error();
    LinearForwardArgs args;
    args.x = x.ref, args.weight = weight.ref, args.y = y.ref, args.scalars = layer.scalars;
    bindShared(args);
    if (layer.spec.bias)
      args.bias = bias.ref;
    if (save)
      bindSaved(args);
    for (Matrix *matrix : {&x, &weight, &y})
      matrix->store();
    Placement placement(backend, parallelFor);
    for (TensorRef *tensor :
         {&args.x, &args.weight, &args.y, &args.bias, &args.range, &args.key, &args.saturation, &args.rowRange})
      placement.place(*tensor);
    Status status = (*compiled)->forward(args, placement.context());
    placement.fetch();
    y.load();
    return status;
  }

  Status backward(const std::string &backend, const ParallelFor &parallelFor, bool wantDx = true) {
    auto compiled = Linear::get(layer.spec, backend);
    if (!compiled)
      return compiled.error();
    LinearBackwardArgs args;
    args.grad = grad.ref, args.x = x.ref, args.weight = weight.ref, args.scalars = layer.scalars;
    bindShared(args);
    bindSaved(args);
    if (wantDx)
      args.dx = dx.ref;
    args.dweight = dweight.ref;
    if (layer.spec.bias)
      args.dbias = dbias.ref;
    if (layer.spec.inputRange == InputRange::Given)
      args.drange = drange.ref;
    for (Matrix *matrix : {&x, &weight, &grad, &dx, &dweight})
      matrix->store();
    Placement placement(backend, parallelFor);
    for (TensorRef *tensor : {&args.grad, &args.x, &args.weight, &args.range, &args.key, &args.saturation,
                              &args.rowRange, &args.dx, &args.dweight, &args.dbias, &args.drange})
      placement.place(*tensor);
    Status status = (*compiled)->backward(args, placement.context());
    placement.fetch();
    for (Matrix *matrix : {&dx, &dweight})
      matrix->load();
    return status;
  }

  /// What the evaluator makes of the algebra: y, then the gradients of x, weight, bias and range where there are such.
  struct Expected {
    Tensor y;
    std::vector<std::pair<std::string, Tensor>> gradients;
  };
  Expected evaluate(bool gradients) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
    auto module = buildLinearModule(context, layer.spec, layer.scalars);
    auto function = (*module)->lookupSymbol<mlir::func::FuncOp>(kLinearFunction);
    std::vector<Tensor> inputs;
    std::vector<std::string> names;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      names.push_back(function.getArgAttrOfType<mlir::StringAttr>(i, analog::AnalogDialect::kNameAttr).str());
      inputs.push_back(input(names.back()));
    }
    Expected expected;
    expected.y = llvm::cantFail(reference::evaluate(function, inputs)).front();
    if (!gradients)
      return expected;
    auto all = llvm::cantFail(reference::evaluateGradient(function, inputs, grad.tensor()));
    for (size_t i = 0; i < all.size(); ++i)
      if (all[i])
        expected.gradients.emplace_back(names[i], *all[i]);
    return expected;
  }
  Matrix &gradient(const std::string &name) {
    return name == "x" ? dx : name == "weight" ? dweight : name == "bias" ? dbias : drange;
  }

  const LayerCase &layer;
  int64_t tiles;
  Matrix x, weight, grad, bias, range, y, rowRange, dx, dweight, dbias, drange;
  std::vector<int32_t> saturation;
  std::array<int64_t, 2> key{0x123456789abcdefLL, 5};

private:
  Tensor input(const std::string &name) {
    if (name == "key")
      return Tensor::integers({2}, {key[0], key[1]});
    return (name == "x" ? x : name == "weight" ? weight : name == "bias" ? bias : range).tensor();
  }
  template <class Args> void bindShared(Args &args) {
    if (layer.spec.inputRange == InputRange::Given)
      args.range = range.ref;
    if (layer.spec.weightNoise || layer.spec.outputNoise || layer.spec.dropConnect)
      args.key = {key.data(), ElementType::I64, 1, {2}, {1}};
  }
  template <class Args> void bindSaved(Args &args) {
    int64_t words = packedWords(layer.outputs);
    if (layer.spec.adc && layer.spec.maskSaturated)
      args.saturation = {
          saturation.data(), ElementType::I32, 3, {tiles, layer.rows, words}, {layer.rows * words, words, 1}};
    if (layer.spec.inputRange == InputRange::Dynamic)
      args.rowRange = rowRange.ref;
  }
};

inline void expectEqual(Matrix &actual, const Tensor &expected, const std::string &what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (int64_t i = 0; i < actual.size(); ++i) {
    double a = actual.at(i), b = expected.reals[i];
    ASSERT_TRUE(reference::sameNumber(a, b))
        << what << " element " << i << " of " << expected.shapeText() << " is " << a << ", the evaluator has " << b;
  }
}

/// Structures that take part in every suite, by name.
inline std::vector<std::pair<std::string, LinearSpec>> exactSpecs() {
  LinearSpec ideal, converters, quantized, noisy, dropping, dynamic, through, tensor, tensorOutput, paper, redrawn;
  converters.inputRange = InputRange::Given;
  converters.quantizeInput = converters.adc = converters.bias = true;
  quantized = noisy = converters;
  quantized.quantizeWeight = true;
  noisy.outputNoise = true;
  dropping = quantized;
  dropping.dropConnect = true;
  dynamic = converters;
  dynamic.inputRange = InputRange::Dynamic;
  dynamic.outputNoise = true;
  through = noisy;
  through.maskSaturated = false;
  through.tiling = TilingKind::Fixed;
  tensor = noisy;
  tensor.weightScale = tensor.outputScale = ScalePer::Tensor;
  tensorOutput = dynamic;
  tensorOutput.outputScale = ScalePer::Tensor;
  paper = noisy;
  paper.rangeGradient = RangeGradient::Paper;
  paper.normals = NormalMap::Word;
  redrawn = dropping;
  redrawn.rangeGradient = RangeGradient::Lsq;
  redrawn.noisyBackward = true;
  return {{"ideal", ideal},     {"converters", converters}, {"quantized", quantized},
          {"noisy", noisy},     {"dropping", dropping},     {"dynamic", dynamic},
          {"through", through}, {"tensor", tensor},         {"tensorOutput", tensorOutput},
          {"paper", paper},     {"redrawn", redrawn}};
}

/// Strengths with exact steps: range 8 of 8 half-levels, a power of two that keeps dynamic ranges (integers) / 8 exact
/// too; weights of at most 7 of 7.
inline LinearScalars exactScalars() {
  LinearScalars s;
  s.inputHalfLevels = 8;
  s.weightHalfLevels = 7;
  s.dropProbability = 0.3f;
  s.outputNoise = 0.05f;
  s.outputBound = 2;
  s.outputHalfLevels = 7;
  s.rangeDecay = 0.5f;
  s.rangeShare = 0.25f;
  return s;
}

/// Rows, inputs, outputs: empty, single, primes, around the tile and the blocks of the schedules, deep.
inline std::vector<std::array<int64_t, 3>> raggedShapes() {
  return {{0, 70, 33}, {1, 1, 1}, {1, 64, 1}, {3, 63, 17}, {5, 65, 31}, {7, 129, 66}, {65, 100, 47}, {131, 257, 130}};
}

} // namespace mho::conformance

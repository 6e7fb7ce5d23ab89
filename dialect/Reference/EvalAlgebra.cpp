// The algebra, one short function per op, written out by hand from SPEC.md.
#include "dialect/Reference/UserEffects.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

//===-- walking ---------------------------------------------------------------------------------------------------===//

Tiles mho::reference::tilesFor(Operation *op, int64_t inputs) { return Tiles(getTiling(op), inputs); }

Scales::Scales(ValueRange values, ArrayAttr over, const Environment &env) {
  for (auto [value, attr] : llvm::zip_equal(values, over)) {
    tensors.push_back(&env[value]);
    axes.push_back(cast<AxesAttr>(attr));
  }
}

Scales::Scales(Value value, AxesAttr over, const Environment &env) : tensors{&env[value]}, axes{over} {}

double Scales::product(double strength, const Element &element, const Arithmetic &a) const {
  double result = a.round(strength);
  for (size_t i = 0; i < tensors.size(); ++i)
    result = a.mul(result, at(i, element));
  return result;
}

llvm::Error Scales::check(Operation *op, Sizes sizes) const {
  for (auto [tensor, over] : llvm::zip(tensors, axes))
    if (llvm::Error error =
            unifySizes(sizes, *tensor, over, ("a scale of '" + op->getName().getStringRef() + "'").str()))
      return error;
  return llvm::Error::success();
}

llvm::Error mho::reference::forEachOutput(Operation *op, const Tensor &output, const Scales *scales,
                                          llvm::function_ref<void(int64_t, const Element &)> body) {
  Sizes sizes;
  sizes[Axis::M] = output.shape[0];
  sizes[Axis::N] = output.shape[1];
  if (llvm::Error error = scales ? scales->check(op, sizes) : llvm::Error::success())
    return error;
  for (int64_t row = 0; row < output.shape[0]; ++row)
    for (int64_t column = 0; column < output.shape[1]; ++column) {
      Element e;
      e[Axis::M] = e.row = row;
      e[Axis::N] = e.column = column;
      body(output.offset({row, column}), e);
    }
  return llvm::Error::success();
}

static llvm::Error forEachOfMatrix(Operation *op, const Tensor &matrix, const Scales *scales,
                                   llvm::function_ref<void(int64_t, const Element &)> body) {
  if (!getTiling(op))
    return fail("'" + op->getName().getStringRef() + "' needs a crossbar tiling (function attribute 'analog.tiling')");
  Tiles tiles = tilesFor(op, matrix.shape[1]);
  Sizes sizes;
  sizes[Axis::T] = tiles.count();
  sizes[Axis::M] = sizes[Axis::N] = matrix.shape[0];
  sizes[Axis::K] = matrix.shape[1];
  if (llvm::Error error = scales ? scales->check(op, sizes) : llvm::Error::success())
    return error;
  for (int64_t row = 0; row < matrix.shape[0]; ++row)
    for (int64_t k = 0; k < matrix.shape[1]; ++k) {
      Element e;
      e[Axis::T] = e.tile = tiles.of(k);
      e[Axis::M] = e[Axis::N] = e.row = row;
      e[Axis::K] = k;
      e.column = k - tiles.begin(e.tile);
      body(matrix.offset({row, k}), e);
    }
  return llvm::Error::success();
}

static llvm::Error forEachOfPlanes(Operation *op, const Tensor &planes, const Scales *scales,
                                   llvm::function_ref<void(int64_t, const Element &)> body) {
  Sizes sizes;
  sizes[Axis::T] = planes.shape[0];
  sizes[Axis::M] = planes.shape[1];
  sizes[Axis::N] = planes.shape[2];
  if (llvm::Error error = scales ? scales->check(op, sizes) : llvm::Error::success())
    return error;
  for (int64_t t = 0; t < planes.shape[0]; ++t)
    for (int64_t m = 0; m < planes.shape[1]; ++m)
      for (int64_t n = 0; n < planes.shape[2]; ++n) {
        Element e;
        e[Axis::T] = e.tile = t;
        e[Axis::M] = e.row = m;
        e[Axis::N] = e.column = n;
        body(planes.offset({t, m, n}), e);
      }
  return llvm::Error::success();
}

llvm::Error mho::reference::forEachElement(Operation *op, const Tensor &tensor, const Scales *scales,
                                           llvm::function_ref<void(int64_t, const Element &)> body) {
  return tensor.rank() == 2 ? forEachOfMatrix(op, tensor, scales, body) : forEachOfPlanes(op, tensor, scales, body);
}

/// The result of an effect: `map` of each element of its source.
static llvm::Error mapElements(EffectOpInterface op, const Scales *scales, Environment &env,
                               llvm::function_ref<double(double, const Element &)> map) {
  const Tensor &source = env[op.getElementSource()];
  Tensor result = Tensor::zeros(source.shape);
  if (llvm::Error error = forEachElement(
          op, source, scales, [&](int64_t i, const Element &e) { result.reals[i] = map(source.reals[i], e); }))
    return error;
  env.values[op->getResult(0)] = std::move(result);
  return llvm::Error::success();
}

//===-- ops -------------------------------------------------------------------------------------------------------===//

static llvm::Error evalAbsMaxOp(AbsMaxOp op, Environment &env) {
  const Tensor &input = env[op.getInput()];
  int64_t tiles = tilesFor(op, input.shape[1]).count();
  bool perTensor = op.getPer() == Granularity::Tensor;
  Tensor result = perTensor ? Tensor::zeros({tiles}) : Tensor::zeros({tiles, input.shape[0]});
  if (llvm::Error error = forEachElement(op, input, nullptr, [&](int64_t i, const Element &e) {
        double &largest = perTensor ? result.at({e.tile}) : result.at({e.tile, e.row});
        largest = Arithmetic::max(largest, std::fabs(input.reals[i]));
      }))
    return error;
  env.values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

static llvm::Error evalQuantizeInputOp(QuantizeInputOp op, Environment &env) {
  const Arithmetic &a = env.arithmetic;
  Scales range(op.getRange(), op.getRangeAxes(), env);
  double levels = op.getHalfLevels().convertToFloat();
  return mapElements(op, &range, env, [&](double x, const Element &e) {
    double beta = range.at(0, e);
    return a.roundEven(a.mul(a.clamp(x, -beta, beta), a.safeScale(levels, beta)));
  });
}

static llvm::Error evalQuantizeWeightOp(QuantizeWeightOp op, Environment &env) {
  const Arithmetic &a = env.arithmetic;
  Scales scale(op.getScale(), op.getScaleAxes(), env);
  double levels = op.getHalfLevels().convertToFloat();
  return mapElements(op, &scale, env, [&](double w, const Element &e) {
    double largest = scale.at(0, e);
    double code = a.clamp(a.roundEven(a.mul(w, a.safeScale(levels, largest))), -levels, levels);
    return a.mul(code, a.div(largest, levels));
  });
}

llvm::Error mho::reference::checkAddresses(EffectOpInterface op, const Environment &env, bool words) {
  const Tensor &tensor = env[op.getElementSource()];
  int64_t rank = tensor.rank(), tiles = rank == 3 ? tensor.shape[0] : tilesFor(op, tensor.shape[1]).count();
  return checkDraws(tensor.shape[rank - 2], tensor.shape[rank - 1], tiles, words);
}

static llvm::Error evalInjectNoiseOp(InjectNoiseOp op, Environment &env) {
  llvm::Expected<Key> key = readKey(env[op.getKey()]);
  if (!key)
    return key.takeError();
  if (llvm::Error error = checkAddresses(op, env, op.getMap() == GaussianMap::Word))
    return error;
  Scales scales(op.getScales(), op.getScaleAxes(), env);
  double sigma = op.getSigma().convertToFloat();
  return mapElements(op, &scales, env, [&](double v, const Element &e) {
    if (!env.options.draws)
      return v;
    double gain = scales.product(sigma, e, env.arithmetic);
    return env.arithmetic.fma(gain, drawNormal(*key, op.getStream(), op.getMap(), e), v);
  });
}

static llvm::Error evalDropConnectOp(DropConnectOp op, Environment &env) {
  llvm::Expected<Key> key = readKey(env[op.getKey()]);
  if (!key)
    return key.takeError();
  if (llvm::Error error = checkAddresses(op, env, /*words=*/true))
    return error;
  double probability = op.getProbability().convertToFloat();
  return mapElements(op, nullptr, env, [&](double w, const Element &e) {
    bool dropped = env.options.draws && drawUniform(*key, op.getStream(), e) < probability;
    return dropped ? 0 : w;
  });
}

Tensor mho::reference::contractTiles(const Tensor &x, const Tensor &w, const Tiles &tiles,
                                     const Arithmetic &arithmetic) {
  int64_t batch = x.shape[0], outputs = w.shape[0];
  Tensor planes = Tensor::zeros({tiles.count(), batch, outputs});
  for (int64_t t = 0; t < tiles.count(); ++t)
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t o = 0; o < outputs; ++o) {
        double sum = 0;
        for (int64_t k = tiles.begin(t); k < tiles.end(t); ++k)
          sum += x.at({b, k}) * w.at({o, k});
        planes.at({t, b, o}) = arithmetic.round(sum);
      }
  return planes;
}

static llvm::Error evalMvmOp(MvmOp op, Environment &env) {
  const Tensor &x = env[op.getInput()], &w = env[op.getWeight()];
  if (x.shape[1] != w.shape[1])
    return fail("expected inputs of the input (" + Twine(x.shape[1]) + ") to match inputs of the weight (" +
                Twine(w.shape[1]) + ")");
  env.values[op.getResult()] = contractTiles(x, w, tilesFor(op, x.shape[1]), env.arithmetic);
  return llvm::Error::success();
}

static llvm::Error evalRescaleOp(RescaleOp op, Environment &env) {
  const Arithmetic &a = env.arithmetic;
  Scales range(op.getRange(), op.getRangeAxes(), env);
  double levels = op.getHalfLevels().convertToFloat();
  return mapElements(op, &range, env,
                     [&](double v, const Element &e) { return a.mul(v, a.div(range.at(0, e), levels)); });
}

static llvm::Error evalAdcOp(AdcOp op, Environment &env) {
  const Arithmetic &a = env.arithmetic;
  Scales scales(op.getScales(), op.getScaleAxes(), env);
  double lambda = op.getLambda().convertToFloat(), levels = op.getHalfLevels().convertToFloat();
  return mapElements(op, &scales, env, [&](double v, const Element &e) {
    double bound = scales.product(lambda, e, a);
    double rounded = a.roundEven(a.mul(v, a.safeScale(levels, bound)));
    return a.mul(a.clamp(rounded, -levels, levels), a.div(bound, levels));
  });
}

static llvm::Error evalAccumulateOp(AccumulateOp op, Environment &env) {
  const Tensor &planes = env[op.getInput()];
  const Tensor *bias = op.getBias() ? &env[op.getBias()] : nullptr;
  int64_t tiles = planes.shape[0], batch = planes.shape[1], outputs = planes.shape[2];
  if (bias && bias->shape[0] != outputs)
    return fail("expected bias length (" + Twine(bias->shape[0]) + ") to match outputs (" + Twine(outputs) + ")");
  Tensor result = Tensor::zeros({batch, outputs});
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t o = 0; o < outputs; ++o) {
      double sum = tiles ? planes.at({0, b, o}) : 0;
      for (int64_t t = 1; t < tiles; ++t)
        sum = env.arithmetic.add(sum, planes.at({t, b, o}));
      result.at({b, o}) = bias ? env.arithmetic.add(sum, bias->at({o})) : sum;
    }
  env.values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

llvm::Error mho::reference::evalAlgebraOp(Operation *op, Environment &env) {
  return llvm::TypeSwitch<Operation *, llvm::Error>(op)
      .Case([&](AbsMaxOp o) { return evalAbsMaxOp(o, env); })
      .Case([&](QuantizeInputOp o) { return evalQuantizeInputOp(o, env); })
      .Case([&](QuantizeWeightOp o) { return evalQuantizeWeightOp(o, env); })
      .Case([&](InjectNoiseOp o) { return evalInjectNoiseOp(o, env); })
      .Case([&](DropConnectOp o) { return evalDropConnectOp(o, env); })
      .Case([&](ApplyOp o) { return evalApplyOp(o, env); })
      .Case([&](MvmOp o) { return evalMvmOp(o, env); })
      .Case([&](RescaleOp o) { return evalRescaleOp(o, env); })
      .Case([&](AdcOp o) { return evalAdcOp(o, env); })
      .Case([&](AccumulateOp o) { return evalAccumulateOp(o, env); })
      .Default([&](Operation *) { return fail("the evaluator does not know '" + op->getName().getStringRef() + "'"); });
}

#include "dialect/Reference/UserEffects.h"

#include "dialect/Reference/DualCode.h"
#include "dialect/Reference/Reduce.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

namespace {

/// One use of an effect: its code at an element.
class Use {
public:
  static llvm::Expected<Use> of(ApplyOp op, const Environment &env);

  /// An interpreter that has run the code at element `v`.
  llvm::Expected<ScalarInterpreter> run(double v, const Element &at) const;
  /// Values of the code's arguments after the element.
  SmallVector<double> others(const Element &at) const;
  YieldOp yield() { return cast<YieldOp>(effect.getCode().front().getTerminator()); }
  /// The gradient of element `v`, and what the derivative yields through `reduce`.
  llvm::Expected<double> gradient(double v, const Element &at, double g, SmallVectorImpl<double> &summands);
  /// Calls body for each element of `source`; stops at its first error.
  llvm::Error forEach(const Tensor &source, llvm::function_ref<llvm::Error(int64_t, Element)> body);

  ApplyOp op;
  EffectOp effect;

private:
  Use(ApplyOp op, const Environment &env)
      : op(op), effect(op.lookupEffect()), params(op.getParams(), op.getParamAxes(), env), env(&env) {}

  Scales params;
  SmallVector<Key, 1> keys;
  std::optional<Tiles> tiles; // of the layer, where it is known
  const Environment *env;
};

} // namespace

/// Inputs of the layer that an effect belongs to; nothing where planes come from no mvm of the function.
static std::optional<int64_t> inputsOf(ApplyOp op, const Environment &env) {
  if (op.getInput().getType().getRank() == 2)
    return env[op.getInput()].shape[1];
  Value value = op.getInput();
  while (auto effect = value.getDefiningOp<EffectOpInterface>())
    value = effect.getElementSource();
  if (auto mvm = value.getDefiningOp<MvmOp>())
    return env[mvm.getInput()].shape[1];
  return std::nullopt;
}

llvm::Expected<Use> Use::of(ApplyOp op, const Environment &env) {
  Use use(op, env);
  bool words = false;
  for (DrawOpInterface draw : use.effect.getDraws())
    words |= draw.getNumberKind() != NumberKind::HalfNormal;
  if (op.getKey()) {
    llvm::Expected<Key> key = readKey(env[op.getKey()]);
    if (!key)
      return key.takeError();
    use.keys.push_back(*key);
    if (llvm::Error error = checkAddresses(op, env, words))
      return error;
  }
  if (std::optional<int64_t> inputs = getTiling(op) ? inputsOf(op, env) : std::nullopt)
    use.tiles = tilesFor(op, *inputs);
  return use;
}

SmallVector<double> Use::others(const Element &at) const {
  SmallVector<double> values;
  for (size_t i = 0; i < op->getNumOperands() - 1 - keys.size(); ++i)
    values.push_back(params.at(i, at));
  EffectOp declared = effect;
  ApplyOp use = op;
  for (unsigned i = 0; i < declared.getStrengths().size(); ++i)
    values.push_back(use.getStrengthOf(declared, i).getValue().convertToFloat());
  return values;
}

llvm::Expected<ScalarInterpreter> Use::run(double v, const Element &at) const {
  EffectOp declared = effect;
  ApplyOp use = op;
  ScalarInterpreter scalar(env->arithmetic, keys, at, env->options.draws);
  for (auto [i, draw] : llvm::enumerate(declared.getDraws()))
    scalar.bindDraw(draw, 0, use.getStreamOf(declared, i));
  SmallVector<double> arguments{v};
  llvm::append_range(arguments, others(at));
  Block &block = declared.getCode().front();
  scalar.bind(block.getArguments(), arguments);
  if (llvm::Error error = scalar.run(block))
    return error;
  return scalar;
}

llvm::Expected<double> Use::gradient(double v, const Element &at, double g, SmallVectorImpl<double> &summands) {
  if (effect.getSurrogate() == SurrogateKind::StraightThrough)
    return g;
  llvm::Expected<ScalarInterpreter> scalar = run(v, at);
  if (!scalar)
    return scalar.takeError();
  if (effect.getSurrogate() == SurrogateKind::Masked)
    return scalar->value(yield().getBits()[0]) != 0 ? 0 : g;
  if (effect.getSurrogate() == SurrogateKind::Derived) {
    Block &block = effect.getCode().front();
    llvm::Expected<double> slope = differentiate(block, *scalar, block.getArgument(0), yield().getValues()[0]);
    return slope ? llvm::Expected<double>(env->arithmetic.mul(g, *slope)) : slope.takeError();
  }
  Block &block = effect.getDerivative().front();
  SmallVector<double> arguments = others(at);
  if (effect.savesBits())
    llvm::append_range(arguments, scalar->valuesOf(yield().getBits()));
  else
    arguments.push_back(v);
  arguments.push_back(g);
  scalar->bind(block.getArguments(), arguments);
  if (llvm::Error error = scalar->run(block))
    return error;
  auto end = cast<YieldOp>(block.getTerminator());
  summands = scalar->valuesOf(end.getReductions());
  return scalar->value(end.getValues()[0]);
}

llvm::Error Use::forEach(const Tensor &source, llvm::function_ref<llvm::Error(int64_t, Element)> body) {
  std::string first;
  llvm::Error walk = forEachElement(op, source, &params, [&](int64_t i, const Element &element) {
    Element at = element;
    at.tileRows = tiles ? tiles->physicalRows(at.tile) : 0;
    if (llvm::Error error = first.empty() ? body(i, at) : llvm::Error::success())
      first = llvm::toString(std::move(error));
  });
  if (walk || first.empty())
    return walk;
  return fail(first);
}

llvm::Error mho::reference::evalApplyOp(ApplyOp op, Environment &env) {
  llvm::Expected<Use> use = Use::of(op, env);
  if (!use)
    return use.takeError();
  const Tensor &source = env[op.getInput()];
  Tensor result = Tensor::zeros(source.shape);
  if (llvm::Error error = use->forEach(source, [&](int64_t i, Element at) -> llvm::Error {
        llvm::Expected<ScalarInterpreter> scalar = use->run(source.reals[i], at);
        if (!scalar)
          return scalar.takeError();
        result.reals[i] = scalar->value(use->yield().getValues()[0]);
        return llvm::Error::success();
      }))
    return error;
  env.values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

//===-- gradients -------------------------------------------------------------------------------------------------===//

namespace {

/// What the derivative of an effect yields through `reduce`, element by element, until it is reduced.
class Summands {
public:
  Summands(Use &use, const Tensor &source);
  void keep(const Element &at, ArrayRef<double> yielded);
  /// The gradients of the learnable parameters: the summands in the order of a reduction, then the tail.
  llvm::Expected<std::vector<Tensor>> gradients(const Environment &env);

private:
  Use &use;
  ValueRange yielded; ///< of the derivative
  Axis row, column;   ///< of the elements
  Sizes sizes;
  std::vector<std::vector<Patch>> patches; ///< of each
};

} // namespace

Summands::Summands(Use &use, const Tensor &source)
    : use(use), yielded(cast<YieldOp>(use.effect.getDerivative().front().getTerminator()).getReductions()) {
  EffectSite site = use.effect.getSite();
  bool ofTile = site == EffectSite::Tile;
  row = site == EffectSite::Weight ? Axis::N : Axis::M;
  column = ofTile ? Axis::N : Axis::K;
  sizes[row] = source.shape[ofTile];
  sizes[column] = source.shape[1 + ofTile];
  std::vector<Patch> none;
  if (ofTile) {
    sizes[Axis::T] = source.shape[0];
    for (int64_t t = 0; t < sizes[Axis::T]; ++t)
      none.emplace_back(t, 0, sizes[row], 0, sizes[column]);
  } else {
    Tiles tiles = tilesFor(use.op, sizes[column]);
    sizes[Axis::T] = tiles.count();
    none = patchesOfColumns(tiles, sizes[row]);
  }
  patches.assign(yielded.size(), none);
}

void Summands::keep(const Element &at, ArrayRef<double> values) {
  for (auto [patchesOfOne, value] : llvm::zip_equal(patches, values))
    patchesOfOne[at.tile].at(at[row], at[column]) = value;
}

llvm::Expected<std::vector<Tensor>> Summands::gradients(const Environment &env) {
  ArrayRef<int64_t> learnable = use.effect.getLearnable();
  auto over = cast<AxesAttr>(use.op.getParamAxes()[learnable[0]]);
  std::vector<Tensor> sums;
  for (auto [patchesOfOne, value] : llvm::zip_equal(patches, yielded)) {
    Arithmetic count{Precision::F64};
    sums.push_back(reduce(patchesOfOne, over, row, column, sizes, value.getType().isF32() ? env.arithmetic : count));
    for (double &v : sums.back().reals)
      v = env.arithmetic.round(v);
  }
  const Tensor &value = env[use.op.getParams()[learnable[0]]];
  std::vector<Tensor> results(learnable.size(), Tensor::zeros(value.shape));
  Block &tail = use.effect.getTail().front();
  for (int64_t i = 0; i < value.size(); ++i) {
    // The element of the parameters: what the tail reads varies over no other axes.
    Element at;
    int64_t rest = i;
    for (size_t axis = over.getAxes().size(); axis-- > 0; rest /= value.shape[axis])
      at[over.getAxes()[axis]] = rest % value.shape[axis];
    SmallVector<double> arguments;
    for (const Tensor &sum : sums)
      arguments.push_back(sum.reals[i]);
    llvm::append_range(arguments, use.others(at));
    ScalarInterpreter scalar(env.arithmetic, {}, at);
    scalar.bind(tail.getArguments(), arguments);
    if (llvm::Error error = scalar.run(tail))
      return error;
    for (auto [result, yield] : llvm::zip_equal(results, cast<YieldOp>(tail.getTerminator()).getValues()))
      result.reals[i] = scalar.value(yield);
  }
  return results;
}

llvm::Expected<ApplyGradients> mho::reference::gradientOfApplyOp(ApplyOp op, const Environment &env, const Tensor &g) {
  llvm::Expected<Use> use = Use::of(op, env);
  if (!use)
    return use.takeError();
  const Tensor &source = env[op.getInput()];
  ApplyGradients result{Tensor::zeros(source.shape), {}};
  std::optional<Summands> summands;
  if (!use->effect.getLearnable().empty())
    summands.emplace(*use, source);
  if (llvm::Error error = use->forEach(source, [&](int64_t i, Element at) -> llvm::Error {
        SmallVector<double> yielded;
        llvm::Expected<double> gradient = use->gradient(source.reals[i], at, g.reals[i], yielded);
        if (!gradient)
          return gradient.takeError();
        result.element.reals[i] = *gradient;
        if (summands)
          summands->keep(at, yielded);
        return llvm::Error::success();
      }))
    return error;
  if (!summands)
    return result;
  llvm::Expected<std::vector<Tensor>> parameters = summands->gradients(env);
  if (!parameters)
    return parameters.takeError();
  result.parameters = std::move(*parameters);
  return result;
}

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

/// The gradient of a learnable parameter of an effect on the input: its summands in the order of a reduction, then the
/// tail.
static llvm::Expected<Tensor> reduceSummands(Use &use, const Environment &env,
                                             std::vector<std::vector<Patch>> &summands) {
  unsigned param = use.effect.getLearnable()[0];
  auto over = cast<AxesAttr>(use.op.getParamAxes()[param]);
  Sizes sizes;
  sizes[Axis::T] = tilesFor(use.op, env[use.op.getInput()].shape[1]).count();
  sizes[Axis::M] = env[use.op.getInput()].shape[0];
  sizes[Axis::K] = env[use.op.getInput()].shape[1];
  ValueRange yielded = cast<YieldOp>(use.effect.getDerivative().front().getTerminator()).getReductions();
  std::vector<Tensor> sums;
  for (auto [patches, value] : llvm::zip_equal(summands, yielded)) {
    Arithmetic count{Precision::F64};
    sums.push_back(reduce(patches, over, Axis::M, Axis::K, sizes, value.getType().isF32() ? env.arithmetic : count));
    for (double &v : sums.back().reals)
      v = env.arithmetic.round(v);
  }
  const Tensor &value = env[use.op.getParams()[param]];
  Tensor result = Tensor::zeros(value.shape);
  Block &tail = use.effect.getTail().front();
  for (int64_t i = 0; i < result.size(); ++i) {
    // The element of the parameter: what the tail reads varies over no other axes.
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
    result.reals[i] = scalar.value(cast<YieldOp>(tail.getTerminator()).getValues()[0]);
  }
  return result;
}

llvm::Expected<ApplyGradients> mho::reference::gradientOfApplyOp(ApplyOp op, const Environment &env, const Tensor &g) {
  llvm::Expected<Use> use = Use::of(op, env);
  if (!use)
    return use.takeError();
  const Tensor &source = env[op.getInput()];
  bool learns = !use->effect.getLearnable().empty();
  if (learns && use->effect.getSite() != EffectSite::Input)
    return fail("a learnable parameter has a gradient of an effect on the input only, got @" + op.getEffect() +
                " on the " + stringifyEffectSite(use->effect.getSite()));
  ApplyGradients result{Tensor::zeros(source.shape), std::nullopt};
  std::vector<std::vector<Patch>> summands;
  if (learns)
    summands.assign(cast<YieldOp>(use->effect.getDerivative().front().getTerminator()).getReductions().size(),
                    patchesOfColumns(tilesFor(op, source.shape[1]), source.shape[0]));
  if (llvm::Error error = use->forEach(source, [&](int64_t i, Element at) -> llvm::Error {
        SmallVector<double> reduced;
        llvm::Expected<double> gradient = use->gradient(source.reals[i], at, g.reals[i], reduced);
        if (!gradient)
          return gradient.takeError();
        result.element.reals[i] = *gradient;
        for (auto [patches, value] : llvm::zip(summands, reduced))
          patches[at.tile].at(at.row, at[Axis::K]) = value;
        return llvm::Error::success();
      }))
    return error;
  if (!learns)
    return result;
  llvm::Expected<Tensor> parameter = reduceSummands(*use, env, summands);
  if (!parameter)
    return parameter.takeError();
  result.parameter = std::move(*parameter);
  return result;
}

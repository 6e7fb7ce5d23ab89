#include "dialect/Reference/EffectUse.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

/// Inputs of the layer that an effect belongs to; nothing where planes come from no mvm of the function.
static std::optional<int64_t> inputsOf(ApplyOp op, const Environment &env) {
  if (op.lookupEffect().getSite() == EffectSite::Output)
    return std::nullopt; // an element of the output is of no tile
  if (op.getInput().getType().getRank() == 2)
    return env[op.getInput()].shape[1];
  if (MvmOp mvm = op.findMvm())
    return env[mvm.getInput()].shape[1];
  return std::nullopt;
}

/// True if one of these draws takes a word of 32 bits.
static bool drawWords(ArrayRef<DrawOpInterface> draws) {
  return llvm::any_of(draws, [](DrawOpInterface d) { return d.getNumberKind() != NumberKind::HalfNormal; });
}

llvm::Expected<EffectUse> EffectUse::of(ApplyOp op, const Environment &env) {
  EffectUse use(op, env);
  if (std::optional<int64_t> inputs = getTiling(op) ? inputsOf(op, env) : std::nullopt)
    use.tiles = tilesFor(op, *inputs);
  if (llvm::Error error = use.readKeys())
    return error;
  if (llvm::Error error = use.evalAccumulators())
    return error;
  return use;
}

llvm::Error EffectUse::readKeys() {
  if (!op.getKey())
    return llvm::Error::success();
  llvm::Expected<Key> key = readKey((*env)[op.getKey()]);
  if (!key)
    return key.takeError();
  keys.push_back(*key);
  bool words = drawWords(effect.getDraws());
  const Tensor &elements = (*env)[op.getInput()];
  return effect.getSite() == EffectSite::Output ? checkDraws(elements.shape[0], elements.shape[1], 1, words)
                                                : checkAddresses(op, *env, words);
}

SmallVector<double> EffectUse::strengths() const {
  EffectOp declared = effect;
  ApplyOp use = op;
  SmallVector<double> values;
  for (unsigned i = 0; i < declared.getStrengths().size(); ++i)
    values.push_back(use.getStrengthOf(declared, i).getValue().convertToFloat());
  return values;
}

SmallVector<double> EffectUse::others(const Element &at) const {
  SmallVector<double> values;
  ApplyOp use = op;
  for (size_t i = 0; i < use.getParams().size(); ++i)
    values.push_back(params.at(i, at));
  llvm::append_range(values, strengths());
  return values;
}

/// Knows the key and the streams of the draws.
ScalarInterpreter EffectUse::interpreter(const Element &at) const {
  EffectOp declared = effect;
  ApplyOp use = op;
  ScalarInterpreter scalar(env->arithmetic, keys, at, env->options.draws);
  for (auto [i, draw] : llvm::enumerate(declared.getDraws()))
    scalar.bindDraw(draw, 0, use.getStreamOf(declared, i));
  return scalar;
}

llvm::Expected<ScalarInterpreter> EffectUse::run(double v, int64_t i, const Element &at) const {
  EffectOp declared = effect;
  ScalarInterpreter scalar = interpreter(at);
  SmallVector<double> arguments{v};
  for (const Tensor &accumulator : accumulators)
    arguments.push_back(accumulator.reals[i]);
  llvm::append_range(arguments, others(at));
  Block &block = declared.getCode().front();
  scalar.bind(block.getArguments(), arguments);
  if (llvm::Error error = scalar.run(block))
    return error;
  return scalar;
}

//===-- further accumulators --------------------------------------------------------------------------------------===//

/// What the mvm takes of a side, behind all effects of it.
static const Tensor &elementsOf(Side side, MvmOp mvm, const Environment &env) {
  return env[side == Side::Lhs ? mvm.getInput() : mvm.getWeight()];
}

llvm::Error EffectUse::forEachFactor(Side side,
                                     llvm::function_ref<llvm::Error(int64_t, const ScalarInterpreter &)> body) {
  const Tensor &elements = elementsOf(side, op.findMvm(), *env);
  Region &region = effect.getFactorRegion(side);
  if (!region.getOps<DrawOpInterface>().empty())
    if (llvm::Error error =
            checkDraws(elements.shape[0], elements.shape[1], tiles->count(), drawWords(effect.getDraws())))
      return error;
  Block &block = region.front();
  std::string first;
  llvm::Error walk = forEachElement(op, elements, nullptr, [&](int64_t i, const Element &element) {
    if (!first.empty())
      return;
    Element at = element;
    at.tileRows = tiles->physicalRows(at.tile);
    ScalarInterpreter scalar = interpreter(at);
    SmallVector<double> arguments{elements.reals[i]};
    for (int64_t param : effect.getFactorParams(side))
      arguments.push_back(params.at(param, at));
    llvm::append_range(arguments, strengths());
    scalar.bind(block.getArguments(), arguments);
    llvm::Error error = scalar.run(block);
    if (llvm::Error failed = error ? std::move(error) : body(i, scalar))
      first = llvm::toString(std::move(failed));
  });
  if (walk || first.empty())
    return walk;
  return fail(first);
}

llvm::Error EffectUse::evalFactors(Side side) {
  const Tensor &elements = elementsOf(side, op.findMvm(), *env);
  std::vector<Tensor> &results = factors[size_t(side)];
  results = {elements};
  Region &region = effect.getFactorRegion(side);
  if (region.empty())
    return llvm::Error::success();
  auto end = cast<YieldOp>(region.front().getTerminator());
  results.resize(1 + end.getValues().size(), Tensor::zeros(elements.shape));
  return forEachFactor(side, [&](int64_t i, const ScalarInterpreter &scalar) {
    for (auto [factor, value] : llvm::zip(llvm::drop_begin(results), end.getValues()))
      factor.reals[i] = scalar.value(value);
    return llvm::Error::success();
  });
}

llvm::Error EffectUse::evalAccumulators() {
  for (Value sum : op.getSums())
    accumulators.push_back((*env)[sum]);
  SmallVector<std::pair<int64_t, int64_t>> pairs = op.getFurtherAccumulators();
  if (pairs.empty())
    return llvm::Error::success();
  if (llvm::Error error = forEach((*env)[op.getInput()], [](int64_t, Element) { return llvm::Error::success(); }))
    return error; // where a parameter does not fit
  for (Side side : {Side::Lhs, Side::Rhs})
    if (llvm::Error error = evalFactors(side))
      return error;
  for (auto [l, r] : pairs)
    accumulators.push_back(contractTiles(factorsOf(Side::Lhs)[l], factorsOf(Side::Rhs)[r], *tiles, env->arithmetic));
  return llvm::Error::success();
}

//===-- gradients -------------------------------------------------------------------------------------------------===//

llvm::Expected<std::optional<double>> EffectUse::derived(const ScalarInterpreter &scalar, unsigned argument, double g) {
  Block &block = effect.getCode().front();
  llvm::Expected<std::optional<double>> slope =
      differentiate(block, scalar, block.getArgument(argument), yield().getValues()[0]);
  if (slope && *slope)
    *slope = env->arithmetic.mul(g, **slope);
  return slope;
}

llvm::Expected<std::optional<double>> EffectUse::gradient(double v, int64_t i, const Element &at, double g,
                                                          SmallVectorImpl<double> &summands) {
  if (effect.getSurrogate() == SurrogateKind::StraightThrough)
    return g;
  llvm::Expected<ScalarInterpreter> scalar = run(v, i, at);
  if (!scalar)
    return scalar.takeError();
  if (effect.getSurrogate() == SurrogateKind::Masked)
    return scalar->value(yield().getBits()[0]) != 0 ? 0 : g;
  if (effect.getSurrogate() == SurrogateKind::Derived) {
    unsigned first = 1 + accumulators.size();
    for (int64_t param : effect.getLearnable()) {
      llvm::Expected<std::optional<double>> summand = derived(*scalar, first + param, g);
      if (!summand)
        return summand.takeError();
      summands.push_back(summand->value_or(0));
    }
    return derived(*scalar, 0, g);
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

llvm::Error EffectUse::forEach(const Tensor &source, llvm::function_ref<llvm::Error(int64_t, Element)> body) {
  std::string first;
  bool onOutput = effect.getSite() == EffectSite::Output;
  auto walkElements = onOutput ? forEachOutput : forEachElement;
  llvm::Error walk = walkElements(op, source, &params, [&](int64_t i, const Element &element) {
    Element at = element;
    at.tileRows = tiles ? tiles->physicalRows(at.tile) : 0;
    if (llvm::Error error = first.empty() ? body(i, at) : llvm::Error::success())
      first = llvm::toString(std::move(error));
  });
  if (walk || first.empty())
    return walk;
  return fail(first);
}

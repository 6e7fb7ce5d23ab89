#include "dialect/Reference/UserEffects.h"

#include "dialect/Reference/EffectUse.h"
#include "dialect/Reference/Reduce.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

llvm::Error mho::reference::evalApplyOp(ApplyOp op, Environment &env) {
  llvm::Expected<EffectUse> use = EffectUse::of(op, env);
  if (!use)
    return use.takeError();
  const Tensor &source = env[op.getInput()];
  std::vector<Tensor> results(op->getNumResults(), Tensor::zeros(source.shape));
  if (llvm::Error error = use->forEach(source, [&](int64_t i, Element at) -> llvm::Error {
        llvm::Expected<ScalarInterpreter> scalar = use->run(source.reals[i], i, at);
        if (!scalar)
          return scalar.takeError();
        for (auto [result, value] : llvm::zip_equal(results, use->yield().getValues()))
          result.reals[i] = scalar->value(value);
        return llvm::Error::success();
      }))
    return error;
  for (auto [value, result] : llvm::zip_equal(op->getResults(), results))
    env.values[value] = std::move(result);
  return llvm::Error::success();
}

//===-- gradients -------------------------------------------------------------------------------------------------===//

namespace {

/// What the derivative of an effect yields through `reduce`, element by element, until it is reduced.
class Summands {
public:
  Summands(EffectUse &use, const Tensor &source);
  void keep(const Element &at, ArrayRef<double> yielded);
  /// The gradients of the learnable parameters: the summands in the order of a reduction, then the tail, if there is
  /// one.
  llvm::Expected<std::vector<Tensor>> gradients(const Environment &env);

private:
  EffectUse &use;
  SmallVector<bool> counts; ///< which of what is reduced are counted, not summed
  Axis row, column;         ///< of the elements
  Sizes sizes;
  std::vector<std::vector<Patch>> patches; ///< of each
};

} // namespace

Summands::Summands(EffectUse &use, const Tensor &source) : use(use) {
  if (use.effect.getSurrogate() == SurrogateKind::Derived)
    counts.assign(use.effect.getLearnable().size(), false);
  else
    for (Value value : cast<YieldOp>(use.effect.getDerivative().front().getTerminator()).getReductions())
      counts.push_back(!value.getType().isF32());
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
  patches.assign(counts.size(), none);
}

void Summands::keep(const Element &at, ArrayRef<double> values) {
  for (auto [patchesOfOne, value] : llvm::zip_equal(patches, values))
    patchesOfOne[at.tile].at(at[row], at[column]) = value;
}

llvm::Expected<std::vector<Tensor>> Summands::gradients(const Environment &env) {
  ArrayRef<int64_t> learnable = use.effect.getLearnable();
  bool derived = use.effect.getSurrogate() == SurrogateKind::Derived;
  auto axesOf = [&](size_t i) { return cast<AxesAttr>(use.op.getParamAxes()[learnable[i]]); };
  AxesAttr over = axesOf(0);
  std::vector<Tensor> sums;
  for (size_t i = 0; i < patches.size(); ++i) {
    Arithmetic count{Precision::F64};
    sums.push_back(
        reduce(patches[i], derived ? axesOf(i) : over, row, column, sizes, counts[i] ? count : env.arithmetic));
    for (double &v : sums.back().reals)
      v = env.arithmetic.round(v);
  }
  if (derived)
    return sums;
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
  llvm::Expected<EffectUse> use = EffectUse::of(op, env);
  if (!use)
    return use.takeError();
  const Tensor &source = env[op.getInput()];
  ApplyGradients result{Tensor::zeros(source.shape), false, {}};
  std::optional<Summands> summands;
  if (!use->effect.getLearnable().empty())
    summands.emplace(*use, source);
  if (llvm::Error error = use->forEach(source, [&](int64_t i, Element at) -> llvm::Error {
        SmallVector<double> yielded;
        llvm::Expected<std::optional<double>> gradient = use->gradient(source.reals[i], i, at, g.reals[i], yielded);
        if (!gradient)
          return gradient.takeError();
        result.element.reals[i] = gradient->value_or(0);
        result.reachesElement |= gradient->has_value();
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

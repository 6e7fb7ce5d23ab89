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
  Tensor result = Tensor::zeros(source.shape);
  if (llvm::Error error = use->forEach(source, [&](int64_t i, Element at) -> llvm::Error {
        llvm::Expected<ScalarInterpreter> scalar = use->run(source.reals[i], i, at);
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
static llvm::Expected<Tensor> reduceSummands(EffectUse &use, const Environment &env,
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
  llvm::Expected<EffectUse> use = EffectUse::of(op, env);
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
        llvm::Expected<double> gradient = use->gradient(source.reals[i], i, at, g.reals[i], reduced);
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

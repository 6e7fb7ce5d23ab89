// Gradients of the algebra: hand-written vector-Jacobian products, op by op in reverse, with the surrogates of SPEC.md.
//
// Two forward runs feed them: the one with noise gives codes, masks and inputs; the noise-free one gives the weight
// that the input gradient contracts with.
#include "dialect/Reference/Reduce.h"
#include "dialect/Reference/UserEffects.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

namespace {

class Backward {
public:
  Backward(Environment &forward, Environment &clean) : forward(forward), clean(clean), a(forward.arithmetic) {}
  void add(Value value, Tensor gradient);
  std::optional<Tensor> of(Value value) const;
  llvm::Error run(Operation *op);
  /// A gradient has the type of what it is the gradient of.
  Tensor stored(Tensor gradient, Type type) const;

private:
  llvm::Error vjpQuantizeInputOp(QuantizeInputOp op, const Tensor &g);
  void rangeGradient(QuantizeInputOp op, const Tensor &dx);
  llvm::Error vjpMvmOp(MvmOp op, const Tensor &g);
  llvm::Error vjpRescaleOp(RescaleOp op, const Tensor &g);
  llvm::Error vjpAdcOp(AdcOp op, const Tensor &g);
  llvm::Error vjpApplyOp(ApplyOp op, const Tensor &g);
  llvm::Error vjpAccumulateOp(AccumulateOp op, const Tensor &g);

  Environment &forward, &clean;
  const Arithmetic &a;
  DenseMap<Value, Tensor> gradients;
  DenseSet<Value> reached; ///< values whose gradients are not 0 for every input
  bool live = true;        ///< what add() is given is such a one
};

} // namespace

void Backward::add(Value value, Tensor gradient) {
  if (live)
    reached.insert(value);
  auto [it, inserted] = gradients.try_emplace(value, gradient);
  if (inserted)
    return;
  for (auto [sum, v] : llvm::zip_equal(it->second.reals, gradient.reals))
    sum = a.add(sum, v);
}

std::optional<Tensor> Backward::of(Value value) const {
  auto it = gradients.find(value);
  return it == gradients.end() ? std::nullopt : std::optional<Tensor>(it->second);
}

Tensor Backward::stored(Tensor gradient, Type type) const {
  for (double &v : gradient.reals)
    v = a.stored(v, type);
  return gradient;
}

/// The sum over the inputs that clip (SPEC, quantize_input), with `lsq` also of the rounding errors of the others, in
/// the order of a reduction; plus decay * beta where the share of inputs with |x| < beta exceeds the threshold. g is
/// the input gradient before the mask.
void Backward::rangeGradient(QuantizeInputOp op, const Tensor &g) {
  const Tensor &x = forward[op.getInput()], &range = forward[op.getRange()];
  AxesAttr over = op.getRangeAxes();
  const RangeGradient kind = op.getGradient();
  const bool filtered = kind == RangeGradient::SignFiltered;
  double levels = op.getHalfLevels().convertToFloat();
  int64_t rows = x.shape[0];
  Tiles tiles = tilesFor(op, x.shape[1]);
  Sizes sizes;
  sizes[Axis::T] = tiles.count();
  std::vector<Patch> sums = patchesOfColumns(tiles, rows), unclipped = sums, all = sums;
  for (Patch &sum : sums)
    for (int64_t b = 0; b < rows; ++b)
      for (int64_t k = sum.columnBegin; k < sum.columnEnd; ++k) {
        Element e;
        e[Axis::T] = sum.tile;
        double beta = lookup(range, over, e), v = x.at({b, k}), dx = g.at({b, k});
        double above = v >= beta ? (filtered ? Arithmetic::min(dx, 0) : dx) : 0,
               below = v <= -beta ? (filtered ? Arithmetic::max(dx, 0) : dx) : 0;
        sum.at(b, k) = a.sub(above, below);
        bool inside = std::fabs(v) < beta;
        if (kind == RangeGradient::Lsq && inside) {
          double level = a.mul(v, a.safeScale(levels, beta));
          sum.at(b, k) = a.mul(dx, a.div(a.sub(a.roundEven(level), level), levels));
        }
        unclipped[sum.tile].at(b, k) = inside;
        all[sum.tile].at(b, k) = 1;
      }
  auto reduced = [&](std::vector<Patch> &patches, const Arithmetic &arithmetic) {
    return reduce(patches, over, Axis::M, Axis::K, sizes, arithmetic);
  };
  const Arithmetic exact{Precision::F64};
  Tensor total = reduced(sums, a), inside = reduced(unclipped, exact), count = reduced(all, exact);
  double decay = op.getDecay().convertToFloat(), threshold = op.getShare().convertToFloat();
  for (auto [r, sum] : llvm::enumerate(total.reals)) {
    double beta = range.reals[r], share = a.div(a.round(inside.reals[r]), a.round(count.reals[r]));
    bool pulls = kind == RangeGradient::Paper ? share >= threshold : share > threshold;
    sum = a.add(kind == RangeGradient::Lsq ? sum : a.mul(beta, sum), pulls ? a.mul(decay, beta) : 0);
  }
  add(op.getRange(), total);
}

/// Straight through the rounding; where the range is given, 0 beyond it. A dynamic range is a constant and masks
/// nothing.
llvm::Error Backward::vjpQuantizeInputOp(QuantizeInputOp op, const Tensor &g) {
  const Tensor &x = forward[op.getInput()];
  bool dynamic = op.getRangeAxes().contains(Axis::M);
  double levels = op.getHalfLevels().convertToFloat();
  Scales range(op.getRange(), op.getRangeAxes(), forward);
  Tensor before = Tensor::zeros(x.shape), masked = before;
  if (llvm::Error error = forEachElement(op, x, &range, [&](int64_t i, const Element &e) {
        double beta = range.at(0, e);
        before.reals[i] = a.mul(g.reals[i], a.safeScale(levels, beta));
        masked.reals[i] = !dynamic && std::fabs(x.reals[i]) > beta ? 0 : before.reals[i];
      }))
    return error;
  if (!dynamic)
    rangeGradient(op, before);
  add(op.getInput(), std::move(masked));
  return llvm::Error::success();
}

/// dx contracts with the noise-free weights unless the function wants the noisy ones, dW with the codes of the noisy
/// forward run.
llvm::Error Backward::vjpMvmOp(MvmOp op, const Tensor &g) {
  const Tensor &x = forward[op.getInput()], &w = (hasNoisyBackward(op) ? forward : clean)[op.getWeight()];
  auto [dx, dw] = live ? contractGradients(g, x, w, tilesFor(op, x.shape[1]), a)
                       : std::pair(Tensor::zeros(x.shape), Tensor::zeros(w.shape));
  add(op.getInput(), std::move(dx));
  add(op.getWeight(), std::move(dw));
  return llvm::Error::success();
}

/// The range is a constant here: its gradient is that of quantize_input.
llvm::Error Backward::vjpRescaleOp(RescaleOp op, const Tensor &g) {
  Scales range(op.getRange(), op.getRangeAxes(), forward);
  double levels = op.getHalfLevels().convertToFloat();
  Tensor result = Tensor::zeros(g.shape);
  if (llvm::Error error = forEachElement(op, g, &range, [&](int64_t i, const Element &e) {
        result.reals[i] = a.mul(g.reals[i], a.div(range.at(0, e), levels));
      }))
    return error;
  add(op.getInput(), std::move(result));
  return llvm::Error::success();
}

llvm::Error Backward::vjpAdcOp(AdcOp op, const Tensor &g) {
  const Tensor &v = forward[op.getInput()];
  Scales scales(op.getScales(), op.getScaleAxes(), forward);
  double lambda = op.getLambda().convertToFloat(), levels = op.getHalfLevels().convertToFloat();
  bool masked = op.getGradient() == GradientKind::Masked;
  Tensor result = g;
  if (llvm::Error error = forEachElement(op, v, &scales, [&](int64_t i, const Element &e) {
        double rounded = a.roundEven(a.mul(v.reals[i], a.safeScale(levels, scales.product(lambda, e, a))));
        if (masked && std::fabs(rounded) > levels)
          result.reals[i] = 0;
      }))
    return error;
  add(op.getInput(), std::move(result));
  return llvm::Error::success();
}

/// dW is taken through the noise-free transform, all else where the forward run was.
llvm::Error Backward::vjpApplyOp(ApplyOp op, const Tensor &g) {
  EffectOp effect = op.lookupEffect();
  bool isWeight = effect.getSite() == EffectSite::Weight;
  llvm::Expected<ApplyGradients> gradients = gradientOfApplyOp(op, isWeight ? clean : forward, g);
  if (!gradients)
    return gradients.takeError();
  const bool reaches = live;
  live &= gradients->reachesElement;
  add(op.getInput(), std::move(gradients->element));
  live = reaches;
  for (auto [param, gradient] : llvm::zip_equal(effect.getLearnable(), gradients->parameters))
    add(op.getParams()[param], std::move(gradient));
  if (effect.getSurrogate() != SurrogateKind::Derived || op.getFurtherAccumulators().empty())
    return llvm::Error::success();
  llvm::Expected<FactorGradients> factors = gradientOfAccumulators(op, forward, clean, g);
  if (!factors)
    return factors.takeError();
  MvmOp mvm = op.findMvm();
  add(mvm.getInput(), std::move(factors->input));
  add(mvm.getWeight(), std::move(factors->weight));
  return llvm::Error::success();
}

llvm::Error Backward::vjpAccumulateOp(AccumulateOp op, const Tensor &g) {
  const Tensor &planes = forward[op.getInput()];
  Tensor dplanes = Tensor::zeros(planes.shape);
  for (int64_t t = 0; t < planes.shape[0]; ++t)
    llvm::copy(g.reals, dplanes.reals.begin() + t * g.size());
  add(op.getInput(), std::move(dplanes));
  if (!op.getBias())
    return llvm::Error::success();
  std::vector<Patch> summands;
  Patch &all = summands.emplace_back(0, 0, g.shape[0], 0, g.shape[1]);
  all.values = g.reals;
  Sizes sizes;
  sizes[Axis::N] = g.shape[1];
  add(op.getBias(), reduce(summands, AxesAttr::get(op.getContext(), {Axis::N}), Axis::M, Axis::N, sizes, a));
  return llvm::Error::success();
}

llvm::Error Backward::run(Operation *op) {
  if (op->getNumResults() == 0 || !gradients.count(op->getResult(0)))
    return llvm::Error::success();
  // A copy: add() may move what the map holds.
  Tensor g = gradients.find(op->getResult(0))->second;
  live = reached.contains(op->getResult(0));
  return llvm::TypeSwitch<Operation *, llvm::Error>(op)
      .Case([&](QuantizeInputOp o) { return vjpQuantizeInputOp(o, g); })
      .Case<QuantizeWeightOp, InjectNoiseOp, DropConnectOp>([&](auto o) {
        add(o.getInput(), g);
        return llvm::Error::success();
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto o) {
        add(o.getIn(), stored(g, o.getIn().getType()));
        return llvm::Error::success();
      })
      .Case([&](MvmOp o) { return vjpMvmOp(o, g); })
      .Case([&](RescaleOp o) { return vjpRescaleOp(o, g); })
      .Case([&](AdcOp o) { return vjpAdcOp(o, g); })
      .Case([&](ApplyOp o) { return vjpApplyOp(o, g); })
      .Case([&](AccumulateOp o) { return vjpAccumulateOp(o, g); })
      .Default(
          [&](Operation *) { return fail("'" + op->getName().getStringRef() + "' has no hand-written gradient"); });
}

llvm::Expected<std::vector<std::optional<Tensor>>> mho::reference::evaluateGradient(func::FuncOp function,
                                                                                    ArrayRef<Tensor> inputs,
                                                                                    ArrayRef<Tensor> outputGradients,
                                                                                    const EvaluateOptions &options) {
  EvaluateOptions noiseFree = options;
  noiseFree.draws = false;
  Environment forward(options), clean(noiseFree);
  for (Environment *env : {&forward, &clean})
    if (llvm::Error error = evaluateBody(function, inputs, *env))
      return error;
  Operation *terminator = function.front().getTerminator();
  if (terminator->getNumOperands() != outputGradients.size() || outputGradients.empty())
    return fail("expected one output gradient for each of the " + Twine(terminator->getNumOperands()) +
                " results of @" + function.getName() + ", got " + Twine(outputGradients.size()));
  Backward backward(forward, clean);
  for (auto [result, gy] : llvm::zip(terminator->getOperands(), outputGradients)) {
    if (gy.shape != forward[result].shape || gy.isInteger)
      return fail("expected the output gradient to be " + forward[result].shapeText() + ", got " + gy.shapeText());
    backward.add(result, backward.stored(gy, result.getType()));
  }
  for (Operation &op : llvm::reverse(function.front().without_terminator()))
    if (llvm::Error error = backward.run(&op))
      return error;
  std::vector<std::optional<Tensor>> gradients;
  for (BlockArgument argument : function.getArguments())
    gradients.push_back(backward.of(argument));
  return gradients;
}

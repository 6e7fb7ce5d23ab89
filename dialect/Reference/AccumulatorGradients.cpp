// Gradients through the further accumulators of a derived effect, to what the mvm takes: SPEC.md, effect.
#include "dialect/Reference/EffectUse.h"
#include "dialect/Reference/UserEffects.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

std::pair<Tensor, Tensor> mho::reference::contractGradients(const Tensor &g, const Tensor &x, const Tensor &w,
                                                            const Tiles &tiles, const Arithmetic &arithmetic) {
  int64_t batch = x.shape[0], outputs = w.shape[0], inputs = x.shape[1];
  Tensor dx = Tensor::zeros(x.shape), dw = Tensor::zeros(w.shape);
  for (int64_t k = 0; k < inputs; ++k) {
    int64_t t = tiles.of(k);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t o = 0; o < outputs; ++o) {
        dx.at({b, k}) += g.at({t, b, o}) * w.at({o, k});
        dw.at({o, k}) += g.at({t, b, o}) * x.at({b, k});
      }
  }
  for (Tensor *tensor : {&dx, &dw})
    for (double &v : tensor->reals)
      v = arithmetic.round(v);
  return {std::move(dx), std::move(dw)};
}

namespace {

class AccumulatorGradients {
public:
  AccumulatorGradients(EffectUse &forward, EffectUse &clean, const Arithmetic &arithmetic)
      : forward(forward), clean(clean), a(arithmetic) {}
  /// g times the derivative of the code in each accumulator, where the code takes a gradient to it.
  llvm::Error ofPlanes(const Tensor &source, const Tensor &g);
  /// The sums of the products, factor by factor; `contracted`: the run whose weights dx contracts with.
  void contract(EffectUse &contracted);
  /// The sums of a side's factors back through its region.
  llvm::Expected<Tensor> ofElements(Side side);

private:
  void add(Tensor &sum, const Tensor &tensor) const {
    for (auto [total, v] : llvm::zip_equal(sum.reals, tensor.reals))
      total = a.add(total, v);
  }

  EffectUse &forward, &clean;
  const Arithmetic &a;
  std::vector<std::optional<Tensor>> planes;  // of each accumulator
  std::vector<std::optional<Tensor>> sums[2]; // of each factor of a side
};

} // namespace

llvm::Error AccumulatorGradients::ofPlanes(const Tensor &source, const Tensor &g) {
  planes.resize(forward.op.getFurtherAccumulators().size());
  return forward.forEach(source, [&](int64_t i, Element at) -> llvm::Error {
    llvm::Expected<ScalarInterpreter> scalar = forward.run(source.reals[i], i, at);
    if (!scalar)
      return scalar.takeError();
    for (auto [j, plane] : llvm::enumerate(planes)) {
      llvm::Expected<std::optional<double>> product = forward.derived(*scalar, 1 + j, g.reals[i]);
      if (!product)
        return product.takeError();
      if (!*product)
        continue;
      if (!plane)
        plane = Tensor::zeros(source.shape);
      plane->reals[i] = **product;
    }
    return llvm::Error::success();
  });
}

void AccumulatorGradients::contract(EffectUse &contracted) {
  for (Side side : {Side::Lhs, Side::Rhs})
    sums[size_t(side)].resize(forward.factorsOf(side).size());
  for (auto [plane, pair] : llvm::zip_equal(planes, forward.op.getFurtherAccumulators())) {
    if (!plane)
      continue;
    auto [left, right] = contractGradients(*plane, forward.factorsOf(Side::Lhs)[pair.first],
                                           contracted.factorsOf(Side::Rhs)[pair.second], forward.layerTiles(), a);
    for (auto [sum, tensor] : {std::pair(&sums[0][pair.first], &left), {&sums[1][pair.second], &right}})
      if (*sum)
        add(**sum, *tensor);
      else
        *sum = std::move(*tensor);
  }
}

llvm::Expected<Tensor> AccumulatorGradients::ofElements(Side side) {
  EffectUse &use = side == Side::Lhs ? forward : clean;
  std::vector<std::optional<Tensor>> &ofFactors = sums[size_t(side)];
  Tensor total = ofFactors[0].value_or(Tensor::zeros(use.factorsOf(side)[0].shape));
  Region &region = use.effect.getFactorRegion(side);
  if (region.empty())
    return total;
  Block &block = region.front();
  auto end = cast<YieldOp>(block.getTerminator());
  if (llvm::Error error = use.forEachFactor(side, [&](int64_t i, const ScalarInterpreter &scalar) -> llvm::Error {
        for (auto [sum, value] : llvm::zip_equal(llvm::drop_begin(ofFactors), end.getValues())) {
          llvm::Expected<std::optional<double>> slope = differentiate(block, scalar, block.getArgument(0), value);
          if (!slope)
            return slope.takeError();
          if (sum && *slope)
            total.reals[i] = a.add(total.reals[i], a.mul(sum->reals[i], **slope));
        }
        return llvm::Error::success();
      }))
    return error;
  return total;
}

llvm::Expected<FactorGradients> mho::reference::gradientOfAccumulators(ApplyOp op, const Environment &forward,
                                                                       const Environment &clean, const Tensor &g) {
  llvm::Expected<EffectUse> noisy = EffectUse::of(op, forward);
  if (!noisy)
    return noisy.takeError();
  llvm::Expected<EffectUse> noiseFree = EffectUse::of(op, clean);
  if (!noiseFree)
    return noiseFree.takeError();
  AccumulatorGradients gradients(*noisy, *noiseFree, forward.arithmetic);
  if (llvm::Error error = gradients.ofPlanes(forward[op.getInput()], g))
    return error;
  gradients.contract(hasNoisyBackward(op) ? *noisy : *noiseFree);
  llvm::Expected<Tensor> input = gradients.ofElements(Side::Lhs);
  if (!input)
    return input.takeError();
  llvm::Expected<Tensor> weight = gradients.ofElements(Side::Rhs);
  if (!weight)
    return weight.takeError();
  return FactorGradients{std::move(*input), std::move(*weight)};
}

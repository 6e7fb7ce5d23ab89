// The kernels of the dispatcher ops on every device that has a backend.
#include "frontends/torch/ops/Bridge.h"
#include "frontends/torch/ops/LaunchPlace.h"
#include "frontends/torch/ops/Shapes.h"

#include <ATen/ATen.h>
#include <torch/library.h>

namespace mho::ops {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

bool isDefined(const OptionalTensor &tensor) { return tensor && tensor->defined(); }

std::tuple<at::Tensor, at::Tensor, at::Tensor> forward(const at::Tensor &x, const at::Tensor &weight,
                                                       const OptionalTensor &bias, const OptionalTensor &range,
                                                       const OptionalTensor &key, const at::Tensor &scalars,
                                                       c10::string_view configView, bool save,
                                                       OptionalTensors optionalEffects) {
  at::TensorList effects = listOf(optionalEffects);
  const std::string config(configView);
  const LayerOfText &layer = layerOf(config, x.scalar_type(), x.device().type());
  checkOperands(layer.spec, {x, weight, range, key, scalars, effects});
  checkBias(layer.spec, weight, bias);
  LaunchPlace place(x.device());
  auto [y, saturation, rowRange] = emptyOutputs(x, weight, layer.spec, save);
  at::Tensor rows = rowsOf(x), out = rowsOf(y); // y is contiguous: a view
  OptionalTensor words = keyWords(key);
  LinearForwardArgs args;
  args.x = refOf(rows, "x", x.scalar_type());
  args.weight = refOf(weight, "weight", x.scalar_type());
  OptionalTensor biasReals = isDefined(bias) ? OptionalTensor(bias->to(at::kFloat)) : std::nullopt;
  args.bias = refOf(biasReals, "bias");
  args.range = refOf(range, "input_range");
  args.key = refOf(words, "key", at::kLong);
  args.y = refOf(out, "y", x.scalar_type());
  args.effects = refsOf(effects, layer.spec);
  readScalars(scalars, layer.spec, args.scalars, args.effectStrengths);
  // All that the spec has, however small, or none.
  if (save && !layer.spec.savedBits().empty())
    args.saturation = refOf(saturation, "saturation", at::kInt);
  if (save && layer.spec.inputRange == InputRange::Dynamic)
    args.rowRange = refOf(rowRange, "row_range");
  place.check(layer.linear->forward(args, place.context()), "mho::analog_linear");
  return {y, saturation, rowRange};
}

Gradients backward(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight, const OptionalTensor &range,
                   const OptionalTensor &key, const at::Tensor &scalars, const at::Tensor &saturation,
                   const at::Tensor &rowRange, c10::string_view configView, std::array<bool, 4> wanted,
                   OptionalTensors optionalEffects, at::IntArrayRef effectsWanted) {
  at::TensorList effects = listOf(optionalEffects);
  const std::string config(configView);
  const LayerOfText &layer = layerOf(config, x.scalar_type(), x.device().type());
  checkOperands(layer.spec, {x, weight, range, key, scalars, effects});
  checkGradient(x, weight, grad);
  checkSaved(x, saturation, rowRange);
  checkWanted(layer.spec, effectsWanted);
  LaunchPlace place(x.device());
  auto [dx, dweight, dbias, drange, deffects] = emptyGradients(x, weight, range, wanted, effects, effectsWanted);
  at::Tensor rows = rowsOf(x), gradRows = rowsOf(grad);
  OptionalTensor words = keyWords(key);
  LinearBackwardArgs args;
  args.grad = refOf(gradRows, "grad", x.scalar_type());
  args.x = refOf(rows, "x", x.scalar_type());
  args.weight = refOf(weight, "weight", x.scalar_type());
  args.range = refOf(range, "input_range");
  args.key = refOf(words, "key", at::kLong);
  args.effects = refsOf(effects, layer.spec);
  readScalars(scalars, layer.spec, args.scalars, args.effectStrengths);
  if (!layer.spec.savedBits().empty())
    args.saturation = refOf(saturation, "saturation", at::kInt);
  if (layer.spec.inputRange == InputRange::Dynamic)
    args.rowRange = refOf(rowRange, "row_range");
  at::Tensor dxRows = dx.defined() ? rowsOf(dx) : dx;
  args.dx = dx.defined() ? refOf(dxRows, "dx", x.scalar_type()) : TensorRef();
  args.dweight = dweight.defined() ? refOf(dweight, "dweight", x.scalar_type()) : TensorRef();
  args.dbias = dbias.defined() ? refOf(dbias, "dbias") : TensorRef();
  args.drange = drange.defined() ? refOf(drange, "drange") : TensorRef();
  if (!deffects.empty())
    args.deffects.resize(effects.size());
  for (size_t i = 0; i < deffects.size(); ++i)
    args.deffects[effectsWanted[i]] = refOf(deffects[i], "gradient");
  place.check(layer.linear->backward(args, place.context()), "mho::analog_linear_backward");
  return {dx, dweight, dbias, drange, std::move(deffects)};
}

} // namespace

TORCH_LIBRARY_IMPL(mho, CPU, m) {
  m.impl("analog_linear", forward);
  m.impl("analog_linear_backward", backward);
}
TORCH_LIBRARY_IMPL(mho, CUDA, m) {
  m.impl("analog_linear", forward);
  m.impl("analog_linear_backward", backward);
}

} // namespace mho::ops

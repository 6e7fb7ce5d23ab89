// The CPU kernels of the dispatcher ops.
#include "frontends/torch/ops/Bridge.h"
#include "frontends/torch/ops/Shapes.h"

#include <ATen/ATen.h>
#include <torch/library.h>

namespace mho::ops {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

std::tuple<at::Tensor, at::Tensor, at::Tensor> forward(const at::Tensor &x, const at::Tensor &weight,
                                                       const OptionalTensor &bias, const OptionalTensor &range,
                                                       const OptionalTensor &key, const at::Tensor &scalars,
                                                       c10::string_view configView, bool save) {
  const std::string config(configView);
  const LayerOfText &layer = layerOf(config);
  auto [y, saturation, rowRange] = emptyOutputs(x, weight, layer.spec, save);
  at::Tensor rows = rowsOf(x), out = rowsOf(y); // y is contiguous: a view
  LinearForwardArgs args;
  args.x = refOf(rows, "x");
  args.weight = refOf(weight, "weight");
  args.bias = refOf(bias, "bias");
  args.range = refOf(range, "input_range");
  args.key = refOf(key, "key", at::kLong);
  args.y = refOf(out, "y");
  args.scalars = scalarsOf(scalars);
  if (saturation.numel() > 0)
    args.saturation = refOf(saturation, "saturation", at::kInt);
  if (rowRange.numel() > 0)
    args.rowRange = refOf(rowRange, "row_range");
  check(layer.linear->forward(args, torchThreads()), "mho::analog_linear");
  return {y, saturation, rowRange};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>
backward(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight, const OptionalTensor &range,
         const OptionalTensor &key, const at::Tensor &scalars, const at::Tensor &saturation, const at::Tensor &rowRange,
         c10::string_view configView, std::array<bool, 4> wanted) {
  const std::string config(configView);
  const LayerOfText &layer = layerOf(config);
  auto [dx, dweight, dbias, drange] = emptyGradients(x, weight, range, wanted);
  at::Tensor rows = rowsOf(x), gradRows = rowsOf(grad);
  LinearBackwardArgs args;
  args.grad = refOf(gradRows, "grad");
  args.x = refOf(rows, "x");
  args.weight = refOf(weight, "weight");
  args.range = refOf(range, "input_range");
  args.key = refOf(key, "key", at::kLong);
  args.scalars = scalarsOf(scalars);
  if (layer.spec.adc && layer.spec.maskSaturated)
    args.saturation = refOf(saturation, "saturation", at::kInt);
  if (layer.spec.inputRange == InputRange::Dynamic)
    args.rowRange = refOf(rowRange, "row_range");
  at::Tensor dxRows = dx.defined() ? rowsOf(dx) : dx;
  args.dx = dx.defined() ? refOf(dxRows, "dx") : TensorRef();
  args.dweight = dweight.defined() ? refOf(dweight, "dweight") : TensorRef();
  args.dbias = dbias.defined() ? refOf(dbias, "dbias") : TensorRef();
  args.drange = drange.defined() ? refOf(drange, "drange") : TensorRef();
  check(layer.linear->backward(args, torchThreads()), "mho::analog_linear_backward");
  return {dx, dweight, dbias, drange};
}

void updateEstimate(const at::Tensor &x, const at::Tensor &estimate, const at::Tensor &samples,
                    at::Tensor &nextEstimate, at::Tensor &nextSamples, c10::string_view config, double alpha) {
  const LinearSpec &spec = specOf(std::string(config));
  at::Tensor rows = rowsOf(x);
  int64_t inputs = rows.size(1), tiles = spec.tiles(inputs);
  TORCH_CHECK_VALUE(estimate.dim() == 1 && estimate.size(0) == tiles,
                    "mho::update_range_estimate: expected estimate to have shape [", tiles, "], got ",
                    estimate.sizes());
  if (tiles == 0)
    return;
  std::vector<at::Tensor> deviations;
  for (int64_t t = 0; t < tiles; ++t) {
    int64_t begin = spec.tileBegin(inputs, t);
    // One value or none has no deviation; torch would warn and give NaN.
    at::Tensor slice = rows.narrow(1, begin, spec.tileBegin(inputs, t + 1) - begin);
    deviations.push_back(slice.numel() > 1 ? slice.std() : at::zeros({}, estimate.options()));
  }
  at::Tensor deviation = at::stack(deviations);
  at::Tensor usable = deviation.isfinite().logical_and_(deviation > 0);
  at::Tensor mean = (estimate * samples + alpha * deviation) / (samples + 1);
  nextEstimate.copy_(at::where(usable, mean, estimate));
  nextSamples.copy_(samples + usable);
}

} // namespace

TORCH_LIBRARY_IMPL(mho, CPU, m) {
  m.impl("analog_linear", forward);
  m.impl("analog_linear_backward", backward);
}

// Written with torch's own operations, so it runs wherever they do.
TORCH_LIBRARY_IMPL(mho, CompositeExplicitAutograd, m) { m.impl("update_range_estimate", updateEstimate); }

} // namespace mho::ops

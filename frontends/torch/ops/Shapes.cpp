#include "frontends/torch/ops/Shapes.h"

#include "frontends/torch/ops/Bridge.h"

#include <ATen/ops/empty.h>
#include <torch/library.h>

namespace mho::ops {
namespace {

/// Tiles of K inputs; LinearSpec::tiles() for sizes that may be symbolic.
c10::SymInt tilesOf(const LinearSpec &spec, const c10::SymInt &inputs) {
  if (spec.tileRows > 0)
    return (inputs + spec.tileRows - 1) / spec.tileRows;
  return inputs == 0 ? c10::SymInt(0) : c10::SymInt(1);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> metaForward(const at::Tensor &x, const at::Tensor &weight,
                                                           const std::optional<at::Tensor> &,
                                                           const std::optional<at::Tensor> &,
                                                           const std::optional<at::Tensor> &, const at::Tensor &,
                                                           c10::string_view config, bool save) {
  return emptyOutputs(x, weight, specOf(std::string(config)), save);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>
metaBackward(const at::Tensor &, const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &range,
             const std::optional<at::Tensor> &, const at::Tensor &, const at::Tensor &, const at::Tensor &,
             c10::string_view, std::array<bool, 4> wanted) {
  return emptyGradients(x, weight, range, wanted);
}

} // namespace

at::Tensor rowsOf(const at::Tensor &x) {
  TORCH_CHECK_VALUE(x.dim() >= 1, "mho::analog_linear: expected x to have at least one dimension, got a scalar");
  if (x.dim() == 2)
    return x;
  c10::SymInt rows = 1;
  for (const c10::SymInt &size : x.sym_sizes().slice(0, x.dim() - 1))
    rows *= size;
  return x.reshape_symint({rows, x.sym_size(-1)});
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> emptyOutputs(const at::Tensor &x, const at::Tensor &weight,
                                                            const LinearSpec &spec, bool save) {
  TORCH_CHECK_VALUE(weight.dim() == 2,
                    "mho::analog_linear: expected weight to be a matrix [outputs, inputs], got shape ",
                    weight.sym_sizes());
  TORCH_CHECK_VALUE(x.dim() >= 1 && x.sym_size(-1) == weight.sym_size(1),
                    "mho::analog_linear: expected the last dimension of x to be the weight's inputs, got x of shape ",
                    x.sym_sizes(), " and weight of shape ", weight.sym_sizes());
  c10::SymInt outputs = weight.sym_size(0), tiles = tilesOf(spec, weight.sym_size(1)), rows = 1;
  std::vector<c10::SymInt> sizes(x.sym_sizes().begin(), x.sym_sizes().end() - 1);
  for (const c10::SymInt &size : sizes)
    rows *= size;
  sizes.push_back(outputs);
  at::Tensor y = at::empty_symint(sizes, x.options());
  at::TensorOptions words = x.options().dtype(at::kInt);
  at::Tensor saturation = save && spec.adc && spec.maskSaturated
                              ? at::empty_symint({tiles, rows, (outputs + 31) / 32}, words)
                              : at::empty({0}, words);
  at::Tensor rowRange = save && spec.inputRange == InputRange::Dynamic ? at::empty_symint({tiles, rows}, x.options())
                                                                       : at::empty({0}, x.options());
  return {y, saturation, rowRange};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> emptyGradients(const at::Tensor &x, const at::Tensor &weight,
                                                                          const std::optional<at::Tensor> &range,
                                                                          std::array<bool, 4> wanted) {
  auto contiguous = at::MemoryFormat::Contiguous;
  at::Tensor dx, dweight, dbias, drange;
  if (wanted[0])
    dx = at::empty_symint(x.sym_sizes(), x.options(), contiguous);
  if (wanted[1])
    dweight = at::empty_symint(weight.sym_sizes(), weight.options(), contiguous);
  if (wanted[2])
    dbias = at::empty_symint({weight.sym_size(0)}, weight.options());
  if (wanted[3] && range && range->defined())
    drange = at::empty_symint(range->sym_sizes(), range->options(), contiguous);
  return {dx, dweight, dbias, drange};
}

TORCH_LIBRARY_IMPL(mho, Meta, m) {
  m.impl("analog_linear", metaForward);
  m.impl("analog_linear_backward", metaBackward);
}

} // namespace mho::ops

#include "frontends/torch/ops/Shapes.h"

#include "frontends/torch/ops/Bridge.h"

#include <ATen/ops/empty.h>
#include <torch/library.h>

namespace mho::ops {
namespace {

/// Tiles of K inputs; LinearSpec::tiles() for sizes that may be symbolic.
c10::SymInt tilesOf(const LinearSpec &spec, const c10::SymInt &inputs) {
  if (spec.tileRows > 0)
    return inputs / spec.tileRows + (inputs % spec.tileRows + spec.tileRows - 1) / spec.tileRows;
  return inputs == 0 ? c10::SymInt(0) : c10::SymInt(1);
}

using OptionalTensor = std::optional<at::Tensor>;

bool isDefined(const OptionalTensor &tensor) { return tensor && tensor->defined(); }

/// A vector that is there exactly where the spec uses it.
void checkVector(const OptionalTensor &vector, const char *name, bool used, const c10::SymInt &size,
                 at::ScalarType type, const at::Tensor &x) {
  if (!isDefined(vector)) {
    TORCH_CHECK_VALUE(!used, "mho::analog_linear: missing ", name, ": the layer's spec uses it");
    return;
  }
  checkDevice(*vector, name, x);
  checkType(*vector, name, type);
  TORCH_CHECK_VALUE(!used || (vector->dim() == 1 && vector->sym_size(0) == size), "mho::analog_linear: expected ", name,
                    " to have shape [", size, "], got ", vector->sym_sizes());
}

/// The tensors of effects: as many as the spec has, each of its shape.
void checkEffects(const LinearSpec &spec, const Operands &o) {
  if (o.effects.empty() && spec.effects.empty())
    return;
  std::vector<EffectTensor> tensors = effectTensors(spec.effects);
  TORCH_CHECK_VALUE(o.effects.size() == tensors.size(), "mho::analog_linear: expected ", tensors.size(),
                    " tensors of effects, got ", o.effects.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const char *name = tensors[i].name.c_str();
    checkDevice(o.effects[i], name, o.x);
    checkType(o.effects[i], name, tensors[i].isKey ? at::kLong : at::kFloat);
    std::vector<c10::SymInt> sizes;
    if (tensors[i].isKey)
      sizes.emplace_back(2);
    for (char axis : tensors[i].axes)
      sizes.push_back(axis == 't'   ? tilesOf(spec, o.weight.sym_size(1))
                      : axis == 'n' ? o.weight.sym_size(0)
                                    : o.weight.sym_size(1));
    TORCH_CHECK_VALUE(o.effects[i].sym_sizes().equals(sizes), "mho::analog_linear: expected ", name, " to have shape ",
                      c10::SymIntArrayRef(sizes), ", got ", o.effects[i].sym_sizes());
  }
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> metaForward(const at::Tensor &x, const at::Tensor &weight,
                                                           const OptionalTensor &bias, const OptionalTensor &range,
                                                           const OptionalTensor &key, const at::Tensor &scalars,
                                                           c10::string_view config, bool save,
                                                           OptionalTensors effects) {
  const LinearSpec &spec = specOf(std::string(config));
  checkOperands(spec, {x, weight, range, key, scalars, listOf(effects)});
  checkBias(spec, weight, bias);
  return emptyOutputs(x, weight, spec, save);
}

Gradients metaBackward(const at::Tensor &grad, const at::Tensor &x, const at::Tensor &weight,
                       const OptionalTensor &range, const OptionalTensor &key, const at::Tensor &scalars,
                       const at::Tensor &saturation, const at::Tensor &rowRange, c10::string_view config,
                       std::array<bool, 4> wanted, OptionalTensors effects, at::IntArrayRef effectsWanted) {
  const LinearSpec &spec = specOf(std::string(config));
  checkOperands(spec, {x, weight, range, key, scalars, listOf(effects)});
  checkWanted(spec, effectsWanted);
  checkGradient(x, weight, grad);
  checkSaved(x, saturation, rowRange);
  return emptyGradients(x, weight, range, wanted, listOf(effects), effectsWanted);
}

} // namespace

void checkDevice(const at::Tensor &tensor, const char *name, const at::Tensor &x) {
  TORCH_CHECK_VALUE(tensor.device() == x.device(), "mho: expected ", name, " on ", x.device(), " as x, got ",
                    tensor.device(), "; move all tensors of the layer to one device");
}

at::Tensor rowsOf(const at::Tensor &x) {
  TORCH_CHECK_VALUE(x.dim() >= 1, "mho::analog_linear: expected x to have at least one dimension, got a scalar");
  if (x.dim() == 2)
    return x;
  c10::SymInt rows = 1;
  for (const c10::SymInt &size : x.sym_sizes().slice(0, x.dim() - 1))
    rows *= size;
  return x.reshape_symint({rows, x.sym_size(-1)});
}

void checkStorage(at::ScalarType type) {
  TORCH_CHECK_TYPE(type == at::kFloat || type == at::kHalf || type == at::kBFloat16,
                   "mho: expected x to be Float, Half or BFloat16, got ", toString(type), "; use .to(torch.float32)");
}

void checkType(const at::Tensor &tensor, const char *name, at::ScalarType type) {
  at::ScalarType got = tensor.scalar_type();
  TORCH_CHECK_TYPE(got == type, "mho: expected ", name, " to be ", toString(type), ", got ", toString(got),
                   type == at::kFloat ? "; use .to(torch.float32)" : "");
}

void checkOperands(const LinearSpec &spec, const Operands &o) {
  TORCH_CHECK_VALUE(o.weight.dim() == 2,
                    "mho::analog_linear: expected weight to be a matrix [outputs, inputs], got shape ",
                    o.weight.sym_sizes());
  TORCH_CHECK_VALUE(o.x.dim() >= 1 && o.x.sym_size(-1) == o.weight.sym_size(1),
                    "mho::analog_linear: expected the last dimension of x to be the weight's inputs, got x of shape ",
                    o.x.sym_sizes(), " and weight of shape ", o.weight.sym_sizes());
  at::ScalarType storage = o.x.scalar_type(), got = o.weight.scalar_type();
  checkStorage(storage);
  checkDevice(o.weight, "weight", o.x);
  TORCH_CHECK_TYPE(got == storage, "mho: expected x and weight of one type, got ", toString(storage), " and ",
                   toString(got), "; convert one of them, or use autocast");
  checkVector(o.range, "input range", spec.inputRange == InputRange::Given, tilesOf(spec, o.weight.sym_size(1)),
              at::kFloat, o.x);
  checkVector(o.key, "key", spec.draws(), 2, at::kLong, o.x);
  checkEffects(spec, o);
  if (!o.scalars.is_cpu())
    checkDevice(o.scalars, "scalars", o.x);
}

void checkBias(const LinearSpec &spec, const at::Tensor &weight, const OptionalTensor &bias) {
  // That of a module of 16 bits has their type, too.
  at::ScalarType storage = weight.scalar_type();
  bool isStored = isDefined(bias) && bias->scalar_type() == storage;
  checkVector(bias, "bias", spec.bias, weight.sym_size(0), isStored ? storage : at::kFloat, weight);
}

void checkSaved(const at::Tensor &x, const at::Tensor &saturation, const at::Tensor &rowRange) {
  checkDevice(saturation, "saturation", x);
  checkDevice(rowRange, "row_range", x);
}

void checkWanted(const LinearSpec &spec, at::IntArrayRef wanted) {
  std::vector<EffectTensor> tensors = effectTensors(spec.effects);
  int64_t last = -1;
  for (int64_t i : wanted) {
    TORCH_CHECK_VALUE(i > last && i < int64_t(tensors.size()), "mho::analog_linear_backward: expected ascending ",
                      "positions among ", tensors.size(), " tensors of effects, got ", wanted);
    TORCH_CHECK_VALUE(tensors[i].learnable, "mho::analog_linear: the tensor '", tensors[i].name, "' requires a ",
                      "gradient, and its effect's text does not call the parameter learnable; pass it detached");
    last = i;
  }
}

void checkGradient(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &grad) {
  checkDevice(grad, "grad", x);
  checkType(grad, "grad", x.scalar_type());
  bool fits = grad.dim() == x.dim() && grad.sym_size(-1) == weight.sym_size(0);
  for (int64_t i = 0; fits && i + 1 < x.dim(); ++i)
    fits = grad.sym_size(i) == x.sym_size(i);
  TORCH_CHECK_VALUE(fits, "mho::analog_linear_backward: expected grad to have the shape of y, got ", grad.sym_sizes(),
                    " for x of shape ", x.sym_sizes(), " and weight of shape ", weight.sym_sizes());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> emptyOutputs(const at::Tensor &x, const at::Tensor &weight,
                                                            const LinearSpec &spec, bool save) {
  c10::SymInt outputs = weight.sym_size(0), tiles = tilesOf(spec, weight.sym_size(1)), rows = 1;
  std::vector<c10::SymInt> sizes(x.sym_sizes().begin(), x.sym_sizes().end() - 1);
  for (const c10::SymInt &size : sizes)
    rows *= size;
  sizes.push_back(outputs);
  at::Tensor y = at::empty_symint(sizes, x.options());
  at::TensorOptions words = x.options().dtype(at::kInt), reals = x.options().dtype(at::kFloat);
  int64_t sets = save ? int64_t(spec.savedBits().size()) : 0;
  at::Tensor saturation =
      sets ? at::empty_symint({tiles * sets, rows, (outputs + 31) / 32}, words) : at::empty({0}, words);
  at::Tensor rowRange =
      save && spec.inputRange == InputRange::Dynamic ? at::empty_symint({tiles, rows}, reals) : at::empty({0}, reals);
  return {y, saturation, rowRange};
}

Gradients emptyGradients(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &range,
                         std::array<bool, 4> wanted, at::TensorList effects, at::IntArrayRef effectsWanted) {
  auto like = [](const at::Tensor &tensor) {
    return at::empty_symint(tensor.sym_sizes(), tensor.options(), at::MemoryFormat::Contiguous);
  };
  at::Tensor dx, dweight, dbias, drange;
  if (wanted[0])
    dx = like(x);
  if (wanted[1])
    dweight = like(weight);
  if (wanted[2])
    dbias = at::empty_symint({weight.sym_size(0)}, weight.options().dtype(at::kFloat));
  if (wanted[3] && range && range->defined())
    drange = like(*range);
  std::vector<at::Tensor> deffects;
  for (int64_t i : effectsWanted)
    deffects.push_back(like(effects[i]));
  return {dx, dweight, dbias, drange, std::move(deffects)};
}

TORCH_LIBRARY_IMPL(mho, Meta, m) {
  m.impl("analog_linear", metaForward);
  m.impl("analog_linear_backward", metaBackward);
}

} // namespace mho::ops

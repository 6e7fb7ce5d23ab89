// Shapes of the ops' results, one definition for real and for meta tensors. Private to the ops.
#pragma once

#include "frontends/torch/ops/Ops.h"
#include "runtime/LinearSpec.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <tuple>

namespace mho::ops {

/// x of any number of dimensions as a matrix [rows, K]; a view where the strides allow it.
at::Tensor rowsOf(const at::Tensor &x);

/// The list, or an empty one.
inline at::TensorList listOf(const OptionalTensors &tensors) { return tensors.value_or(at::TensorList()); }

/// What forward and backward share.
struct Operands {
  const at::Tensor &x, &weight;
  const std::optional<at::Tensor> &range, &key;
  const at::Tensor &scalars;
  at::TensorList effects;
};

/// Throws, naming the argument, what it has and the remedy, unless sizes, types and devices fit each other and the
/// spec: everything on the device of x, scalars there or on the CPU. Values are not looked at.
void checkOperands(const LinearSpec &spec, const Operands &operands);
void checkBias(const LinearSpec &spec, const at::Tensor &weight, const std::optional<at::Tensor> &bias);
void checkGradient(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &grad);
/// Of what forward saved: on the device of x.
void checkSaved(const at::Tensor &x, const at::Tensor &saturation, const at::Tensor &rowRange);

/// Throws unless `wanted` are positions of learnable tensors of effects, ascending.
void checkWanted(const LinearSpec &spec, at::IntArrayRef wanted);

/// Throws unless x may have this type: float32, float16 or bfloat16.
void checkStorage(at::ScalarType type);
/// Throws unless the tensor has this type, naming the remedy.
void checkType(const at::Tensor &tensor, const char *name, at::ScalarType type);
/// Throws a ValueError unless `tensor` is on the device of x.
void checkDevice(const at::Tensor &tensor, const char *name, const at::Tensor &x);

/// y [..., O], saturation and row range (empty unless `save` and the spec has them), uninitialised.
std::tuple<at::Tensor, at::Tensor, at::Tensor> emptyOutputs(const at::Tensor &x, const at::Tensor &weight,
                                                            const LinearSpec &spec, bool save);

/// Uninitialised dx, dweight, dbias (float32), drange, undefined where not wanted, and those of effects' tensors that
/// are.
Gradients emptyGradients(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &range,
                         std::array<bool, 4> wanted, at::TensorList effects, at::IntArrayRef effectsWanted);

} // namespace mho::ops

// Shapes of the ops' results, one definition for real and for meta tensors. Private to the ops.
#pragma once

#include "runtime/LinearSpec.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <tuple>

namespace mho::ops {

/// x of any number of dimensions as a matrix [rows, K]; a view where the strides allow it.
at::Tensor rowsOf(const at::Tensor &x);

/// y [..., O], saturation and row range (empty unless `save` and the spec has them), uninitialised. Throws for shapes
/// that do not fit.
std::tuple<at::Tensor, at::Tensor, at::Tensor> emptyOutputs(const at::Tensor &x, const at::Tensor &weight,
                                                            const LinearSpec &spec, bool save);

/// Uninitialised dx, dweight, dbias, drange; undefined where not wanted.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> emptyGradients(const at::Tensor &x, const at::Tensor &weight,
                                                                          const std::optional<at::Tensor> &range,
                                                                          std::array<bool, 4> wanted);

} // namespace mho::ops

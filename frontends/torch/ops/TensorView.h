// A torch tensor as the runtime sees one.
#pragma once

#include "runtime/TensorRef.h"

#include <ATen/core/Tensor.h>

namespace mho {

/// View of a dense CPU tensor of at most 3 dimensions, float32, int32 or int64: checks nothing. Not defined: nor is the
/// view.
inline TensorRef viewOf(const at::Tensor &tensor) {
  TensorRef ref;
  if (!tensor.defined())
    return ref;
  at::ScalarType type = tensor.scalar_type();
  ref.data = tensor.data_ptr();
  ref.type = type == at::kFloat ? ElementType::F32 : type == at::kInt ? ElementType::I32 : ElementType::I64;
  ref.rank = tensor.dim();
  for (int i = 0; i < ref.rank; ++i) {
    ref.sizes[i] = tensor.size(i);
    ref.strides[i] = tensor.stride(i);
  }
  return ref;
}

} // namespace mho

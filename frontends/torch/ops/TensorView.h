// A torch tensor as the runtime sees one.
#pragma once

#include "runtime/TensorRef.h"

#include <ATen/core/Tensor.h>

namespace mho {

/// How the runtime calls a type that it knows.
inline ElementType elementTypeOf(at::ScalarType type) {
  switch (type) {
  case at::kFloat:
    return ElementType::F32;
  case at::kHalf:
    return ElementType::F16;
  case at::kBFloat16:
    return ElementType::BF16;
  case at::kInt:
    return ElementType::I32;
  default:
    return ElementType::I64;
  }
}

/// View of a dense tensor of at most 3 dimensions, float32, float16, bfloat16, int32 or int64: checks nothing. Not
/// defined: nor is the view.
inline TensorRef viewOf(const at::Tensor &tensor) {
  TensorRef ref;
  if (!tensor.defined())
    return ref;
  ref.data = tensor.data_ptr();
  ref.type = elementTypeOf(tensor.scalar_type());
  ref.rank = tensor.dim();
  for (int i = 0; i < ref.rank; ++i) {
    ref.sizes[i] = tensor.size(i);
    ref.strides[i] = tensor.stride(i);
  }
  return ref;
}

} // namespace mho

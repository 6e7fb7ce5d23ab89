// Real elements in memory, whatever they are stored as (SPEC.md, "Storage").
//
//   float v = loadReal(tensor.data, tensor.type, offset);
//   storeReal(tensor.data, tensor.type, offset, v);        // rounded to nearest
#pragma once

#include "dialect/Numerics/Half.h"
#include "runtime/TensorRef.h"

namespace mho {

/// Calls body(load), with load(data, offset) that of elements of a real type.
template <class Body> auto withLoadOf(ElementType type, Body body) {
  auto shorts = [](const void *data, int64_t offset) { return static_cast<const uint16_t *>(data)[offset]; };
  if (type == ElementType::F16)
    return body([=](const void *data, int64_t offset) { return fromHalf(shorts(data, offset)); });
  if (type == ElementType::BF16)
    return body([=](const void *data, int64_t offset) { return fromBFloat(shorts(data, offset)); });
  return body([](const void *data, int64_t offset) { return static_cast<const float *>(data)[offset]; });
}

/// Element `offset` of an array of a real type.
inline float loadReal(const void *data, ElementType type, int64_t offset) {
  return withLoadOf(type, [&](auto load) { return load(data, offset); });
}

inline void storeReal(void *data, ElementType type, int64_t offset, float v) {
  if (type == ElementType::F32)
    static_cast<float *>(data)[offset] = v;
  else
    static_cast<uint16_t *>(data)[offset] = type == ElementType::F16 ? toHalf(v) : toBFloat(v);
}

} // namespace mho

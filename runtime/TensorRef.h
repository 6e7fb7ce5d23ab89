// A tensor as the kernels see it: address, sizes, strides in elements. Owns nothing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

namespace mho {

enum class ElementType : uint8_t { F32, F16, BF16, I32, I64 };

/// True for the types of real numbers.
inline bool isReal(ElementType type) { return type <= ElementType::BF16; }
inline int64_t bytesOf(ElementType type) {
  return type == ElementType::I64 ? 8 : type == ElementType::F16 || type == ElementType::BF16 ? 2 : 4;
}

struct TensorRef {
  void *data = nullptr;
  ElementType type = ElementType::F32;
  int rank = 0;
  std::array<int64_t, 3> sizes{};
  std::array<int64_t, 3> strides{}; ///< in elements

  /// One number has no axes, but an address.
  bool defined() const { return rank > 0 || data; }
  int64_t elements() const {
    int64_t count = 1;
    for (int i = 0; i < rank; ++i)
      count *= sizes[i];
    return count;
  }
  /// Neighbours along the last axis do not lie side by side.
  bool strided() const { return rank > 0 && sizes[rank - 1] > 1 && strides[rank - 1] != 1; }
};

/// Runs body(begin, end) over a partition of [0, n): the caller's thread pool.
using ParallelFor = std::function<void(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)> &body)>;

/// A ParallelFor without threads.
inline void runSerially(int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) { body(0, n); }

} // namespace mho

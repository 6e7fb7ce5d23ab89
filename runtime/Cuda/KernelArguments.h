// The bytes of the one parameter of a CUDA kernel: a struct of CUDA C++ whose fields are added in order.
#pragma once

#include "runtime/TensorRef.h"

#include <string>

namespace mho {

class KernelArguments {
public:
  template <class T> void add(T value) {
    bytes.resize((bytes.size() + alignof(T) - 1) / alignof(T) * alignof(T));
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  /// mho::Tensor of the prelude.
  void tensor(uint64_t address, int rank, const int64_t *sizes, const int64_t *strides) {
    add(address);
    for (const int64_t *values : {sizes, strides})
      for (int i = 0; i < 3; ++i)
        add(i < rank ? values[i] : int64_t(0));
  }
  std::string take() {
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return std::move(bytes);
  }

private:
  std::string bytes;
};

} // namespace mho

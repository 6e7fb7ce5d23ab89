// A layer with random data, run through the runtime as the torch op runs it, on one thread.
#pragma once

#include "runtime/Linear.h"

#include <ATen/core/Tensor.h>

#include <memory>

namespace mho::bench {

struct Sizes {
  int64_t batch = 512, width = 2048, tile = 512; ///< x is batch x width, the weight width x width
};

class Layer {
public:
  /// Throws std::runtime_error with the runtime's message.
  Layer(const LinearSpec &spec, const Sizes &sizes);
  /// `save`: also what backward needs.
  void forward(bool save);
  /// After forward(true).
  void backward();

  const at::Tensor &input() const { return x; }
  const at::Tensor &weights() const { return weight; }
  const at::Tensor &outputGradient() const { return grad; }

private:
  LinearScalars scalars;
  std::shared_ptr<Linear> linear;
  at::Tensor x, weight, bias, range, key, y, grad;             // key, bias, range: where the spec has a use for them
  at::Tensor dx, dweight, dbias, drange, saturation, rowRange; // likewise
};

} // namespace mho::bench

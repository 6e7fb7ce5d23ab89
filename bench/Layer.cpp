#include "bench/Layer.h"
#include "dialect/Numerics/Tiling.h"

#include <ATen/Functions.h>

#include <cmath>
#include <stdexcept>

namespace mho::bench {
namespace {

TensorRef ref(const at::Tensor &tensor) {
  TensorRef result;
  if (!tensor.defined())
    return result;
  result.data = tensor.data_ptr();
  result.type = tensor.scalar_type() == at::kFloat ? ElementType::F32
                : tensor.scalar_type() == at::kInt ? ElementType::I32
                                                   : ElementType::I64;
  result.rank = tensor.dim();
  for (int i = 0; i < result.rank; ++i) {
    result.sizes[i] = tensor.size(i);
    result.strides[i] = tensor.stride(i);
  }
  return result;
}

const ParallelFor kSerial = [](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) { body(0, n); };

void check(const Status &status) {
  if (!status)
    throw std::runtime_error(status.message());
}

} // namespace

Layer::Layer(const LinearSpec &spec, const Sizes &sizes) {
  const int64_t batch = sizes.batch, width = sizes.width, tiles = spec.tiles(width);
  // Any strengths above zero do: the kernels take as long for each. A range of 3 holds most of the inputs.
  scalars.weightNoise = 0.023f;
  scalars.outputNoise = 0.04f;
  scalars.dropProbability = 0.01f;
  x = at::randn({batch, width});
  weight = at::randn({width, width}).div_(std::sqrt(double(width)));
  grad = at::randn({batch, width});
  y = at::empty_like(grad);
  dx = at::empty_like(x);
  dweight = at::empty_like(weight);
  if (spec.bias) {
    bias = at::randn({width});
    dbias = at::empty_like(bias);
  }
  if (spec.inputRange == InputRange::Given) {
    range = at::full({tiles}, 3.f);
    drange = at::empty_like(range);
  }
  if (spec.inputRange == InputRange::Dynamic)
    rowRange = at::empty({tiles, batch});
  if (spec.draws())
    key = at::tensor({int64_t(12345), int64_t(0)}, at::kLong);
  if (spec.adc && spec.maskSaturated)
    saturation = at::empty({tiles, batch, packedWords(width)}, at::kInt);
  Expected<std::shared_ptr<Linear>> found = Linear::get(spec, "cpu");
  if (!found)
    throw std::runtime_error(found.message());
  linear = *found;
}

void Layer::forward(bool save) {
  LinearForwardArgs a;
  a.x = ref(x), a.weight = ref(weight), a.bias = ref(bias), a.range = ref(range), a.key = ref(key), a.y = ref(y);
  if (save)
    a.saturation = ref(saturation), a.rowRange = ref(rowRange);
  a.scalars = scalars;
  check(linear->forward(a, kSerial));
}

void Layer::backward() {
  LinearBackwardArgs a;
  a.grad = ref(grad), a.x = ref(x), a.weight = ref(weight), a.range = ref(range), a.key = ref(key);
  a.saturation = ref(saturation), a.rowRange = ref(rowRange);
  a.dx = ref(dx), a.dweight = ref(dweight), a.dbias = ref(dbias), a.drange = ref(drange);
  a.scalars = scalars;
  check(linear->backward(a, kSerial));
}

} // namespace mho::bench

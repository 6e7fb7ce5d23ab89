#include "bench/Layer.h"
#include "dialect/Numerics/Tiling.h"
#include "frontends/torch/ops/TensorView.h"

#include <ATen/Functions.h>

#include <cmath>
#include <stdexcept>

namespace mho::bench {
namespace {

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
  a.x = viewOf(x), a.weight = viewOf(weight), a.bias = viewOf(bias), a.range = viewOf(range), a.key = viewOf(key),
  a.y = viewOf(y);
  if (save)
    a.saturation = viewOf(saturation), a.rowRange = viewOf(rowRange);
  a.scalars = scalars;
  check(linear->forward(a, {}));
}

void Layer::backward() {
  LinearBackwardArgs a;
  a.grad = viewOf(grad), a.x = viewOf(x), a.weight = viewOf(weight), a.range = viewOf(range), a.key = viewOf(key);
  a.saturation = viewOf(saturation), a.rowRange = viewOf(rowRange);
  a.dx = viewOf(dx), a.dweight = viewOf(dweight), a.dbias = viewOf(dbias), a.drange = viewOf(drange);
  a.scalars = scalars;
  check(linear->backward(a, {}));
}

} // namespace mho::bench

#include "runtime/ColumnSum.h"

#include "dialect/Numerics/Reduction.h"
#include "runtime/FloatingPoint.h"
#include "runtime/RealElement.h"

#include <algorithm>

namespace mho {

/// Columns that one work item sums side by side; any number gives the same bits.
static constexpr int64_t kWidth = 64;

/// Sums of columns [begin, begin + width) with width <= kWidth, all rows.
template <class Load>
static void sumColumns(const TensorRef &grad, const TensorRef &out, int64_t begin, int64_t width, Load load) {
  float total[kWidth] = {};
  for (int64_t block = 0; block < grad.sizes[0]; block += kReductionBlock) {
    float partial[kWidth] = {};
    for (int64_t row = block; row < std::min(block + kReductionBlock, grad.sizes[0]); ++row) {
      int64_t source = row * grad.strides[0] + begin * grad.strides[1];
      for (int64_t i = 0; i < width; ++i)
        partial[i] += load(grad.data, source + i * grad.strides[1]);
    }
    for (int64_t i = 0; i < width; ++i)
      total[i] += partial[i];
  }
  std::copy_n(total, width, static_cast<float *>(out.data) + begin);
}

void columnSum(const TensorRef &grad, const TensorRef &out, const ParallelFor &parallelFor) {
  int64_t columns = grad.sizes[1], blocks = (columns + kWidth - 1) / kWidth;
  // A block of columns below a few thousand rows is not worth a thread of its own.
  int64_t grain = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, grad.sizes[0] * kWidth));
  parallelFor(blocks, grain, [&](int64_t first, int64_t last) {
    DefaultFloatingPoint modes;
    withLoadOf(grad.type, [&](auto load) {
      for (int64_t block = first; block < last; ++block)
        sumColumns(grad, out, block * kWidth, std::min(kWidth, columns - block * kWidth), load);
    });
  });
}

} // namespace mho

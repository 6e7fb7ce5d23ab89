// The sum of products of one mma.sync, in a chosen order.
#pragma once

#include "runtime/Ptx/Options.h"

namespace mho::ptx {

/// A (16 x k, row by row), B (k x 8, row by row), and the accumulator, which becomes the result.
struct MmaTile {
  int k = 0;
  alignas(64) float a[16 * 16];
  alignas(64) float b[16 * 8];
  alignas(64) float c[16][8];
};

void accumulate(MmaTile &tile, Accumulation order);

} // namespace mho::ptx

// Statistics of an operand over the rows of each crossbar tile, taken before the kernel that uses them. `S`: kind,
// element(a, place), load (what is reduced), rows(a), row_axis.

namespace mho {

/// Threads of a CTA of these kernels.
constexpr int kThreads = 128;

enum class Statistic { AbsMax, Sum, Count };

template <Statistic kind> MHO_DEVICE float merged(float a, float b) {
  return kind == Statistic::AbsMax ? maximum(a, b) : a + b;
}

template <class L, class S> MHO_DEVICE float element_of(const typename L::Arguments &a, int tile, int begin, int tile_rows,
                                                        int row, int column) {
  Place p;
  p.t = tile;
  coordinate<S::row_axis>(p) = row;
  p.k = column;
  p.row = row;
  p.column = column - begin;
  p.tile_rows = tile_rows;
  return S::element(a, p);
}

/// Rows first .. end of a tile, by 16 lanes: sums in blocks of 64 columns with 16 running sums each, in the order of
/// a reduction. The first lane has the result.
template <class L, class S>
__device__ __forceinline__ float of_rows(const typename L::Arguments &a, int tile, int first, int end) {
  const auto tiling = L::tiling(a);
  const int begin = tiling.begin(tile), stop = tiling.begin(tile + 1), lane = threadIdx.x & 15;
  const int tile_rows = L::physical_rows(tiling, tile);
  float total = 0;
  for (int block = begin; block < stop; block += kBlock) {
    const int block_end = block + kBlock < stop ? block + kBlock : stop;
    float sum = 0;
    for (int row = first; row < end; ++row)
      for (int column = block + lane; column < block_end; column += 16) {
        const float v = element_of<L, S>(a, tile, begin, tile_rows, row, column);
        sum = S::kKind == Statistic::AbsMax ? maximum(sum, absf(v)) : sum + v;
      }
#pragma unroll
    for (int half = 8; half >= 1; half /= 2)
      sum = merged<S::kKind>(sum, __shfl_down_sync(0xffffffffu, sum, half, 16));
    total = merged<S::kKind>(total, sum);
  }
  return total;
}

/// Half a warp for each block of kRowsOfPart rows of each tile: grid (tiles x parts / 8).
template <class L, class S, int kRowsOfPart>
__device__ __forceinline__ void statistic(const typename L::Arguments &a, const Tensor &to) {
  const int per_tile = gridDim.x / L::tiling(a).count(), tile = blockIdx.x / per_tile;
  const int rows = S::rows(a), part = blockIdx.x % per_tile * (kThreads / 16) + (threadIdx.x >> 4);
  const int first = part * kRowsOfPart, end = first + kRowsOfPart < rows ? first + kRowsOfPart : rows;
  if constexpr (S::kKind == Statistic::Count) {
    if (first < rows && (threadIdx.x & 15) == 0)
      store(to, float(i64(end - first) * L::tiling(a).width(tile)), tile, part);
  } else {
    const float total = of_rows<L, S>(a, tile, first, end);
    if (first < rows && (threadIdx.x & 15) == 0)
      store(to, total, tile, part);
  }
}

/// Of the whole tile, from those of its blocks of rows: a thread for each tile.
template <class L, class S>
__device__ __forceinline__ void statistic_total(const typename L::Arguments &a, const Tensor &from, const Tensor &to) {
  const int tile = blockIdx.x * kThreads + threadIdx.x;
  const auto tiling = L::tiling(a);
  if (tile >= tiling.count())
    return;
  if constexpr (S::kKind == Statistic::Count) {
    store(to, float(i64(S::rows(a)) * tiling.width(tile)), tile);
  } else {
    float total = 0;
    for (int part = 0; part < blocks_of(S::rows(a)); ++part)
      total = merged<S::kKind>(total, load(from, tile, part));
    store(to, total, tile);
  }
}

} // namespace mho

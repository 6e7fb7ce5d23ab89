// Reductions in the one order of SPEC.md: partial sums of blocks of 64 x 64 in the kernel, the blocks in ascending
// order in a kernel of each result.

namespace mho {

/// Of an output axis: each position has a partial sum, or each block of 64.
enum class Keep { Blocks, All };

/// [tiles][rows][columns] partial sums; `rows` and `columns` count positions or blocks, columns within a tile where
/// the tile cuts them.
struct Partials {
  float *data;
  i64 rows, columns;
  MHO_DEVICE i64 index(const Partials &p, i64 tile, i64 row, i64 column) {
    return (tile * p.rows + row) * p.columns + column;
  }
};

/// Scratch of the summands of a CTA: [reduction][row][column], rows this far apart.
template <class L> MHO_DEVICE constexpr int scratch_stride() { return L::kColumnBlock + 1; }
template <class L> MHO_DEVICE constexpr int scratch_size() { return L::kRowBlock * scratch_stride<L>(); }

/// Sixteen running sums folded: lanes l and l + 8, then 4, 2, 1. Whole warps take part; lane 0 of a half has the sum.
MHO_DEVICE float fold(float sum) {
#pragma unroll
  for (int half = 8; half >= 1; half /= 2)
    sum = sum + __shfl_down_sync(0xffffffffu, sum, half, 16);
  return sum;
}

/// The partial sums of the 64 x 64 summands in `scratch`, of which rows x columns count. `row` and `column`: the first
/// position, counted as the partials' are.
template <Keep kRows, Keep kColumns, int kThreads, int kScratchStride>
__device__ __forceinline__ void reduce_block(const Partials &to, const float *scratch, int tile, int row, int column,
                                             int rows, int columns) {
  const int half_warp = threadIdx.x >> 4, lane = threadIdx.x & 15;
  if constexpr (kRows == Keep::All && kColumns == Keep::All) {
    for (int i = threadIdx.x; i < rows * kBlock; i += kThreads)
      if ((i & 63) < columns)
        to.data[Partials::index(to, tile, row + (i >> 6), column + (i & 63))] = scratch[(i >> 6) * kScratchStride + (i & 63)];
  } else if constexpr (kRows == Keep::All) {
    for (int r = half_warp; r < kBlock; r += kThreads / 16) {
      float sum = 0;
      for (int c = lane; r < rows && c < columns; c += 16)
        sum = sum + scratch[r * kScratchStride + c];
      sum = fold(sum);
      if (lane == 0 && r < rows)
        to.data[Partials::index(to, tile, row + r, column >> 6)] = sum;
    }
  } else if constexpr (kColumns == Keep::All) {
    for (int c = threadIdx.x; c < columns; c += kThreads) {
      float sum = 0;
      for (int r = 0; r < rows; ++r)
        sum = sum + scratch[r * kScratchStride + c];
      to.data[Partials::index(to, tile, row >> 6, column + c)] = sum;
    }
  } else if (half_warp < 2) {
    float sum = 0;
    for (int r = 0; r < rows; ++r)
      for (int c = lane; c < columns; c += 16)
        sum = sum + scratch[r * kScratchStride + c];
    sum = fold(sum);
    if (threadIdx.x == 0)
      to.data[Partials::index(to, tile, row >> 6, column >> 6)] = sum;
  }
}

/// The partial sums of the CTA's rows x columns.
template <class L, Keep kRows, Keep kColumns>
__device__ __forceinline__ void reduce_blocks(const Partials &to, const float *scratch, int tile, int row, int column,
                                              int rows, int columns) {
#pragma unroll 1
  for (int r = 0; r < rows; r += kBlock)
#pragma unroll 1
    for (int c = 0; c < columns; c += kBlock)
      reduce_block<kRows, kColumns, L::kThreads, scratch_stride<L>()>(
          to, scratch + r * scratch_stride<L>() + c, tile, row + r, column + c, rows - r < kBlock ? rows - r : kBlock,
          columns - c < kBlock ? columns - c : kBlock);
}

/// The partial sums of one patch of the output (all of it, or a tile's columns) at row and column, where these are
/// kept: Number is float, or i64 for a count.
template <Keep kRows, Keep kColumns, class Number>
__device__ __forceinline__ Number sum_of_patch(const Partials &from, int tile, int row, int column, int row_blocks,
                                               int column_blocks) {
  auto at = [&](int r, int c) { return Number(from.data[Partials::index(from, tile, r, c)]); };
  if constexpr (kRows == Keep::All && kColumns == Keep::All)
    return at(row, column);
  Number total = 0;
  if constexpr (kRows == Keep::All) {
    for (int c = 0; c < column_blocks; ++c)
      total = total + at(row, c);
  } else if constexpr (kColumns == Keep::All) {
    for (int r = 0; r < row_blocks; ++r)
      total = total + at(r, column);
  } else {
    for (int r = 0; r < row_blocks; ++r) {
      Number of_rows = 0;
      for (int c = 0; c < column_blocks; ++c)
        of_rows = of_rows + at(r, c);
      total = total + of_rows;
    }
  }
  return total;
}

MHO_DEVICE int blocks_of(int positions) { return (positions + kBlock - 1) / kBlock; }

/// A reduction at one place of its result. `R`: row_axis, column_axis, keeps_tile, rows, columns, tiles_cut_columns
/// (the patches are the tiles' columns), of_tiles (a patch for each tile), Number.
template <class L, class R>
__device__ __forceinline__ typename R::Number combined(const typename L::Arguments &a, const Partials &from,
                                                       Place p) {
  typedef typename R::Number Number;
  const auto tiling = L::tiling(a);
  const int rows = L::output_rows(a), row = coordinate<L::row_axis>(p), column = coordinate<L::column_axis>(p);
  constexpr bool kCut = !L::kForward, kPerTile = kCut || R::kOfTile;
  Number total = 0;
  const int tiles = kPerTile ? tiling.count() : 1;
  for (int t = 0; t < tiles; ++t) {
    const int begin = kCut ? tiling.begin(t) : 0, columns = kCut ? tiling.width(t) : L::output_columns(a);
    if (rows == 0 || columns == 0 || (R::kKeepsTile && t != p.t))
      continue;
    if (kCut && R::kColumns == Keep::All && (column < begin || column >= begin + columns))
      continue;
    total = total + sum_of_patch<R::kRows, R::kColumns, Number>(from, t, row, column - begin, blocks_of(rows),
                                                                blocks_of(columns));
  }
  return total;
}

} // namespace mho

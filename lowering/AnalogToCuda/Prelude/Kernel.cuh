// The kernels of a layer direction: forward (the tile cuts the contraction), gradient (the tile cuts the output's
// columns), the result of a reduction, statistics. `L` is generated: the layer's arguments, shapes and scalar code.

namespace mho {

/// What a region yields for one element.
template <int kValues, int kBits, int kReductions> struct Yielded {
  float values[kValues > 0 ? kValues : 1];
  bool bits[kBits > 0 ? kBits : 1];
  float reductions[kReductions > 0 ? kReductions : 1];
};

/// Keeps the summands of an element for the partial sums.
template <class L, class Region>
__device__ __forceinline__ void keep_summands(float *scratch, const float *reductions, int row, int column) {
#pragma unroll
  for (int i = 0; i < Region::kReductions; ++i)
    scratch[i * scratch_size<L>() + row * scratch_stride<L>() + column] = reductions[i];
}

/// The bits of 64 columns, gathered from the four lanes that own a row: each word is written by the first.
template <class L> struct BitWords {
  u32 words[L::kBits > 0 ? L::kBits : 1][2] = {};
  __device__ __forceinline__ void add(const bool *bits, int column) {
#pragma unroll
    for (int i = 0; i < L::kBits; ++i)
      words[i][column >> 5] |= u32(bits[i]) << (column & 31);
  }
  __device__ __forceinline__ void store(const typename L::Arguments &a, const Block &b, int row, int column,
                                        int quad) {
#pragma unroll
    for (int i = 0; i < L::kBits; ++i)
#pragma unroll
      for (int w = 0; w < 2; ++w) {
        u32 word = words[i][w];
        word |= __shfl_xor_sync(0xffffffffu, word, 1);
        word |= __shfl_xor_sync(0xffffffffu, word, 2);
        if (quad == 0 && row < b.rows && column + 32 * w < b.columns)
          L::store_bits(a, i, b.tile, row, (column >> 5) + w, word);
      }
  }
};

/// Draws for every element that the thread owns of one of its rows and calls body(place, draws, j, h, row and column in
/// the block).
template <class L, class Region, class Body>
__device__ __forceinline__ void for_each_column(const typename L::Arguments &a, const Block &b, int origin,
                                                int local_row, Body body) {
  const Lane lane = lane_of_thread<L>();
  const int row = b.row + local_row;
#pragma unroll
  for (int part = 0; part < 2; ++part) {
    float draws[Region::kDraws > 0 ? Region::kDraws : 1][8];
    if (row < b.rows)
      Region::draws(a, DrawRow{u32(row), u32(b.tile)}, b.column + lane.column - origin, lane.quad + 4 * part, draws);
#pragma unroll
    for (int group = 0; group < 4; ++group)
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int j = 2 * group + part, local_column = lane.column + 8 * j + 2 * lane.quad + h;
        const int column = b.column + local_column;
        if (row >= b.rows || column >= b.columns)
          continue;
        float d[Region::kDraws > 0 ? Region::kDraws : 1];
#pragma unroll
        for (int i = 0; i < Region::kDraws; ++i)
          d[i] = draws[i][2 * group + h];
        body(place_in<L::row_axis, L::column_axis>(b, row, column, origin), d, j, h, local_row, local_column);
      }
  }
}

template <class L, int kCount> MHO_DEVICE void zero(Fragment<L> (&acc)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i)
#pragma unroll
    for (int g = 0; g < L::kRowGroups; ++g)
#pragma unroll
      for (int j = 0; j < 8; ++j)
#pragma unroll
        for (int r = 0; r < 4; ++r)
          acc[i][g][j][r] = 0;
}

/// end_tile of the tile that the block stands at: sums over the tiles, planes, bits, summands.
template <class L, int kSums>
__device__ __forceinline__ void end_tile(const typename L::Arguments &a, const Block &b,
                                         const Fragment<L> (&acc)[L::kPairs], Fragment<L> (&total)[kSums],
                                         float *scratch) {
  typedef typename L::EndTile Region;
  const Lane lane = lane_of_thread<L>();
  if (Region::kReductions > 0)
    __syncthreads(); // the scratch lies where the staged blocks do
#pragma unroll
  for (int i = 0; i < 2 * L::kRowGroups; ++i) {
    const int group = i / 2, half = i % 2, local_row = lane.row + 8 * i;
    BitWords<L> words;
    for_each_column<L, Region>(
        a, b, 0, local_row, [&](const Place &p, const float *d, int j, int h, int row, int column) {
          float accumulators[L::kPairs];
#pragma unroll
          for (int pair = 0; pair < L::kPairs; ++pair)
            accumulators[pair] = acc[pair][group][j][2 * half + h];
          Yielded<Region::kValues, L::kBits, Region::kReductions> y;
          Region::run(a, p, accumulators, d, y.values, y.bits, y.reductions);
#pragma unroll
          for (int s = 0; s < L::kSums; ++s) {
            float &sum = total[s][group][j][2 * half + h];
            sum = b.tile == 0 ? y.values[s] : sum + y.values[s];
          }
          L::store_planes(a, p, y.values + L::kSums);
          words.add(y.bits, column & 63);
          keep_summands<L, Region>(scratch, y.reductions, row, column);
        });
    words.store(a, b, b.row + local_row, b.column + lane.column, lane.quad);
  }
}

/// finish of every element of the block.
template <class L, int kSums>
__device__ __forceinline__ void finish(const typename L::Arguments &a, const Block &b, int origin,
                                       const Fragment<L> (&sums)[kSums], float *scratch) {
  typedef typename L::Finish Region;
  const Lane lane = lane_of_thread<L>();
  if (Region::kReductions > 0)
    __syncthreads();
#pragma unroll
  for (int i = 0; i < 2 * L::kRowGroups; ++i)
    for_each_column<L, Region>(
        a, b, origin, lane.row + 8 * i, [&](const Place &p, const float *d, int j, int h, int row, int column) {
          float values[kSums];
#pragma unroll
          for (int s = 0; s < kSums; ++s)
            values[s] = sums[s][i / 2][j][2 * (i % 2) + h];
          Yielded<1, 0, Region::kReductions> y;
          Region::run(a, p, values, d, y.values, y.bits, y.reductions);
          L::store_value(a, p, y.values[0]);
          keep_summands<L, Region>(scratch, y.reductions, row, column);
        });
}

/// Partial sums of what a region yielded through `reduce`.
template <class L, class Region>
__device__ __forceinline__ void reduce(const typename L::Arguments &a, const Block &b, int origin, float *scratch) {
  if (Region::kReductions == 0)
    return;
  __syncthreads();
  const int rows = b.rows - b.row < L::kRowBlock ? b.rows - b.row : L::kRowBlock;
  const int columns = b.columns - b.column < L::kColumnBlock ? b.columns - b.column : L::kColumnBlock;
  Region::reduce(a, scratch, b.tile, b.row, b.column - origin, rows, columns);
  __syncthreads();
}

/// One CTA of the forward pass: grid (column blocks, row blocks).
template <class L> __device__ __forceinline__ void forward(const typename L::Arguments &a, float *shared) {
  constexpr int kSums = L::kSums > 0 ? L::kSums : 1;
  const auto tiling = L::tiling(a);
  Block b;
  b.row = blockIdx.y * L::kRowBlock;
  b.rows = L::output_rows(a);
  b.column = blockIdx.x * L::kColumnBlock;
  b.columns = L::output_columns(a);
  Fragment<L> total[kSums];
  zero<L>(total);
  const int tiles = tiling.count();
#pragma unroll 1
  for (b.tile = 0; b.tile < tiles; ++b.tile) {
    b.tile_begin = tiling.begin(b.tile);
    b.tile_rows = L::physical_rows(tiling, b.tile);
    Fragment<L> acc[L::kPairs];
    zero<L>(acc);
    contract<L>(a, b, b.tile_begin, tiling.begin(b.tile + 1), shared, acc);
    end_tile<L>(a, b, acc, total, shared);
    reduce<L, typename L::EndTile>(a, b, 0, shared);
  }
  if constexpr (L::kHasFinish) {
    b.tile = 0; // finish sees no tile: it draws as of tile 0
    b.tile_begin = 0;
    b.tile_rows = 0;
    finish<L>(a, b, 0, total, shared);
    reduce<L, typename L::Finish>(a, b, 0, shared);
  }
}

/// One CTA of a gradient: grid (tiles x column blocks of the widest tile, row blocks).
template <class L> __device__ __forceinline__ void gradient(const typename L::Arguments &a, float *shared) {
  const auto tiling = L::tiling(a);
  const int per_tile = gridDim.x / tiling.count();
  Block b;
  b.tile = blockIdx.x / per_tile;
  b.tile_begin = tiling.begin(b.tile);
  b.tile_rows = L::physical_rows(tiling, b.tile);
  b.row = blockIdx.y * L::kRowBlock;
  b.rows = L::output_rows(a);
  b.column = b.tile_begin + int(blockIdx.x % per_tile) * L::kColumnBlock;
  b.columns = tiling.begin(b.tile + 1);
  if (b.column >= b.columns)
    return;
  Fragment<L> acc[L::kPairs];
  zero<L>(acc);
  contract<L>(a, b, 0, L::contraction(a), shared, acc);
  finish<L>(a, b, b.tile_begin, acc, shared);
  reduce<L, typename L::Finish>(a, b, b.tile_begin, shared);
}

} // namespace mho

// The kernels of a layer direction: forward (the tile cuts the contraction), gradient (the tile cuts the output's
// columns), the result of a reduction, statistics. `L` is generated: the layer's arguments, shapes and scalar code.

namespace mho {

/// What a region yields for one element.
template <int kValues, int kBits, int kReductions> struct Yielded {
  float values[kValues > 0 ? kValues : 1];
  bool bits[kBits > 0 ? kBits : 1];
  float reductions[kReductions > 0 ? kReductions : 1];
};

/// The bits of 64 columns, gathered from the four lanes that own a row: each word is written by the first.
template <class L> struct BitWords {
  u32 words[L::kBits > 0 ? L::kBits : 1][2] = {};
  __device__ __forceinline__ void add(const bool *bits, bool there, int column) {
#pragma unroll
    for (int i = 0; i < L::kBits; ++i)
      words[i][column >> 5] |= u32(bits[i] && there) << (column & 31);
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

/// What is the same for a tile's elements, or for those of a column, of a region of the output: in shared memory, the
/// tile's values, then [value][column of the CTA].
template <class L, class Region> struct Slices {
  static constexpr int kTileFloats = (Region::kTileValues + 3) / 4 * 4;
  static constexpr int kFloats = kTileFloats + Region::kColumnValues * L::kColumnBlock;
  float *tile;
  __device__ __forceinline__ float *columns() const { return tile + kTileFloats; }

  /// Computes them; they may be read behind the next barrier.
  __device__ __forceinline__ void compute(const typename L::Arguments &a, const Block &b, int origin) const {
    if (kFloats == 0 || threadIdx.x >= (Region::kColumnValues > 0 ? L::kColumnBlock : 32))
      return;
#pragma unroll 1
    for (int i = threadIdx.x; i < L::kColumnBlock; i += L::kThreads) {
      Place p = place_in<L::row_axis, L::column_axis>(b.tile, b.tile_rows, 0, min(b.column + i, b.columns - 1), 0);
      p.column = b.column + i - origin;
      float t[kTileFloats > 0 ? kTileFloats : 1] = {}, c[Region::kColumnValues > 0 ? Region::kColumnValues : 1];
      Region::of_tile(a, p, t);
      if (i == 0)
#pragma unroll
        for (int v = 0; v < kTileFloats; ++v) // those that fill up too: all four are loaded at once
          tile[v] = t[v];
      if (Region::kColumnValues == 0)
        return;
      Region::of_column(a, p, t, c);
#pragma unroll
      for (int v = 0; v < Region::kColumnValues; ++v)
        columns()[v * L::kColumnBlock + i] = c[v];
    }
  }
};

/// The values of two neighbouring columns.
template <class L, class Region>
MHO_DEVICE void read_columns(const float *columns, int column, float (&c)[2][Region::kColumnValues > 0 ? Region::kColumnValues : 1]) {
#pragma unroll
  for (int v = 0; v < Region::kColumnValues; ++v) {
    const float2 two = *reinterpret_cast<const float2 *>(columns + v * L::kColumnBlock + column);
    c[0][v] = two.x;
    c[1][v] = two.y;
  }
}

/// What a region's code is called with besides the element itself.
struct Context {
  Place place;
  const float *draws, *tile, *row, *column;
};

/// Calls body(context, i, j, h) for every element that the thread owns: row 8 i of its rows, column 8 j + h of its
/// columns. Where the output has no such element the place's coordinates are the last that it has, so that code runs
/// without asking; `row` and `column` of the place say which element it is.
template <class L, class Region, class Body>
__device__ __forceinline__ void for_each_element(const typename L::Arguments &a, const Noise<L::kKeys> &noise,
                                                 const Block &b, int origin, const Slices<L, Region> &slices, Body body) {
  const Lane lane = lane_of_thread<L>();
  float t[Region::kTileValues > 0 ? Region::kTileValues : 1];
#pragma unroll
  for (int v = 0; v < Region::kTileValues; ++v)
    t[v] = slices.tile[v];
#pragma unroll
  for (int part = 0; part < 2; ++part) {
    float c[4][2][Region::kColumnValues > 0 ? Region::kColumnValues : 1];
#pragma unroll
    for (int group = 0; group < 4; ++group)
      read_columns<L, Region>(slices.columns(), lane.column + 8 * (2 * group + part) + 2 * lane.quad, c[group]);
#pragma unroll
    for (int i = 0; i < 2 * L::kRowGroups; ++i) {
      const int row = b.row + lane.row + 8 * i;
      float draws[Region::kDraws > 0 ? Region::kDraws : 1][8];
      Region::draws(a, noise, DrawRow{u32(row), u32(b.tile)}, b.column + lane.column - origin, lane.quad + 4 * part,
                    draws);
      float r[Region::kRowValues > 0 ? Region::kRowValues : 1];
      Place p = place_in<L::row_axis, L::column_axis>(b.tile, b.tile_rows, min(row, b.rows - 1), 0, 0);
      p.row = row;
      Region::of_row(a, p, t, r);
#pragma unroll
      for (int group = 0; group < 4; ++group)
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          const int j = 2 * group + part, column = b.column + lane.column + 8 * j + 2 * lane.quad + h;
          float d[Region::kDraws > 0 ? Region::kDraws : 1];
#pragma unroll
          for (int n = 0; n < Region::kDraws; ++n)
            d[n] = draws[n][2 * group + h];
          coordinate<L::column_axis>(p) = min(column, b.columns - 1);
          p.column = column - origin;
          body(Context{p, d, t, r, c[group][h]}, i, j, h);
        }
    }
  }
}
/// Whether the output has the element.
MHO_DEVICE bool has(const Block &b, const Place &p, int origin) { return p.row < b.rows && p.column + origin < b.columns; }

/// Keeps the summands of an element for the partial sums.
template <class L, class Region>
__device__ __forceinline__ void keep_summands(const Block &b, const Place &p, int origin, float *scratch,
                                              const float *reductions) {
  const int at = (p.row - b.row) * scratch_stride<L>() + p.column + origin - b.column;
#pragma unroll
  for (int i = 0; i < Region::kReductions; ++i)
    scratch[i * scratch_size<L>() + at] = reductions[i];
}

template <class L, int kCount> MHO_DEVICE void fill(Fragment<L> (&acc)[kCount], float value) {
#pragma unroll
  for (int i = 0; i < kCount; ++i)
#pragma unroll
    for (int g = 0; g < L::kRowGroups; ++g)
#pragma unroll
      for (int j = 0; j < 8; ++j)
#pragma unroll
        for (int r = 0; r < 4; ++r)
          acc[i][g][j][r] = value;
}

/// end_tile of the tile that the block stands at: sums over the tiles, planes, bits, summands.
template <class L, int kSums>
__device__ __forceinline__ void end_tile(const typename L::Arguments &a, const Noise<L::kKeys> &noise, const Block &b,
                                         const Slices<L, typename L::EndTile> &slices,
                                         const Fragment<L> (&acc)[L::kPairs], Fragment<L> (&total)[kSums],
                                         float *scratch) {
  typedef typename L::EndTile Region;
  const Lane lane = lane_of_thread<L>();
  BitWords<L> words[2 * L::kRowGroups];
  for_each_element<L, Region>(a, noise, b, 0, slices, [&](const Context &at, int i, int j, int h) {
    const Place &p = at.place;
    float accumulators[L::kPairs];
#pragma unroll
    for (int pair = 0; pair < L::kPairs; ++pair)
      accumulators[pair] = acc[pair][i / 2][j][2 * (i % 2) + h];
    Yielded<Region::kValues, L::kBits, Region::kReductions> y;
    Region::run(a, p, accumulators, at.draws, at.tile, at.row, at.column, y.values, y.bits, y.reductions);
#pragma unroll
    for (int s = 0; s < L::kSums; ++s) {
      float &sum = total[s][i / 2][j][2 * (i % 2) + h];
      sum = sum + y.values[s];
    }
    const bool there = has(b, p, 0);
    if (Region::kValues > L::kSums && there)
      L::store_planes(a, p, y.values + L::kSums);
    words[i].add(y.bits, there, 8 * j + 2 * lane.quad + h);
    keep_summands<L, Region>(b, p, 0, scratch, y.reductions);
  });
#pragma unroll
  for (int i = 0; i < 2 * L::kRowGroups; ++i)
    words[i].store(a, b, b.row + lane.row + 8 * i, b.column + lane.column, lane.quad);
}

/// Stores the values of a block; nothing is asked of an element where the output has all of them.
template <class L>
__device__ __forceinline__ void store_block(const typename L::Arguments &a, const Block &b, int origin,
                                            const Fragment<L> &values) {
  const Lane lane = lane_of_thread<L>();
  const int first_column = b.column + lane.column + 2 * lane.quad;
  const bool whole = b.row + L::kRowBlock <= b.rows && b.column + L::kColumnBlock <= b.columns;
  const bool fast = whole && L::stores_pairs(a) && (b.column & 1) == 0;
#pragma unroll
  for (int i = 0; i < 2 * L::kRowGroups; ++i) {
    const int row = b.row + lane.row + 8 * i;
    Place p = place_in<L::row_axis, L::column_axis>(b.tile, b.tile_rows, row, first_column, origin);
    if (fast) {
#pragma unroll
      for (int j = 0; j < 8; ++j)
        L::store_values(a, p, 8 * j, values[i / 2][j][2 * (i % 2)], values[i / 2][j][2 * (i % 2) + 1]);
    } else if (row < b.rows) {
#pragma unroll
      for (int j = 0; j < 8; ++j)
#pragma unroll
        for (int h = 0; h < 2; ++h)
          if (first_column + 8 * j + h < b.columns)
            L::store_value(a, p, 8 * j + h, values[i / 2][j][2 * (i % 2) + h]);
    }
  }
}

/// finish of every element of the block; the first of `sums` is overwritten.
template <class L, int kSums>
__device__ __forceinline__ void finish(const typename L::Arguments &a, const Noise<L::kKeys> &noise, const Block &b,
                                       int origin, Fragment<L> (&sums)[kSums], unsigned char *shared) {
  typedef typename L::Finish Region;
  float *scratch = reinterpret_cast<float *>(shared + L::kFinishScratch);
  const Slices<L, Region> slices{reinterpret_cast<float *>(shared + L::kFinishSlices)};
  slices.compute(a, b, origin);
  if (Region::kReductions > 0 || slices.kFloats > 0)
    __syncthreads(); // the scratch lies where the staged blocks do
  for_each_element<L, Region>(a, noise, b, origin, slices, [&](const Context &at, int i, int j, int h) {
    float values[kSums];
#pragma unroll
    for (int s = 0; s < kSums; ++s)
      values[s] = sums[s][i / 2][j][2 * (i % 2) + h];
    Yielded<1, 0, Region::kReductions> y;
    Region::run(a, at.place, values, at.draws, at.tile, at.row, at.column, y.values, y.bits, y.reductions);
    keep_summands<L, Region>(b, at.place, origin, scratch, y.reductions);
    sums[0][i / 2][j][2 * (i % 2) + h] = y.values[0];
  });
  store_block<L>(a, b, origin, sums[0]);
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

template <class L> MHO_DEVICE Noise<L::kKeys> noise_of(const typename L::Arguments &a, unsigned char *shared) {
  Noise<L::kKeys> noise;
  L::keys(a, noise.keys);
  noise.table = HalfTable{0, 0};
  if constexpr (L::kUsesHalfTable) {
    fill_half_table<L::kThreads>(shared);
    __syncthreads();
    noise.table = half_table_at(shared);
  }
  return noise;
}

/// One CTA of the forward pass: grid (column blocks, row blocks).
template <class L> __device__ __forceinline__ void forward(const typename L::Arguments &a, unsigned char *shared) {
  typedef typename L::EndTile EndTile;
  constexpr int kSums = L::kSums > 0 ? L::kSums : 1;
  float *tile_scratch = reinterpret_cast<float *>(shared + L::kTileScratch);
  float *tile_slices = reinterpret_cast<float *>(shared + L::kTileSlices);
  const Noise<L::kKeys> noise = noise_of<L>(a, shared);
  const auto tiling = L::tiling(a);
  const int tiles = tiling.count();
  Block b;
  b.row = blockIdx.y * L::kRowBlock;
  b.rows = L::output_rows(a);
  b.column = blockIdx.x * L::kColumnBlock;
  b.columns = L::output_columns(a);
  Fragment<L> total[kSums];
  fill<L>(total, tiles > 0 ? -0.0f : 0.0f); // -0 + y is y, whatever its sign
  Step step = first_of_tile<L>(a, 0, 0);
  Pipeline<L> pipeline(a, noise, b, step, shared);
#pragma unroll 1
  for (b.tile = 0; b.tile < tiles; ++b.tile) {
    b.tile_begin = step.tile_begin;
    b.tile_rows = step.tile_rows;
    // Read behind the barriers of the contraction; those of the tile before are still read here and there.
    const Slices<L, EndTile> slices{tile_slices + (b.tile & 1) * Slices<L, EndTile>::kFloats};
    slices.compute(a, b, 0);
    Fragment<L> acc[L::kPairs];
    fill<L>(acc, 0);
    const Step next = first_of_tile<L>(a, b.tile + 1, step.end);
    pipeline.contract(step, next, acc);
    step = next;
    end_tile<L>(a, noise, b, slices, acc, total, tile_scratch);
    reduce<L, EndTile>(a, b, 0, tile_scratch);
  }
  if constexpr (L::kHasFinish) {
    b.tile = 0; // finish sees no tile: it draws as of tile 0
    b.tile_begin = 0;
    b.tile_rows = 0;
    finish<L>(a, noise, b, 0, total, shared);
    reduce<L, typename L::Finish>(a, b, 0, reinterpret_cast<float *>(shared + L::kFinishScratch));
  }
}

/// One CTA of a gradient: grid (tiles x column blocks of the widest tile, row blocks).
template <class L> __device__ __forceinline__ void gradient(const typename L::Arguments &a, unsigned char *shared) {
  float *scratch = reinterpret_cast<float *>(shared + L::kFinishScratch);
  const Noise<L::kKeys> noise = noise_of<L>(a, shared);
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
  fill<L>(acc, 0);
  const Step all{b.tile, b.tile_begin, b.tile_rows, 0, L::contraction(a)}, none{0, 0, 0, 0, 0};
  Pipeline<L> pipeline(a, noise, b, all, shared);
  pipeline.contract(all, none, acc);
  finish<L>(a, noise, b, b.tile_begin, acc, shared);
  reduce<L, typename L::Finish>(a, b, b.tile_begin, scratch);
}

} // namespace mho

// Staging: what the load regions make of a block of a side, into shared memory.
//
// A CTA computes kRowBlock x kColumnBlock of the output, kWarpRows x kWarpColumns warps of 16 kRowGroups rows x 64
// columns each. A block of a side is its positions of the output axis x kDepth of the contraction, kept as
// [value][output position][contraction position] in the type that Math multiplies. An item of work is one call of the
// generator: 8 elements of a row of memory, columns 2 call, 2 call + 1 of every 16 of 64.

namespace mho {

/// Rows and columns of the block that a partial sum covers.
constexpr int kBlock = 64;
/// Axes, as positions of a coordinate in a Place.
enum Axis { T, M, N, K };

template <Axis axis> MHO_DEVICE int &coordinate(Place &p) {
  if constexpr (axis == T)
    return p.t;
  else if constexpr (axis == M)
    return p.m;
  else if constexpr (axis == N)
    return p.n;
  else
    return p.k;
}

/// An output block and the part of the contraction that is staged for it.
struct Block {
  int tile, tile_begin, tile_rows; ///< the tile that its elements lie in, its first input and its physical rows
  int row, rows;                   ///< first output row of the CTA, and one past the last there is
  int column, columns;             ///< likewise
  int x, depth_end;                ///< first position of the contraction, and one past the last
};

/// Floats, or what else is multiplied, from one output position to the next.
template <class L> MHO_DEVICE constexpr int stride() { return L::kDepth + L::Math::kPad; }

/// The place of the element at (row, column) of a block; its draw column counts from `origin`.
template <Axis row_axis, Axis column_axis>
MHO_DEVICE Place place_in(const Block &b, int row, int column, int origin) {
  Place p;
  p.t = b.tile;
  coordinate<row_axis>(p) = row;
  coordinate<column_axis>(p) = column;
  p.row = row;
  p.column = column - origin;
  p.tile_rows = b.tile_rows;
  return p;
}

/// What the load region of `Side` makes of the element at (row, column) of memory; `draws` are those of its item.
template <class L, class Side>
MHO_DEVICE void load_element(const typename L::Arguments &a, const Block &b, int origin, int row, int column,
                             const float (*draws)[8], int element, float *values) {
  float d[Side::kDraws > 0 ? Side::kDraws : 1];
#pragma unroll
  for (int i = 0; i < Side::kDraws; ++i)
    d[i] = draws[i][element];
  Side::load(a, place_in<Side::row_axis, Side::column_axis>(b, row, column, origin), d, values);
}

/// `Side`: kValues, kDraws, row_axis, column_axis (of memory), load(a, place, draws, out), draws(a, at, columns, call,
/// out).
template <class L, class Side, bool kIsLhs>
__device__ __forceinline__ void stage(const typename L::Arguments &a, const Block &b, typename L::Math::Stored *to) {
  constexpr bool kOutputMajor = Side::column_axis == L::contract_axis;
  constexpr int kPositions = kIsLhs ? L::kRowBlock : L::kColumnBlock, kStride = stride<L>();
  constexpr int kRowsOfMemory = kOutputMajor ? kPositions : L::kDepth;
  // Columns of memory are worked on 64 at a time, or as many as are staged.
  constexpr int kChunk = !kOutputMajor || L::kDepth > 64 ? 64 : L::kDepth;
  constexpr int kChunks = (kOutputMajor ? L::kDepth : kPositions) / kChunk;
  const int out = kIsLhs ? b.row : b.column, out_end = kIsLhs ? b.rows : b.columns;
  const int first_row = kOutputMajor ? out : b.x, row_end = kOutputMajor ? out_end : b.depth_end;
  const int column_end = kOutputMajor ? b.depth_end : out_end;
  // The columns of a draw count from the first of the tile; a chunk begins at a multiple of its width of these.
  const int origin = Side::column_axis == K ? b.tile_begin : 0;
#pragma unroll 1
  for (int item = threadIdx.x; item < kRowsOfMemory * kChunks * 8; item += L::kThreads) {
    const int call = item & 7, chunk = item / 8 % kChunks, r = item / (8 * kChunks), row = first_row + r;
    const int first_column = (kOutputMajor ? b.x : out) + chunk * kChunk;
    const int first_group = kChunk == 64 ? 0 : ((first_column - origin) >> 4) & 3;
    float draws[Side::kDraws > 0 ? Side::kDraws : 1][8];
    if (row < row_end)
      Side::draws(a, DrawRow{u32(row), u32(b.tile)}, (first_column - origin) & ~63, call, draws);
    // Where all is inside, nothing is asked of each element.
    const bool inside = row < row_end && first_column + kChunk <= column_end;
#pragma unroll
    for (int group = 0; group < 4; ++group) {
      if (kChunk != 64 && (group < first_group || group >= first_group + kChunk / 16))
        continue;
      const int c = 16 * (group - first_group) + 2 * call, column = first_column + c;
      float values[2][Side::kValues] = {};
      if (inside) {
        load_element<L, Side>(a, b, origin, row, column, draws, 2 * group, values[0]);
        load_element<L, Side>(a, b, origin, row, column + 1, draws, 2 * group + 1, values[1]);
      } else if (row < row_end) {
        if (column < column_end)
          load_element<L, Side>(a, b, origin, row, column, draws, 2 * group, values[0]);
        if (column + 1 < column_end)
          load_element<L, Side>(a, b, origin, row, column + 1, draws, 2 * group + 1, values[1]);
      }
      const int along = chunk * kChunk + c;
#pragma unroll
      for (int v = 0; v < Side::kValues; ++v) {
        typename L::Math::Stored *of_value = to + v * kPositions * kStride;
        if (kOutputMajor) {
          L::Math::store_pair(of_value + r * kStride + along, values[0][v], values[1][v]);
        } else {
          of_value[along * kStride + r] = L::Math::of(values[0][v]);
          of_value[(along + 1) * kStride + r] = L::Math::of(values[1][v]);
        }
      }
    }
  }
}

/// The part of the output block that a thread owns of an accumulator, as those of mma.m16n8 lie:
/// [group][j][2 half + h] is row 16 group + its own + 8 half, column 8 j + 2 quad + h of the warp's, so that a thread
/// owns whole calls of the generator: quad and quad + 4.
template <class L> using Fragment = float[L::kRowGroups][8][4];

struct Lane {
  int row, column, quad; ///< its first row and the warp's first column in the CTA's block; its place among four lanes
};
template <class L> MHO_DEVICE Lane lane_of_thread() {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  return Lane{16 * L::kRowGroups * (warp % L::kWarpRows) + (lane >> 2), 64 * (warp / L::kWarpRows), lane & 3};
}

/// Adds the products of positions begin .. end of the contraction.
template <class L>
__device__ __forceinline__ void contract(const typename L::Arguments &a, Block b, int begin, int end, float *shared,
                                         Fragment<L> (&acc)[L::kPairs]) {
  typedef typename L::Math::Stored Stored;
  Stored *lhs = reinterpret_cast<Stored *>(shared), *rhs = lhs + L::Lhs::kValues * L::kRowBlock * stride<L>();
  b.depth_end = end;
#pragma unroll 1
  for (b.x = begin; b.x < end; b.x += L::kDepth) {
    __syncthreads();
    stage<L, typename L::Lhs, true>(a, b, lhs);
    stage<L, typename L::Rhs, false>(a, b, rhs);
    __syncthreads();
    L::Math::template multiply<L>(lhs, rhs, end - b.x < L::kDepth ? end - b.x : L::kDepth, acc);
  }
}

} // namespace mho

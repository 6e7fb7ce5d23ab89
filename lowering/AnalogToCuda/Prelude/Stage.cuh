// Staging: what the load regions make of a block of a side, into shared memory.
//
// A CTA of 4 warps computes 64 rows x 64 columns of the output. A block of a side is kBlock positions of its output
// axis x kDepth of the contraction, kept as [value][output position][contraction position]. An item of work is one call
// of the generator: 8 elements of a row of memory, columns 2 call, 2 call + 1 of every 16 of 64.

namespace mho {

constexpr int kBlock = 64, kThreads = 128, kQuad = 4;
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

/// `Side`: kValues, kDraws, row_axis, column_axis (of memory), load(a, place, draws, out), draws(a, at, columns, call,
/// out). kStride: floats of a row of shared memory.
template <class L, class Side, bool kIsLhs>
__device__ __forceinline__ void stage(const typename L::Arguments &a, const Block &b, float *to) {
  constexpr bool kOutputMajor = Side::column_axis == L::contract_axis;
  constexpr int kStride = L::kDepth + 1, kRowsOfMemory = kOutputMajor ? kBlock : L::kDepth;
  const int out = kIsLhs ? b.row : b.column, out_end = kIsLhs ? b.rows : b.columns;
  const int first_row = kOutputMajor ? out : b.x, row_end = kOutputMajor ? out_end : b.depth_end;
  const int first_column = kOutputMajor ? b.x : out, column_end = kOutputMajor ? b.depth_end : out_end;
  // The columns of a draw count from the first of the tile; a block begins at a multiple of kDepth or kBlock of these.
  const int origin = Side::column_axis == K ? b.tile_begin : 0;
  const int first_group = ((first_column - origin) >> 4) & 3;
  constexpr int kGroups = kOutputMajor ? L::kDepth / 16 : 4;
#pragma unroll 1
  for (int item = threadIdx.x; item < kRowsOfMemory * 8; item += kThreads) {
    const int r = item >> 3, call = item & 7, row = first_row + r;
    float draws[Side::kDraws > 0 ? Side::kDraws : 1][8];
    const int columns = (first_column - origin) & ~63;
    if (row < row_end)
      Side::draws(a, DrawRow{u32(row), u32(b.tile)}, columns, call, draws);
#pragma unroll
    for (int group = 0; group < 4; ++group) {
      if (group < first_group || group >= first_group + kGroups)
        continue;
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int c = 16 * (group - first_group) + 2 * call + h, column = first_column + c;
        float values[Side::kValues] = {};
        if (row < row_end && column < column_end) {
          Place p;
          p.t = b.tile;
          coordinate<Side::row_axis>(p) = row;
          coordinate<Side::column_axis>(p) = column;
          p.row = row;
          p.column = column - origin;
          p.tile_rows = b.tile_rows;
          float d[Side::kDraws > 0 ? Side::kDraws : 1];
#pragma unroll
          for (int i = 0; i < Side::kDraws; ++i)
            d[i] = draws[i][2 * group + h];
          Side::load(a, p, d, values);
        }
        const int at = kOutputMajor ? r * kStride + c : c * kStride + r;
#pragma unroll
        for (int v = 0; v < Side::kValues; ++v)
          to[v * kBlock * kStride + at] = values[v];
      }
    }
  }
}

/// The part of the output block that a thread owns, as the accumulators of mma.m16n8 lie: a warp has 16 rows x 64
/// columns; [j][2 half + h] is row group + 8 half, column 8 j + 2 quad + h, so that a thread owns whole calls of the
/// generator: quad and quad + 4.
typedef float Fragment[8][4];

struct Lane {
  int row, quad; ///< the first of its rows within the CTA's block; its place in a group of four lanes
};
MHO_DEVICE Lane lane_of_thread() {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  return Lane{16 * warp + (lane >> 2), lane & 3};
}

/// acc[pair] += lhs value * rhs value over the staged part, in ascending order, fused.
template <class L>
__device__ __forceinline__ void multiply(const float *lhs, const float *rhs, Fragment (&acc)[L::kPairs]) {
  constexpr int kStride = L::kDepth + 1;
  const Lane lane = lane_of_thread();
#pragma unroll 1
  for (int x = 0; x < L::kDepth; ++x) {
#pragma unroll
    for (int pair = 0; pair < L::kPairs; ++pair) {
      const float *from_lhs = lhs + L::lhs_of(pair) * kBlock * kStride + lane.row * kStride + x;
      const float *from_rhs = rhs + L::rhs_of(pair) * kBlock * kStride + 2 * lane.quad * kStride + x;
      const float upper = from_lhs[0], lower = from_lhs[8 * kStride];
#pragma unroll
      for (int j = 0; j < 8; ++j) {
        const float left = from_rhs[8 * j * kStride], right = from_rhs[(8 * j + 1) * kStride];
        acc[pair][j][0] = fma(upper, left, acc[pair][j][0]);
        acc[pair][j][1] = fma(upper, right, acc[pair][j][1]);
        acc[pair][j][2] = fma(lower, left, acc[pair][j][2]);
        acc[pair][j][3] = fma(lower, right, acc[pair][j][3]);
      }
    }
  }
}

/// Adds the products of positions begin .. end of the contraction.
template <class L>
__device__ __forceinline__ void contract(const typename L::Arguments &a, Block b, int begin, int end, float *shared,
                                         Fragment (&acc)[L::kPairs]) {
  float *lhs = shared, *rhs = shared + L::Lhs::kValues * kBlock * (L::kDepth + 1);
  b.depth_end = end;
#pragma unroll 1
  for (b.x = begin; b.x < end; b.x += L::kDepth) {
    __syncthreads();
    stage<L, typename L::Lhs, true>(a, b, lhs);
    stage<L, typename L::Rhs, false>(a, b, rhs);
    __syncthreads();
    multiply<L>(lhs, rhs, acc);
  }
}

} // namespace mho

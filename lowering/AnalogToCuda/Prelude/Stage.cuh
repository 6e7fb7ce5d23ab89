// Staging: what the load regions make of a block of a side, into shared memory, ahead of the products.
//
// A CTA computes kRowBlock x kColumnBlock of the output, kWarpRows x kWarpColumns warps of 16 kRowGroups rows x 64
// columns each. A block of a side is its positions of the output axis x kDepth of the contraction, kept as memory has
// it: [value][row of memory][column of memory] in the type that Math multiplies, rows Side::kStride apart. Of kStages
// places for a block the products read one while the others are filled.
//
// A side that is multiplied as it is in memory is copied asynchronously, 16 bytes at a time. Of any other a thread
// holds the operands' elements in registers while it multiplies, then runs the load region on them. An item of that
// work is one call of the generator: 8 elements of a row, columns 2 call, 2 call + 1 of every 16 of 64.

//
// `Side` (generated): kIsLhs, kIsCopy, row_axis and column_axis (of memory), kRows, kColumns, kStride, at(stage) in bytes;
// of a copy source(a); of any other kValues, kDraws, kTileValues, kRowValues, Raw (two neighbours of each operand),
// pairs(a), fetch, fetch_some, draws, of_tile, of_row, load.

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

/// The output block of a CTA and the tile that it works on.
struct Block {
  int tile, tile_begin, tile_rows; ///< the tile, its first input and its physical rows
  int row, rows;                   ///< first output row of the CTA, and one past the last there is
  int column, columns;             ///< likewise
};

/// A step of the contraction: kDepth of its positions, from x on; one from `end` on has no products.
struct Step {
  int tile, tile_begin, tile_rows;
  int x, end;
};

/// Steps of a contraction of this length: a multiple of kStages, so that each has its place among the stages.
template <class L> MHO_DEVICE constexpr int steps_of(int length) {
  return (length + L::kStages * L::kDepth - 1) / (L::kStages * L::kDepth) * L::kStages;
}

/// The first step of the tile of the forward contraction that begins at an input; beyond the last tile there are no
/// products.
template <class L> MHO_DEVICE Step first_of_tile(const typename L::Arguments &a, int tile, int begin) {
  const auto tiling = L::tiling(a);
  if (begin >= tiling.inputs)
    return Step{tile, begin, 0, begin, begin};
  return Step{tile, begin, L::physical_rows(tiling, tile), begin, tiling.end(tile, begin)};
}

/// The place of the element at (row, column) of a block; its draw column counts from `origin`.
template <Axis row_axis, Axis column_axis>
MHO_DEVICE Place place_in(int tile, int tile_rows, int row, int column, int origin) {
  Place p;
  p.t = tile;
  coordinate<row_axis>(p) = row;
  coordinate<column_axis>(p) = column;
  p.row = row;
  p.column = column - origin;
  p.tile_rows = tile_rows;
  return p;
}

/// The part of a side's memory that a step stages.
struct Part {
  int row, rows, column, columns; ///< first row and column, and one past the last that there are
  int origin;                     ///< the first column of draws
};
template <class L, class Side> MHO_DEVICE Part part_of(const Block &b, const Step &s) {
  const int out = Side::kIsLhs ? b.row : b.column, out_end = Side::kIsLhs ? b.rows : b.columns;
  // The columns of a draw count from the first of the tile; a part begins at a multiple of its width of these.
  const int origin = Side::column_axis == K ? s.tile_begin : 0;
  if (Side::column_axis == L::contract_axis)
    return Part{out, out_end, s.x, s.end, origin};
  return Part{s.x, s.end, out, out_end, origin};
}

MHO_DEVICE void copy_async(void *to, const void *from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(u32(__cvta_generic_to_shared(to))), "l"(from) : "memory");
}
MHO_DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kPending> MHO_DEVICE void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

/// A thread's share of copying a side, 16 bytes an item; what lies outside of the operand is 0.
template <class L, class Side> class Copies {
  typedef typename L::Math::Stored Stored;
  static constexpr int kPer = 16 / sizeof(Stored), kOfRow = Side::kColumns / kPer, kItems = Side::kRows * kOfRow;
  static constexpr int kOfThread = (kItems + L::kThreads - 1) / L::kThreads;
  static constexpr bool kOutputMajor = Side::column_axis == L::contract_axis;
  /// Whether the next tile's rows begin as this one's do: rows of memory do, and tiles of a multiple of 16 bytes.
  static constexpr bool kKeepsAlignment = !kOutputMajor || (L::kTileRows > 0 && L::kTileRows * sizeof(Stored) % 16 == 0);

public:
  /// `x`: where the contraction's steps begin.
  __device__ __forceinline__ Copies(const typename L::Arguments &a, const Block &b, int x) {
    const Tensor &from = Side::source(a);
    const Part p = part_of<L, Side>(b, Step{0, 0, 0, x, x});
    const Stored *first = static_cast<const Stored *>(from.data) + (p.row * from.stride[0] + p.column);
#pragma unroll
    for (int i = 0; i < kOfThread; ++i) {
      const int item = threadIdx.x + i * L::kThreads;
      at[i] = reinterpret_cast<const char *>(first + (item / kOfRow * from.stride[0] + item % kOfRow * kPer));
    }
    const int out = Side::kIsLhs ? b.row : b.column, out_end = Side::kIsLhs ? b.rows : b.columns;
    whole = out + (Side::kIsLhs ? L::kRowBlock : L::kColumnBlock) <= out_end && from.stride[0] * sizeof(Stored) % 16 == 0;
    aligned = u64(first) % 16 == 0;
  }

  /// The next steps begin `positions` further along the contraction.
  __device__ __forceinline__ void move(const typename L::Arguments &a, int positions) {
#pragma unroll
    for (int i = 0; i < kOfThread; ++i)
      at[i] += bytes_of(a, positions);
    if (!kKeepsAlignment)
      aligned = u64(at[0]) % 16 == 0;
  }

  /// Whether a block that the contraction has in full may be copied by `copy`.
  __device__ __forceinline__ bool ready() const { return whole && aligned; }

  /// The block `offset` positions from where the steps begin.
  __device__ __forceinline__ void copy(const typename L::Arguments &a, int offset, Stored *to) const {
#pragma unroll
    for (int i = 0; i < kOfThread; ++i) {
      const int item = threadIdx.x + i * L::kThreads;
      if (kItems % L::kThreads == 0 || item < kItems)
        copy_async(to + item / kOfRow * Side::kStride + item % kOfRow * kPer, at[i] + bytes_of(a, offset));
    }
  }

  /// Any part.
  static __device__ __forceinline__ void copy_some(const typename L::Arguments &a, const Part &p, Stored *to) {
    const Tensor &from = Side::source(a);
    const Stored *first = static_cast<const Stored *>(from.data) + (p.row * from.stride[0] + p.column);
#pragma unroll 1
    for (int item = threadIdx.x; item < kItems; item += L::kThreads) {
      const int r = item / kOfRow, c = item % kOfRow * kPer;
      const int there = p.row + r < p.rows ? p.columns - (p.column + c) : 0;
      const Stored *source = first + (r * from.stride[0] + c);
      if (there >= kPer && u64(source) % 16 == 0) {
        copy_async(to + r * Side::kStride + c, source);
        continue;
      }
#pragma unroll 1
      for (int e = 0; e < kPer; ++e)
        to[r * Side::kStride + c + e] = e < there ? load_constant(source + e) : Stored(0);
    }
  }

private:
  MHO_DEVICE i64 bytes_of(const typename L::Arguments &a, int positions) {
    return kOutputMajor ? i64(positions) * i64(sizeof(Stored)) : positions * Side::source(a).stride[0] * i64(sizeof(Stored));
  }

  const char *at[kOfThread];
  bool whole;   ///< the output has all positions of the block, and rows begin at multiples of 16 bytes
  bool aligned; ///< the first does
};

/// How the load region's work on a block is dealt: items of kGroups pairs of neighbours, pair g at columns
/// 16 g + 2 call of the item's chunk.
template <class L, class Side> struct Items {
  static constexpr int kChunk = Side::kColumns < 64 ? Side::kColumns : 64, kChunks = Side::kColumns / kChunk;
  static constexpr int kGroups = kChunk / 16, kCount = Side::kRows * kChunks * 8;
  static constexpr int kOfThread = (kCount + L::kThreads - 1) / L::kThreads;
  int row, column, call; ///< of the first pair, within the block
  MHO_DEVICE Items at(int item) {
    const int call = item & 7, chunk = item / 8 % kChunks;
    return Items{item / (8 * kChunks), chunk * kChunk + 2 * call, call};
  }
};

/// What a thread holds of a block's operands.
template <class L, class Side> struct Held {
  typename Side::Raw raw[Items<L, Side>::kOfThread][Items<L, Side>::kGroups];
};

template <class L, class Side>
__device__ __forceinline__ void hold(const typename L::Arguments &a, const Step &s, const Part &p,
                                     Held<L, Side> &held) {
  typedef Items<L, Side> I;
#pragma unroll
  for (int i = 0; i < I::kOfThread; ++i) {
    const int item = threadIdx.x + i * L::kThreads;
    const I at = I::at(item);
    const Place first = place_in<Side::row_axis, Side::column_axis>(s.tile, s.tile_rows, p.row + at.row,
                                                                    p.column + at.column, p.origin);
#pragma unroll
    for (int g = 0; g < I::kGroups; ++g)
      if (I::kCount % L::kThreads == 0 || item < I::kCount)
        Side::fetch(a, first, 16 * g, held.raw[i][g]);
  }
}

/// The load region on an item; `count(g)`: how many of the pair's elements there are.
template <class L, class Side, class Count>
__device__ __forceinline__ void load_item(const typename L::Arguments &a, const Noise<L::kKeys> &noise, const Step &s,
                                          const Part &p, const Items<L, Side> &at,
                                          const typename Side::Raw (&raw)[Items<L, Side>::kGroups], Count count,
                                          const float *t, typename L::Math::Stored *to) {
  typedef Items<L, Side> I;
  float draws[Side::kDraws > 0 ? Side::kDraws : 1][8];
  const int row = p.row + at.row, drawn = p.column + at.column - 2 * at.call - p.origin;
  Side::draws(a, noise, DrawRow{u32(row), u32(s.tile)}, drawn & ~63, at.call, draws);
  float r[Side::kRowValues > 0 ? Side::kRowValues : 1] = {};
  if (Side::kRowValues > 0 && row < p.rows)
    Side::of_row(a, place_in<Side::row_axis, Side::column_axis>(s.tile, s.tile_rows, row, p.column, p.origin), t, r);
  const int first_group = I::kChunk == 64 ? 0 : (drawn >> 4) & 3; // of the call's four
#pragma unroll
  for (int drawn_group = 0; drawn_group < 4; ++drawn_group) {
    if (I::kChunk != 64 && (drawn_group < first_group || drawn_group >= first_group + I::kGroups))
      continue;
#pragma unroll
    for (int g = 0; g < I::kGroups; ++g) {
      if (g != (I::kChunk == 64 ? drawn_group : drawn_group - first_group))
        continue;
      float values[2][Side::kValues] = {};
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        float d[Side::kDraws > 0 ? Side::kDraws : 1];
#pragma unroll
        for (int i = 0; i < Side::kDraws; ++i)
          d[i] = draws[i][2 * drawn_group + h];
        const int column = p.column + at.column + 16 * g + h;
        if (h < count(g))
          Side::load(a, place_in<Side::row_axis, Side::column_axis>(s.tile, s.tile_rows, row, column, p.origin), raw[g],
                     h, d, t, r, values[h]);
      }
#pragma unroll
      for (int v = 0; v < Side::kValues; ++v)
        L::Math::store_pair(to + (v * Side::kRows + at.row) * Side::kStride + at.column + 16 * g, values[0][v],
                            values[1][v]);
    }
  }
}

/// Runs the load region on a block: on what is held of it, or, where it is not whole, on each element that there is.
template <class L, class Side>
__device__ __forceinline__ void load_block(const typename L::Arguments &a, const Noise<L::kKeys> &noise, const Step &s,
                                           const Part &p, bool whole, const Held<L, Side> &held,
                                           typename L::Math::Stored *to) {
  typedef Items<L, Side> I;
  float t[Side::kTileValues > 0 ? Side::kTileValues : 1];
  Side::of_tile(a, place_in<Side::row_axis, Side::column_axis>(s.tile, s.tile_rows, p.row, p.column, p.origin), t);
  if (whole) {
#pragma unroll
    for (int i = 0; i < I::kOfThread; ++i) {
      const int item = threadIdx.x + i * L::kThreads;
      if (I::kCount % L::kThreads == 0 || item < I::kCount)
        load_item<L, Side>(a, noise, s, p, I::at(item), held.raw[i], [](int) { return 2; }, t, to);
    }
    return;
  }
#pragma unroll 1
  for (int item = threadIdx.x; item < I::kCount; item += L::kThreads) {
    const I at = I::at(item);
    const int there = p.row + at.row < p.rows ? p.columns - (p.column + at.column) : 0;
    auto count = [&](int g) { return there - 16 * g; };
    typename Side::Raw raw[I::kGroups];
#pragma unroll
    for (int g = 0; g < I::kGroups; ++g)
      Side::fetch_some(a,
                       place_in<Side::row_axis, Side::column_axis>(s.tile, s.tile_rows, p.row + at.row,
                                                                   p.column + at.column + 16 * g, p.origin),
                       count(g), raw[g]);
    load_item<L, Side>(a, noise, s, p, at, raw, count, t, to);
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

} // namespace mho

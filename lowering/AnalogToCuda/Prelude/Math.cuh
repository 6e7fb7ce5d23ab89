// How staged values are multiplied. Factors<L> of each form adds lhs value * rhs value of every accumulator over the
// positions of the contraction in a stage.

namespace mho {

/// Where a side's staged value lies: of its position on the output axis and on the contraction.
template <class L, class Side> struct Layout {
  static constexpr bool kOutputMajor = Side::column_axis == L::contract_axis;
  MHO_DEVICE constexpr int at(int position, int x) {
    return kOutputMajor ? position * Side::kStride + x : x * Side::kStride + position;
  }
  static constexpr int kOfValue = Side::kRows * Side::kStride;
};

/// What is staged as it is.
struct StagedFloats {
  typedef float Stored;
  static constexpr bool kUnrolledStages = false;
  /// To an even position.
  MHO_DEVICE void store_pair(float *to, float first, float second) {
    *reinterpret_cast<float2 *>(to) = make_float2(first, second);
  }
};

/// The place of a stage of a side in shared memory.
template <class L, class Side> MHO_DEVICE typename L::Math::Stored *stage_of(unsigned char *shared, int stage) {
  return reinterpret_cast<typename L::Math::Stored *>(shared + Side::at(stage));
}

/// Factors that Math::multiply reads from where they are staged.
template <class L, class Math> struct FactorsInShared {
  unsigned char *shared;
  __device__ __forceinline__ explicit FactorsInShared(unsigned char *shared) : shared(shared) {}
  __device__ __forceinline__ void multiply(int stage, Fragment<L> (&acc)[L::kPairs]) const {
    Math::template multiply<L>(stage_of<L, typename L::Lhs>(shared, stage), stage_of<L, typename L::Rhs>(shared, stage), acc);
  }
};

/// Fused multiply-adds in fp32, in ascending order: the bits of the CPU backend up to its order of sums.
struct FmaMath : StagedFloats {
  template <class L> using Factors = FactorsInShared<L, FmaMath>;

  /// kCount floats of neighbours from an aligned place, or one at a time.
  template <int kCount, bool kNeighbours, class At> MHO_DEVICE void read(float (&to)[kCount], At at) {
    if constexpr (!kNeighbours) {
#pragma unroll
      for (int i = 0; i < kCount; ++i)
        to[i] = *at(i);
    } else if constexpr (kCount == 4) {
      const float4 four = *reinterpret_cast<const float4 *>(at(0));
      to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
    } else {
      const float2 two = *reinterpret_cast<const float2 *>(at(0));
      to[0] = two.x, to[1] = two.y;
    }
  }

  template <class L> static __device__ __forceinline__ void multiply(const float *lhs, const float *rhs,
                                                                     Fragment<L> (&acc)[L::kPairs]) {
    typedef Layout<L, typename L::Lhs> OfLhs;
    typedef Layout<L, typename L::Rhs> OfRhs;
    constexpr int kRows = 2 * L::kRowGroups;
    const Lane lane = lane_of_thread<L>();
#pragma unroll 1
    for (int x = 0; x < L::kDepth; x += 4) {
#pragma unroll
      for (int pair = 0; pair < L::kPairs; ++pair) {
        const float *from_lhs = lhs + L::lhs_of(pair) * OfLhs::kOfValue + OfLhs::at(lane.row, x);
        const float *from_rhs = rhs + L::rhs_of(pair) * OfRhs::kOfValue + OfRhs::at(lane.column + 2 * lane.quad, x);
        float rows[kRows][4];
#pragma unroll
        for (int i = 0; i < kRows; ++i)
          read<4, OfLhs::kOutputMajor>(rows[i], [&](int k) { return from_lhs + OfLhs::at(8 * i, k); });
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          float columns[2][4];
          if constexpr (OfRhs::kOutputMajor) {
#pragma unroll
            for (int h = 0; h < 2; ++h)
              read<4, true>(columns[h], [&](int k) { return from_rhs + OfRhs::at(8 * j + h, k); });
          } else {
#pragma unroll
            for (int k = 0; k < 4; ++k) {
              float two[2];
              read<2, true>(two, [&](int) { return from_rhs + OfRhs::at(8 * j, k); });
              columns[0][k] = two[0], columns[1][k] = two[1];
            }
          }
#pragma unroll
          for (int k = 0; k < 4; ++k)
#pragma unroll
            for (int h = 0; h < 2; ++h)
#pragma unroll
              for (int i = 0; i < kRows; ++i) {
                float &sum = acc[pair][i / 2][j][2 * (i % 2) + h];
                sum = fma(rows[i][k], columns[h][k], sum);
              }
        }
      }
    }
  }
};

MHO_DEVICE void mma_tf32(float (&c)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// A float as two numbers of 11 bits, high + low, exact but for the last bits of a float whose low part has more. An
/// infinity or a NaN is in `high` alone; `finite` is 0 then, else `high`: what is multiplied by a low part.
struct SplitFloat {
  u32 high, finite, low;
};
MHO_DEVICE SplitFloat split(float value) {
  const u32 bits = __float_as_uint(value), rounded = (bits + 0x1000u) & 0xffffe000u;
  const bool special = (bits & 0x7f800000u) == 0x7f800000u, overflows = (rounded & 0x7f800000u) == 0x7f800000u;
  const u32 finite = special ? 0u : overflows ? bits & 0xffffe000u : rounded;
  const u32 high = !special ? finite : (bits & 0x007fffffu) ? 0x7fc00000u : bits;
  const float rest = special ? 0.0f : value - __uint_as_float(finite);
  return SplitFloat{high, finite, (__float_as_uint(rest) + 0x1000u) & 0xffffe000u};
}

/// Tensor cores on fp32 operands: each is split in two, and the four products are added, the smallest first. Products
/// of integers below 2^22 are exact.
struct Tf32Math : StagedFloats {
  template <class L> using Factors = FactorsInShared<L, Tf32Math>;

  template <class L> static __device__ __forceinline__ void multiply(const float *lhs, const float *rhs,
                                                                     Fragment<L> (&acc)[L::kPairs]) {
    typedef Layout<L, typename L::Lhs> OfLhs;
    typedef Layout<L, typename L::Rhs> OfRhs;
    const Lane lane = lane_of_thread<L>();
    const int group = (threadIdx.x & 31) >> 2;
#pragma unroll 1
    for (int x = 0; x < L::kDepth; x += 8) {
#pragma unroll
      for (int pair = 0; pair < L::kPairs; ++pair) {
        const float *from_lhs = lhs + L::lhs_of(pair) * OfLhs::kOfValue + OfLhs::at(lane.row, x + lane.quad);
        const float *from_rhs = rhs + L::rhs_of(pair) * OfRhs::kOfValue + OfRhs::at(lane.column + group, x + lane.quad);
        u32 a_high[L::kRowGroups][4], a_finite[L::kRowGroups][4], a_low[L::kRowGroups][4];
#pragma unroll
        for (int g = 0; g < L::kRowGroups; ++g)
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const SplitFloat part = split(from_lhs[OfLhs::at(16 * g + 8 * (i & 1), 4 * (i >> 1))]);
            a_high[g][i] = part.high;
            a_finite[g][i] = part.finite;
            a_low[g][i] = part.low;
          }
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          const SplitFloat first = split(from_rhs[OfRhs::at(8 * j, 0)]);
          const SplitFloat second = split(from_rhs[OfRhs::at(8 * j, 4)]);
          const u32 b_high[2] = {first.high, second.high}, b_finite[2] = {first.finite, second.finite};
          const u32 b_low[2] = {first.low, second.low};
#pragma unroll
          for (int g = 0; g < L::kRowGroups; ++g) {
            mma_tf32(acc[pair][g][j], a_low[g], b_low);
            mma_tf32(acc[pair][g][j], a_low[g], b_finite);
            mma_tf32(acc[pair][g][j], a_finite[g], b_low);
            mma_tf32(acc[pair][g][j], a_high[g], b_high);
          }
        }
      }
    }
  }
};

/// Four 8 x 8 matrices of 16 bits, each lane giving the address of a row; kTransposed: as if memory had the columns.
template <bool kTransposed> MHO_DEVICE void load_matrices(u32 (&r)[4], u32 address) {
  if constexpr (kTransposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
}

struct F16 {
  static constexpr Storage kStorage = kHalf;
  MHO_DEVICE void mma(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};
struct BF16 {
  static constexpr Storage kStorage = kBFloat;
  MHO_DEVICE void mma(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

/// Tensor cores on operands rounded to 16 bits, once, after the load regions; sums in fp32. Integers that the type has
/// (f16: to 2048, bf16: to 256) are multiplied exactly.
template <class Type> struct HalfMath {
  typedef u16 Stored;
  static constexpr bool kUnrolledStages = true; ///< code for each stage, so that its place is part of an instruction
  /// To an even position.
  MHO_DEVICE void store_pair(u16 *to, float first, float second) {
    *reinterpret_cast<u32 *>(to) = encode_pair<Type::kStorage>(first, second);
  }

  template <class L> class Factors {
    typedef Layout<L, typename L::Lhs> OfLhs;
    typedef Layout<L, typename L::Rhs> OfRhs;
    u32 lhs, rhs; ///< where the lane reads in the first stage, at the start of the contraction

  public:
    __device__ __forceinline__ explicit Factors(unsigned char *shared) {
      const Lane lane = lane_of_thread<L>();
      const int in_warp = threadIdx.x & 31, first_row = lane.row - (in_warp >> 2);
      // Lane l gives the address of a row of 8 numbers. Of lhs: positions 0..7 and 8..15 at x = 0, then at 8; of rhs:
      // positions 0..7 at x = 0 and 8, then positions 8..15. Memory's rows are along x or along positions.
      const int low = in_warp & 7, second = 8 * ((in_warp >> 3) & 1), upper = 8 * (in_warp >> 4);
      const int in_lhs = OfLhs::kOutputMajor ? OfLhs::at(first_row + low + second, upper)
                                             : OfLhs::at(first_row + second, low + upper);
      const int in_rhs = OfRhs::kOutputMajor ? OfRhs::at(lane.column + low + upper, second)
                                             : OfRhs::at(lane.column + upper, low + second);
      const u32 at = u32(__cvta_generic_to_shared(shared));
      lhs = kept(at + 2 * in_lhs);
      rhs = kept(at + 2 * in_rhs);
    }

    __device__ __forceinline__ void multiply(int stage, Fragment<L> (&acc)[L::kPairs]) const {
#pragma unroll
      for (int x = 0; x < L::kDepth; x += 16) {
#pragma unroll
        for (int pair = 0; pair < L::kPairs; ++pair) {
          const u32 from_lhs = lhs + L::Lhs::at(stage) + 2 * (L::lhs_of(pair) * OfLhs::kOfValue);
          const u32 from_rhs = rhs + L::Rhs::at(stage) + 2 * (L::rhs_of(pair) * OfRhs::kOfValue);
          u32 a[L::kRowGroups][4];
#pragma unroll
          for (int g = 0; g < L::kRowGroups; ++g)
            load_matrices<!OfLhs::kOutputMajor>(a[g], from_lhs + 2 * OfLhs::at(16 * g, x));
#pragma unroll
          for (int j = 0; j < 8; j += 2) {
            u32 b[4];
            load_matrices<!OfRhs::kOutputMajor>(b, from_rhs + 2 * OfRhs::at(8 * j, x));
#pragma unroll
            for (int g = 0; g < L::kRowGroups; ++g) {
              Type::mma(acc[pair][g][j], a[g], b[0], b[1]);
              Type::mma(acc[pair][g][j + 1], a[g], b[2], b[3]);
            }
          }
        }
      }
    }
  };
};
typedef HalfMath<F16> F16Math;
typedef HalfMath<BF16> BF16Math;

} // namespace mho

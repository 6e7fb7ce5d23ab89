// How staged values are multiplied. Each form adds lhs value * rhs value of every accumulator over the first `depth`
// staged positions of the contraction (beyond them all values are 0).

namespace mho {

/// What is staged as it is.
struct StagedFloats {
  typedef float Stored;
  static constexpr int kPad = 4;
  MHO_DEVICE float of(float value) { return value; }
  /// To an even position.
  MHO_DEVICE void store_pair(float *to, float first, float second) {
    *reinterpret_cast<float2 *>(to) = make_float2(first, second);
  }
};

/// Fused multiply-adds in fp32, in ascending order: the bits of the CPU backend up to its order of sums.
struct FmaMath : StagedFloats {
  template <class L>
  static __device__ __forceinline__ void multiply(const float *lhs, const float *rhs, int depth,
                                                  Fragment<L> (&acc)[L::kPairs]) {
    constexpr int kStride = stride<L>();
    const Lane lane = lane_of_thread<L>();
#pragma unroll 1
    for (int x = 0; x < depth; ++x) {
#pragma unroll
      for (int pair = 0; pair < L::kPairs; ++pair) {
        const float *from_lhs = lhs + (L::lhs_of(pair) * L::kRowBlock + lane.row) * kStride + x;
        const float *from_rhs = rhs + (L::rhs_of(pair) * L::kColumnBlock + lane.column + 2 * lane.quad) * kStride + x;
        float rows[2 * L::kRowGroups];
#pragma unroll
        for (int i = 0; i < 2 * L::kRowGroups; ++i)
          rows[i] = from_lhs[8 * i * kStride];
#pragma unroll
        for (int j = 0; j < 8; ++j)
#pragma unroll
          for (int h = 0; h < 2; ++h) {
            const float column = from_rhs[(8 * j + h) * kStride];
#pragma unroll
            for (int i = 0; i < 2 * L::kRowGroups; ++i)
              acc[pair][i / 2][j][2 * (i % 2) + h] = fma(rows[i], column, acc[pair][i / 2][j][2 * (i % 2) + h]);
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
  template <class L>
  static __device__ __forceinline__ void multiply(const float *lhs, const float *rhs, int depth,
                                                  Fragment<L> (&acc)[L::kPairs]) {
    constexpr int kStride = stride<L>();
    const Lane lane = lane_of_thread<L>();
    const int group = (threadIdx.x & 31) >> 2;
#pragma unroll 1
    for (int x = 0; x < depth; x += 8) {
#pragma unroll
      for (int pair = 0; pair < L::kPairs; ++pair) {
        const float *from_lhs = lhs + (L::lhs_of(pair) * L::kRowBlock + lane.row) * kStride + x + lane.quad;
        const float *from_rhs = rhs + (L::rhs_of(pair) * L::kColumnBlock + lane.column + group) * kStride + x + lane.quad;
        u32 a_high[L::kRowGroups][4], a_finite[L::kRowGroups][4], a_low[L::kRowGroups][4];
#pragma unroll
        for (int g = 0; g < L::kRowGroups; ++g)
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const SplitFloat part = split(from_lhs[(16 * g + 8 * (i & 1)) * kStride + 4 * (i >> 1)]);
            a_high[g][i] = part.high;
            a_finite[g][i] = part.finite;
            a_low[g][i] = part.low;
          }
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          const SplitFloat first = split(from_rhs[8 * j * kStride]), second = split(from_rhs[8 * j * kStride + 4]);
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

MHO_DEVICE void load_matrices(u32 (&r)[4], const u16 *row) {
  const u32 address = u32(__cvta_generic_to_shared(row));
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
  static constexpr int kPad = 8; ///< rows lie 16 bytes apart modulo 128: ldmatrix without bank conflicts
  MHO_DEVICE u16 of(float value) { return encode<Type::kStorage>(value); }
  /// To an even position.
  MHO_DEVICE void store_pair(u16 *to, float first, float second) {
    *reinterpret_cast<u32 *>(to) = u32(of(first)) | u32(of(second)) << 16;
  }

  template <class L>
  static __device__ __forceinline__ void multiply(const u16 *lhs, const u16 *rhs, int depth,
                                                  Fragment<L> (&acc)[L::kPairs]) {
    constexpr int kStride = stride<L>();
    const Lane lane = lane_of_thread<L>();
    const int in_warp = threadIdx.x & 31, first_row = lane.row - (in_warp >> 2);
    // Lane l gives the address of a row of 8 numbers: of lhs rows 0..15 at position 0, then at 8; of rhs columns 0..7
    // at 0 and at 8, then 8..15.
    const int lhs_at = (first_row + (in_warp & 15)) * kStride + 8 * (in_warp >> 4);
    const int rhs_at = (lane.column + (in_warp & 7) + 8 * (in_warp >> 4)) * kStride + 8 * ((in_warp >> 3) & 1);
#pragma unroll 1
    for (int x = 0; x < depth; x += 16) {
#pragma unroll
      for (int pair = 0; pair < L::kPairs; ++pair) {
        const u16 *from_lhs = lhs + L::lhs_of(pair) * L::kRowBlock * kStride + lhs_at + x;
        const u16 *from_rhs = rhs + L::rhs_of(pair) * L::kColumnBlock * kStride + rhs_at + x;
        u32 a[L::kRowGroups][4];
#pragma unroll
        for (int g = 0; g < L::kRowGroups; ++g)
          load_matrices(a[g], from_lhs + 16 * g * kStride);
#pragma unroll
        for (int j = 0; j < 8; j += 2) {
          u32 b[4];
          load_matrices(b, from_rhs + 8 * j * kStride);
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
typedef HalfMath<F16> F16Math;
typedef HalfMath<BF16> BF16Math;

} // namespace mho

// Noise of an element from its address (SPEC.md N1 to N7; the layout of calls: dialect/Numerics/Philox.h).

namespace mho {

struct Words {
  u32 w[4];
};

/// Four random words of a counter: Philox4x32-10.
MHO_DEVICE Words philox(u32 c0, u32 c1, u32 c2, u32 c3, u64 seed) {
  u32 k0 = u32(seed), k1 = u32(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const u32 p = 0xD2511F53u * c0, p_high = __umulhi(0xD2511F53u, c0);
    const u32 q = 0xCD9E8D57u * c2, q_high = __umulhi(0xCD9E8D57u, c2);
    c0 = q_high ^ c1 ^ k0;
    c1 = q;
    c2 = p_high ^ c3 ^ k1;
    c3 = p;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Words{{c0, c1, c2, c3}};
}

/// A noise key in memory: seed and step.
struct Key {
  u64 seed;
  u32 step;
};
MHO_DEVICE Key key_of(const Tensor &t) {
  const i64 *words = static_cast<const i64 *>(t.data);
  return Key{u64(words[0]), u32(words[1])};
}

/// What a thread reads the 16-bit Gaussian's table by (half_table_at).
struct HalfTable {
  u32 at;       ///< in shared memory, of the row that no exponent has
  u32 exponent; ///< the bits of 1/2 and of half a unit of the last place of 16 bits
};

/// What the draws of a kernel's threads share: its keys and the table.
template <int kKeys> struct Noise {
  Key keys[kKeys > 0 ? kKeys : 1];
  HalfTable table;
};

/// Where the draws of a row of elements stand; a column is counted as SPEC.md N2 says.
struct DrawRow {
  u32 row, tile;
};

MHO_DEVICE Words call_at(Key key, u32 stream, DrawRow at, u32 counter) {
  return philox(counter, at.row, (stream << 24) + at.tile, key.step, key.seed);
}

__device__ const float gaussian_table[3][32] = {
#define MHO_GAUSSIAN_ROW(c0, c1, c2) c0,
    {
#include "GaussianTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2) c1,
    {
#include "GaussianTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2) c2,
    {
#include "GaussianTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
};

__device__ const float gaussian_word_table[4][64] = {
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c0,
    {
#include "GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c1,
    {
#include "GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c2,
    {
#include "GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
#define MHO_GAUSSIAN_ROW(c0, c1, c2, c3) c3,
    {
#include "GaussianWordTable.inc"
    },
#undef MHO_GAUSSIAN_ROW
};

/// The standard normal number of 16 bits (SPEC.md N6).
MHO_DEVICE float gaussian_of_half(u32 half) {
  u32 f = __float_as_uint(__int2float_rn(2 * i32(half) - 65535)), segment = ((f & 0x7fffffffu) >> 22) - 254u;
  float m = __uint_as_float((f & 0x007fffffu) | 0x3f800000u);
  float q = fma(fma(gaussian_table[2][segment], m, gaussian_table[1][segment]), m, gaussian_table[0][segment]);
  return __uint_as_float(__float_as_uint(q) ^ (f & 0x80000000u));
}

// The same from shared memory and without a conversion. The half, put under the exponent of 1/2, less 1, is
// s = f 2^-16 where f = 2 half - 65535 is positive, f 2^-17 where it is negative: exact, its sign the number's. The
// powers of two and the sign are in the rows, so each product and sum is one of gaussian_of_half times a power of two:
// the same bits. Exponent and first fraction bit of s choose the row; each row is there eight times, so that the lanes
// of a warp do not wait for each other's banks. Rows of negative numbers lie where the sign bit leads.
constexpr int kHalfTableRow = 128, kNegativeHalfTable = 65536 - 2 * kHalfTableRow;

constexpr u32 kHalfExponent = 0x3F000080u;

/// Puts the table at the start of a CTA's shared memory: bytes 0 .. 4095 and 65280 .. 69375.
template <int kThreads> __device__ __forceinline__ void fill_half_table(unsigned char *shared) {
  for (int i = threadIdx.x; i < 512; i += kThreads) {
    const bool negative = i >= 256;
    const int segment = (i >> 3) & 31, up = (negative ? 17 : 16) - (segment >> 1);
    const float power = __uint_as_float(u32(127 + up) << 23), sign = negative ? -1.0f : 1.0f;
    float4 row;
    row.x = sign * gaussian_table[0][segment];
    row.y = power * gaussian_table[1][segment];
    row.z = sign * power * power * gaussian_table[2][segment];
    row.w = __uint_as_float(kHalfExponent);
    const int at = (negative ? kNegativeHalfTable : 0) + segment * kHalfTableRow + (i & 7) * 16;
    *reinterpret_cast<float4 *>(shared + at) = row;
  }
}

/// The table of a thread, behind the barrier after the fill. What the assembler cannot know it keeps: it would compute
/// both for each number again.
MHO_DEVICE HalfTable half_table_at(const unsigned char *shared) {
  // A positive number's smallest exponent is -16: 111 with its bias.
  const u32 at = u32(__cvta_generic_to_shared(shared)) - 111 * 2 * kHalfTableRow + (threadIdx.x & 7) * 16;
  return {__shfl_sync(0xffffffffu, at, threadIdx.x & 31), *reinterpret_cast<const u32 *>(shared + 12)};
}

/// The standard normal number of the low or high 16 bits of a word (SPEC.md N6).
template <bool kHigh> MHO_DEVICE float gaussian_of_half(u32 word, const HalfTable &table) {
  const float s = __uint_as_float(__byte_perm(word, table.exponent, kHigh ? 0x7324 : 0x7104)) - 1.0f;
  const u32 at = ((__float_as_uint(s) & 0xffc00000u) >> 15) + table.at;
  float c0, c1, c2, unused;
  asm("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(c0), "=f"(c1), "=f"(c2), "=f"(unused) : "r"(at));
  return fma(fma(c2, s, c1), s, c0);
}

/// The standard normal number of 32 bits (SPEC.md N7).
MHO_DEVICE float gaussian_of_word(u32 word) {
  bool positive = word >> 31;
  i32 h = i32((positive ? word : ~word) & 0x7fffffffu);
  float magnitude = ::fminf(fma(2.0f, __int2float_rn(h), 1.0f), 0x1.fffffep31f);
  u32 bits = __float_as_uint(magnitude), segment = (bits >> 22) - 254u;
  float m = __uint_as_float((bits & 0x007fffffu) | 0x3f800000u), q = gaussian_word_table[3][segment];
#pragma unroll
  for (int i = 2; i >= 0; --i)
    q = fma(q, m, gaussian_word_table[i][segment]);
  return positive ? q : -q;
}

/// (word + 1/2) / 2^32, rounded once.
MHO_DEVICE float uniform_of_word(u32 word) { return __ll2float_rn(i64(2 * u64(word) + 1)) * 0x1p-33f; }

// The three kinds of draws. Each has a number for one column, and the eight of columns 2 call, 2 call + 1 of every 16
// of the 64 columns from `columns` on: out[2 j + h] is that of column columns + 16 j + 2 call + h.

struct HalfNormal {
  MHO_DEVICE float one(Key key, u32 stream, DrawRow at, u32 column) {
    Words words = call_at(key, stream, at, (column >> 6) * 8 + ((column & 15) >> 1));
    u32 word = words.w[(column & 1) + 2 * ((column >> 5) & 1)];
    return gaussian_of_half((word >> (column & 16)) & 0xffffu);
  }
  MHO_DEVICE void eight(Key key, const HalfTable &table, u32 stream, DrawRow at, u32 columns, u32 call, float *out) {
    Words words = call_at(key, stream, at, (columns >> 6) * 8 + call);
#pragma unroll
    for (int e = 0; e < 8; ++e) {
      const u32 word = words.w[(e >> 2) * 2 + (e & 1)];
      out[e] = e & 2 ? gaussian_of_half<true>(word, table) : gaussian_of_half<false>(word, table);
    }
  }
};

template <class Map> struct OfWord {
  MHO_DEVICE float one(Key key, u32 stream, DrawRow at, u32 column) {
    return Map::of(call_at(key, stream, at, column >> 2).w[column & 3]);
  }
  MHO_DEVICE void eight(Key key, const HalfTable &, u32 stream, DrawRow at, u32 columns, u32 call, float *out) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      Words words = call_at(key, stream, at, (columns + 16 * j + 2 * call) >> 2);
      bool high = call & 1;
      out[2 * j] = Map::of(high ? words.w[2] : words.w[0]);
      out[2 * j + 1] = Map::of(high ? words.w[3] : words.w[1]);
    }
  }
};
struct WordNormalMap {
  MHO_DEVICE float of(u32 word) { return gaussian_of_word(word); }
};
struct UniformMap {
  MHO_DEVICE float of(u32 word) { return uniform_of_word(word); }
};
typedef OfWord<WordNormalMap> WordNormal;
typedef OfWord<UniformMap> Uniform;

} // namespace mho

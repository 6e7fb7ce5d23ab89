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
    u64 p = u64(0xD2511F53u) * c0, q = u64(0xCD9E8D57u) * c2;
    c0 = u32(q >> 32) ^ c1 ^ k0;
    c1 = u32(q);
    c2 = u32(p >> 32) ^ c3 ^ k1;
    c3 = u32(p);
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
  MHO_DEVICE void eight(Key key, u32 stream, DrawRow at, u32 columns, u32 call, float *out) {
    Words words = call_at(key, stream, at, (columns >> 6) * 8 + call);
#pragma unroll
    for (int e = 0; e < 8; ++e)
      out[e] = gaussian_of_half((words.w[(e >> 2) * 2 + (e & 1)] >> (e & 2 ? 16 : 0)) & 0xffffu);
  }
};

template <class Map> struct OfWord {
  MHO_DEVICE float one(Key key, u32 stream, DrawRow at, u32 column) {
    return Map::of(call_at(key, stream, at, column >> 2).w[column & 3]);
  }
  MHO_DEVICE void eight(Key key, u32 stream, DrawRow at, u32 columns, u32 call, float *out) {
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

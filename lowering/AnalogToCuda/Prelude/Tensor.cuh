// Tensors of a kernel's arguments and where an element stands.

namespace mho {

/// As runtime/Cuda/KernelArguments.h fills it: sizes and strides in elements; no data: a result that nobody reads.
struct Tensor {
  void *data;
  i64 size[3], stride[3];
};

/// Operands of a side that is copied: none is held.
struct Nothing {};

/// The coordinates of an element on the axes t, m, n, k (those that its region sees), and its address for draws.
struct Place {
  int t = 0, m = 0, n = 0, k = 0;
  int row = 0, column = 0, tile_rows = 0;
};

/// Of an element whose neighbours along the last axis lie side by side.
MHO_DEVICE i64 offset(const Tensor &) { return 0; }
MHO_DEVICE i64 offset(const Tensor &, int i) { return i; }
MHO_DEVICE i64 offset(const Tensor &t, int i, int j) { return i * t.stride[0] + j; }
MHO_DEVICE i64 offset(const Tensor &t, int i, int j, int k) { return i * t.stride[0] + j * t.stride[1] + k; }
/// Of one whose neighbours do not.
MHO_DEVICE i64 strided_offset(const Tensor &t, int i) { return i * t.stride[0]; }
MHO_DEVICE i64 strided_offset(const Tensor &t, int i, int j) { return i * t.stride[0] + j * t.stride[1]; }
MHO_DEVICE i64 strided_offset(const Tensor &t, int i, int j, int k) {
  return i * t.stride[0] + j * t.stride[1] + k * t.stride[2];
}

/// What an element is in memory (SPEC.md, "Storage"): 16 bits are exact as a float, and a float is rounded to them once.
enum Storage { kFloat, kHalf, kBFloat };
typedef unsigned short u16;

template <Storage kStorage> MHO_DEVICE float decode(u16 bits) {
  if (kStorage == kBFloat)
    return __uint_as_float(u32(bits) << 16);
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
template <Storage kStorage> MHO_DEVICE u16 encode(float value) {
  u16 bits;
  if (kStorage == kBFloat)
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  else
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

/// Two neighbours in a word, the first in its low half.
template <Storage kStorage> MHO_DEVICE u32 encode_pair(float first, float second) {
  u32 bits;
  if (kStorage == kBFloat)
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
  else
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
  return bits;
}

// Loads of what no kernel writes while this one runs. Volatile: the compiler takes other code for one without a reason
// not to run it, and would load what an element does not have.
MHO_DEVICE float load_constant(const float *from) {
  float value;
  asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(value) : "l"(from));
  return value;
}
MHO_DEVICE u32 load_constant(const u32 *from) {
  u32 value;
  asm volatile("ld.global.nc.u32 %0, [%1];" : "=r"(value) : "l"(from));
  return value;
}
MHO_DEVICE u16 load_constant(const u16 *from) {
  u16 value;
  asm volatile("ld.global.nc.u16 %0, [%1];" : "=h"(value) : "l"(from));
  return value;
}
MHO_DEVICE float2 load_constant(const float2 *from) {
  float2 value;
  asm volatile("ld.global.nc.v2.f32 {%0, %1}, [%2];" : "=f"(value.x), "=f"(value.y) : "l"(from));
  return value;
}

template <Storage kStorage> MHO_DEVICE float load_at(const Tensor &t, i64 offset) {
  if (kStorage != kFloat)
    return decode<kStorage>(load_constant(static_cast<const u16 *>(t.data) + offset));
  return load_constant(static_cast<const float *>(t.data) + offset);
}
template <Storage kStorage = kFloat, class... At> MHO_DEVICE float load(const Tensor &t, At... at) {
  return load_at<kStorage>(t, offset(t, at...));
}
template <Storage kStorage = kFloat, class... At> MHO_DEVICE float gather(const Tensor &t, At... at) {
  return load_at<kStorage>(t, strided_offset(t, at...));
}
/// Of a tensor that the kernel may write too.
template <Storage kStorage = kFloat, class... At> MHO_DEVICE float read(const Tensor &t, At... at) {
  if (kStorage != kFloat)
    return decode<kStorage>(static_cast<const u16 *>(t.data)[strided_offset(t, at...)]);
  return static_cast<const float *>(t.data)[strided_offset(t, at...)];
}
/// The word of the bit `behind` positions along the last axis from the place, and a bit of a word.
MHO_DEVICE u32 load_word(int behind, const Tensor &t, int last) {
  return load_constant(static_cast<const u32 *>(t.data) + strided_offset(t, (last + behind) >> 5));
}
MHO_DEVICE u32 load_word(int behind, const Tensor &t, int i, int last) {
  return load_constant(static_cast<const u32 *>(t.data) + strided_offset(t, i, (last + behind) >> 5));
}
MHO_DEVICE u32 load_word(int behind, const Tensor &t, int i, int j, int last) {
  return load_constant(static_cast<const u32 *>(t.data) + strided_offset(t, i, j, (last + behind) >> 5));
}
MHO_DEVICE bool bit_of(u32 word, int last) { return (word >> (last & 31)) & 1; }
/// Bit `last` of packed words: bit c mod 32 of word c / 32 along the last axis.
MHO_DEVICE bool load_bit(const Tensor &t, int last) { return bit_of(load_word(0, t, last), last); }
MHO_DEVICE bool load_bit(const Tensor &t, int i, int last) { return bit_of(load_word(0, t, i, last), last); }
MHO_DEVICE bool load_bit(const Tensor &t, int i, int j, int last) { return bit_of(load_word(0, t, i, j, last), last); }
template <Storage kStorage = kFloat, class... At> MHO_DEVICE void store(const Tensor &t, float value, At... at) {
  if (kStorage != kFloat)
    static_cast<u16 *>(t.data)[offset(t, at...)] = encode<kStorage>(value);
  else
    static_cast<float *>(t.data)[offset(t, at...)] = value;
}

/// Two neighbours along the last axis, as they are in memory.
template <Storage kStorage> struct Pair {
  u32 bits;
  MHO_DEVICE u32 together(u16 first, u16 second) { return u32(first) | u32(second) << 16; }
  __device__ __forceinline__ float get(int which) const { return decode<kStorage>(u16(which ? bits >> 16 : bits)); }
};
template <> struct Pair<kFloat> {
  float2 bits;
  MHO_DEVICE float2 together(float first, float second) { return make_float2(first, second); }
  __device__ __forceinline__ float get(int which) const { return which ? bits.y : bits.x; }
};
template <Storage kStorage> struct InMemory {
  typedef u16 Type;
};
template <> struct InMemory<kFloat> {
  typedef float Type;
};

/// True if two neighbours from an even last coordinate on can be loaded or stored at once.
template <Storage kStorage> MHO_DEVICE bool has_pairs(const Tensor &t, int rank) {
  i64 odd = i64(u64(t.data) / sizeof(typename InMemory<kStorage>::Type));
  for (int i = 0; i + 1 < rank; ++i)
    odd |= t.stride[i];
  return (odd & 1) == 0;
}
/// Those `behind` positions along the last axis from the place.
template <Storage kStorage = kFloat, class... At>
MHO_DEVICE Pair<kStorage> load_pair(int behind, const Tensor &t, At... at) {
  typedef typename InMemory<kStorage>::Type Type;
  typedef decltype(Pair<kStorage>::bits) Bits;
  return {load_constant(reinterpret_cast<const Bits *>(static_cast<const Type *>(t.data) + offset(t, at...) + behind))};
}
/// The first `count` of them, the others 0.
template <Storage kStorage = kFloat, class... At>
MHO_DEVICE Pair<kStorage> load_some(int count, const Tensor &t, At... at) {
  typedef typename InMemory<kStorage>::Type Type;
  const Type *from = static_cast<const Type *>(t.data) + offset(t, at...);
  return {Pair<kStorage>::together(count > 0 ? load_constant(from) : Type(0), count > 1 ? load_constant(from + 1) : Type(0))};
}
/// Both, `behind` positions along the last axis from the place: an even coordinate of a tensor that has pairs.
template <Storage kStorage = kFloat, class... At>
MHO_DEVICE void store_pair(int behind, const Tensor &t, float first, float second, At... at) {
  const i64 to = offset(t, at...) + behind;
  if constexpr (kStorage != kFloat)
    *reinterpret_cast<u32 *>(static_cast<u16 *>(t.data) + to) = encode_pair<kStorage>(first, second);
  else
    *reinterpret_cast<float2 *>(static_cast<float *>(t.data) + to) = make_float2(first, second);
}

/// How the inputs are cut into crossbar tiles (dialect/Numerics/Tiling.h).
template <i64 kRows, bool kFixed> struct Tiling {
  int inputs;
  __device__ int count() const { return inputs <= 0 ? 0 : kRows <= 0 ? 1 : int((inputs - 1) / kRows) + 1; }
  /// First input of a tile, 0 .. count().
  __device__ int begin(int tile) const {
    int tiles = count();
    if (tiles <= 1)
      return tile == 0 ? 0 : inputs;
    if (kFixed) {
      i64 first = i64(tile) * kRows;
      return first < inputs ? int(first) : inputs;
    }
    int extra = inputs % tiles;
    return tile * (inputs / tiles) + (tile < extra ? tile : extra);
  }
  /// begin(tile + 1), of a tile that there is, from its own begin.
  __device__ int end(int tile, int from) const {
    if (kFixed)
      return kRows > 0 && inputs - from > kRows ? from + int(kRows) : inputs;
    return begin(tile + 1);
  }
  __device__ int width(int tile) const { return begin(tile + 1) - begin(tile); }
};

} // namespace mho

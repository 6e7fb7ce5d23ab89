// Tensors of a kernel's arguments and where an element stands.

namespace mho {

/// As runtime/Cuda/KernelArguments.h fills it: sizes and strides in elements; no data: a result that nobody reads.
struct Tensor {
  void *data;
  i64 size[3], stride[3];
};

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

template <Storage kStorage> MHO_DEVICE float load_at(const Tensor &t, i64 offset) {
  if (kStorage != kFloat)
    return decode<kStorage>(__ldg(static_cast<const u16 *>(t.data) + offset));
  return __ldg(static_cast<const float *>(t.data) + offset);
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
/// Bit `last` of packed words: bit c mod 32 of word c / 32 along the last axis.
MHO_DEVICE bool load_bit(const Tensor &t, int last) {
  return (__ldg(static_cast<const i32 *>(t.data) + strided_offset(t, last >> 5)) >> (last & 31)) & 1;
}
MHO_DEVICE bool load_bit(const Tensor &t, int i, int last) {
  return (__ldg(static_cast<const i32 *>(t.data) + strided_offset(t, i, last >> 5)) >> (last & 31)) & 1;
}
MHO_DEVICE bool load_bit(const Tensor &t, int i, int j, int last) {
  return (__ldg(static_cast<const i32 *>(t.data) + strided_offset(t, i, j, last >> 5)) >> (last & 31)) & 1;
}
template <Storage kStorage = kFloat, class... At> MHO_DEVICE void store(const Tensor &t, float value, At... at) {
  if (kStorage != kFloat)
    static_cast<u16 *>(t.data)[offset(t, at...)] = encode<kStorage>(value);
  else
    static_cast<float *>(t.data)[offset(t, at...)] = value;
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
  __device__ int width(int tile) const { return begin(tile + 1) - begin(tile); }
};

} // namespace mho

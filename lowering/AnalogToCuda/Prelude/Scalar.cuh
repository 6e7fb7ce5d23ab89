// Scalar code of kernels: the ops of SPEC.md, "Scalar code", that CUDA C++ has no operator for. Each is exact or
// rounded once; + - * / are the language's own, which NVRTC keeps apart under --fmad=false.

#define MHO_DEVICE static __device__ __forceinline__

// EmitC's names; NVRTC has no <cstdint>.
#ifdef __CUDACC_RTC__
typedef int int32_t;
#endif

namespace mho {

typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

MHO_DEVICE float fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
MHO_DEVICE float sqrt(float a) { return __fsqrt_rn(a); }
MHO_DEVICE float absf(float a) { return __uint_as_float(__float_as_uint(a) & 0x7fffffffu); }
MHO_DEVICE float roundeven(float a) { return ::rintf(a); }
MHO_DEVICE float floor(float a) { return ::floorf(a); }
MHO_DEVICE float ceil(float a) { return ::ceilf(a); }
MHO_DEVICE float trunc(float a) { return ::truncf(a); }
MHO_DEVICE float copysign(float a, float sign) {
  return __uint_as_float((__float_as_uint(a) & 0x7fffffffu) | (__float_as_uint(sign) & 0x80000000u));
}
/// -0 is less than 0; a NaN stays one.
MHO_DEVICE float minimum(float a, float b) {
  float r;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}
MHO_DEVICE float maximum(float a, float b) {
  float r;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}

/// Towards 0; beyond the range of i32 the nearest end, of NaN 0.
MHO_DEVICE i32 to_int(float a) { return __float2int_rz(a); }
MHO_DEVICE float to_float(i32 a) { return __int2float_rn(a); }
MHO_DEVICE float unsigned_to_float(i32 a) { return __uint2float_rn(u32(a)); }
MHO_DEVICE float bit_to_float(bool a) { return a ? 1.0f : 0.0f; }
MHO_DEVICE float as_float(i32 a) { return __int_as_float(a); }
MHO_DEVICE i32 as_int(float a) { return __float_as_int(a); }

/// Integers wrap; a shift is by its amount modulo 32.
MHO_DEVICE i32 add(i32 a, i32 b) { return i32(u32(a) + u32(b)); }
MHO_DEVICE i32 sub(i32 a, i32 b) { return i32(u32(a) - u32(b)); }
MHO_DEVICE i32 mul(i32 a, i32 b) { return i32(u32(a) * u32(b)); }
MHO_DEVICE i32 shift_left(i32 a, i32 n) { return i32(u32(a) << (n & 31)); }
MHO_DEVICE i32 shift_right(i32 a, i32 n) { return i32(u32(a) >> (n & 31)); }
MHO_DEVICE i32 shift_right_signed(i32 a, i32 n) { return a >> (n & 31); }
MHO_DEVICE bool less_unsigned(i32 a, i32 b) { return u32(a) < u32(b); }
MHO_DEVICE bool less_equal_unsigned(i32 a, i32 b) { return u32(a) <= u32(b); }

/// Comparisons that are true or false of a NaN where C++'s operators are not.
MHO_DEVICE bool ordered(float a, float b) { return a == a && b == b; }
MHO_DEVICE bool unordered(float a, float b) { return !ordered(a, b); }

/// The same number, which the compiler cannot compute again: it is kept instead.
MHO_DEVICE u32 kept(u32 value) {
  u32 same;
  asm volatile("mov.b32 %0, %1;" : "=r"(same) : "r"(value) : "memory");
  return same;
}

} // namespace mho

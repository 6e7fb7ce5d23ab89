// A kernel whose instructions are known: tests/ptx/static_test.py counts them in machine code. Warps of an odd number go
// round the second loop; the first has a loop inside.
extern "C" __global__ void counted(float *out, const float *in, int rounds) {
  float x = in[threadIdx.x], y = x;
#pragma unroll 1
  for (int i = 0; i < rounds; ++i) {
#pragma unroll 1
    for (int j = 0; j < 8; ++j) {
      x = __fmaf_rn(x, x, y);
      y = __fmaf_rn(y, x, x);
      x = __fmaf_rn(x, y, x);
    }
    y = y / (x + 2.0f); // its slow path is not taken
  }
  if (threadIdx.x & 32) {
#pragma unroll 1
    for (int i = 0; i < 2 * rounds; ++i)
      y = __fmul_rn(y, x);
  }
  out[threadIdx.x] = x + y;
}

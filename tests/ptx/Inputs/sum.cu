// Sum of each block's 64 numbers. MISSING leaves out a barrier.
#ifdef MISSING
#define BARRIER
#else
#define BARRIER __syncthreads()
#endif
extern "C" __global__ void sum(const float *in, float *out) {
  __shared__ float parts[64];
  int t = threadIdx.x;
  parts[t] = in[blockIdx.x * 64 + t];
  __syncthreads();
  for (int step = 32; step > 0; step /= 2) {
    if (t < step)
      parts[t] += parts[t + step];
    BARRIER;
  }
  if (t == 0)
    out[blockIdx.x] = parts[0];
}

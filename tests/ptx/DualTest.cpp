// Plain functions compiled twice: by this compiler, and by NVRTC for the interpreter. Whatever the operators mean in
// C++, both must give the same bits.
#include "tests/ptx/Kernel.h"

#include <cmath>
#include <random>

namespace mho::ptx {
namespace {

/// Defines the functions here and keeps their text.
#define MHO_DUAL(name, ...)                                                                                            \
  __VA_ARGS__                                                                                                          \
  const char *const name##Text = #__VA_ARGS__

// clang-format off
MHO_DUAL(integers,
  static unsigned philoxRound(unsigned c0, unsigned c1, unsigned c2, unsigned c3, unsigned k0, unsigned k1, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      unsigned long long p = 0xD2511F53ull * c0, q = 0xCD9E8D57ull * c2;
      unsigned n0 = (unsigned)(q >> 32) ^ c1 ^ k0, n2 = (unsigned)(p >> 32) ^ c3 ^ k1;
      c1 = (unsigned)q; c3 = (unsigned)p; c0 = n0; c2 = n2;
      k0 += 0x9E3779B9u; k1 += 0xBB67AE85u;
    }
    return c0 ^ c1 ^ c2 ^ c3;
  }
  static unsigned mix(unsigned a, unsigned b) {
    int s = (int)a;
    short h = (short)(a >> 3);
    signed char c = (signed char)b;
    unsigned char u = (unsigned char)(a >> 9);
    long long w = (long long)s * (int)b + h;
    unsigned long long x = ((unsigned long long)a << 32 | b) * 0x9E3779B97F4A7C15ull;
    x ^= x >> 29;
    unsigned r = philoxRound(a, b, 3, 4, 5, 6, 10);
    r += (unsigned)(w >> 7) + (unsigned)(w % 1000003) + (unsigned)(w / 77);
    r ^= (unsigned)(x >> (b & 63)) + (unsigned)(x / (a | 1)) + (unsigned)(x % (b | 1));
    r += (unsigned)(s / ((int)(b & 0xfff) + 1)) + (unsigned)(s % 1021) + (a / (b | 1)) + (a % (b | 1));
    r ^= (unsigned)(h * c) << (a & 7);
    r += (unsigned)(s >> (b & 31)) ^ (a >> (b & 15)) ^ (unsigned)(c < h) ^ (unsigned)(u > (b & 255));
    r += a > b ? (unsigned)h : (unsigned)c;
    r ^= (s < 0 ? 0u - a : a) + (s > (int)b ? a : b);
    switch (r % 11) {
      case 0: r += 17; break;
      case 1: r *= 3; break;
      case 2: r = ~r; break;
      case 5: r ^= r << 5; break;
      case 7: r -= a; break;
      case 9: r = r << 3 | r >> 29; break;
      default: r += b;
    }
    unsigned table[8] = {1, 2, 3, 5, 8, 13, 21, 34};
    for (unsigned i = 0; i < (r & 7); ++i) table[(i + a) & 7] += table[(r + i) & 7] * i;
    return r + table[b & 7];
  });

MHO_DUAL(reals,
  static float polynomial(float x) {
    float y = 1.5f;
    for (int i = 0; i < 6; ++i) y = y * x + 0.25f * (float)i;
    return y;
  }
  static float chain(float a, float b, int n) {
    float s = 0;
    double d = 0;
    for (int i = 0; i < n; ++i) {
      s += polynomial(a) / (b + (float)i + 0.5f);
      d = d * 0.75 + (double)s * a;
      if (s > 1000.0f) s -= 999.0f;
      else if (s < -3.0f) s = -s;
      a = a * 0.9f - (b > a ? 0.1f : -0.2f);
    }
    int whole = (int)(s * 16.0f);
    unsigned bits = (unsigned)(s < 0 ? -s : s);
    long long wide = (long long)(d * 1000.0);
    return s + (float)d + (float)whole * 0.125f + (float)bits + (float)(wide % 1000) + (float)(double)a;
  });
// clang-format on

std::string kernelOf(const char *functions, const std::string &body) {
  return std::string(functions) + "\nextern \"C\" __global__ void kernel(" + body;
}

/// Options under which the functions are for the device.
const std::vector<std::string> kOptions{"--fmad=false", "--device-as-default-execution-space"};

TEST(Dual, Integers) {
  std::string ptx =
      compilePtx(kernelOf(integersText, "const unsigned *a, const unsigned *b, unsigned *d) { int i = blockIdx.x * "
                                        "blockDim.x + threadIdx.x; d[i] = mix(a[i], b[i]); }"),
                 kOptions);
  std::vector<uint32_t> a(4096), b(4096), d(4096);
  std::mt19937 engine(1);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = engine() >> (engine() % 32), b[i] = engine() >> (engine() % 32);
  Report report = KernelRun(ptx).buffer(a).buffer(b).buffer(d).grid({32}).block({128})();
  EXPECT_TRUE(report.clean()) << report.text();
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(d[i], mix(a[i], b[i])) << a[i] << " " << b[i];
}

TEST(Dual, Reals) {
  std::string ptx = compilePtx(kernelOf(realsText, "const float *a, const float *b, float *d) { int i = blockIdx.x * "
                                                   "blockDim.x + threadIdx.x; d[i] = chain(a[i], b[i], i % 13); }"),
                               kOptions);
  std::vector<float> a(4096), b(4096), d(4096);
  std::mt19937 engine(2);
  std::normal_distribution<float> normal;
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = normal(engine), b[i] = 3 * normal(engine);
  Report report = KernelRun(ptx).buffer(a).buffer(b).buffer(d).grid({32}).block({128})();
  EXPECT_TRUE(report.clean()) << report.text();
  int wrong = 0;
  for (size_t i = 0; i < a.size(); ++i)
    wrong += d[i] != chain(a[i], b[i], int(i % 13));
  EXPECT_EQ(wrong, 0);
}

} // namespace
} // namespace mho::ptx

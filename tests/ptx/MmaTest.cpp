// mma.sync in its shapes, types and orders of addition; ldmatrix and stmatrix.
#include "runtime/Ptx/FloatFormat.h"
#include "tests/ptx/Kernel.h"

#include <random>

namespace mho::ptx {
namespace {

/// A kernel that reads fragments in the layout of the PTX manual, written anew: element (row, column) of A by the
/// formulas of its tables.
std::string mmaKernel(const std::string &instruction, int aRegisters, int bRegisters, const std::string &cType) {
  std::string c = cType == "f16"   ? "unsigned"
                  : cType == "s32" ? "int"
                                   : "float",
              constraint = cType == "f32" ? "f" : "r";
  int accumulators = cType == "f16" ? 2 : 4;
  std::string operands, list;
  int next = 0;
  auto group = [&](int count) {
    std::string text = "{";
    for (int i = 0; i < count; ++i)
      text += (i ? ",%" : "%") + std::to_string(next++);
    return text + "}";
  };
  std::string d = group(accumulators), a = group(aRegisters), b = group(bRegisters);
  std::string source = "extern \"C\" __global__ void kernel(const unsigned *A, const unsigned *B, " + c +
                       " *C) {\n  int t = threadIdx.x;\n  asm volatile(\"" + instruction + " " + d + "," + a + "," + b +
                       "," + d + ";\" : ";
  for (int i = 0; i < accumulators; ++i)
    source += std::string(i ? "," : "") + "\"+" + constraint + "\"(C[t * " + std::to_string(accumulators) + " + " +
              std::to_string(i) + "])";
  source += " : ";
  for (int i = 0; i < aRegisters; ++i)
    source +=
        std::string(i ? "," : "") + "\"r\"(A[t * " + std::to_string(aRegisters) + " + " + std::to_string(i) + "])";
  for (int i = 0; i < bRegisters; ++i)
    source += ",\"r\"(B[t * " + std::to_string(bRegisters) + " + " + std::to_string(i) + "])";
  return source + ");\n}\n";
}

struct Fragments {
  std::vector<uint32_t> a, b;
  std::vector<float> c;
};

std::vector<float> runFloat(const std::string &ptx, Fragments f, Accumulation order) {
  KernelRun run(ptx);
  run.options.accumulation = order;
  Report report = run.buffer(f.a).buffer(f.b).buffer(f.c)();
  EXPECT_TRUE(report.clean()) << report.text();
  return f.c;
}

TEST(Mma, Bfloat16HasTheLayoutOfF16) {
  std::vector<float> a(256), b(128);
  std::mt19937 engine(4);
  for (float &x : a)
    x = float(int(engine() % 17) - 8);
  for (float &x : b)
    x = float(int(engine() % 17) - 8);
  for (bool brain : {false, true}) {
    auto encode = [&](float x) { return uint32_t(brain ? floatToBrain(x) : floatToHalf(x)); };
    Fragments f{std::vector<uint32_t>(128), std::vector<uint32_t>(64), std::vector<float>(128)};
    for (int t = 0; t < 32; ++t) {
      for (int i = 0; i < 8; ++i) { // the manual: a_i of m16n8k16
        int row = (i < 2 || (i >= 4 && i < 6)) ? t / 4 : t / 4 + 8, column = (t % 4) * 2 + (i & 1) + (i >= 4 ? 8 : 0);
        f.a[size_t(t * 4 + i / 2)] |= encode(a[size_t(row * 16 + column)]) << (16 * (i & 1));
      }
      for (int i = 0; i < 4; ++i) {
        int row = (t % 4) * 2 + (i & 1) + (i >= 2 ? 8 : 0), column = t / 4;
        f.b[size_t(t * 2 + i / 2)] |= encode(b[size_t(row * 8 + column)]) << (16 * (i & 1));
      }
    }
    std::string type = brain ? "bf16" : "f16";
    std::vector<float> c = runFloat(
        compilePtx(mmaKernel("mma.sync.aligned.m16n8k16.row.col.f32." + type + "." + type + ".f32", 4, 2, "f32")), f,
        Accumulation::Sequential);
    for (int t = 0; t < 32; ++t)
      for (int i = 0; i < 4; ++i) {
        int row = t / 4 + (i >= 2 ? 8 : 0), column = (t % 4) * 2 + (i & 1);
        float expected = 0;
        for (int k = 0; k < 16; ++k)
          expected += a[size_t(row * 16 + k)] * b[size_t(k * 8 + column)];
        EXPECT_EQ(c[size_t(t * 4 + i)], expected) << type << " " << row << " " << column;
      }
  }
}

/// All lanes hold the same numbers: each element of C is c + sum of a[k] b[k], k in order.
std::vector<float> sums(const std::vector<float> &a, const std::vector<float> &b, float c, Accumulation order) {
  Fragments f{std::vector<uint32_t>(128), std::vector<uint32_t>(64), std::vector<float>(128, c)};
  for (int t = 0; t < 32; ++t)
    for (int k = 0; k < 2; ++k)
      for (int high = 0; high < 2; ++high) {
        size_t at = size_t((t % 4) * 2 + k + 8 * high);
        for (int half = 0; half < 2; ++half) // rows g and g + 8
          f.a[size_t(t * 4 + high * 2 + half)] |= uint32_t(floatToHalf(a[at])) << (16 * k);
        f.b[size_t(t * 2 + high)] |= uint32_t(floatToHalf(b[at])) << (16 * k);
      }
  static const std::string ptx =
      compilePtx(mmaKernel("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 4, 2, "f32"));
  return runFloat(ptx, f, order);
}

TEST(Mma, OrdersOfAddition) {
  std::mt19937 engine(9);
  std::normal_distribution<float> normal;
  int differ = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::vector<float> a(16), b(16);
    for (size_t k = 0; k < 16; ++k)
      a[k] = halfToFloat(floatToHalf(normal(engine) * std::ldexp(1.0f, int(k % 7)))),
      b[k] = halfToFloat(floatToHalf(normal(engine)));
    float c = normal(engine), ascending = c, descending = c, pairs[16];
    double exact = c, magnitude = std::fabs(c);
    for (size_t k = 0; k < 16; ++k) {
      ascending = std::fma(a[k], b[k], ascending);
      descending = std::fma(a[15 - k], b[15 - k], descending);
      pairs[k] = a[k] * b[k];
      exact += double(a[k]) * b[k];
      magnitude += std::fabs(double(a[k]) * b[k]);
    }
    for (size_t left = 8; left; left /= 2)
      for (size_t k = 0; k < left; ++k)
        pairs[k] = pairs[2 * k] + pairs[2 * k + 1];
    EXPECT_EQ(sums(a, b, c, Accumulation::Sequential), std::vector<float>(128, ascending));
    EXPECT_EQ(sums(a, b, c, Accumulation::Reversed), std::vector<float>(128, descending));
    EXPECT_EQ(sums(a, b, c, Accumulation::Tree), std::vector<float>(128, pairs[0] + c));
    // Truncation: each of at most 17 terms loses less than a unit of the last kept place, which is 2^-24 of the largest
    // term; two blocks, and the rounding of the result.
    for (Accumulation order : {Accumulation::Truncated8, Accumulation::Truncated16}) {
      float sum = sums(a, b, c, order)[0];
      EXPECT_LE(std::fabs(sum - exact), magnitude * std::ldexp(20.0, -23)) << repeat;
      differ += sum != ascending;
    }
  }
  EXPECT_GT(differ, 5); // they are other orders indeed
}

TEST(Mma, TruncationByHand) {
  // 1 + 8 products of 2^-25: each is cut to nothing at 24 bits, none at 25 bits of fraction; in a chain they round to
  // nothing.
  std::vector<float> a(16, std::ldexp(1.0f, -13)), b(16, std::ldexp(1.0f, -12));
  EXPECT_EQ(sums(a, b, 1, Accumulation::Truncated8)[0], 1.0f);
  EXPECT_EQ(sums(a, b, 1, Accumulation::Truncated16)[0], 1 + std::ldexp(16.0f, -25));
  EXPECT_EQ(sums(a, b, 1, Accumulation::Sequential)[0], 1.0f);
  EXPECT_EQ(sums(a, b, 1, Accumulation::Tree)[0], 1 + std::ldexp(16.0f, -25));
  // The result is cut, too: 1 + 3 2^-25 lies closer to 1 + 2^-23.
  a.assign(16, 0);
  b.assign(16, 0);
  a[0] = std::ldexp(1.5f, -12), b[0] = std::ldexp(1.0f, -12);
  EXPECT_EQ(sums(a, b, 1, Accumulation::Truncated16)[0], 1.0f);
  EXPECT_EQ(sums(a, b, -1, Accumulation::Tree)[0], -1 + std::ldexp(3.0f, -25));
  EXPECT_EQ(sums(a, b, 1, Accumulation::Tree)[0], 1 + std::ldexp(1.0f, -23));
  a[0] = INFINITY, b[0] = 1;
  for (Accumulation order : {Accumulation::Truncated8, Accumulation::Truncated16, Accumulation::Tree})
    EXPECT_EQ(sums(a, b, 1, order)[0], INFINITY);
}

TEST(Mma, Tf32IgnoresLowBits) {
  std::string ptx = compilePtx(mmaKernel("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", 2, 1, "f32"));
  Fragments f{std::vector<uint32_t>(64, 0x3f801fff), std::vector<uint32_t>(32, 0x40001234), std::vector<float>(128)};
  EXPECT_EQ(runFloat(ptx, f, Accumulation::Sequential), std::vector<float>(128, 8.0f));
}

TEST(Mma, UnsignedBytesAndSaturation) {
  for (bool saturates : {false, true}) {
    std::string ptx = compilePtx(
        mmaKernel(std::string("mma.sync.aligned.m16n8k32.row.col.") + (saturates ? "satfinite." : "") + "s32.u8.s8.s32",
                  4, 2, "s32"));
    std::vector<uint32_t> a(128, 0xffffffff), b(64, 0x80808080);
    std::vector<int32_t> c(128, INT32_MIN + 5);
    Report report = KernelRun(ptx).buffer(a).buffer(b).buffer(c)();
    EXPECT_TRUE(report.clean());
    int64_t sum = int64_t(INT32_MIN) + 5 + 32 * 255 * -128;
    EXPECT_EQ(c, std::vector<int32_t>(128, saturates ? INT32_MIN : int32_t(uint32_t(sum))));
  }
}

TEST(Matrix, StoreUndoesLoad) {
  // ldmatrix spreads 8 x 8 matrices over the lanes; what each lane holds is checked against the manual's table, and
  // stmatrix puts it back.
  std::string source = R"(
    extern "C" __global__ void kernel(const unsigned short *in, unsigned *held, unsigned short *back, int trans) {
      __shared__ __align__(16) unsigned short s[256], r[256];
      int t = threadIdx.x;
      for (int i = t; i < 256; i += 32) s[i] = in[i];
      __syncthreads();
      unsigned a = (unsigned)__cvta_generic_to_shared(s + 8 * t), o = (unsigned)__cvta_generic_to_shared(r + 8 * t), x, y, z, w;
      if (trans) asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(x), "=r"(y), "=r"(z), "=r"(w) : "r"(a));
      else asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(x), "=r"(y), "=r"(z), "=r"(w) : "r"(a));
      held[t] = x; held[32 + t] = y; held[64 + t] = z; held[96 + t] = w;
      if (trans) asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1,%2,%3,%4};" :: "r"(o), "r"(x), "r"(y), "r"(z), "r"(w) : "memory");
      else asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1,%2,%3,%4};" :: "r"(o), "r"(x), "r"(y), "r"(z), "r"(w) : "memory");
      __syncthreads();
      for (int i = t; i < 256; i += 32) back[i] = r[i];
    })";
  std::string ptx = compilePtx(source, {}, "compute_90");
  for (int trans : {0, 1}) {
    std::vector<uint16_t> in(256), back(256);
    std::vector<uint32_t> held(128);
    for (size_t i = 0; i < 256; ++i)
      in[i] = uint16_t(i * 257);
    Report report = KernelRun(ptx).buffer(in).buffer(held).buffer(back).value(trans)();
    EXPECT_TRUE(report.clean()) << report.text();
    EXPECT_EQ(back, in);
    for (size_t m = 0; m < 4; ++m)
      for (size_t t = 0; t < 32; ++t)
        for (size_t e = 0; e < 2; ++e) {
          size_t row = trans ? t % 4 * 2 + e : t / 4, column = trans ? t / 4 : t % 4 * 2 + e;
          EXPECT_EQ(uint16_t(held[32 * m + t] >> (16 * e)), in[64 * m + 8 * row + column]);
        }
    EXPECT_EQ(
        report
            .mix[trans ? "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16" : "ldmatrix.sync.aligned.m8n8.x4.shared.b16"]
            .wavefronts,
        4u);
  }
}

} // namespace
} // namespace mho::ptx

// Loads, stores, atomics, local memory, module variables, parameters; and what is wrong with an access.
#include "tests/ptx/Kernel.h"

#include <numeric>

namespace mho::ptx {
namespace {

using testing::HasSubstr;

const char *kTypes =
    "typedef unsigned char u8; typedef unsigned short u16; typedef unsigned u32; typedef unsigned long long u64;\n";

/// The only fault of a report.
Fault onlyFault(const Report &report) {
  EXPECT_EQ(report.faults.size(), 1u) << report.text();
  return report.faults.empty() ? Fault() : report.faults[0];
}

TEST(Memory, EveryWidthAndSign) {
  std::string source = std::string(kTypes) + R"(
    struct __align__(16) V4 { float x, y, z, w; };
    struct __align__(8) V2 { u32 x, y; };
    extern "C" __global__ void kernel(const signed char *b, const short *h, const V4 *v, const u64 *w, float *f, V4 *g, V2 *p, u8 *c, u16 *s) {
      int t = threadIdx.x;
      f[t] = b[t] + h[t] + (float)w[t];
      V4 q = v[t];
      g[t] = V4{q.w, q.z, q.y, q.x};
      p[t] = V2{(u32)b[t], (u32)h[t]};
      c[t] = (u8)h[t];
      s[t] = (u16)b[t];
    })";
  std::vector<int8_t> b(32);
  std::vector<int16_t> h(32);
  std::vector<float> v(128), f(32), g(128);
  std::vector<uint64_t> w(32);
  std::vector<uint32_t> p(64);
  std::vector<uint8_t> c(32);
  std::vector<uint16_t> s(32);
  for (int i = 0; i < 32; ++i)
    b[i] = int8_t(i * 37), h[i] = int16_t(i * 4099), w[i] = uint64_t(i) << 30;
  std::iota(v.begin(), v.end(), 1.0f);
  auto readOnly = Memory::Access::ReadOnly;
  Report report = KernelRun(compilePtx(source))
                      .buffer(b, readOnly)
                      .buffer(h, readOnly)
                      .buffer(v, readOnly)
                      .buffer(w, readOnly)
                      .buffer(f)
                      .buffer(g)
                      .buffer(p)
                      .buffer(c)
                      .buffer(s)();
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(f[i], float(b[i] + h[i]) + float(w[i]));
    for (int k = 0; k < 4; ++k)
      EXPECT_EQ(g[4 * i + k], v[4 * i + 3 - k]);
    EXPECT_EQ(p[2 * i], uint32_t(b[i]));
    EXPECT_EQ(p[2 * i + 1], uint32_t(h[i]));
    EXPECT_EQ(c[i], uint8_t(h[i]));
    EXPECT_EQ(s[i], uint16_t(b[i]));
  }
}

TEST(Memory, LocalConstantsVariablesAndStructs) {
  std::string source = R"(
    struct Keys { unsigned round[10]; short last; };
    __constant__ int table[4] = {10, 20, 30, -40};
    __device__ float factor = 2.5f;
    __device__ int counts[2];
    extern "C" __global__ void kernel(const __grid_constant__ Keys keys, float *out, int n) {
      int local[16];
      for (int i = 0; i < 16; ++i)
        local[i] = i * n + keys.round[i % 10];
      int t = threadIdx.x, pick = (t * 7) % 16;
      local[(pick + 1) % 16] += keys.last;
      out[t] = (local[pick] + local[(pick + 1) % 16] + table[t % 4]) * factor + keys.round[t % 10];
      counts[t % 2] = t;
    })";
  struct Keys {
    unsigned round[10];
    short last;
  } keys{{5, 4, 3, 2, 1, 0, 9, 8, 7, 6}, -3};
  int table[] = {10, 20, 30, -40};
  std::vector<float> out(32);
  Report report = KernelRun(compilePtx(source)).value(keys).buffer(out).value(3)();
  EXPECT_TRUE(report.finished) << report.text();
  for (int t = 0; t < 32; ++t) {
    int local[16], pick = (t * 7) % 16;
    for (int i = 0; i < 16; ++i)
      local[i] = i * 3 + int(keys.round[i % 10]);
    local[(pick + 1) % 16] += keys.last;
    EXPECT_EQ(out[t], float(local[pick] + local[(pick + 1) % 16] + table[t % 4]) * 2.5f + float(keys.round[t % 10]));
  }
}

TEST(Memory, Atomics) {
  std::string source = std::string(kTypes) + R"(
    extern "C" __global__ void kernel(u32 *u, int *s, float *f, u64 *w, u32 *old) {
      __shared__ u32 sum; __shared__ float real;
      int t = threadIdx.x;
      if (t == 0) { sum = 0; real = 0; }
      __syncthreads();
      atomicAdd(&sum, t);
      atomicAdd(&real, 0.5f);
      old[t] = atomicAdd(&u[0], 2u);
      atomicMin(&s[0], 5 - t);
      atomicMax(&s[1], t * 3);
      atomicMax(&u[1], (u32)t);
      atomicXor(&u[2], 1u << (t % 32));
      atomicOr(&u[3], (u32)t);
      atomicAnd(&u[4], ~(u32)t);
      atomicExch(&u[5], 77u);
      atomicCAS(&u[6], (u32)t, (u32)t + 1);
      atomicInc(&u[7], 9u);
      atomicAdd(&f[0], 1.0f);
      atomicAdd(&w[0], 1ull << 33);
      atomicMax(&w[1], (u64)t << 40);
      __syncthreads();
      if (t == 0) { u[8] = sum; f[1] = real; }
    })";
  std::vector<uint32_t> u(9), old(64);
  u[4] = ~0u;
  std::vector<int> s{100, -100};
  std::vector<float> f(2);
  std::vector<uint64_t> w(2);
  Report report = KernelRun(compilePtx(source)).buffer(u).buffer(s).buffer(f).buffer(w).buffer(old).block({64})();
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(u, (std::vector<uint32_t>{128, 63, 0, 63, ~63u, 77, 64, 4, 64 * 63 / 2}));
  EXPECT_EQ(s, (std::vector<int>{5 - 63, 63 * 3}));
  EXPECT_EQ(f, (std::vector<float>{64, 32}));
  EXPECT_EQ(w, (std::vector<uint64_t>{uint64_t(64) << 33, uint64_t(63) << 40}));
  std::sort(old.begin(), old.end());
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(old[i], 2 * i);
}

TEST(Memory, ManyCtasOnManyThreads) {
  std::string source = "extern \"C\" __global__ void kernel(int *out, int *sum) { int i = (blockIdx.y * gridDim.x + "
                       "blockIdx.x) * blockDim.x * blockDim.y * blockDim.z + (threadIdx.z * blockDim.y + threadIdx.y) "
                       "* blockDim.x + threadIdx.x; out[i] = i * 3 + blockIdx.z; atomicAdd(sum, 1); }";
  for (int threads : {1, 4}) {
    std::vector<int> out(7 * 5 * 60), sum(1);
    KernelRun run(compilePtx(source));
    run.options.threads = threads;
    Report report = run.buffer(out).buffer(sum).grid({7, 5}).block({5, 4, 3})();
    EXPECT_TRUE(report.clean()) << report.text();
    for (int i = 0; i < int(out.size()); ++i)
      ASSERT_EQ(out[size_t(i)], i * 3);
    EXPECT_EQ(sum[0], int(out.size()));
    EXPECT_EQ(report.mix["ret"].lanes, out.size());
  }
}

TEST(MemoryFault, OutOfBounds) {
  std::string ptx = compilePtx(
      "extern \"C\" __global__ void kernel(const float *a, float *b) {\n  b[threadIdx.x] = a[threadIdx.x + 1];\n}");
  std::vector<float> a(32), b(32);
  Report report = KernelRun(ptx).buffer(a).buffer(b)();
  Fault fault = onlyFault(report);
  EXPECT_FALSE(report.finished);
  EXPECT_EQ(fault.kind, FaultKind::OutOfBounds);
  EXPECT_EQ(fault.place.line, lineOf(ptx, "ld.global"));
  EXPECT_THAT(fault.place.source, HasSubstr("kernel.cu:2"));
  EXPECT_EQ(fault.thread, 31);
  EXPECT_EQ(fault.detail, "reads 4 bytes at byte 128 of buffer 'buffer0' of 128 bytes");
}

TEST(MemoryFault, LaterCtasDoNotRun) {
  std::string ptx =
      compilePtx("extern \"C\" __global__ void kernel(int *a) { a[blockIdx.x == 2 ? 1000 : blockIdx.x] = 1; }");
  std::vector<int> a(100);
  Report report = KernelRun(ptx).buffer(a).grid({100}).block({1})();
  Fault fault = onlyFault(report);
  EXPECT_EQ(fault.cta.x, 2u);
  EXPECT_EQ(a[1], 1);
  EXPECT_EQ(a[3], 0);
  EXPECT_EQ(report.mix["ret"].warps, 2u);
}

TEST(MemoryFault, BelowABufferAndFarAway) {
  std::string ptx = compilePtx("extern \"C\" __global__ void kernel(float *a, long long offset) { a[offset] = 1; }");
  std::vector<float> a(4);
  EXPECT_THAT(onlyFault(KernelRun(ptx).buffer(a).value(int64_t(-1)).block({1})()).detail,
              HasSubstr("byte -4 of buffer 'buffer0'"));
  EXPECT_EQ(onlyFault(KernelRun(ptx).buffer(a).value(int64_t(1) << 50).block({1})()).kind, FaultKind::OutOfBounds);
}

TEST(MemoryFault, MisalignedAndReadOnly) {
  std::string ptx = compilePtx("struct __align__(16) V { float x, y, z, w; };\nextern \"C\" __global__ void "
                               "kernel(const V *a, V *b) { b[0] = a[0]; }");
  std::vector<float> a(8), b(8);
  Fault fault = onlyFault(KernelRun(ptx).buffer(a, Memory::Access::ReadOnly, 8).buffer(b).block({1})());
  EXPECT_EQ(fault.kind, FaultKind::Misaligned);
  EXPECT_EQ(fault.place.line, lineOf(ptx, "ld.global"));
  EXPECT_THAT(fault.detail, HasSubstr("no multiple of 16"));
  fault = onlyFault(KernelRun(ptx).buffer(a).buffer(b, Memory::Access::ReadOnly).block({1})());
  EXPECT_EQ(fault.kind, FaultKind::ReadOnly);
  EXPECT_EQ(fault.place.line, lineOf(ptx, "st.global"));
}

TEST(MemoryFault, SharedAndLocal) {
  std::string source = "extern \"C\" __global__ void kernel(int *out, int i) { __shared__ int s[16]; s[threadIdx.x % "
                       "16] = i; __syncthreads(); out[threadIdx.x] = s[i]; }";
  std::vector<int> out(16);
  std::string ptx = compilePtx(source);
  EXPECT_TRUE(KernelRun(ptx).buffer(out).value(3).block({16})().clean());
  Fault fault = onlyFault(KernelRun(ptx).buffer(out).value(16).block({16})());
  EXPECT_EQ(fault.kind, FaultKind::OutOfBounds);
  EXPECT_THAT(fault.detail, HasSubstr("at 64 of 64 bytes of shared memory"));
  std::string local = compilePtx(
      "extern \"C\" __global__ void kernel(int *out, int i) { volatile int l[4]; l[0] = 1; out[0] = l[i]; }");
  EXPECT_EQ(onlyFault(KernelRun(local).buffer(out).value(2).block({1})()).kind, FaultKind::UninitialisedMemory);
  EXPECT_EQ(onlyFault(KernelRun(local).buffer(out).value(4).block({1})()).kind, FaultKind::OutOfBounds);
}

TEST(MemoryFault, DynamicSharedMemoryHasItsSize) {
  std::string ptx = compilePtx("extern \"C\" __global__ void kernel(int *out) { extern __shared__ int s[]; "
                               "s[threadIdx.x] = 1; out[threadIdx.x] = s[threadIdx.x]; }");
  std::vector<int> out(32);
  EXPECT_TRUE(KernelRun(ptx).buffer(out).dynamicShared(128)().clean());
  EXPECT_EQ(onlyFault(KernelRun(ptx).buffer(out).dynamicShared(124)()).thread, 31);
}

TEST(MemoryFault, AnAddressOfAnotherSpace) {
  std::string ptx =
      ".version 8.5\n.target sm_80\n.address_size 64\n.const .align 4 .b32 c = 7;\n.visible .entry kernel()\n{\n.reg "
      ".b32 x;\n.reg .b64 p;\nmov.u64 p, c;\nld.const.u32 x, [p];\nld.u32 x, [p];\nld.global.u32 x, [p];\nret;\n}\n";
  Fault fault = onlyFault(KernelRun(ptx)());
  EXPECT_EQ(fault.kind, FaultKind::WrongSpace);
  EXPECT_EQ(fault.place.line, lineOf(ptx, "ld.global"));
}

TEST(Counters, SectorsAndBankConflicts) {
  std::string source = R"(extern "C" __global__ void kernel(float *a, int stride) {
    extern __shared__ float s[];
    s[threadIdx.x * stride] = a[threadIdx.x * stride];
  })";
  std::string ptx = compilePtx(source);
  std::vector<float> a(32 * 33);
  struct Row {
    int stride;
    uint64_t sectors, wavefronts;
  };
  for (Row row : {Row{1, 4, 1}, Row{2, 8, 2}, Row{32, 32, 32}, Row{33, 32, 1}, Row{0, 1, 1}}) {
    Report report = KernelRun(ptx).buffer(a).value(row.stride).dynamicShared(32 * 33 * 4)();
    EXPECT_EQ(report.global.sectors, row.sectors) << row.stride;
    EXPECT_EQ(report.shared.wavefronts, row.wavefronts) << row.stride;
    EXPECT_EQ(report.shared.idealWavefronts, 1u) << row.stride;
    EXPECT_EQ(report.global.bytesRead, 128u);
    EXPECT_EQ(report.shared.bytesWritten, 128u);
  }
}

TEST(Counters, WideAccessesGoInPartsOfAWarp) {
  std::string source = R"(struct __align__(16) V { float x, y, z, w; };
  extern "C" __global__ void kernel(int every, int stride) {
    extern __shared__ V s[];
    if (threadIdx.x % every == 0)
      s[threadIdx.x * stride] = V{1, 2, 3, 4};
  })";
  std::string ptx = compilePtx(source);
  struct Row {
    int every, stride;
    uint64_t wavefronts, ideal;
  };
  // Eight lanes move 128 bytes together: one lane of each eight still takes four wavefronts.
  for (Row row : {Row{1, 1, 4, 4}, Row{8, 1, 4, 1}, Row{1, 2, 8, 4}, Row{1, 8, 32, 4}}) {
    Report report = KernelRun(ptx).value(row.every).value(row.stride).dynamicShared(32 * 8 * 16)();
    EXPECT_EQ(report.shared.wavefronts, row.wavefronts) << row.every << " " << row.stride;
    EXPECT_EQ(report.shared.idealWavefronts, row.ideal) << row.every << " " << row.stride;
  }
}

TEST(Counters, MixAndLines) {
  std::string ptx = compilePtx("extern \"C\" __global__ void kernel(int *a) { if (threadIdx.x < 5) atomicAdd(a, 1); }");
  std::vector<int> a(1);
  Report report = KernelRun(ptx).buffer(a).block({64})();
  ASSERT_TRUE(report.mix.count("atom.global.add.u32") || report.mix.count("red.global.add.s32") ||
              report.mix.count("atom.global.add.s32"))
      << report.text();
  EXPECT_EQ(report.mix["ld.param.u64"].warps, 2u) << report.text();
  uint64_t lanes = 0;
  for (const Report::Line &line : report.lines)
    lanes += line.count.lanes;
  EXPECT_EQ(lanes, report.laneInstructions);
  EXPECT_EQ(a[0], 5);
}

} // namespace
} // namespace mho::ptx

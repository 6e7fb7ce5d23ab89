// The race detector and cp.async.
#include "tests/ptx/Kernel.h"

namespace mho::ptx {
namespace {

Report run(const std::string &ptx, unsigned threads = 64, bool early = false) {
  static std::vector<float> in(4096), out(4096);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = float(i);
  KernelRun kernel(ptx);
  kernel.options.copiesEarly = early;
  return kernel.buffer(in).buffer(out).block({threads})();
}

std::string source(const std::string &body) {
  return "extern \"C\" __global__ void kernel(const float *in, float *out) {\n  __shared__ __align__(16) float "
         "s[512];\n  int t = threadIdx.x;\n" +
         body + "\n}\n";
}

/// The only race of a report, its places by ascending line. Who reads too early may find the memory unwritten as well.
Fault onlyRace(const Report &report) {
  std::vector<Fault> races;
  for (const Fault &fault : report.faults)
    if (fault.kind == FaultKind::Race)
      races.push_back(fault);
    else
      EXPECT_EQ(fault.kind, FaultKind::UninitialisedMemory) << report.text();
  EXPECT_EQ(races.size(), 1u) << report.text();
  if (races.empty())
    return Fault();
  if (races[0].place.line > races[0].otherPlace.line)
    std::swap(races[0].place, races[0].otherPlace);
  return races[0];
}

TEST(Race, WriteThenRead) {
  std::string ptx = compilePtx(source("s[t] = in[t];\nout[t] = s[63 - t];"));
  Fault fault = onlyRace(run(ptx));
  EXPECT_EQ(fault.place.line, lineOf(ptx, "st.shared"));
  EXPECT_EQ(fault.otherPlace.line, lineOf(ptx, "ld.shared"));
  EXPECT_EQ(fault.thread + fault.otherThread, 63);
  EXPECT_TRUE(run(compilePtx(source("s[t] = in[t];\n__syncthreads();\nout[t] = s[63 - t];"))).clean());
}

TEST(Race, ReadThenWrite) {
  std::string ptx = compilePtx(
      source("s[t] = in[t];\n__syncthreads();\nfloat x = s[63 - t];\ns[t] = x + 1;\n__syncthreads(); out[t] = s[t];"));
  Fault fault = onlyRace(run(ptx));
  EXPECT_EQ(fault.place.line, lineOf(ptx, "ld.shared"));
  EXPECT_EQ(fault.otherPlace.line, lineOf(ptx, "st.shared", 2));
}

TEST(Race, TwoWriters) {
  onlyRace(run(compilePtx(source("s[t / 2] = in[t];\n__syncthreads();\nout[t] = s[t / 2];"))));
  EXPECT_TRUE(run(compilePtx(source("s[t / 2] = 3;\n__syncthreads();\nout[t] = s[t / 2];"))).clean())
      << "one instruction of one warp that writes one value";
}

TEST(Race, AReaderOfAnotherWarpIsNotForgotten) {
  // Warp 0 reads, thread 40 reads, and then it writes: the race is with warp 0, although the last reader is the writer.
  std::string read =
      "asm volatile(\"ld.shared.f32 %0, [%1];\" : \"=f\"(x) : \"r\"((unsigned)__cvta_generic_to_shared(s + 5)));";
  Fault fault = onlyRace(run(compilePtx(source("s[t] = 1; __syncthreads(); float x = 0; if (t < 32 || t == 40) " +
                                               read + " if (t == 40) s[5] = x + 1; __syncthreads(); out[t] = x;"))));
  EXPECT_LT(std::min(fault.thread, fault.otherThread), 32);
}

TEST(Race, WithinAWarp) {
  std::string body = "s[t] = in[t];\n%s out[t] = s[t ^ 1];";
  auto with = [&](const std::string &sync) {
    return compilePtx(source(std::string(body).replace(body.find("%s"), 2, sync)));
  };
  onlyRace(run(with("")));
  EXPECT_TRUE(run(with("__syncwarp();")).clean());
}

TEST(Race, HalvesOfAWord) {
  std::string kernel = "extern \"C\" __global__ void kernel(const float *in, float *out) { __shared__ unsigned short "
                       "s[64]; int t = threadIdx.x; s[t] = t; s[t ^ %d] += 1; __syncthreads(); out[t] = s[t]; }";
  auto with = [&](const std::string &mask) {
    return compilePtx(std::string(kernel).replace(kernel.find("%d"), 2, mask));
  };
  EXPECT_TRUE(run(with("0")).clean());
  EXPECT_FALSE(run(with("1")).clean());
}

TEST(Race, AtomicsAreNone) {
  EXPECT_TRUE(
      run(compilePtx(source(
              "if (t < 8) s[t] = 0; __syncthreads(); atomicAdd(&s[t % 8], 1.0f); __syncthreads(); out[t] = s[t % 8];")))
          .clean());
  EXPECT_FALSE(
      run(compilePtx(source("if (t < 8) s[t] = 0; __syncthreads(); atomicAdd(&s[t % 8], 1.0f); out[t] = s[t % 8];")))
          .clean());
}

TEST(Race, UninitialisedShared) {
  Report report = run(compilePtx(source("if (t < 63) s[t] = 1; __syncthreads(); out[t] = s[t];")));
  ASSERT_EQ(report.faults.size(), 1u) << report.text();
  EXPECT_EQ(report.faults[0].kind, FaultKind::UninitialisedMemory);
  EXPECT_EQ(report.faults[0].thread, 63);
}

const char *kCopy =
    "unsigned a = (unsigned)__cvta_generic_to_shared(s + 4 * t);\nasm volatile(\"cp.async.cg.shared.global [%0], [%1], "
    "16;\" :: \"r\"(a), \"l\"(in + 4 * t) : \"memory\");\nasm volatile(\"cp.async.commit_group;\" ::: \"memory\");\n";
const char *kWait = "asm volatile(\"cp.async.wait_group 0;\" ::: \"memory\");\n";
const char *kUse = "out[t] = s[t ^ 33];";

TEST(Async, CopyWaitBarrier) {
  for (bool early : {false, true})
    EXPECT_TRUE(run(compilePtx(source(std::string(kCopy) + kWait + "__syncthreads();" + kUse)), 64, early).clean());
}

TEST(Async, AMissingWaitOrBarrierIsARace) {
  std::string noWait = compilePtx(source(std::string(kCopy) + "__syncthreads();" + kUse)),
              noBarrier = compilePtx(source(std::string(kCopy) + kWait + kUse)),
              wrongOrder = compilePtx(source(std::string(kCopy) + "__syncthreads();" + kWait + kUse));
  for (bool early : {false, true})
    for (const std::string &ptx : {noWait, noBarrier, wrongOrder}) {
      Fault fault = onlyRace(run(ptx, 64, early));
      EXPECT_EQ(fault.place.line, lineOf(ptx, "cp.async.cg"));
      EXPECT_EQ(fault.otherPlace.line, lineOf(ptx, "ld.shared"));
    }
}

TEST(Async, LateCopiesAreLate) { // the thread's own shared memory before and after its wait
  std::string ptx = compilePtx(source("s[4 * t] = -1; __syncwarp();\n" + std::string(kCopy) + "out[t] = s[4 * t];\n" +
                                      kWait + "out[64 + t] = s[4 * t];"));
  std::vector<float> in(256), out(128);
  for (int i = 0; i < 256; ++i)
    in[size_t(i)] = float(i);
  for (bool early : {false, true}) {
    KernelRun kernel(ptx);
    kernel.options.copiesEarly = early;
    Report report = kernel.buffer(in).buffer(out).block({64})();
    EXPECT_FALSE(report.clean()); // it reads what is under way
    EXPECT_EQ(out[3], early ? 12 : -1);
    EXPECT_EQ(out[64 + 3], 12);
  }
}

TEST(Async, GroupsAndSourceSizes) {
  std::string body = R"(
  unsigned a = (unsigned)__cvta_generic_to_shared(s + 4 * t);
  for (int stage = 0; stage < 2; ++stage) {
    int bytes = stage ? 16 : (t % 5) * 4 > 16 ? 16 : (t % 5) * 4;
    const float *from = bytes ? in + 256 * stage + 4 * t : (const float *)0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" :: "r"(a + 1024 * stage), "l"(from), "r"(bytes) : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  asm volatile("cp.async.wait_group 1;" ::: "memory");
  for (int k = 0; k < 4; ++k) out[4 * t + k] = s[4 * t + k];
  asm volatile("cp.async.wait_all;" ::: "memory");
  out[256 + t] = s[256 + 4 * t];
  )";
  std::string text = source(body);
  std::vector<float> in(512), out(512);
  for (int i = 0; i < 512; ++i)
    in[size_t(i)] = float(i + 1);
  Report report = KernelRun(compilePtx(text)).buffer(in).buffer(out).block({64})();
  EXPECT_TRUE(report.clean()) << report.text();
  for (int t = 0; t < 64; ++t) {
    for (int k = 0; k < 4; ++k)
      EXPECT_EQ(out[size_t(4 * t + k)], k < t % 5 ? in[size_t(4 * t + k)] : 0);
    EXPECT_EQ(out[size_t(256 + t)], in[size_t(256 + 4 * t)]);
  }
}

TEST(Async, FaultsOfItsAddresses) {
  std::string ptx = compilePtx(
      source("unsigned a = (unsigned)__cvta_generic_to_shared(s + 4 * t);\nasm volatile(\"cp.async.cg.shared.global "
             "[%0], [%1], 16;\" :: \"r\"(a), \"l\"(in + 4 * t + 4000) : \"memory\");"));
  Report report = run(ptx);
  ASSERT_EQ(report.faults.size(), 1u);
  EXPECT_EQ(report.faults[0].kind, FaultKind::OutOfBounds);
  EXPECT_EQ(report.faults[0].place.line, lineOf(ptx, "cp.async"));
  EXPECT_EQ(report.faults[0].thread, 24);
}

} // namespace
} // namespace mho::ptx

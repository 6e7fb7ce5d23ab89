// Divergence and reconvergence, exchange within a warp, barriers.
#include "tests/ptx/Kernel.h"

namespace mho::ptx {
namespace {

using testing::HasSubstr;

Fault onlyFault(const Report &report) {
  EXPECT_EQ(report.faults.size(), 1u) << report.text();
  return report.faults.empty() ? Fault() : report.faults[0];
}

TEST(Divergence, LoopsOfDifferentLength) {
  std::string source = R"(
    extern "C" __global__ void kernel(const int *n, int *out) {
      int t = threadIdx.x, steps = 0, x = n[t];
      while (x != 1) {
        if (x % 2) x = 3 * x + 1; else x /= 2;
        if (++steps > 500) break;
        if (x == 40) continue;
        for (int i = 0; i < x % 3; ++i) steps += i;
      }
      switch (steps % 5) { case 0: steps += 100; break; case 1: steps *= 2; case 2: steps -= 7; break; default: steps ^= 1; }
      out[t] = steps;
    })";
  auto host = [](int x) {
    int steps = 0;
    while (x != 1) {
      if (x % 2)
        x = 3 * x + 1;
      else
        x /= 2;
      if (++steps > 500)
        break;
      if (x == 40)
        continue;
      for (int i = 0; i < x % 3; ++i)
        steps += i;
    }
    switch (steps % 5) {
    case 0:
      steps += 100;
      break;
    case 1:
      steps *= 2;
      [[fallthrough]];
    case 2:
      steps -= 7;
      break;
    default:
      steps ^= 1;
    }
    return steps;
  };
  std::vector<int> n(100), out(100);
  for (int i = 0; i < 100; ++i)
    n[size_t(i)] = i + 1;
  Report report = KernelRun(compilePtx(source)).buffer(n).buffer(out).block({100})();
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(out[size_t(i)], host(i + 1)) << i;
}

TEST(Divergence, LanesMayWaitForEachOther) { // a lock within a warp: no lane may starve
  std::string source = R"(
    extern "C" __global__ void kernel(int *lock, int *sum) {
      for (bool done = false; !done;)
        if (atomicCAS(lock, 0, 1) == 0) { *(volatile int *)sum += 1; __threadfence(); atomicExch(lock, 0); done = true; }
    })";
  std::vector<int> lock(1), sum(1);
  Report report = KernelRun(compilePtx(source)).buffer(lock).buffer(sum).block({96})();
  EXPECT_TRUE(report.finished) << report.text();
  EXPECT_EQ(sum[0], 96);
  // One lane waits for what another one writes later in the text.
  std::string waits = R"(
    extern "C" __global__ void kernel(volatile int *flag, int *out) {
      if (threadIdx.x < 16) { while (flag[0] == 0) {} out[threadIdx.x] = flag[0]; } else flag[0] = 5;
    })";
  std::vector<int> flag(1), out(16);
  report = KernelRun(compilePtx(waits)).buffer(flag).buffer(out)();
  EXPECT_TRUE(report.finished) << report.text();
  EXPECT_EQ(out[3], 5);
}

TEST(Divergence, WarpsWaitForEachOther) {
  std::string source = R"(
    extern "C" __global__ void kernel(volatile int *flag, int *out) {
      if (threadIdx.x < 32) { while (flag[0] == 0) {} out[threadIdx.x] = 1; }
      if (threadIdx.x == 63) flag[0] = 1;
    })";
  std::vector<int> flag(1), out(32);
  Report report = KernelRun(compilePtx(source)).buffer(flag).buffer(out).block({64})();
  EXPECT_TRUE(report.finished) << report.text();
  EXPECT_EQ(out[31], 1);
}

TEST(Divergence, ABudgetEndsEndlessLoops) {
  std::string ptx = compilePtx("extern \"C\" __global__ void kernel(volatile int *a) {\n  while (a[0] == 0) {}\n}");
  std::vector<int> a(1);
  KernelRun run(ptx);
  run.options.instructionBudget = 10000;
  Report report = run.buffer(a)();
  EXPECT_FALSE(report.finished);
  Fault fault = onlyFault(report);
  EXPECT_EQ(fault.kind, FaultKind::Budget);
  EXPECT_THAT(fault.place.source, HasSubstr("kernel.cu:2"));
}

TEST(Warp, Shuffles) {
  std::string source = R"(
    extern "C" __global__ void kernel(const int *in, int *out) {
      int t = threadIdx.x, v = in[t];
      out[t] = __shfl_sync(~0u, v, t * 5 + 3);
      out[32 + t] = __shfl_up_sync(~0u, v, 3);
      out[64 + t] = __shfl_down_sync(~0u, v, 5);
      out[96 + t] = __shfl_xor_sync(~0u, v, 9);
      out[128 + t] = __shfl_down_sync(~0u, v, 2, 8);
      out[160 + t] = __shfl_up_sync(~0u, v, 1, 4);
      out[192 + t] = __shfl_sync(~0u, v, 2, 8);
      if (t < 16) out[224 + t] = __shfl_xor_sync(0xffff, v, 1);
      out[240 + t] = __shfl_sync(t < 16 ? 0xffffu : 0xffff0000u, v, t < 16 ? 1 : 20);
    })";
  std::vector<int> in(32), out(272);
  for (int i = 0; i < 32; ++i)
    in[size_t(i)] = 100 + i;
  Report report = KernelRun(compilePtx(source)).buffer(in).buffer(out)();
  EXPECT_TRUE(report.clean()) << report.text();
  for (int t = 0; t < 32; ++t) {
    auto at = [&](int block) { return out[size_t(32 * block + t)] - 100; };
    EXPECT_EQ(at(0), (t * 5 + 3) % 32);
    EXPECT_EQ(at(1), t < 3 ? t : t - 3);
    EXPECT_EQ(at(2), t > 26 ? t : t + 5);
    EXPECT_EQ(at(3), t ^ 9);
    EXPECT_EQ(at(4), t % 8 > 5 ? t : t + 2);
    EXPECT_EQ(at(5), t % 4 == 0 ? t : t - 1);
    EXPECT_EQ(at(6), t / 8 * 8 + 2);
    if (t < 16) {
      EXPECT_EQ(out[size_t(224 + t)] - 100, t ^ 1);
    }
    EXPECT_EQ(out[size_t(240 + t)] - 100, t < 16 ? 1 : 20);
  }
}

TEST(Warp, VotesMatchesAndReductions) {
  std::string source = R"(
    extern "C" __global__ void kernel(const int *in, unsigned *out) {
      int t = threadIdx.x, v = in[t];
      out[t] = __ballot_sync(~0u, v & 1);
      out[32 + t] = __all_sync(~0u, v >= 0) + 2 * __any_sync(~0u, v == 4) + 4 * __any_sync(~0u, v == 99);
      out[64 + t] = __match_any_sync(~0u, v);
      int p; out[96 + t] = __match_all_sync(~0u, v, &p) + p;
      out[128 + t] = __reduce_add_sync(~0u, v);
      out[160 + t] = __reduce_min_sync(~0u, v - 3);
      out[192 + t] = __reduce_xor_sync(~0u, (unsigned)v);
      out[224 + t] = 0;
      if (t % 3 == 0) out[224 + t] = __activemask();
    })";
  std::vector<int> in(32);
  std::vector<uint32_t> out(256);
  uint32_t odd = 0, sum = 0, bits = 0, third = 0;
  for (int i = 0; i < 32; ++i) {
    in[size_t(i)] = i * 7 % 11;
    odd |= uint32_t(in[size_t(i)] & 1) << i;
    sum += uint32_t(in[size_t(i)]);
    bits ^= uint32_t(in[size_t(i)]);
    third |= uint32_t(i % 3 == 0) << i;
  }
  Report report = KernelRun(compilePtx(source)).buffer(in).buffer(out)();
  EXPECT_TRUE(report.clean()) << report.text();
  for (int t = 0; t < 32; ++t) {
    uint32_t same = 0;
    for (int i = 0; i < 32; ++i)
      same |= uint32_t(in[size_t(i)] == in[size_t(t)]) << i;
    auto at = [&](int block) { return out[size_t(32 * block + t)]; };
    EXPECT_EQ(at(0), odd);
    EXPECT_EQ(at(1), 3u);
    EXPECT_EQ(at(2), same);
    EXPECT_EQ(at(3), 0u);
    EXPECT_EQ(at(4), sum);
    EXPECT_EQ(at(5), uint32_t(-3));
    EXPECT_EQ(at(6), bits);
    EXPECT_EQ(at(7), t % 3 == 0 ? third : 0);
  }
}

TEST(Warp, DivergedLanesMeetAtASync) { // half of the lanes take a longer way
  std::string source = R"(
    extern "C" __global__ void kernel(int *out, int n) {
      int t = threadIdx.x, v = t;
      if (t & 1) for (int i = 0; i < n; ++i) v = v * 3 + 1;
      out[t] = __shfl_xor_sync(~0u, v, 1);
    })";
  std::vector<int> out(32);
  Report report = KernelRun(compilePtx(source)).buffer(out).value(3)();
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(out[1], 0);
  EXPECT_EQ(out[0], ((1 * 3 + 1) * 3 + 1) * 3 + 1);
}

TEST(Divergence,
     ABlockBehindItsJoin) { // the longer way lies at the end of the text, behind the instruction where lanes meet
  std::string text = R"(.version 8.5
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 out)
{
.reg .pred p; .reg .b32 t, x, a, b; .reg .b64 o, at; .reg .f32 c<4>;
ld.param.u64 o, [out];
mov.u32 t, %tid.x;
mul.wide.u32 at, t, 4;
add.u64 o, o, at;
mov.b32 x, 1;
mov.b32 a, 0x3c003c00;
mov.f32 c0, 0f00000000;
setp.lt.u32 p, t, 40;
@p bra far;
join:
mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {c0,c1,c2,c3}, {a,a}, {a}, {c0,c0,c0,c0};
bar.sync 0;
cvt.rzi.u32.f32 b, c0;
add.u32 x, x, b;
st.global.u32 [o], x;
ret;
far:
mov.b32 x, 100;
bra join;
}
)";
  std::vector<uint32_t> out(64);
  Report report = KernelRun(text).buffer(out).block({64})();
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(out[39], 108u);
  EXPECT_EQ(out[40], 9u);
  EXPECT_EQ(report.mix["bar.sync"].warps, 2u);
}

TEST(WarpFault, LanesThatDoNotCome) {
  std::string ptx = compilePtx("extern \"C\" __global__ void kernel(int *out) { int t = threadIdx.x; if (t < 8) out[t] "
                               "= __shfl_sync(0xffffu, t, 3); }");
  std::vector<int> out(32);
  // Lanes 8 to 15 end without it: on a GPU those that have ended do not count, and lane 3 is there.
  EXPECT_TRUE(KernelRun(ptx).buffer(out)().finished);
  ptx = compilePtx("extern \"C\" __global__ void kernel(int *out) { int t = threadIdx.x; if (t < 8) out[t] = "
                   "__shfl_sync(0xffffu, t, 3); __syncthreads(); out[t] += 1; }");
  Report report = KernelRun(ptx).buffer(out).block({64})();
  EXPECT_FALSE(report.finished);
  ASSERT_FALSE(report.faults.empty());
  bool found = false;
  for (const Fault &fault : report.faults)
    found |= fault.kind == FaultKind::Deadlock && fault.place.line == lineOf(ptx, "shfl.sync");
  EXPECT_TRUE(found) << report.text();
}

TEST(WarpFault, OutsideItsOwnMask) {
  std::string ptx =
      compilePtx("extern \"C\" __global__ void kernel(int *out) { out[threadIdx.x] = __shfl_sync(1u, 4, 0); }");
  std::vector<int> out(32);
  Fault fault = onlyFault(KernelRun(ptx).buffer(out)());
  EXPECT_EQ(fault.kind, FaultKind::Convergence);
  EXPECT_EQ(fault.thread, 1);
}

TEST(WarpFault, MmaNeedsAllLanes) {
  std::string ptx =
      ".version 8.5\n.target sm_80\n.address_size 64\n.visible .entry kernel()\n{\n.reg .pred p;\n.reg .b32 x, a, "
      "b;\n.reg .f32 c<4>;\nmov.u32 x, %tid.x;\nmov.b32 a, 0;\nmov.b32 b, 0;\nmov.f32 c0, 0f00000000;\n"
      "setp.lt.u32 p, x, 31;\n@p mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {c0,c1,c2,c3}, {a,a}, {b}, "
      "{c0,c0,c0,c0};\nret;\n}\n";
  Fault fault = onlyFault(KernelRun(ptx)());
  EXPECT_EQ(fault.kind, FaultKind::Convergence);
  EXPECT_EQ(fault.place.line, lineOf(ptx, "mma.sync"));
  EXPECT_EQ(fault.thread, 31);
}

TEST(Barrier, ReductionsAndNames) {
  std::string source = R"(
    extern "C" __global__ void kernel(int *out) {
      int t = threadIdx.x;
      out[t] = __syncthreads_count(t % 3 == 0) + 1000 * __syncthreads_and(t >= 0) + 2000 * __syncthreads_or(t == 77) + 4000 * __syncthreads_and(t != 5);
      asm volatile("bar.sync 3;"); asm volatile("barrier.sync 5, 96;");
    })";
  std::vector<int> out(96);
  Report report = KernelRun(compilePtx(source)).buffer(out).block({96})();
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(out, std::vector<int>(96, 32 + 1000 + 2000));
}

TEST(BarrierFault, Divergence) {
  std::string ptx = compilePtx(
      "extern \"C\" __global__ void kernel(int *out) {\n  if (threadIdx.x < 40)\n    asm volatile(\"bar.sync 0;\");\n  "
      "else\n    asm volatile(\"bar.sync 0; // other\");\n  out[threadIdx.x] = 1;\n}");
  std::vector<int> out(64);
  Report report = KernelRun(ptx).buffer(out).block({64})();
  ASSERT_FALSE(report.faults.empty());
  EXPECT_EQ(report.faults[0].kind, FaultKind::BarrierDivergence) << report.text();
  EXPECT_EQ(report.faults[0].thread / 32, 1);
  EXPECT_TRUE(report.finished); // each thread came to a barrier
}

TEST(BarrierFault, SomeThreadsNeverCome) {
  std::string ptx =
      compilePtx("extern \"C\" __global__ void kernel(volatile int *out) {\n  if (threadIdx.x < 32)\n    asm "
                 "volatile(\"bar.sync 0;\");\n  else\n    asm volatile(\"bar.sync 1;\");\n  out[threadIdx.x] = 1;\n}");
  std::vector<int> out(64);
  Report report = KernelRun(ptx).buffer(out).block({64})();
  EXPECT_FALSE(report.finished);
  ASSERT_EQ(report.faults.size(), 2u);
  EXPECT_EQ(report.faults[0].kind, FaultKind::Deadlock);
  EXPECT_THAT(report.faults[0].place.source, HasSubstr("kernel.cu:3"));
}

TEST(BarrierFault, PartsOfACtaAreRefused) {
  std::string ptx = compilePtx("extern \"C\" __global__ void kernel() { asm volatile(\"bar.sync 1, 32;\"); }");
  EXPECT_EQ(onlyFault(KernelRun(ptx).block({64})()).kind, FaultKind::Unsupported);
}

TEST(Fault, TrapAndUninitialisedRegister) {
  std::string head =
      ".version 8.5\n.target sm_80\n.address_size 64\n.visible .entry kernel(.param .u64 out)\n{\n.reg .pred p, "
      "q;\n.reg .b32 x, y, t;\n.reg .b64 o;\nld.param.u64 o, [out];\nmov.u32 t, %tid.x;\nsetp.lt.u32 p, t, 4;\n";
  std::vector<uint32_t> out(1);
  std::string trap = head + "@p trap;\nret;\n}\n";
  EXPECT_EQ(onlyFault(KernelRun(trap).buffer(out)()).kind, FaultKind::Trap);
  std::string unwritten = head + "@p mov.u32 x, 1;\nadd.u32 y, x, t;\nst.global.u32 [o], y;\nret;\n}\n";
  Report report = KernelRun(unwritten).buffer(out)();
  Fault fault = onlyFault(report);
  EXPECT_EQ(fault.kind, FaultKind::UninitialisedRegister);
  EXPECT_EQ(fault.place.line, lineOf(unwritten, "add.u32"));
  EXPECT_EQ(fault.thread, 4);
  EXPECT_TRUE(report.finished);
  // A copy of what is not written is not written; compilers move registers before they know whether anyone reads them.
  std::string copied = head + "@p mov.u32 x, 1;\nmov.u32 y, x;\n@p st.global.u32 [o], y;\nret;\n}\n";
  EXPECT_TRUE(KernelRun(copied).buffer(out)().faults.empty());
  copied = head + "mov.u32 y, 2;\n@p mov.u32 x, 1;\nmov.u32 y, x;\nadd.u32 y, y, t;\nret;\n}\n";
  fault = onlyFault(KernelRun(copied).buffer(out)());
  EXPECT_EQ(fault.place.line, lineOf(copied, "add.u32"));
  EXPECT_EQ(fault.thread, 4);
  std::string guard = head + "@q mov.u32 x, 1;\nret;\n}\n";
  EXPECT_EQ(onlyFault(KernelRun(guard).buffer(out)()).place.line, lineOf(guard, "@q"));
}

} // namespace
} // namespace mho::ptx

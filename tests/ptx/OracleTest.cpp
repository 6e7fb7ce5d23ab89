// Fragment layouts of mma.sync and ldmatrix against a source that is not ours: MLIR's convert-vector-to-gpu{use-nvgpu}
// makes a kernel of a vector.contract, LLVM's NVPTX back end makes PTX of it, and the interpreter runs that.
#include "runtime/Ptx/FloatFormat.h"
#include "tests/ptx/Kernel.h"

#include <cstdio>
#include <fstream>
#include <unistd.h>

namespace mho::ptx {
namespace {

struct Contraction {
  std::string element, sum;
  int m, n, k;
  bool throughShared; ///< ldmatrix
  std::string instruction;
};

void PrintTo(const Contraction &c, std::ostream *out) {
  *out << c.instruction << (c.throughShared ? " with ldmatrix" : "");
}

std::string matrix(int rows, int columns, const std::string &type, const std::string &space = "") {
  return std::to_string(rows) + "x" + std::to_string(columns) + "x" + type + space;
}

/// C += A B, from global memory, or by way of shared memory, where MLIR uses ldmatrix.
std::string kernelOf(const Contraction &c) {
  const std::string workgroup = ", #gpu.address_space<workgroup>", space = c.throughShared ? workgroup : "";
  std::string a = matrix(c.m, c.k, c.element), b = matrix(c.k, c.n, c.element), d = matrix(c.m, c.n, c.sum),
              bt = matrix(c.n, c.k, c.element);
  auto zeroOf = [](const std::string &type) { return type[0] == 'i' ? "0 : " + type : "0.0 : " + type; };
  std::string text = "#transposed = affine_map<(d0, d1) -> (d1, d0)>\n#a = affine_map<(d0, d1, d2) -> (d0, d2)>\n#b = "
                     "affine_map<(d0, d1, d2) -> (d1, d2)>\n#c = affine_map<(d0, d1, d2) -> (d0, d1)>\n"
                     "module attributes {gpu.container_module} {\ngpu.module @kernels {\ngpu.func @kernel(%A: memref<" +
                     a + ">, %B: memref<" + b + ">, %C: memref<" + d + ">)";
  if (c.throughShared)
    text += " workgroup(%sA: memref<" + a + workgroup + ">, %sB: memref<" + b + workgroup + ">)";
  text += " kernel {\n%c0 = arith.constant 0 : index\n%zero = arith.constant " + zeroOf(c.element) +
          "\n%none = arith.constant " + zeroOf(c.sum) + "\n";
  if (c.throughShared) {
    text += "%one = arith.constant 1 : index\n%t = gpu.thread_id x\n";
    for (auto [name, rows, columns, type] : {std::tuple{"A", c.m, c.k, a}, {"B", c.k, c.n, b}}) {
      std::string v = name;
      text += "%rows" + v + " = arith.constant " + std::to_string(rows) + " : index\n%columns" + v +
              " = arith.constant " + std::to_string(columns) + " : index\n%row" + v + " = arith.remui %t, %rows" + v +
              " : index\nscf.for %j = %c0 to %columns" + v + " step %one {\n%x = memref.load %" + v + "[%row" + v +
              ", %j] : memref<" + type + ">\nmemref.store %x, %s" + v + "[%row" + v + ", %j] : memref<" + type +
              workgroup + ">\n}\n";
    }
    text += "gpu.barrier\n";
  }
  std::string from = c.throughShared ? "%s" : "%";
  text += "%va = vector.transfer_read " + from + "A[%c0, %c0], %zero {in_bounds = [true, true]} : memref<" + a + space +
          ">, vector<" + a + ">\n";
  text += "%vb = vector.transfer_read " + from +
          "B[%c0, %c0], %zero {permutation_map = #transposed, in_bounds = [true, true]} : memref<" + b + space +
          ">, vector<" + bt + ">\n";
  text += "%vc = vector.transfer_read %C[%c0, %c0], %none {in_bounds = [true, true]} : memref<" + d + ">, vector<" + d +
          ">\n";
  text += "%d = vector.contract {indexing_maps = [#a, #b, #c], iterator_types = [\"parallel\", \"parallel\", "
          "\"reduction\"], kind = #vector.kind<add>} %va, %vb, %vc : vector<" +
          a + ">, vector<" + bt + "> into vector<" + d + ">\n";
  text += "vector.transfer_write %d, %C[%c0, %c0] {in_bounds = [true, true]} : vector<" + d + ">, memref<" + d +
          ">\ngpu.return\n}\n}\n}\n";
  return text;
}

/// What a shell command prints.
std::string outputOf(const std::string &command) {
  std::string text;
  char buffer[4096];
  std::FILE *pipe = popen(command.c_str(), "r");
  while (size_t count = pipe ? std::fread(buffer, 1, sizeof buffer, pipe) : 0)
    text.append(buffer, count);
  EXPECT_TRUE(pipe && pclose(pipe) == 0) << command;
  return text;
}

/// The string of `assembly = "..."`, whose \XX are bytes in hexadecimal.
std::string assemblyOf(const std::string &mlir) {
  size_t at = mlir.find("assembly = \"");
  std::string text;
  if (at == std::string::npos)
    return text;
  for (at += 12; at < mlir.size() && mlir[at] != '"'; ++at) {
    if (mlir[at] != '\\') {
      text += mlir[at];
      continue;
    }
    int byte = std::stoi(mlir.substr(at + 1, 2), nullptr, 16);
    if (byte)
      text += char(byte);
    at += 2;
  }
  return text;
}

std::string ptxOf(const Contraction &c) {
  std::string file = testing::TempDir() + "mho-ptx-oracle-" + std::to_string(getpid()) + ".mlir", opt = MHO_MLIR_OPT;
  std::ofstream(file) << kernelOf(c);
  // MLIR takes f32 factors for tf32 only where it is told to.
  std::string output = outputOf(
      opt +
      " '--pass-pipeline=builtin.module(gpu.module(gpu.func(convert-vector-to-gpu{use-nvgpu},canonicalize,cse)))' " +
      file + (c.element == "f32" ? " | sed 's/mmaShape = .16, 8, [48]./&, tf32Enabled/'" : "") + " | " + opt +
      " '--gpu-lower-to-nvvm-pipeline=cubin-chip=sm_80 cubin-format=isa kernel-bare-ptr-calling-convention=1 "
      "host-bare-ptr-calling-convention=1'");
  std::remove(file.c_str());
  return assemblyOf(output);
}

void putValue(std::vector<uint8_t> &bytes, const std::string &type, int value) {
  auto put = [&](auto number) {
    size_t at = bytes.size();
    bytes.resize(at + sizeof number);
    std::memcpy(bytes.data() + at, &number, sizeof number);
  };
  if (type == "f16")
    put(floatToHalf(value));
  else if (type == "f32")
    put(float(value));
  else if (type == "i8")
    put(int8_t(value));
  else
    put(int32_t(value));
}

double valueAt(const std::vector<uint8_t> &bytes, const std::string &type, size_t i) {
  auto get = [&](auto number) {
    std::memcpy(&number, bytes.data() + i * sizeof number, sizeof number);
    return number;
  };
  return type == "f16" ? halfToFloat(get(uint16_t())) : type == "f32" ? get(float()) : get(int32_t());
}

class Oracle : public testing::TestWithParam<Contraction> {};

TEST_P(Oracle, Contraction) {
  const Contraction &c = GetParam();
  std::string ptx = ptxOf(c);
  ASSERT_THAT(ptx, testing::HasSubstr(c.instruction));
  if (c.throughShared) {
    ASSERT_THAT(ptx, testing::HasSubstr("ldmatrix"));
  }
  std::vector<int> a(size_t(c.m * c.k)), b(size_t(c.k * c.n)), d(size_t(c.m * c.n));
  std::vector<uint8_t> bytesA, bytesB, bytesC;
  for (size_t i = 0; i < a.size(); ++i) // no two rows or columns alike
    putValue(bytesA, c.element, a[i] = int(i * i % 23) - 11 + int(i % 3));
  for (size_t i = 0; i < b.size(); ++i)
    putValue(bytesB, c.element, b[i] = int(i * 7 % 19) - 9);
  for (size_t i = 0; i < d.size(); ++i)
    putValue(bytesC, c.sum, d[i] = int(i) % 101);
  for (int i = 0; i < c.m; ++i)
    for (int j = 0; j < c.n; ++j)
      for (int k = 0; k < c.k; ++k)
        d[size_t(i * c.n + j)] += a[size_t(i * c.k + k)] * b[size_t(k * c.n + j)];
  for (auto order : {Accumulation::Sequential, Accumulation::Reversed, Accumulation::Tree, Accumulation::Truncated8,
                     Accumulation::Truncated16}) {
    std::vector<uint8_t> result = bytesC;
    KernelRun run(ptx);
    run.options.accumulation = order;
    Report report = run.buffer(bytesA).buffer(bytesB).buffer(result)();
    EXPECT_TRUE(report.clean()) << report.text();
    int wrong = 0;
    for (size_t i = 0; i < d.size(); ++i) {
      double expected = c.sum == "f16" ? halfToFloat(floatToHalf(d[i])) : d[i]; // sums beyond 2048 are rounded
      wrong += valueAt(result, c.sum, i) != expected;
    }
    EXPECT_EQ(wrong, 0) << ptx;
  }
}

std::string nameOfContraction(const testing::TestParamInfo<Contraction> &info) {
  const Contraction &c = info.param;
  return c.element + "_" + c.sum + "_" + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" + std::to_string(c.k) +
         (c.throughShared ? "_ldmatrix" : "");
}

INSTANTIATE_TEST_SUITE_P(
    Mlir, Oracle,
    testing::Values(
        Contraction{"f16", "f32", 16, 8, 16, false, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"},
        Contraction{"f16", "f32", 16, 8, 16, true, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"},
        Contraction{"f16", "f16", 16, 8, 16, false, "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16"},
        Contraction{"f16", "f32", 16, 8, 8, false, "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32"},
        Contraction{"i8", "i32", 16, 8, 32, false, "mma.sync.aligned.m16n8k32.row.col.satfinite.s32.s8.s8.s32"},
        Contraction{"i8", "i32", 16, 8, 16, false, "mma.sync.aligned.m16n8k16.row.col.satfinite.s32.s8.s8.s32"},
        Contraction{"f32", "f32", 16, 8, 8, false, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"},
        Contraction{"f32", "f32", 16, 8, 4, false, "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32"}),
    nameOfContraction);

} // namespace
} // namespace mho::ptx

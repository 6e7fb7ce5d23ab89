// Elements of 16 bits as kernels load and store them, on every instruction set: against LLVM's own conversions, which
// share no code with ours.
#include "tests/lowering/Jit.h"

#include "llvm/ADT/APFloat.h"

#include <random>

using namespace mlir;
using namespace mho::lowering::test;
using mho::lowering::Isa;

namespace {

struct JitStorage : testing::TestWithParam<std::tuple<Isa, const char *>> {
  const llvm::fltSemantics &format() const {
    return std::get<1>(GetParam()) == StringRef("f16") ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
  }
  /// A kernel that copies %g to its value, from one type to the other.
  std::string copyOf(const std::string &from, const std::string &to) const {
    return replaced(replaced(R"(
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %g: tensor<?x?xFROM>) -> tensor<?x?xTO> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      epilogue(%g over (m, n) : tensor<?x?xFROM>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %e: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %e: f32): analog.yield %e : f32 }
    : tensor<?x?xTO>
  return %y : tensor<?x?xTO>
})",
                             "FROM", from),
                    "TO", to);
  }
};

/// Copies rows x columns elements by the kernel.
template <class To, class From>
std::vector<To> copied(Jit &jit, std::vector<From> &from, int64_t rows, int64_t columns) {
  std::vector<To> to(from.size(), To(-1));
  Call call;
  call.tensor(Tensor::zeros({rows, 3}));
  call.tensor(Tensor::zeros({columns, 3}));
  call.memref(from.data(), {rows, columns});
  call.memref(to.data(), {rows, columns});
  EXPECT_TRUE(call.run(*jit.engine, "layer", rows, columns));
  return to;
}

TEST_P(JitStorage, LoadsEveryNumberExactly) {
  auto [isa, type] = GetParam();
  Jit jit(copyOf(type, "f32"), false, isa);
  ASSERT_TRUE(jit.engine);
  std::vector<uint16_t> all(257 * 257); // ragged: whole vectors and masked ones
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = uint16_t(i);
  std::vector<float> loaded = copied<float>(jit, all, 257, 257);
  for (size_t i = 0; i < all.size(); ++i) {
    float expected = llvm::APFloat(format(), llvm::APInt(16, all[i])).convertToFloat();
    ASSERT_TRUE(mho::reference::sameNumber(loaded[i], expected)) << all[i] << ": " << loaded[i] << ", " << expected;
  }
}

TEST_P(JitStorage, StoresTheNearestNumber) {
  auto [isa, type] = GetParam();
  Jit jit(copyOf("f32", type), false, isa);
  ASSERT_TRUE(jit.engine);
  // Every number of the format, the middles between neighbours, what lies next to these, and any bits.
  std::vector<float> values;
  for (uint32_t i = 0; i < 0x8000; ++i)
    for (float sign : {1.0f, -1.0f}) {
      float low = llvm::APFloat(format(), llvm::APInt(16, i)).convertToFloat();
      float high = llvm::APFloat(format(), llvm::APInt(16, (i + 1) & 0x7fff)).convertToFloat();
      auto middle = float((double(low) + double(high)) / 2);
      for (float v : {low, middle, std::nextafter(middle, low), std::nextafter(middle, high)})
        values.push_back(sign * v);
    }
  std::mt19937 engine(3);
  while (values.size() % 257)
    values.push_back(llvm::bit_cast<float>(uint32_t(engine())));
  for (float special : {65519.99f, 65520.0f, 0x1.fep127f, 0x1.fefffep127f, 0x1.ffp127f, FLT_MAX, -FLT_MAX, 1e-45f})
    values[engine() % values.size()] = special;
  std::vector<uint16_t> stored = copied<uint16_t>(jit, values, values.size() / 257, 257);
  for (size_t i = 0; i < values.size(); ++i) {
    llvm::APFloat expected(values[i]);
    bool lost;
    expected.convert(format(), llvm::APFloat::rmNearestTiesToEven, &lost);
    auto actual = llvm::APFloat(format(), llvm::APInt(16, stored[i]));
    ASSERT_TRUE(expected.isNaN() ? actual.isNaN() : actual.bitwiseIsEqual(expected))
        << values[i] << " is stored as " << actual.convertToFloat() << ", not " << expected.convertToFloat();
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, JitStorage,
                         testing::Combine(testing::ValuesIn(runnableIsas()), testing::Values("f16", "bf16")),
                         [](const auto &info) {
                           return nameOf(std::get<0>(info.param)).str() + "_" + std::get<1>(info.param);
                         });

} // namespace

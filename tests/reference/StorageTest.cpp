// Storage in 16 bits (SPEC.md, "Storage"): literal values in the algebra and in a kernel.
#include "tests/reference/Program.h"

using namespace mho::reference;

namespace {

/// A function of the algebra, y = x w, in a type.
std::string product(const std::string &type, const std::string &body = "") {
  std::string t = R"(
    func.func @f(%xs: tensor<?x?xS>, %ws: tensor<?x?xS>) -> tensor<?x?xS> attributes {analog.tiling = #analog.tiling<balanced, rows = 1>} {
      %x = arith.extf %xs : tensor<?x?xS> to tensor<?x?xf32>
      %w = arith.extf %ws : tensor<?x?xS> to tensor<?x?xf32>
      %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
      %y = analog.accumulate %p : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
      %ys = arith.truncf %y : tensor<?x?xf32> to tensor<?x?xS>
      return %ys : tensor<?x?xS>
    })";
  for (size_t at = 0; (at = t.find("xS>", at)) != std::string::npos; at += type.size())
    t.replace(at + 1, 1, type);
  return t;
}

/// y = epilogue element, with init where `init`.
std::string copy(const std::string &from, const std::string &to, bool init) {
  std::string type = "tensor<?x?x" + to + ">";
  return "func.func @f(%x: tensor<?x?xf32>, %g: tensor<?x?x" + from + ">, %i: " + type + ") -> " + type + R"( {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 0>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%x over (n, k) : tensor<?x?xf32>)
          epilogue(%g over (m, n) : tensor<?x?x)" +
         from + ">) " + (init ? "init(%i : " + type + ") " : "") + R"(results(value over (m, n))
        load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32, %e: f32): analog.yield %a : f32 }
        finish { ^bb0(%s: f32, %e: f32): analog.yield %e : f32 }
        : )" +
         type + "\n return %y : " + type + "\n}";
}

} // namespace

/// 2049 is no f16 and 257 no bf16: inputs are taken as they would lie in memory.
TEST(Storage, InputsAreOfTheirType) {
  EXPECT_EQ(Program(product("f16")).one("f", {Tensor::of({1, 1}, {2049}), Tensor::of({1, 1}, {1})}).reals[0], 2048);
  EXPECT_EQ(Program(product("bf16")).one("f", {Tensor::of({1, 1}, {257}), Tensor::of({1, 1}, {1})}).reals[0], 256);
}

/// Sums over tiles are float32: rounded after each tile, 2048 + 1 + 1 would stay 2048, and 60000 + 60000 - 60000
/// infinite.
TEST(Storage, SumsAreRoundedOnce) {
  Tensor ones = Tensor::of({1, 3}, {1, 1, 1});
  Program half(product("f16")), bfloat(product("bf16"));
  EXPECT_EQ(half.one("f", {Tensor::of({1, 3}, {2048, 1, 1}), ones}).reals[0], 2050);
  EXPECT_EQ(half.one("f", {Tensor::of({1, 3}, {2048, 1, 0}), ones}).reals[0], 2048);
  EXPECT_EQ(half.one("f", {Tensor::of({1, 3}, {60000, 60000, -60000}), ones}).reals[0], 60000);
  EXPECT_EQ(half.one("f", {Tensor::of({1, 3}, {60000, 60000, 0}), ones}).reals[0], kInf);
  EXPECT_EQ(bfloat.one("f", {Tensor::of({1, 3}, {256, 1, 1}), ones}).reals[0], 258);
  EXPECT_EQ(bfloat.one("f", {Tensor::of({1, 3}, {256, 1, 0}), ones}).reals[0], 256);
  EXPECT_EQ(bfloat.one("f", {Tensor::of({1, 3}, {60000, 60000, 0}), ones}).reals[0], 119808);
}

/// dL/dy comes in y's type (0.1 is none), dx and dw are rounded once, to the types of x and w.
TEST(Storage, GradientsHaveTheTypesOfTheirArguments) {
  Program program(product("f16"));
  auto gradients = program.gradient("f", {Tensor::of({1, 2}, {1, 2}), Tensor::of({2, 2}, {2048, 1, 1, 1})},
                                    Tensor::of({1, 2}, {1, 1}));
  expectValues(*gradients[0], {2048, 2}); // 2049 is halfway between 2048 and 2050
  gradients = program.gradient("f", {Tensor::of({1, 1}, {1}), Tensor::of({1, 1}, {1})}, Tensor::of({1, 1}, {0.1}));
  expectValues(*gradients[1], {0.0999755859375});
}

TEST(Storage, ValuesBeyondTheFormat) {
  Program half(copy("f32", "f16", false)), bfloat(copy("f32", "bf16", false));
  Tensor x = Tensor::zeros({1, 1}), none = Tensor::zeros({1, 1});
  const double values[] = {65519, 65520, -1e9, kInf, kNaN, 0x1p-25, 0x1.8p-25, 6e-5, 1e-40, -0.0, 1.00390625};
  const double halves[] = {65504, kInf, -kInf, kInf, kNaN, 0, 0x1p-24, 1007 * 0x1p-24, 0, -0.0, 1.00390625};
  const double bfloats[] = {65536, 65536, -0x1.dcp29, kInf, kNaN, 0x1p-25, 0x1.8p-25, 0x1.f8p-15, 0x1p-133, -0.0, 1};
  for (size_t i = 0; i < std::size(values); ++i) {
    Tensor value = Tensor::of({1, 1}, {values[i]});
    double h = half.one("f", {x, value, none}).reals[0], b = bfloat.one("f", {x, value, none}).reals[0];
    EXPECT_TRUE(sameNumber(h, halves[i])) << values[i] << ": " << h;
    EXPECT_TRUE(sameNumber(b, bfloats[i])) << values[i] << ": " << b;
  }
}

/// round(init + value): once, from float32.
TEST(Storage, InitIsRoundedWithTheValue) {
  Program program(copy("f32", "f16", true));
  Tensor x = Tensor::zeros({1, 1});
  EXPECT_EQ(program.one("f", {x, Tensor::of({1, 1}, {1.5}), Tensor::of({1, 1}, {2048})}).reals[0], 2050);
  EXPECT_EQ(program.one("f", {x, Tensor::of({1, 1}, {1}), Tensor::of({1, 1}, {2048})}).reals[0], 2048);
  EXPECT_EQ(program.one("f", {x, Tensor::of({1, 1}, {1e5}), Tensor::of({1, 1}, {-60000})}).reals[0], 40000);
}

TEST(Storage, OtherConversionsAreRefused) {
  Program program(R"(
    func.func @f(%x: tensor<1x1xf32>) -> tensor<1x1xf16> {
      %y = arith.truncf %x toward_zero : tensor<1x1xf32> to tensor<1x1xf16>
      return %y : tensor<1x1xf16>
    })");
  EXPECT_EQ(program.error("f", {Tensor::zeros({1, 1})}),
            "expected 'arith.truncf' from f16 or bf16 to f32, or from f32 to the nearest");
}

/// In double nothing is rounded.
TEST(Storage, IsExactInDouble) {
  EvaluateOptions options;
  options.precision = Precision::F64;
  EXPECT_EQ(Program(product("bf16")).one("f", {Tensor::of({1, 1}, {257}), Tensor::of({1, 1}, {1})}, options).reals[0],
            257);
}

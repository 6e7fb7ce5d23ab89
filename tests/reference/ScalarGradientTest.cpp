// analog-differentiate on every op of the scalar vocabulary: its kernels in double against central differences of the
// forward kernel.
#include "dialect/Transforms/Passes.h"
#include "tests/reference/Program.h"

using namespace mho::reference;

namespace {

/// The op, as code from %v (the element) and %p (a parameter, 1.75) to %r, and elements away from where it has no
/// derivative.
struct ScalarOp {
  const char *name;
  std::string code;
  std::vector<double> elements;
};

/// For the tests' names.
void PrintTo(const ScalarOp &op, std::ostream *stream) { *stream << op.name; }

const std::vector<double> kAny{-2.3, -.6, .4, 1.3, 2.9}, kPositive{.2, .9, 1.1, 2.6, 3.5};

std::vector<ScalarOp> scalarOps() {
  return {
      {"addf", "%0 = arith.addf %v, %p : f32\n %r = arith.addf %0, %v : f32", kAny},
      {"subf", "%0 = arith.subf %p, %v : f32\n %1 = arith.mulf %0, %0 : f32\n %r = arith.subf %1, %p : f32", kAny},
      {"negf", "%r = arith.negf %v : f32", kAny},
      {"mulf", "%0 = arith.mulf %v, %v : f32\n %r = arith.mulf %0, %p : f32", kAny},
      {"fma", "%0 = math.fma %v, %v, %v : f32\n %r = math.fma %p, %0, %v : f32", kAny},
      {"divf_dividend", "%r = arith.divf %v, %p : f32", kAny},
      {"divf_divisor", "%r = arith.divf %p, %v : f32", kAny},
      {"divf_both", "%0 = math.fma %v, %v, %p : f32\n %r = arith.divf %v, %0 : f32", kAny},
      {"minimumf", "%0 = arith.mulf %v, %v : f32\n %r = arith.minimumf %0, %p : f32", kAny},
      {"minimumf_rhs", "%0 = arith.mulf %v, %v : f32\n %r = arith.minimumf %v, %0 : f32", kAny},
      {"maximumf", "%0 = arith.mulf %v, %v : f32\n %r = arith.maximumf %0, %p : f32", kAny},
      {"maximumf_rhs", "%0 = arith.mulf %v, %v : f32\n %r = arith.maximumf %v, %0 : f32", kAny},
      {"select",
       "%c = arith.cmpf ogt, %v, %p : f32\n %0 = arith.mulf %v, %v : f32\n %r = arith.select %c, %0, %v : f32", kAny},
      {"select_by_integer",
       "%i = arith.fptosi %v : f32 to i32\n %one = arith.constant 1 : i32\n"
       "%j = arith.andi %i, %one : i32\n %c = arith.cmpi eq, %j, %one : i32\n"
       "%0 = arith.mulf %v, %p : f32\n %r = arith.select %c, %0, %v : f32",
       kAny},
      {"select_by_bits",
       "%i = arith.bitcast %v : f32 to i32\n %31 = arith.constant 31 : i32\n"
       "%j = arith.shrui %i, %31 : i32\n %zero = arith.constant 0 : i32\n"
       "%c = arith.cmpi eq, %j, %zero : i32\n"
       "%0 = arith.mulf %v, %p : f32\n %r = arith.select %c, %0, %v : f32",
       kAny},
      {"integers_are_constants",
       "%i = arith.fptosi %v : f32 to i32\n %0 = arith.sitofp %i : i32 to f32\n"
       "%r = arith.mulf %0, %v : f32",
       kAny},
      {"bits_are_constants",
       "%c = arith.cmpf olt, %v, %p : f32\n %i = arith.extui %c : i1 to i32\n"
       "%0 = arith.uitofp %i : i32 to f32\n %1 = arith.uitofp %c : i1 to f32\n"
       "%2 = arith.addf %0, %1 : f32\n %r = arith.mulf %2, %v : f32",
       kAny},
      {"inactive_bitcast",
       "%i = arith.bitcast %p : f32 to i32\n %0 = arith.bitcast %i : i32 to f32\n"
       "%r = arith.mulf %0, %v : f32",
       kAny},
      {"index", "%i = analog.index column : i32\n %0 = arith.sitofp %i : i32 to f32\n %r = arith.mulf %0, %v : f32",
       kAny},
      {"constant", "%r = arith.constant 3.0 : f32", kAny},
      {"absf", "%0 = math.absf %v : f32\n %r = arith.mulf %0, %v : f32", kAny},
      {"copysign_magnitude", "%0 = arith.negf %p : f32\n %r = math.copysign %v, %0 : f32", kAny},
      {"copysign_sign", "%0 = math.copysign %p, %v : f32\n %r = arith.mulf %0, %v : f32", kAny},
      {"copysign_both", "%0 = arith.negf %v : f32\n %r = math.copysign %v, %0 : f32", kAny},
      {"roundeven", "%0 = math.roundeven %v : f32\n %r = arith.mulf %0, %p : f32", kAny},
      {"floor", "%0 = math.floor %v : f32\n %r = arith.mulf %0, %v : f32", kAny},
      {"ceil", "%0 = math.ceil %v : f32\n %r = arith.mulf %0, %v : f32", kAny},
      {"trunc", "%0 = math.trunc %v : f32\n %r = arith.mulf %0, %v : f32", kAny},
      {"sqrt", "%r = math.sqrt %v : f32", kPositive},
      {"exp", "%r = math.exp %v : f32", kAny},
      {"log", "%r = math.log %v : f32", kPositive},
      {"tanh", "%r = math.tanh %v : f32", kAny},
      {"powf_base", "%r = math.powf %v, %p : f32", kPositive},
      {"powf_negative_base", "%three = arith.constant 3.0 : f32\n %r = math.powf %v, %three : f32", kAny},
      {"powf_exponent", "%r = math.powf %p, %v : f32", kAny},
      {"powf_both", "%r = math.powf %v, %v : f32", kPositive},
      {"a_chain",
       "%0 = math.tanh %v : f32\n %1 = math.exp %0 : f32\n %2 = math.fma %1, %v, %p : f32\n"
       "%3 = math.absf %2 : f32\n %r = math.sqrt %3 : f32",
       kAny},
  };
}

/// y = sum over k of code(x) * w, or of x * code(w).
std::string layerOf(const std::string &code, bool ofWeight) {
  std::string region = "^bb0(%v: f32, %p: f32):\n" + code + "\n analog.yield %r : f32 }\n";
  std::string plain = "^bb0(%v: f32, %p: f32): analog.yield %v : f32 }\n";
  return R"(
func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %param: f32) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 3>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%param : f32)
      results(value over (m, n))
    load_lhs { )" +
         (ofWeight ? plain : region) + "load_rhs { " + (ofWeight ? region : plain) + R"(
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %q: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32, %q: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";
}

void differentiate(Program &program) {
  std::vector<std::unique_ptr<mlir::Pass>> passes;
  passes.push_back(mho::analog::createAnalogDifferentiatePass());
  program.run(std::move(passes));
}

class ScalarGradientOf : public testing::TestWithParam<ScalarOp> {};

/// Central differences with a step of 2^-18: their error is of the order of step^2 times the third derivative, below
/// 1e-8 here, and 1e-16 / step times the value.
TEST_P(ScalarGradientOf, IsThatOfCentralDifferences) {
  EvaluateOptions options;
  options.precision = Precision::F64;
  options.smooth = true; // roundings are the identity, which is what straight through claims
  int64_t count = GetParam().elements.size();
  Tensor elements = Tensor::of({1, count}, GetParam().elements);
  Tensor factors = Tensor::of({2, count}, {1, -2, .5, 3, 1.5, -.25, 1, 2, -1, 4});
  const double step = 0x1p-18;
  for (bool ofWeight : {false, true}) {
    Program program(layerOf(GetParam().code, ofWeight));
    differentiate(program);
    auto inputs = [&](const Tensor &at) {
      return ofWeight ? std::vector<Tensor>{factors, at, Tensor::scalar(1.75)}
                      : std::vector<Tensor>{at, factors, Tensor::scalar(1.75)};
    };
    Tensor grad = ofWeight ? Tensor::of({2, 1}, {1.5, -2}) : Tensor::of({1, 2}, {1.5, -2});
    auto objective = [&](const Tensor &at) {
      Tensor y = program.one("f", inputs(at), options);
      return y.reals[0] * grad.reals[0] + y.reals[1] * grad.reals[1];
    };
    std::vector<Tensor> arguments = inputs(elements);
    arguments.insert(arguments.begin(), grad);
    Tensor gradient = program.one(ofWeight ? "f_dw" : "f_dx", arguments, options);
    for (int64_t i = 0; i < count; ++i) {
      Tensor up = elements, down = elements;
      up.reals[i] += step, down.reals[i] -= step;
      double expected = (objective(up) - objective(down)) / (2 * step);
      EXPECT_NEAR(gradient.reals[i], expected, 1e-7 * (1 + std::fabs(expected)))
          << (ofWeight ? "weight " : "input ") << elements.reals[i];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Vocabulary, ScalarGradientOf, testing::ValuesIn(scalarOps()),
                         [](const auto &info) { return info.param.name; });

/// The gradients at the elements, of a sum with weights 1 and g = 1, in float32.
std::vector<double> slopes(const std::string &code, const std::vector<double> &elements) {
  Program program(layerOf(code, false));
  differentiate(program);
  int64_t count = elements.size();
  return program
      .one("f_dx", {Tensor::of({1, 1}, {1}), Tensor::of({1, count}, elements),
                    Tensor::of({1, count}, std::vector<double>(count, 1)), Tensor::scalar(1.75)})
      .reals;
}

using Values = std::vector<double>;

TEST(ScalarGradientAtKinks, IsThatOfTheOperandTakenAndOfTheFirstOfEqualOnes) {
  std::string twice = "%0 = arith.addf %v, %v : f32\n";
  EXPECT_EQ(slopes(twice + "%r = arith.minimumf %v, %0 : f32", {-1, 0, 1}), (Values{2, 1, 1}));
  EXPECT_EQ(slopes(twice + "%r = arith.minimumf %0, %v : f32", {-1, 0, 1}), (Values{2, 2, 1}));
  EXPECT_EQ(slopes(twice + "%r = arith.maximumf %v, %0 : f32", {-1, 0, 1}), (Values{1, 1, 2}));
  EXPECT_EQ(slopes("%r = arith.minimumf %v, %p : f32", {1.5, 1.75, 2}), (Values{1, 1, 0}));
  EXPECT_EQ(slopes("%r = arith.minimumf %p, %v : f32", {1.5, 1.75, 2}), (Values{1, 0, 0}));
}

TEST(ScalarGradientAtKinks, OfSignsIsZeroAtZero) {
  EXPECT_EQ(slopes("%r = math.absf %v : f32", {-2, -0.0, 0, 2}), (Values{-1, 0, 0, 1}));
  EXPECT_EQ(slopes("%r = math.copysign %v, %p : f32", {-2, -0.0, 0, 2}), (Values{-1, 0, 0, 1}));
  EXPECT_EQ(slopes("%r = math.copysign %p, %v : f32", {-2, 0, 2}), (Values{0, 0, 0}));
}

TEST(ScalarGradientAtKinks, OfRoundingIsStraightThrough) {
  for (std::string op : {"roundeven", "floor", "ceil", "trunc"})
    EXPECT_EQ(slopes("%r = math." + op + " %v : f32", {-1.5, 0, .5, 3}), (Values{1, 1, 1, 1})) << op;
}

TEST(ScalarGradientAtKinks, OfPowersThatDoNotVaryIsZero) {
  std::string zero = "%0 = arith.constant 0.0 : f32\n";
  EXPECT_EQ(slopes(zero + "%r = math.powf %v, %0 : f32", {-1, 0, 2}), (Values{0, 0, 0}));
  EXPECT_EQ(slopes(zero + "%r = math.powf %0, %v : f32", {0, 2}), (Values{0, 0}));
  EXPECT_EQ(slopes("%0 = arith.constant 1.0 : f32\n%r = math.powf %v, %0 : f32", {0, 2}), (Values{1, 1}));
}

/// The rounding that SPEC.md writes down: g / b, then times the quotient.
TEST(ScalarGradient, IsRoundedStepByStep) {
  float v = 0.3f, p = 1.75f;
  float share = 1 / v, value = p / v;
  EXPECT_EQ(slopes("%r = arith.divf %p, %v : f32", {v}), (Values{-(share * value)}));
  float t = float(Arithmetic{}.tanh(v));
  EXPECT_EQ(slopes("%r = math.tanh %v : f32", {v}), (Values{std::fma(-t, t, 1.0f)}));
}

} // namespace

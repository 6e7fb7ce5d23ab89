// analog-differentiate on kernels of several accumulators, of a non-linear end of a tile and of learned parameters: the
// gradient kernels in double against central differences of the forward kernel.
#include "dialect/Transforms/Passes.h"
#include "tests/reference/Program.h"

#include <random>

using namespace mho::reference;

namespace {

/// The forward kernel @f in tiles of 3 inputs, with a parameter %p over t and one %q over (t, n).
struct Forward {
  const char *name;
  std::string lhs, rhs; ///< code from %v, %p (and %q of the weight) to what is yielded
  std::string pairs;
  std::string accumulators, endTile; ///< arguments, and code to %r
  bool recomputes;
  std::vector<int> learned; ///< 2: %p, 3: %q
};

/// For the tests' names.
void PrintTo(const Forward &forward, std::ostream *stream) { *stream << forward.name; }

std::string textOf(const Forward &f) {
  return R"(
func.func @f(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %tp: tensor<?xf32>, %tq: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 3>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      params(%tp over (t) : tensor<?xf32>, %tq over (t, n) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32, %p: f32):
)" + f.lhs +
         "}\n load_rhs { ^bb0(%v: f32, %p: f32, %q: f32):\n" + f.rhs + "}\n accumulate(" + f.pairs +
         ")\n end_tile { ^bb0(" + f.accumulators + ", %p: f32, %q: f32):\n" + f.endTile +
         R"( analog.yield %r : f32 }
    finish { ^bb0(%s: f32): %half = arith.constant 0.5 : f32 %r = arith.mulf %s, %half : f32 analog.yield %r : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";
}

/// Code from %v to %v %factor, which learns the factor.
std::string product(const std::string &result, const std::string &factor) {
  return result + " = analog.surrogate(%v, " + factor + R"() wrt(1) value { ^bb0(%i: f32, %j: f32):
        %k = arith.mulf %i, %j : f32
        analog.yield %k : f32 }
      derivative { ^bb0(%j: f32, %i: f32, %g: f32):
        %k = arith.mulf %g, %j : f32
        %l = arith.mulf %g, %i : f32
        analog.yield %k : f32 reduce(%l : f32) }
      tail { ^bb0(%s: f32, %j: f32): analog.yield %s : f32 } : f32
)";
}

std::vector<Forward> forwards() {
  std::string plain = "analog.yield %v : f32\n";
  std::string powers = "%v2 = arith.mulf %v, %v : f32 %v3 = arith.mulf %v2, %v : f32 analog.yield %v, %v3 : f32, f32\n";
  std::string scaled = "%half = arith.constant 0.5 : f32 %v1 = arith.mulf %v, %p : f32\n"
                       "analog.yield %v, %v1, %half : f32, f32, f32\n";
  std::string four = "%a: f32, %b: f32, %c: f32, %d: f32";
  std::string sum = "%0 = arith.mulf %p, %b : f32 %1 = arith.subf %a, %0 : f32 %r = math.fma %q, %c, %1 : f32";
  return {
      {"one", plain, plain, "0 * 0", "%a: f32", "%r = arith.mulf %a, %p : f32", false, {}},
      // The last accumulator feeds nothing.
      {"linear", scaled, powers, "0 * 0, 1 * 0, 0 * 1, 1 * 1", four, sum, false, {}},
      // A factor of each side that is a constant; one gradient for two accumulators.
      {"constant_factors",
       scaled,
       "%one = arith.constant 1.0 : f32 %v2 = arith.mulf %v, %v : f32\n"
       "analog.yield %v2, %one : f32, f32\n",
       "0 * 0, 2 * 0, 1 * 1",
       "%a: f32, %b: f32, %c: f32",
       "%0 = arith.addf %a, %b : f32 %1 = arith.addf %0, %c : f32 %r = arith.mulf %1, %p : f32",
       false,
       {}},
      {"square", plain, plain, "0 * 0", "%a: f32", "%r = arith.mulf %a, %a : f32", true, {}},
      {"products",
       scaled,
       powers,
       "0 * 0, 1 * 0, 2 * 1, 1 * 1",
       four,
       "%0 = math.tanh %a : f32 %1 = arith.mulf %b, %c : f32 %2 = math.fma %0, %1, %b : f32 %r = math.fma %q, %2, %0 : "
       "f32",
       true,
       {}},
      {"learns_input",
       product("%u", "%p") + "analog.yield %u, %v : f32, f32\n",
       powers,
       "0 * 0, 1 * 1",
       "%a: f32, %b: f32",
       "%r = arith.subf %a, %b : f32",
       false,
       {2}},
      {"learns_weight",
       scaled,
       product("%u", "%q") + "%u2 = arith.mulf %u, %v : f32 analog.yield %u, %u2 : f32, f32\n",
       "0 * 0, 1 * 1, 2 * 0",
       "%a: f32, %b: f32, %c: f32",
       "%0 = arith.subf %a, %b : f32 %r = math.fma %c, %p, %0 : f32",
       false,
       {3}},
      {"learns_gain",
       plain,
       powers,
       "0 * 0, 0 * 1",
       "%v: f32, %b: f32",
       product("%u", "%p") + "%r = arith.addf %u, %b : f32",
       true,
       {2}},
      {"learns_everywhere",
       product("%u", "%p") + "analog.yield %u : f32\n",
       product("%u", "%q") + "analog.yield %u : f32\n",
       "0 * 0",
       "%v: f32",
       product("%u", "%q") + "%r = arith.mulf %u, %u : f32",
       true,
       {2, 3}},
  };
}

class KernelGradientOf : public testing::TestWithParam<Forward> {};

/// Adds the results of a gradient function to the gradients of the arguments that they name.
void collect(Program &program, const std::string &name, llvm::ArrayRef<Tensor> arguments,
             const EvaluateOptions &options, std::vector<std::optional<Tensor>> &gradients) {
  std::vector<Tensor> results = program.all(name, arguments, options);
  for (auto [i, result] : llvm::enumerate(results))
    if (auto argument = program.function(name).getResultAttrOfType<mlir::IntegerAttr>(
            i, mho::analog::AnalogDialect::kGradientAttr)) {
      std::optional<Tensor> &sum = gradients[argument.getInt()];
      if (!sum)
        sum = Tensor::zeros(result.shape);
      for (auto [total, value] : llvm::zip_equal(sum->reals, result.reals))
        total += value;
    }
}

/// Central differences with a step of 2^-18: their error is of the order of step^2 times the third derivative, below
/// 1e-8 here, and 1e-16 / step times the value.
TEST_P(KernelGradientOf, IsThatOfCentralDifferences) {
  EvaluateOptions options;
  options.precision = Precision::F64;
  options.smooth = true;
  Program program(textOf(GetParam()));
  std::vector<std::unique_ptr<mlir::Pass>> passes;
  passes.push_back(mho::analog::createAnalogDifferentiatePass());
  program.run(std::move(passes));
  std::vector<Tensor> inputs{normals({3, 7}, 1), normals({4, 7}, 2), normals({3}, 3), normals({3, 4}, 4)};
  Tensor grad = normals({3, 4}, 5);
  auto objective = [&](const std::vector<Tensor> &at) {
    Tensor y = program.one("f", at, options);
    double sum = 0;
    for (auto [value, g] : llvm::zip_equal(y.reals, grad.reals))
      sum += value * g;
    return sum;
  };

  std::vector<std::optional<Tensor>> gradients(inputs.size());
  std::vector<Tensor> arguments{grad};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  ASSERT_EQ(program.has("f_dz"), GetParam().recomputes);
  if (GetParam().recomputes) {
    collect(program, "f_dz", arguments, options, gradients);
    arguments.clear();
    for (const Tensor &result : program.all("f_dz", {grad, inputs[0], inputs[1], inputs[2], inputs[3]}, options))
      if (result.rank() == 3)
        arguments.push_back(result);
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  }
  collect(program, "f_dx", arguments, options, gradients);
  collect(program, "f_dw", arguments, options, gradients);

  const double step = 0x1p-18;
  for (int argument : {0, 1, 2, 3}) {
    bool expected = argument < 2 || llvm::is_contained(GetParam().learned, argument);
    ASSERT_EQ(gradients[argument].has_value(), expected) << "argument " << argument;
    for (int64_t i = 0; expected && i < inputs[argument].size(); ++i) {
      std::vector<Tensor> up = inputs, down = inputs;
      up[argument].reals[i] += step, down[argument].reals[i] -= step;
      double slope = (objective(up) - objective(down)) / (2 * step);
      EXPECT_NEAR(gradients[argument]->reals[i], slope, 1e-7 * (1 + std::fabs(slope)))
          << "argument " << argument << ", element " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelGradientOf, testing::ValuesIn(forwards()),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace

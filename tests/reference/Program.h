// A parsed .mlir text and short words to evaluate it with literal inputs.
//
//   Program program(R"(func.func @f(%x: tensor<1x2xf32>) -> ... { ... })");
//   expectValues(program.one("f", {Tensor::of({1, 2}, {3, 4})}), {12});
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Reference/Evaluator.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <random>

namespace mho::reference {

class Program {
public:
  explicit Program(const std::string &text) {
    context.loadDialect<analog::AnalogDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
                        mlir::func::FuncDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      throw std::invalid_argument("the test's program does not parse");
  }

  mlir::func::FuncOp function(const std::string &name) {
    auto found = module->lookupSymbol<mlir::func::FuncOp>(name);
    if (!found)
      throw std::invalid_argument("the test's program has no function " + name);
    return found;
  }

  bool has(const std::string &name) { return bool(module->lookupSymbol<mlir::func::FuncOp>(name)); }

  /// Runs passes over the program.
  void run(std::vector<std::unique_ptr<mlir::Pass>> passes) {
    mlir::PassManager manager(&context);
    for (auto &pass : passes)
      manager.addPass(std::move(pass));
    if (failed(manager.run(*module)))
      throw std::runtime_error("the test's passes fail");
  }

  std::vector<Tensor> all(const std::string &name, llvm::ArrayRef<Tensor> inputs, const EvaluateOptions &options = {}) {
    return unwrap(evaluate(function(name), inputs, options));
  }
  Tensor one(const std::string &name, llvm::ArrayRef<Tensor> inputs, const EvaluateOptions &options = {}) {
    std::vector<Tensor> results = all(name, inputs, options);
    EXPECT_EQ(results.size(), 1u);
    return results.at(0);
  }
  std::vector<std::optional<Tensor>> gradient(const std::string &name, llvm::ArrayRef<Tensor> inputs, const Tensor &gy,
                                              const EvaluateOptions &options = {}) {
    return unwrap(evaluateGradient(function(name), inputs, gy, options));
  }
  /// The message of an evaluation that fails.
  std::string error(const std::string &name, llvm::ArrayRef<Tensor> inputs) {
    auto result = evaluate(function(name), inputs);
    if (result)
      return "no error";
    return llvm::toString(result.takeError());
  }

private:
  template <class T> static T unwrap(llvm::Expected<T> value) {
    if (!value)
      throw std::runtime_error(llvm::toString(value.takeError()));
    return std::move(*value);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Normal numbers of a seed.
inline Tensor normals(llvm::ArrayRef<int64_t> shape, unsigned seed) {
  Tensor t = Tensor::zeros(shape);
  std::mt19937 engine(seed);
  for (double &v : t.reals)
    v = std::normal_distribution<float>()(engine);
  return t;
}

/// Equal element by element, NaN equal to NaN; the default tolerance 0 means equal values.
inline void expectValues(const Tensor &actual, const std::vector<double> &expected, double tolerance = 0) {
  ASSERT_FALSE(actual.isInteger);
  ASSERT_EQ(actual.reals.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    if (std::isnan(expected[i]))
      EXPECT_TRUE(std::isnan(actual.reals[i])) << "element " << i << " is " << actual.reals[i];
    else if (std::isinf(expected[i]))
      EXPECT_EQ(actual.reals[i], expected[i]) << "element " << i;
    else
      EXPECT_NEAR(actual.reals[i], expected[i], tolerance) << "element " << i;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

} // namespace mho::reference

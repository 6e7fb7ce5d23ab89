// The reference evaluator: what a function of the dialect computes, in plain loops. It is the oracle of every test.
//
//   EvaluateOptions options;                                      // fp32, step by step as SPEC.md says
//   auto results = evaluate(function, {x, weight, bias, beta, key}, options);
//   auto gradients = evaluateGradient(function, {x, weight, bias, beta, key}, gy);
//
// The ops of the algebra are written out by hand here, apart from the scalar code that they give to the compiler.
// tiled_mvm is interpreted region by region. Sums over many elements are taken in double and rounded once; all else is
// rounded at each operation. Reductions of gradients are taken in the order that SPEC.md gives them.
#pragma once

#include "dialect/Reference/Arithmetic.h"
#include "dialect/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <vector>

namespace mho::reference {

struct EvaluateOptions {
  Precision precision = Precision::F32;
  /// Replace rounding to integers by the identity (algebra ops only).
  bool smooth = false;
  /// False: the noise-free transform, every normal draw 0 and nothing dropped.
  bool draws = true;
};

/// Results of `function`, whose body is one block of analog ops, arith.constant and scalar arithmetic. One input per
/// argument; those that carry `analog.value` (strengths) may all be left out and then have that value. Errors: a number
/// or shape of inputs that does not fit, sizes that contradict each other, a key out of range, an op the evaluator does
/// not know.
llvm::Expected<std::vector<Tensor>> evaluate(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                                             const EvaluateOptions &options = {});

/// Vector-Jacobian products of a function of the algebra, by the surrogates of SPEC.md: one gradient per argument,
/// nothing for an argument that no gradient reaches. `outputGradients`: one of the shape of each result. Errors: as
/// evaluate(), and an op without a hand-written gradient (tiled_mvm among them).
llvm::Expected<std::vector<std::optional<Tensor>>> evaluateGradient(mlir::func::FuncOp function,
                                                                    llvm::ArrayRef<Tensor> inputs,
                                                                    llvm::ArrayRef<Tensor> outputGradients,
                                                                    const EvaluateOptions &options = {});

} // namespace mho::reference

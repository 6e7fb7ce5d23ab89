// Inside the evaluator: one use of an effect that is text, its code at one element after another.
#pragma once

#include "dialect/Reference/Environment.h"
#include "dialect/Reference/ScalarInterpreter.h"

namespace mho::reference {

class EffectUse {
public:
  static llvm::Expected<EffectUse> of(analog::ApplyOp op, const Environment &env);

  /// An interpreter that has run the code at element `v`, number `i` of its tensor.
  llvm::Expected<ScalarInterpreter> run(double v, int64_t i, const Element &at) const;
  /// Values of the parameters and strengths.
  llvm::SmallVector<double> others(const Element &at) const;
  analog::YieldOp yield() { return mlir::cast<analog::YieldOp>(effect.getCode().front().getTerminator()); }
  /// The gradient of element `v`, and what the derivative yields through `reduce`.
  llvm::Expected<double> gradient(double v, int64_t i, const Element &at, double g,
                                  llvm::SmallVectorImpl<double> &summands);
  /// Calls body for each element of `source`; stops at its first error.
  llvm::Error forEach(const Tensor &source, llvm::function_ref<llvm::Error(int64_t, Element)> body);

  analog::ApplyOp op;
  analog::EffectOp effect;

private:
  EffectUse(analog::ApplyOp op, const Environment &env)
      : op(op), effect(op.lookupEffect()), params(op.getParams(), op.getParamAxes(), env), env(&env) {}
  llvm::Error readKeys();
  llvm::Error evalAccumulators();
  llvm::Expected<std::vector<Tensor>> factorsOf(analog::Side side, const Tensor &elements, const Tiles &layer);
  llvm::SmallVector<double> strengths() const;
  ScalarInterpreter interpreter(const Element &at) const;

  Scales params;
  llvm::SmallVector<Key, 1> keys;
  std::optional<Tiles> tiles;       // of the layer, where it is known
  std::vector<Tensor> accumulators; // further ones, each [T, B, O]
  const Environment *env;
};

} // namespace mho::reference

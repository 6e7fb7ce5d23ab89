// Inside the evaluator: one use of an effect that is text, its code at one element after another.
#pragma once

#include "dialect/Reference/DualCode.h"
#include "dialect/Reference/Environment.h"

namespace mho::reference {

class EffectUse {
public:
  static llvm::Expected<EffectUse> of(analog::ApplyOp op, const Environment &env);

  /// An interpreter that has run the code at element `v`, number `i` of its tensor.
  llvm::Expected<ScalarInterpreter> run(double v, int64_t i, const Element &at) const;
  /// Values of the parameters and strengths.
  llvm::SmallVector<double> others(const Element &at) const;
  analog::YieldOp yield() { return mlir::cast<analog::YieldOp>(effect.getCode().front().getTerminator()); }
  /// The gradient of element `v`, nothing where derived code takes none to it; and what the derivative yields through
  /// `reduce`.
  llvm::Expected<std::optional<double>> gradient(double v, int64_t i, const Element &at, double g,
                                                 llvm::SmallVectorImpl<double> &summands);
  /// g times the derivative of the code in argument `argument`, where the code has run; nothing where the code takes no
  /// gradient to it.
  llvm::Expected<std::optional<double>> derived(const ScalarInterpreter &scalar, unsigned argument, double g);
  /// Calls body with an interpreter that has run the region of a side at each of its elements.
  llvm::Error forEachFactor(analog::Side side,
                            llvm::function_ref<llvm::Error(int64_t, const ScalarInterpreter &)> body);
  /// The factors of a side: its elements, then what its region yields of each.
  const std::vector<Tensor> &factorsOf(analog::Side side) const { return factors[size_t(side)]; }
  const Tiles &layerTiles() const { return *tiles; }
  /// Calls body for each element of `source`; stops at its first error.
  llvm::Error forEach(const Tensor &source, llvm::function_ref<llvm::Error(int64_t, Element)> body);

  analog::ApplyOp op;
  analog::EffectOp effect;

private:
  EffectUse(analog::ApplyOp op, const Environment &env)
      : op(op), effect(op.lookupEffect()), params(op.getParams(), op.getParamAxes(), env), env(&env) {}
  llvm::Error readKeys();
  llvm::Error evalAccumulators();
  llvm::Error evalFactors(analog::Side side);
  llvm::SmallVector<double> strengths() const;
  ScalarInterpreter interpreter(const Element &at) const;

  Scales params;
  llvm::SmallVector<Key, 1> keys;
  std::optional<Tiles> tiles;       // of the layer, where it is known
  std::vector<Tensor> factors[2];   // of further accumulators
  std::vector<Tensor> accumulators; // each [T, B, O]; sums of the output, each [B, O]
  const Environment *env;
};

} // namespace mho::reference

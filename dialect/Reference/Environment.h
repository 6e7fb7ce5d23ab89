// Inside the evaluator: the values of a function's body so far, and the evaluation of one op after another.
#pragma once

#include "dialect/Reference/Arithmetic.h"
#include "dialect/Reference/Elements.h"
#include "dialect/Reference/Evaluator.h"

namespace mho::reference {

struct Environment {
  EvaluateOptions options;
  Arithmetic arithmetic;
  llvm::DenseMap<mlir::Value, Tensor> values;

  explicit Environment(const EvaluateOptions &options)
      : options(options), arithmetic{options.precision, options.smooth} {}
  const Tensor &operator[](mlir::Value value) const { return values.find(value)->second; }
};

/// Binds the arguments of `function` and evaluates its body but for the terminator.
llvm::Error evaluateBody(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs, Environment &environment);

/// Evaluates one op of the algebra, of the kernel level, or of the scalar dialects.
llvm::Error evalAlgebraOp(mlir::Operation *op, Environment &environment);
llvm::Error evalTiledMvmOp(analog::TiledMvmOp op, Environment &environment);

/// Scales of an effect at an element, in the order of the operands.
class Scales {
public:
  Scales(mlir::ValueRange values, mlir::ArrayAttr axes, const Environment &environment);
  Scales(mlir::Value value, analog::AxesAttr axes, const Environment &environment);
  double at(size_t i, const Element &element) const { return lookup(*tensors[i], axes[i], element); }
  /// ((strength * scale 0) * scale 1) ..., left to right.
  double product(double strength, const Element &element, const Arithmetic &a) const;
  /// Fails where a scale's shape does not fit the sizes.
  llvm::Error check(mlir::Operation *op, Sizes sizes) const;

private:
  llvm::SmallVector<const Tensor *> tensors;
  llvm::SmallVector<analog::AxesAttr> axes;
};

/// Calls body(position, element) for each element of an input or weight [rows, K] (row on both m and n) or of planes
/// [T, B, O].
llvm::Error forEachElement(mlir::Operation *op, const Tensor &tensor, const Scales *scales,
                           llvm::function_ref<void(int64_t, const Element &)> body);

/// The same for each element of an output [B, O], which is of no tile.
llvm::Error forEachOutput(mlir::Operation *op, const Tensor &tensor, const Scales *scales,
                          llvm::function_ref<void(int64_t, const Element &)> body);

/// Fails where an element of an effect's tensor has an address beyond the fields of the counter; `words`: draws of 32
/// bits.
llvm::Error checkAddresses(analog::EffectOpInterface op, const Environment &environment, bool words);

/// Planes [T, B, O] of x [B, K] and w [O, K]: exact sums within each tile, rounded once.
Tensor contractTiles(const Tensor &x, const Tensor &w, const Tiles &tiles, const Arithmetic &arithmetic);

/// Sums over outputs of g w (the gradient of x) and over rows of g x (that of w), within each tile; g [T, B, O].
std::pair<Tensor, Tensor> contractGradients(const Tensor &g, const Tensor &x, const Tensor &w, const Tiles &tiles,
                                            const Arithmetic &arithmetic);

/// True if dx contracts with the weights of the run with noise.
inline bool hasNoisyBackward(mlir::Operation *op) {
  return op->getParentOfType<mlir::func::FuncOp>()->hasAttr(analog::AnalogDialect::kNoisyBackwardAttr);
}

/// The tiling of op's function cut over `inputs` inputs.
Tiles tilesFor(mlir::Operation *op, int64_t inputs);

} // namespace mho::reference

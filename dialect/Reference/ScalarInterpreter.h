// Runs the scalar code of a region of tiled_mvm for one element.
//
//   ScalarInterpreter scalar(arithmetic, keys, element);
//   scalar.bind(block.getArguments(), {v, beta});
//   if (llvm::Error error = scalar.run(block)) return error;
//   scalar.value(yield.getValues()[0]);
//
// Every scalar is held as a double: an f32 as its value, an integer and an i1 exactly.
#pragma once

#include "dialect/Reference/Arithmetic.h"
#include "dialect/Reference/Elements.h"

namespace mho::reference {

class ScalarInterpreter {
public:
  /// `keys`: the keys that draws name by index. `random` false: normal draws are 0, uniform draws 1.
  ScalarInterpreter(Arithmetic arithmetic, llvm::ArrayRef<Key> keys, const Element &element, bool random = true)
      : a(arithmetic), keys(keys), element(element), random(random) {}

  void bind(mlir::Value value, double scalar) { values[value] = scalar; }
  /// Key (by index) and stream of a draw of analog.effect, which names neither.
  void bindDraw(mlir::Operation *draw, unsigned key, int64_t stream) { draws[draw] = {key, stream}; }
  void bind(mlir::ValueRange range, llvm::ArrayRef<double> scalars);
  double value(mlir::Value v) const { return values.find(v)->second; }
  llvm::SmallVector<double> valuesOf(mlir::ValueRange range) const;

  /// All operations of a block but its terminator. Fails at an operation outside the scalar vocabulary, naming it.
  llvm::Error run(mlir::Block &block);
  llvm::Error run(mlir::Operation *op);

private:
  std::optional<double> evalFloat(mlir::Operation *op) const;
  std::optional<double> evalMath(mlir::Operation *op) const;
  std::optional<double> evalInteger(mlir::Operation *op) const;
  std::optional<double> evalAnalog(mlir::Operation *op) const;
  llvm::Error evalSurrogate(analog::SurrogateOp op);
  /// Key and stream of a draw: of its own, or bound.
  std::pair<Key, int64_t> sourceOf(analog::DrawOpInterface draw) const;
  double operand(mlir::Operation *op, unsigned i) const { return value(op->getOperand(i)); }

  Arithmetic a;
  llvm::ArrayRef<Key> keys;
  Element element;
  bool random;
  llvm::DenseMap<mlir::Operation *, std::pair<unsigned, int64_t>> draws;
  llvm::DenseMap<mlir::Value, double> values;
};

} // namespace mho::reference

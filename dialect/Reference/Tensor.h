// A dense tensor value of the evaluator: real or integer elements, row-major.
//
//   Tensor x = Tensor::of({2, 3}, {1, 2, 3, 4, 5, 6});
//   Tensor key = Tensor::integers({2}, {seed, step});
//   x.at({1, 2});                                        // 6
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace mho::reference {

/// Real elements are held as double; in Precision::F32 each of them is a float's value. Of the two vectors only the one
/// that `isInteger` names is used. A scalar has an empty shape and one element.
struct Tensor {
  llvm::SmallVector<int64_t> shape;
  bool isInteger = false;
  std::vector<double> reals;
  std::vector<int64_t> words;

  static Tensor zeros(llvm::ArrayRef<int64_t> shape);
  static Tensor of(llvm::ArrayRef<int64_t> shape, std::vector<double> values);
  static Tensor scalar(double value) { return of({}, {value}); }
  static Tensor integers(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> values);

  int64_t rank() const { return shape.size(); }
  int64_t size() const;
  /// Position of an element in the row-major data.
  int64_t offset(llvm::ArrayRef<int64_t> index) const;
  double &at(llvm::ArrayRef<int64_t> index) { return reals[offset(index)]; }
  double at(llvm::ArrayRef<int64_t> index) const { return reals[offset(index)]; }
  /// "2x3"
  std::string shapeText() const;
  /// True if a value of `type` (a tensor, f32 or an integer) may have this shape and kind of elements.
  bool fits(mlir::Type type) const;
};

/// Equal as results of two backends must be: zeros of different signs differ, NaN equals NaN.
inline bool sameNumber(double a, double b) {
  return (a == b && std::signbit(a) == std::signbit(b)) || (std::isnan(a) && std::isnan(b));
}

} // namespace mho::reference

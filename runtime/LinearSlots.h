// The tensors of a layer's kernels in one list, by the names of their slots. Private to the runtime.
#pragma once

#include "runtime/LinearShapes.h"

#include "llvm/ADT/SmallVector.h"

#include <string>
#include <vector>

namespace mho {

/// Values of all tensors of one call, in the order of LinearSlots.
using TensorList = llvm::SmallVector<TensorRef, 24>;

/// A bit for each argument: it is strided.
using StridedTensors = uint64_t;

class LinearSlots {
public:
  /// The tensors that every layer has, whether it uses them or not. Arguments of kernels may be strided, results not.
  /// The two largest weights, per channel and tile and per tile, are results of @f_stats.
  enum Tensor : int {
    X,
    Weight,
    Bias,
    Range,
    Key,
    Grad,
    RowRange,
    WeightRange,
    WeightRange2,
    Y,
    Dx,
    Dweight,
    Drange,
    FirstOther
  };

  explicit LinearSlots(const LinearSpec &spec);

  /// The place of the tensor that a slot name stands for; -1 for outputs nobody asked for (the counts beside a
  /// parameter's gradient). What forward saves for backward is a result there and an argument here.
  int tensorNamed(const std::string &name) const;

  TensorList forward(const LinearForwardArgs &args) const;
  TensorList backward(const LinearBackwardArgs &args) const;

  /// The arguments whose elements do not lie side by side; what forward saves never is strided.
  StridedTensors stridedOf(const TensorList &tensors) const;
  /// The bit of a tensor there; 0 where it is none of these arguments.
  StridedTensors bitOf(int tensor) const {
    bool effect = tensor >= firstEffect && tensor < firstGradient, fixed = tensor >= 0 && tensor < Y;
    return effect ? StridedTensors(1) << (Y + tensor - firstEffect) : fixed ? StridedTensors(1) << tensor : 0;
  }

  /// Place of the gradient of tensor `i` of effectTensors().
  int gradientOf(size_t i) const { return firstGradient + int(i); }

private:
  void bindSaved(TensorList &tensors, const TensorRef &saturation) const;

  std::vector<std::string> names;
  int firstEffect = 0, firstGradient = 0; ///< saved bits, tensors of effects and their gradients follow the others
};

} // namespace mho

#include "runtime/LinearSlots.h"

#include <algorithm>

namespace mho {

LinearSlots::LinearSlots(const LinearSpec &spec)
    : names{"x", "weight", "bias",    "range", "key", "grad", "row_range", "weight_range", "weight_range#2",
            "y", "dx",     "dweight", "drange"} {
  // As analog-fuse names them: those of one kind are numbered from the second on.
  for (size_t i = 1; i <= spec.savedBits().size(); ++i)
    names.push_back(i == 1 ? "saturation" : "saturation#" + std::to_string(i));
  firstEffect = int(names.size());
  std::vector<EffectTensor> tensors = effectTensors(spec.effects);
  for (const EffectTensor &tensor : tensors)
    names.push_back(tensor.name);
  firstGradient = int(names.size());
  for (const EffectTensor &tensor : tensors)
    names.push_back("d" + tensor.name);
}

int LinearSlots::tensorNamed(const std::string &name) const {
  auto found = std::find(names.begin(), names.end(), name);
  return name.empty() || found == names.end() ? -1 : int(found - names.begin());
}

/// Each set of bits is a part of the stack that the caller gives.
void LinearSlots::bindSaved(TensorList &tensors, const TensorRef &saturation) const {
  int64_t sets = firstEffect - FirstOther;
  for (int64_t i = 0; saturation.defined() && i < sets; ++i) {
    TensorRef &set = tensors[FirstOther + i] = saturation;
    set.sizes[0] /= sets;
    if (saturation.data) // none for 0 rows
      set.data = static_cast<int32_t *>(saturation.data) + i * set.sizes[0] * saturation.strides[0];
  }
}

TensorList LinearSlots::forward(const LinearForwardArgs &a) const {
  TensorList t(names.size());
  t[X] = a.x, t[Weight] = a.weight, t[Bias] = a.bias, t[Range] = a.range, t[Key] = a.key;
  t[Y] = a.y, t[RowRange] = a.rowRange;
  bindSaved(t, a.saturation);
  std::copy(a.effects.begin(), a.effects.end(), t.begin() + firstEffect);
  return t;
}

TensorList LinearSlots::backward(const LinearBackwardArgs &a) const {
  TensorList t(names.size());
  t[Grad] = a.grad, t[X] = a.x, t[Weight] = a.weight, t[Range] = a.range, t[Key] = a.key, t[RowRange] = a.rowRange;
  t[Dx] = a.dx, t[Dweight] = a.dweight, t[Drange] = a.drange;
  bindSaved(t, a.saturation);
  std::copy(a.effects.begin(), a.effects.end(), t.begin() + firstEffect);
  std::copy(a.deffects.begin(), a.deffects.end(), t.begin() + firstGradient);
  return t;
}

StridedTensors LinearSlots::stridedOf(const TensorList &tensors) const {
  StridedTensors strided = 0;
  for (int i = 0; i < int(tensors.size()); ++i) {
    const TensorRef &t = tensors[i];
    if (t.strided())
      strided |= bitOf(i);
  }
  return strided;
}

} // namespace mho

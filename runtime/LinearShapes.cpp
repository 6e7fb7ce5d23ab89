#include "runtime/LinearShapes.h"

#include "dialect/Numerics/Philox.h"
#include "dialect/Numerics/Tiling.h"

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>

namespace mho {
namespace {

const char *nameOf(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return "float32";
  case ElementType::F16:
    return "float16";
  case ElementType::BF16:
    return "bfloat16";
  case ElementType::I32:
    return "int32";
  default:
    return "int64";
  }
}

std::string shapeText(const int64_t *sizes, int rank) {
  std::string text = "[";
  for (int i = 0; i < rank; ++i)
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

using Sizes = llvm::ArrayRef<int64_t>;

/// Collects the first mismatch.
class Checker {
public:
  /// `t` must be there and have this type and these sizes.
  void require(const char *name, const TensorRef &t, ElementType type, Sizes sizes) {
    if (!t.defined())
      return fail(std::string("missing ") + name + ": the layer's spec uses it");
    check(name, t, type, sizes);
  }
  /// `t` may be missing.
  void allow(const char *name, const TensorRef &t, ElementType type, Sizes sizes) {
    if (t.defined())
      check(name, t, type, sizes);
  }
  /// The same for memory that kernels write, or read as it lies: elements side by side along the last axis.
  void requireDense(const char *name, const TensorRef &t, ElementType type, Sizes sizes) {
    require(name, t, type, sizes);
    checkDense(name, t);
  }
  void allowDense(const char *name, const TensorRef &t, ElementType type, Sizes sizes) {
    allow(name, t, type, sizes);
    checkDense(name, t);
  }
  void forbid(const char *name, const TensorRef &t, const char *why) {
    if (t.defined())
      fail(std::string("unexpected ") + name + ": " + why);
  }
  /// Keeps the first text that is not empty.
  void fail(std::string text) {
    if (message.empty())
      message = std::move(text);
  }
  std::string message;

private:
  void checkDense(const char *name, const TensorRef &t) {
    if (t.strided())
      fail(std::string("expected the elements of ") + name + " to lie side by side along its last axis, got strides " +
           shapeText(t.strides.data(), t.rank) + "; give a contiguous tensor");
  }
  void check(const char *name, const TensorRef &t, ElementType type, Sizes sizes) {
    if (t.type != type)
      return fail(std::string("expected ") + name + " to be " + nameOf(type) + ", got " + nameOf(t.type));
    bool same = t.rank == int(sizes.size());
    for (int i = 0; same && i < t.rank; ++i)
      same = t.sizes[i] == sizes[i];
    if (!same)
      fail(std::string("expected ") + name + " to have shape " + shapeText(sizes.data(), sizes.size()) + ", got " +
           shapeText(t.sizes.data(), t.rank));
  }
};

/// Empty if every element's draw has an address (SPEC.md, "Noise"), else which size is too large. The key's step may
/// lie in a device's memory, so that the backend's launch looks at it.
std::string checkDraws(const LinearSizes &s) {
  DrawAddress last;
  last.row = std::max(s.rows, s.outputs) - 1; // of outputs, of weights
  last.column = std::max(s.outputs, s.inputs) - 1;
  last.tile = s.tiles - 1;
  if (last.row < 0 || last.column < 0 || last.tile < 0)
    last.row = last.column = last.tile = 0; // an empty layer draws nothing
  return wordAddressError(last);
}

/// The tensors and strengths of effects that are text.
template <class Args> void checkEffects(const LinearSpec &spec, Checker &c, const LinearSizes &s, const Args &a) {
  std::vector<EffectTensor> tensors = effectTensors(spec.effects);
  if (a.effects.size() != tensors.size())
    return c.fail("expected " + std::to_string(tensors.size()) + " tensors of effects, got " +
                  std::to_string(a.effects.size()));
  for (size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].isKey)
      c.requireDense(tensors[i].name.c_str(), a.effects[i], ElementType::I64, {2});
    else
      c.require(tensors[i].name.c_str(), a.effects[i], ElementType::F32,
                tensors[i].sizes(s.tiles, s.outputs, s.inputs));
  if (size_t count = spec.effectStrengths().size(); !a.effectStrengths.empty() && a.effectStrengths.size() != count)
    c.fail("expected " + std::to_string(count) + " strengths of effects, got " +
           std::to_string(a.effectStrengths.size()));
}

/// What forward and backward share: x, weight, range, key, effects.
template <class Args> Expected<LinearSizes> checkOperands(const LinearSpec &spec, Checker &c, const Args &a) {
  if (a.x.rank != 2 || a.weight.rank != 2)
    return Status::error("expected x and weight to be matrices, got ranks " + std::to_string(a.x.rank) + " and " +
                         std::to_string(a.weight.rank));
  LinearSizes s{a.x.sizes[0], a.weight.sizes[0], a.weight.sizes[1], spec.tiles(a.weight.sizes[1])};
  c.require("x", a.x, spec.storage, {s.rows, s.inputs});
  c.require("weight", a.weight, spec.storage, {s.outputs, s.inputs});
  if (spec.inputRange == InputRange::Given)
    c.require("input range", a.range, ElementType::F32, {s.tiles});
  else
    c.forbid("input range", a.range, "the layer's spec takes none");
  if (spec.draws())
    c.requireDense("key", a.key, ElementType::I64, {2});
  auto holdsKey = [](const EffectUse &use) { return use.holdsKey; };
  if (spec.draws() || std::any_of(spec.effects.begin(), spec.effects.end(), holdsKey))
    c.fail(checkDraws(s));
  checkEffects(spec, c, s, a);
  return s;
}

void checkSaved(const LinearSpec &spec, Checker &c, const LinearSizes &s, const TensorRef &saturation,
                const TensorRef &rowRange) {
  if (int64_t sets = int64_t(spec.savedBits().size()))
    c.requireDense("saturation", saturation, ElementType::I32, {sets * s.tiles, s.rows, packedWords(s.outputs)});
  if (spec.inputRange == InputRange::Dynamic)
    c.requireDense("row range", rowRange, ElementType::F32, {s.tiles, s.rows});
}

void checkEffectGradients(const LinearSpec &spec, Checker &c, const LinearSizes &s, const LinearBackwardArgs &a) {
  std::vector<EffectTensor> tensors = effectTensors(spec.effects);
  if (a.deffects.size() != tensors.size())
    return c.fail("expected gradients of " + std::to_string(tensors.size()) + " tensors of effects, wanted or not, " +
                  "got " + std::to_string(a.deffects.size()));
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::string name = "d" + tensors[i].name;
    if (tensors[i].learnable)
      c.allowDense(name.c_str(), a.deffects[i], ElementType::F32, tensors[i].sizes(s.tiles, s.outputs, s.inputs));
    else
      c.forbid(name.c_str(), a.deffects[i], "the effect's text does not call the parameter learnable");
  }
}

} // namespace

Expected<LinearSizes> checkForward(const LinearSpec &spec, const LinearForwardArgs &a) {
  Checker c;
  Expected<LinearSizes> s = checkOperands(spec, c, a);
  if (!s)
    return s;
  if (spec.bias)
    c.require("bias", a.bias, ElementType::F32, {s->outputs});
  else
    c.forbid("bias", a.bias, "the layer's spec has none");
  c.requireDense("y", a.y, spec.storage, {s->rows, s->outputs});
  if (a.saturation.defined() || a.rowRange.defined())
    checkSaved(spec, c, *s, a.saturation, a.rowRange);
  if (!c.message.empty())
    return Status::error(c.message);
  return s;
}

Expected<LinearSizes> checkBackward(const LinearSpec &spec, const LinearBackwardArgs &a) {
  Checker c;
  Expected<LinearSizes> s = checkOperands(spec, c, a);
  if (!s)
    return s;
  c.require("grad", a.grad, spec.storage, {s->rows, s->outputs});
  checkSaved(spec, c, *s, a.saturation, a.rowRange);
  c.allowDense("dx", a.dx, spec.storage, {s->rows, s->inputs});
  c.allowDense("dweight", a.dweight, spec.storage, {s->outputs, s->inputs});
  c.allowDense("dbias", a.dbias, ElementType::F32, {s->outputs});
  if (spec.inputRange == InputRange::Given)
    c.allowDense("drange", a.drange, ElementType::F32, {s->tiles});
  else
    c.forbid("drange", a.drange, "the layer has no range argument");
  if (!a.deffects.empty())
    checkEffectGradients(spec, c, *s, a);
  if (!c.message.empty())
    return Status::error(c.message);
  return s;
}

} // namespace mho

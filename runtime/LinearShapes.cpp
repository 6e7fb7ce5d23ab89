#include "runtime/LinearShapes.h"

#include "dialect/Numerics/Philox.h"
#include "dialect/Numerics/Tiling.h"

#include <algorithm>
#include <initializer_list>

namespace mho {
namespace {

const char *nameOf(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return "float32";
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

/// Collects the first mismatch.
class Checker {
public:
  /// `t` must be there and have this type and these sizes.
  void require(const char *name, const TensorRef &t, ElementType type, std::initializer_list<int64_t> sizes) {
    if (!t.defined())
      return fail(std::string("missing ") + name + ": the layer's spec uses it");
    check(name, t, type, sizes);
  }
  /// `t` may be missing.
  void allow(const char *name, const TensorRef &t, ElementType type, std::initializer_list<int64_t> sizes) {
    if (t.defined())
      check(name, t, type, sizes);
  }
  /// The same for memory that kernels write, or read as it lies: elements side by side along the last axis.
  void requireDense(const char *name, const TensorRef &t, ElementType type, std::initializer_list<int64_t> sizes) {
    require(name, t, type, sizes);
    checkDense(name, t);
  }
  void allowDense(const char *name, const TensorRef &t, ElementType type, std::initializer_list<int64_t> sizes) {
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
    if (t.defined() && t.sizes[t.rank - 1] > 1 && t.strides[t.rank - 1] != 1)
      fail(std::string("expected the elements of ") + name + " to lie side by side along its last axis, got strides " +
           shapeText(t.strides.data(), t.rank) + "; give a contiguous tensor");
  }
  void check(const char *name, const TensorRef &t, ElementType type, std::initializer_list<int64_t> sizes) {
    if (t.type != type)
      return fail(std::string("expected ") + name + " to be " + nameOf(type) + ", got " + nameOf(t.type));
    bool same = t.rank == int(sizes.size());
    for (int i = 0; same && i < t.rank; ++i)
      same = t.sizes[i] == sizes.begin()[i];
    if (!same)
      fail(std::string("expected ") + name + " to have shape " + shapeText(sizes.begin(), sizes.size()) + ", got " +
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

/// What forward and backward share: x, weight, range, key.
Expected<LinearSizes> checkOperands(const LinearSpec &spec, Checker &c, const TensorRef &x, const TensorRef &weight,
                                    const TensorRef &range, const TensorRef &key) {
  if (x.rank != 2 || weight.rank != 2)
    return Status::error("expected x and weight to be matrices, got ranks " + std::to_string(x.rank) + " and " +
                         std::to_string(weight.rank));
  LinearSizes s{x.sizes[0], weight.sizes[0], weight.sizes[1], spec.tiles(weight.sizes[1])};
  c.require("x", x, ElementType::F32, {s.rows, s.inputs});
  c.require("weight", weight, ElementType::F32, {s.outputs, s.inputs});
  if (spec.inputRange == InputRange::Given)
    c.require("input range", range, ElementType::F32, {s.tiles});
  else
    c.forbid("input range", range, "the layer's spec takes none");
  if (spec.draws()) {
    c.requireDense("key", key, ElementType::I64, {2});
    c.fail(checkDraws(s));
  }
  return s;
}

void checkSaved(const LinearSpec &spec, Checker &c, const LinearSizes &s, const TensorRef &saturation,
                const TensorRef &rowRange) {
  if (spec.adc && spec.maskSaturated)
    c.requireDense("saturation", saturation, ElementType::I32, {s.tiles, s.rows, packedWords(s.outputs)});
  if (spec.inputRange == InputRange::Dynamic)
    c.requireDense("row range", rowRange, ElementType::F32, {s.tiles, s.rows});
}

} // namespace

Expected<LinearSizes> checkForward(const LinearSpec &spec, const LinearForwardArgs &a) {
  Checker c;
  Expected<LinearSizes> s = checkOperands(spec, c, a.x, a.weight, a.range, a.key);
  if (!s)
    return s;
  if (spec.bias)
    c.require("bias", a.bias, ElementType::F32, {s->outputs});
  else
    c.forbid("bias", a.bias, "the layer's spec has none");
  c.requireDense("y", a.y, ElementType::F32, {s->rows, s->outputs});
  if (a.saturation.defined() || a.rowRange.defined())
    checkSaved(spec, c, *s, a.saturation, a.rowRange);
  if (!c.message.empty())
    return Status::error(c.message);
  return s;
}

Expected<LinearSizes> checkBackward(const LinearSpec &spec, const LinearBackwardArgs &a) {
  Checker c;
  Expected<LinearSizes> s = checkOperands(spec, c, a.x, a.weight, a.range, a.key);
  if (!s)
    return s;
  c.require("grad", a.grad, ElementType::F32, {s->rows, s->outputs});
  checkSaved(spec, c, *s, a.saturation, a.rowRange);
  c.allowDense("dx", a.dx, ElementType::F32, {s->rows, s->inputs});
  c.allowDense("dweight", a.dweight, ElementType::F32, {s->outputs, s->inputs});
  c.allowDense("dbias", a.dbias, ElementType::F32, {s->outputs});
  if (spec.inputRange == InputRange::Given)
    c.allowDense("drange", a.drange, ElementType::F32, {s->tiles});
  else
    c.forbid("drange", a.drange, "the layer has no range argument");
  if (!c.message.empty())
    return Status::error(c.message);
  return s;
}

} // namespace mho

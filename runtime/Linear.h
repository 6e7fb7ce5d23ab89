// The compiled analog linear layer: one fused kernel per direction, on a backend. No MLIR and no torch header.
//
//   auto layer = Linear::get(spec, "cpu");            // built once per spec and backend, thread safe
//   if (!layer) fail(layer.message());
//   auto status = (*layer)->forward(args, context);
//
// Shapes: x [B,K], weight [O,K], bias [O], range beta [T], key int64 [2], y [B,O], saturation int32 [S T,B,ceil(O/32)]
// (bit n mod 32 of word n / 32: the accumulator saturated; S sets of bits, those of spec.savedBits(), stacked),
// rowRange [T,B] (dynamic ranges only), tensors of effects (and keys that these hold) as effectTensors(spec.effects)
// says. x, weight, y and their gradients are of type spec.storage, the others float32. Every kernel is compiled on
// first use; sizes are run-time values, a new size never compiles.
#pragma once

#include "runtime/LaunchContext.h"
#include "runtime/LinearSpec.h"
#include "runtime/Status.h"
#include "runtime/TensorRef.h"

#include <memory>
#include <string>

namespace mho {

struct LinearForwardArgs {
  TensorRef x, weight, bias, range, key; // inputs; bias, range, key undefined where the spec has no use for them
  std::vector<TensorRef> effects;        // further inputs: the tensors of the effects that are text
  TensorRef y, saturation, rowRange;     // outputs; saturation and rowRange: all that the spec has, or none
  LinearScalars scalars;
  std::vector<float> effectStrengths; // as spec.effectStrengths(); empty: the values that they have there
};

struct LinearBackwardArgs {
  TensorRef grad, x, weight, range, key, saturation, rowRange; // inputs
  std::vector<TensorRef> effects;                              // further inputs
  TensorRef dx, dweight, dbias, drange;                        // outputs; undefined: not wanted
  std::vector<TensorRef> deffects;                             // of learnable tensors of effects; empty: none wanted
  LinearScalars scalars;
  std::vector<float> effectStrengths;
};

class Linear {
public:
  virtual ~Linear() = default;
  /// The layer's kernels on a backend; "cpu", or "reference" (slow). Errors: contradictory spec, unknown backend.
  static Expected<std::shared_ptr<Linear>> get(const LinearSpec &spec, const std::string &backend);
  /// Errors: shapes that do not fit (naming them), a failed compilation (naming the stage and the IR's file).
  virtual Status forward(const LinearForwardArgs &args, const LaunchContext &context) = 0;
  virtual Status backward(const LinearBackwardArgs &args, const LaunchContext &context) = 0;
};

} // namespace mho

// The algebra of an analog linear layer, built from its spec: what a person would write by hand as .mlir (docs:
// `mho-opt`).
//
//   MLIRContext context = ...;
//   OwningOpRef<ModuleOp> module = buildLinearModule(context, spec);   // @linear(x, weight, bias, range, key)
//
// After analog-fuse, every strength is a named scalar argument; strengthNamed() says which one it is.
#pragma once

#include "runtime/LinearSpec.h"
#include "runtime/Status.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace mho {

/// Name of the function in the module, and with what suffix analog-differentiate adds the gradients.
inline constexpr const char *kLinearFunction = "linear";

/// One function of algebra ops with dynamic sizes, and the effects that are text as their own text has them. Arguments
/// carry `analog.name`: x, weight, where the spec uses them bias, range, key, and the tensors of effects by their names
/// (EffectTensor). The strengths are the ops' attributes; kernels take them anew with each call. The spec must be valid
/// (LinearSpec::validate); the dialects analog and func must be loaded. Errors: what is wrong with an effect's text.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> buildLinearModule(mlir::MLIRContext &context, const LinearSpec &spec,
                                                              const LinearScalars &scalars = {});

/// A strength of a call: a field of LinearScalars, or one of the spec's effectStrengths().
struct Strength {
  float LinearScalars::*field = nullptr;
  int effect = -1;
  explicit operator bool() const { return field || effect >= 0; }
};

/// The strength behind the scalar argument that analog-fuse named `name`, e.g. "tile.adc.lambda"; none where the layer
/// has none of that name.
Strength strengthNamed(const LinearSpec &spec, const std::string &name);

} // namespace mho

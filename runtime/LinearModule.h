// The algebra of an analog linear layer, built from its spec: what a person would write by hand as .mlir (docs:
// `mho-opt`).
//
//   MLIRContext context = ...;
//   OwningOpRef<ModuleOp> module = buildLinearModule(context, spec);   // @linear(x, weight, bias, range, key)
//
// After analog-fuse, every strength is a named scalar argument; strengthNamed() says which field it is.
#pragma once

#include "runtime/LinearSpec.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace mho {

/// Name of the function in the module, and with what suffix analog-differentiate adds the gradients.
inline constexpr const char *kLinearFunction = "linear";

/// One function of algebra ops with dynamic sizes. Arguments carry `analog.name`: x, weight, and where the spec uses
/// them bias, range, key. The strengths are the ops' attributes; kernels take them anew with each call. The spec must
/// be valid (LinearSpec::validate); the dialects analog and func must be loaded.
mlir::OwningOpRef<mlir::ModuleOp> buildLinearModule(mlir::MLIRContext &context, const LinearSpec &spec,
                                                    const LinearScalars &scalars = {});

/// A field of LinearScalars.
using Strength = float LinearScalars::*;

/// The strength behind the scalar argument that analog-fuse named `name`, e.g. "tile.adc.lambda"; null if none has that
/// name.
Strength strengthNamed(const std::string &name);

} // namespace mho

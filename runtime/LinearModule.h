// The algebra of an analog linear layer, built from its spec: what a person would write by hand as .mlir (docs:
// `mho-opt`).
//
//   MLIRContext context = ...;
//   OwningOpRef<ModuleOp> module = buildLinearModule(context, spec);   // func @linear(x, weight, bias, range, key) ->
//   y
//
// After analog-fuse, every strength is a named scalar argument; strengthOf() gives its value.
#pragma once

#include "runtime/LinearSpec.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>

namespace mho {

/// Name of the function in the module, and with what suffix analog-differentiate adds the gradients.
inline constexpr const char *kLinearFunction = "linear";

/// One function of algebra ops with dynamic sizes. Arguments carry `analog.name`: x, weight, and where the spec uses
/// them bias, range, key. The spec must be valid (LinearSpec::validate); the dialects analog and func must be loaded.
mlir::OwningOpRef<mlir::ModuleOp> buildLinearModule(mlir::MLIRContext &context, const LinearSpec &spec);

/// Value of the scalar argument that analog-fuse named `name`, e.g. "tile.adc.lambda"; nothing if no strength has that
/// name.
std::optional<float> strengthOf(const LinearScalars &scalars, const std::string &name);

} // namespace mho

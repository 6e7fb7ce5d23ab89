// The MLIR side of effects that are text: parsing with the user's own lines in the messages.
#pragma once

#include "runtime/EffectText.h"

#include "dialect/IR/AnalogDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mho {

/// A text as a module, verified; the dialects analog and func must be loaded. Errors: the parser's and the verifier's
/// words, each with its place in `source`.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> parseEffects(mlir::MLIRContext &context, const std::string &text,
                                                         const std::string &source);

/// The effect called `name`, or the only one where that is empty. Errors: no such effect; several to choose from.
Expected<analog::EffectOp> findEffect(mlir::ModuleOp module, const std::string &name, const std::string &source);

} // namespace mho

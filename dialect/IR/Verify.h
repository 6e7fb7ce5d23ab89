// Checks shared by the verifiers of the algebra ops.
#pragma once

#include "dialect/IR/AnalogDialect.h"

namespace mho::analog {

/// The enclosing function names the crossbar tiling.
mlir::LogicalResult verifyTiling(mlir::Operation *op);

/// Two sizes may be equal: they are, or one is dynamic.
bool sizesAgree(int64_t a, int64_t b);

/// Tiles of `inputs` inputs in the tiling of op's function; dynamic if not known.
int64_t tilesOf(mlir::Operation *op, int64_t inputs);

//===-- of effects ------------------------------------------------------------------------------------------------===//

/// Axes of the elements of a tensor that an effect maps: planes (t, m, n); a matrix is an input or a weight.
llvm::SmallVector<Axis> visibleAxes(mlir::Value tensor);

/// Scales over axes among `visible`, of a rank and sizes that fit them.
mlir::LogicalResult verifyScales(EffectOpInterface op, mlir::ValueRange values, mlir::ArrayAttr axes,
                                 llvm::ArrayRef<Axis> visible);

mlir::LogicalResult verifySameType(EffectOpInterface op);

/// The tiles of a matrix are those of the function; planes say theirs.
mlir::LogicalResult verifyTiled(EffectOpInterface op);

/// Streams within their range; a draw shares key and stream with one before it exactly if it is a redraw of that.
/// `remedy`: what the user can do about two draws of one stream.
mlir::LogicalResult verifyDraws(EffectOpInterface op,
                                llvm::StringRef remedy = "a draw that repeats another is marked 'redraw'");

} // namespace mho::analog

// Philox4x32-10 and the Gaussian map of SPEC.md ("Noise") as vector code.
//
// Eight calls at a time: state X = [c0 | c1 << 32], Y = [c2 | c3 << 32] in eight 64-bit lanes, so that the
// multiplications are the 32 x 32 -> 64 bit ones that every vector unit has, and the words of 16 adjacent columns come
// out side by side.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "lowering/AnalogToVector/Emit.h"
#include "lowering/Schedule/Schedule.h"

namespace mho::lowering {

/// Where draws come from: key words, and the stream and tile of counter word 2.
struct DrawSource {
  mlir::Value seedLow, seedHigh; ///< i32
  mlir::Value step;              ///< i32, counter word 3
  mlir::Value tile;              ///< index
  int64_t stream;
};

/// What is drawn: normals of the map of 16 or of 32 bits, or uniforms.
enum class DrawKind { HalfNormal, WordNormal, Uniform };
DrawKind kindOf(analog::DrawOpInterface draw);

/// Reads the words of a key, memref<2xi64>.
DrawSource readKey(Emit &e, mlir::Value key, mlir::Value tile, int64_t stream);

/// Writes the draws of row `row` (index, counter word 1), columns [0, roundUp(count, 64)) counted from `firstColumn` (a
/// multiple of 64), to scratch[scratchRow, 0 ...]. The table of the 16-bit map lies in registers where `isa` can look
/// up there, else in memory; bits are equal.
void emitDraws(Emit &e, Isa isa, const DrawSource &source, DrawKind kind, mlir::Value row, mlir::Value firstColumn,
               mlir::Value count, mlir::Value scratch, mlir::Value scratchRow);

} // namespace mho::lowering

// What of a region's code is the same for all elements of a tile, of a row or of a column of it.
//
// A kernel runs such code once where it is the same: of a tile's values each thread has its own, of a column's the CTA
// has one for all its rows. What passes from one slice to another is f32; code that makes integers is in every slice
// that needs it. No bit of a result depends on the cut.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include <array>

namespace mho::lowering {

/// What a value depends on: nothing but the tile, its row, its column, both.
enum SliceKind : unsigned { kOfTile = 0, kOfRow = 1, kOfColumn = 2, kOfElement = 3 };

struct RegionSlice {
  llvm::SmallVector<mlir::Value> leaves; ///< arguments, draws and indices that its code asks for
  /// Values of other slices that it reads: whose, and which of its outputs.
  llvm::SmallVector<std::pair<SliceKind, unsigned>> inputs;
  llvm::SmallVector<mlir::Operation *> code; ///< in the region's order
  llvm::SmallVector<mlir::Value> outputs;    ///< of an element: its values, bits and reductions, in this order
};
using RegionSlices = std::array<RegionSlice, 4>;

/// The slices of a region of a kernel; of maps and the tail, and of a region that has surrogates, all is of an element.
/// A side's columns are not kept apart either: its kOfColumn is empty.
RegionSlices slicesOf(analog::TiledMvmOp kernel, unsigned region);

/// The index ops of a region, in order; of a surrogate's regions only the value is run.
llvm::SmallVector<analog::IndexOp> indicesIn(mlir::Region &region);

} // namespace mho::lowering

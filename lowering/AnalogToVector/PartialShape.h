// How the partial sums of a kernel's reductions are laid out: for the emitter that writes them and the launcher that
// has the memory for them.
#pragma once

#include "dialect/Numerics/Reduction.h"

#include <cstdint>

namespace mho::lowering {

/// What of an output's axis one partial sum is of: all of it (blocks are added in place, so that one call of the body
/// must have the whole axis; of columns that the tiles cut, all of a tile), a block of 64, or one row or column.
enum class PartialOf { Whole, Block, Element };

/// The partial sums of one reduction: [T, if each tile has its own][rows][columns] doubles.
struct PartialShape {
  PartialOf rows, columns;
  bool perTile;
  /// Both output axes are kept: the result itself takes the sums, there are no partial ones.
  bool inResult() const { return rows == PartialOf::Element && columns == PartialOf::Element; }
  int64_t count(int64_t rowCount, int64_t columnCount, int64_t tiles) const {
    auto units = [](PartialOf of, int64_t size) {
      return of == PartialOf::Whole   ? 1
             : of == PartialOf::Block ? (size + kReductionBlock - 1) / kReductionBlock
                                      : size;
    };
    return inResult() ? 0 : units(rows, rowCount) * units(columns, columnCount) * (perTile ? tiles : 1);
  }
};

} // namespace mho::lowering

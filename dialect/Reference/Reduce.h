// Sums over the elements of an output in the one order that SPEC.md "Reductions" gives them.
#pragma once

#include "dialect/Reference/Arithmetic.h"
#include "dialect/Reference/Elements.h"

namespace mho::reference {

/// Summands of one crossbar tile: the rows and columns of the output that lie in it, row by row.
struct Patch {
  int64_t tile = 0, rowBegin = 0, rowEnd = 0, columnBegin = 0, columnEnd = 0;
  std::vector<double> values;
  Patch(int64_t tile, int64_t rowBegin, int64_t rowEnd, int64_t columnBegin, int64_t columnEnd)
      : tile(tile), rowBegin(rowBegin), rowEnd(rowEnd), columnBegin(columnBegin), columnEnd(columnEnd),
        values((rowEnd - rowBegin) * (columnEnd - columnBegin)) {}
  double &at(int64_t row, int64_t column) {
    return values[(row - rowBegin) * (columnEnd - columnBegin) + column - columnBegin];
  }
};

/// Patches of an output of rows x columns whose columns are cut by the tiling: one per tile, in ascending order.
std::vector<Patch> patchesOfColumns(const Tiles &tiles, int64_t rows);

/// The sums over the axes that `over` leaves out: t and the output's row and column axis. A tensor over `over`.
Tensor reduce(std::vector<Patch> &patches, analog::AxesAttr over, analog::Axis row, analog::Axis column,
              const Sizes &sizes, const Arithmetic &a);

} // namespace mho::reference

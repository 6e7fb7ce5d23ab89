// How many crossbar tiles a layer has (SPEC.md, "Tiling"): for the dialect's attribute and for code without MLIR.
#pragma once

#include <cstdint>

namespace mho {

/// Tiles of at most `rows` inputs that hold `inputs` inputs; rows <= 0: one tile. No input: no tile.
inline int64_t tileCount(int64_t inputs, int64_t rows) {
  if (inputs <= 0)
    return 0;
  return rows <= 0 ? 1 : (inputs + rows - 1) / rows;
}

} // namespace mho

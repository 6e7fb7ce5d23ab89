// How the inputs of a layer are cut into crossbar tiles (SPEC.md, "Tiling"): for the dialect's attribute and for code
// without MLIR.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mho {

/// Tiles of at most `rows` inputs that hold `inputs` inputs; rows <= 0: one tile. No input: no tile.
inline int64_t tileCount(int64_t inputs, int64_t rows) {
  if (inputs <= 0)
    return 0;
  return rows <= 0 ? 1 : (inputs - 1) / rows + 1; // whatever rows is, nothing overflows
}

/// First input of tile `tile` (0 .. tileCount; the last is one past the end). `fixed`: each tile begins `rows` after
/// the one before; else the first inputs % count tiles have one input more than the others.
inline int64_t tileBegin(int64_t inputs, int64_t rows, bool fixed, int64_t tile) {
  int64_t count = tileCount(inputs, rows);
  if (count <= 1)
    return tile == 0 ? 0 : inputs;
  if (fixed)
    return std::min(tile * rows, inputs);
  return tile * (inputs / count) + std::min(tile, inputs % count);
}

/// 32-bit words that hold one bit for each of `elements` elements: bit n mod 32 of word n / 32.
inline int64_t packedWords(int64_t elements) { return (elements + 31) / 32; }

} // namespace mho

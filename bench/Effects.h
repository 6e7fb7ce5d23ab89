// The layers that mho-bench times: one row per effect, each with the layer that it is compared with.
#pragma once

#include "runtime/LinearSpec.h"

#include <string>
#include <vector>

namespace mho::bench {

struct Effect {
  const char *name;
  const char *tiling; ///< "balanced" or "fixed"
  const char *layer;  ///< words of LinearSpec, without the tiling
  const char *base;   ///< the same layer without the effect, tiles balanced; null: the row is no effect
};

/// All rows, the ideal layer first.
const std::vector<Effect> &effects();

/// The spec of a row's layer or base. Throws std::logic_error where the row's words are no spec.
LinearSpec specOf(const char *tiling, const char *words, int64_t tileRows);

} // namespace mho::bench

// Shape checks of the compiled linear layer, before any kernel sees a pointer.
#pragma once

#include "runtime/Linear.h"

namespace mho {

/// Sizes of a call.
struct LinearSizes {
  int64_t rows = 0, outputs = 0, inputs = 0, tiles = 0;
};

/// Checks ranks, sizes, element types and presence against the spec. Errors name the argument, what it has and what is
/// expected.
Expected<LinearSizes> checkForward(const LinearSpec &spec, const LinearForwardArgs &args);
Expected<LinearSizes> checkBackward(const LinearSpec &spec, const LinearBackwardArgs &args);

} // namespace mho

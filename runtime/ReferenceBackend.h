// The evaluator (dialect/Reference) as a backend: slow, obvious, the oracle of the others.
#pragma once

#include "runtime/Backend.h"

namespace mho {

/// The backend "reference". It interprets a fused function and compiles nothing; tensors may have any strides. Nothing
/// takes it unless it is asked for by name.
Backend &referenceBackend();

} // namespace mho

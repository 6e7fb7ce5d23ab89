// Modifiers that the instructions of memory share.
#pragma once

#include "runtime/Ptx/Types.h"

namespace mho::ptx {

class Decoder;

/// Eviction priorities and prefetch sizes, which change no result. `policy`: one operand more.
void takeCacheHints(Decoder &d, bool &policy);
/// True if a scope of an ordering stood there.
bool takeScope(Decoder &d);
/// Generic where no space is named.
Space takeSpace(Decoder &d);

} // namespace mho::ptx

// What a compiled kernel is stored under: everything that could change its code.
#pragma once

#include "runtime/Status.h"

#include <string>

namespace mho {

/// Digest (64 hexadecimal digits) of: the IR, the options of the stages, the target with its features, LLVM's version,
/// the knobs that change output, and this library's own code.
Expected<std::string> cacheKey(const std::string &ir, const std::string &options, const std::string &target);

} // namespace mho

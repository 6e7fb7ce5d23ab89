// What compiled kernels are known by: everything that could change their code.
#pragma once

#include "runtime/Status.h"

#include <string>

namespace mho {

/// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
std::string digest(const std::string &bytes);

/// Name of what is compiled, in file names and messages: "<function>-<first 8 digits of the digest of its content>",
/// so that two layers' files do not meet in one folder.
std::string unitName(const std::string &function, const std::string &content);

/// Digest of: the IR, the options of the stages, the target with its features, LLVM's version, the knobs that change
/// output, and this library's own code. Errors: impossible knobs; the code cannot be found in this process.
Expected<std::string> cacheKey(const std::string &ir, const std::string &options, const std::string &target);

} // namespace mho

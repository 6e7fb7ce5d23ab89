// Where libnvrtc may lie.
#pragma once

#include <string>
#include <vector>

namespace mho {

/// Files to try, in order: beside the LibTorch that the process has loaded, beside the one mho was built with, in the
/// CUDA toolkit, and the bare name, which the loader's search path answers.
std::vector<std::string> nvrtcCandidates();

} // namespace mho

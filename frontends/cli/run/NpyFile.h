// Reading numpy's .npy files.
#pragma once

#include "dialect/Reference/Tensor.h"
#include "runtime/Status.h"

namespace mho::cli {

/// The array of a .npy file as numpy.save writes it: float16, float32, float64 (rounded to float32), int32 or int64 of
/// either memory order, little endian. Errors name the file and what is wrong: not a .npy file, another type, a short
/// file.
Expected<reference::Tensor> readNpy(const std::string &path);

} // namespace mho::cli

// What a run of mho-run computes: its results and gradients, to be printed or compared with the reference.
#pragma once

#include "dialect/Reference/Tensor.h"
#include "runtime/Status.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mho::cli {

/// Tensors by the name they are printed under.
using Outputs = std::vector<std::pair<std::string, reference::Tensor>>;

/// Results, then the gradients that there are, one per argument.
Outputs nameOutputs(std::vector<reference::Tensor> results, std::vector<std::optional<reference::Tensor>> gradients);

void printOutputs(const Outputs &outputs);

/// Prints for each output how far it is from the reference's; true if none is further than `tolerance`. Two NaN are
/// equal. Errors: outputs of another number, name, shape or kind of elements.
Expected<bool> compareOutputs(const Outputs &actual, const Outputs &expected, double tolerance);

} // namespace mho::cli

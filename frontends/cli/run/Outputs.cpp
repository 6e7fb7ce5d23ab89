#include "frontends/cli/run/Outputs.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

namespace mho::cli {

using reference::Tensor;

namespace {

/// Largest difference of two tensors of one shape; `where` is its element. Zeros of different signs differ by the
/// smallest number there is, so that only a tolerance of 0 tells them apart.
double largestDifference(const Tensor &actual, const Tensor &expected, size_t &where) {
  double largest = 0;
  auto consider = [&](size_t i, double a, double e) {
    double difference = reference::sameNumber(a, e) ? 0
                        : a == e                    ? std::numeric_limits<float>::denorm_min()
                                                    : std::fabs(a - e);
    if (std::isnan(difference)) // a NaN against a number
      difference = INFINITY;
    if (difference > largest) {
      largest = difference;
      where = i;
    }
  };
  for (size_t i = 0; i < expected.reals.size(); ++i)
    consider(i, actual.reals[i], expected.reals[i]);
  for (size_t i = 0; i < expected.words.size(); ++i) // packed bits may be signed or not
    consider(i, int32_t(actual.words[i]), int32_t(expected.words[i]));
  return largest;
}

} // namespace

Outputs nameOutputs(std::vector<Tensor> results, std::vector<std::optional<Tensor>> gradients) {
  Outputs outputs;
  for (auto [i, result] : llvm::enumerate(results))
    outputs.push_back({results.size() == 1 ? "" : "result " + std::to_string(i) + ", ", std::move(result)});
  for (auto [i, value] : llvm::enumerate(gradients))
    if (value)
      outputs.push_back({"gradient of argument " + std::to_string(i) + ", ", std::move(*value)});
  return outputs;
}

void printOutputs(const Outputs &outputs) {
  for (const auto &[name, tensor] : outputs) {
    llvm::outs() << name << tensor.shapeText() << ":";
    for (double v : tensor.reals)
      llvm::outs() << " " << llvm::format("%.9g", v);
    for (int64_t v : tensor.words)
      llvm::outs() << " " << v;
    llvm::outs() << "\n";
  }
}

Expected<bool> compareOutputs(const Outputs &actual, const Outputs &expected, double tolerance) {
  if (actual.size() != expected.size())
    return Status::error("the backend gives " + std::to_string(actual.size()) + " results, the reference " +
                         std::to_string(expected.size()));
  bool allGood = true;
  for (auto [a, e] : llvm::zip(actual, expected)) {
    size_t where = 0, count = e.second.size();
    if (a.first != e.first || a.second.shape != e.second.shape || a.second.isInteger != e.second.isInteger)
      return Status::error("the backend gives '" + a.first + a.second.shapeText() + "' where the reference gives '" +
                           e.first + e.second.shapeText() + "'");
    double largest = largestDifference(a.second, e.second, where);
    bool good = largest <= tolerance;
    llvm::outs() << a.first << (good ? "equal to the reference" : "differs from the reference")
                 << ": largest difference " << llvm::format("%g", largest) << " of " << count << " elements";
    if (!good && !e.second.isInteger)
      llvm::outs() << ", at element " << where << ": "
                   << llvm::format("%.9g instead of %.9g", a.second.reals[where], e.second.reals[where]);
    llvm::outs() << "\n";
    allGood &= good;
  }
  return allGood;
}

} // namespace mho::cli

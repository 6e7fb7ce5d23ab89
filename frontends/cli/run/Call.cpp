#include "frontends/cli/run/Call.h"

#include "dialect/IR/AnalogDialect.h"

#include "mlir/AsmParser/AsmParser.h"

#include <numeric>
#include <thread>

using namespace mlir;
using namespace mho::analog;

namespace mho::cli {

using reference::Tensor;

Expected<std::vector<Strides>> readStrides(const std::vector<std::string> &texts, func::FuncOp function) {
  std::vector<Strides> strides(function.getNumArguments());
  for (const std::string &text : texts) {
    auto [position, list] = llvm::StringRef(text).split('=');
    unsigned i;
    if (position.getAsInteger(10, i) || i >= strides.size())
      return Status::error("--stride=" + text + ": expected <argument>=<stride>x<stride>, the argument from 0 to " +
                           std::to_string(int(strides.size()) - 1));
    if (!strides[i].empty())
      return Status::error("--stride is given twice for argument " + position.str());
    SmallVector<llvm::StringRef> parts;
    list.split(parts, 'x');
    for (llvm::StringRef part : parts)
      if (part.getAsInteger(10, strides[i].emplace_back()) || strides[i].back() < 0)
        return Status::error("--stride: '" + part.str() + "' is no stride");
  }
  // One per input: strengths are no inputs.
  std::vector<Strides> ofInputs;
  for (auto [i, given] : llvm::enumerate(strides))
    if (!function.getArgAttr(i, AnalogDialect::kValueAttr))
      ofInputs.push_back(given);
    else if (!given.empty())
      return Status::error("--stride: argument " + std::to_string(i) + " is a number");
  return ofInputs;
}

Expected<DictionaryAttr> readSchedule(const std::string &text, MLIRContext &context) {
  auto schedule = dyn_cast_or_null<DictionaryAttr>(parseAttribute("{" + text + "}", &context));
  if (!schedule)
    return Status::error("--schedule: '" + text + "' is no list such as mc = 64 : i64, isa = \"avx2\"");
  return schedule;
}

Status checkStrides(ArrayRef<Tensor> inputs, ArrayRef<Strides> given) {
  for (auto [i, strides] : llvm::enumerate(given)) {
    if (strides.empty())
      continue;
    std::string input = "strides of input " + std::to_string(i) + ": ";
    ArrayRef<int64_t> sizes = inputs[i].shape;
    if (inputs[i].isInteger)
      return Status::error(input + "only tensors of reals may be strided");
    if (sizes.size() != strides.size())
      return Status::error(input + "got " + std::to_string(strides.size()) + " for " + std::to_string(sizes.size()) +
                           " sizes");
    if (llvm::is_contained(sizes, 0)) // there is nothing to lie anywhere
      continue;
    SmallVector<int> order(sizes.size());
    std::iota(order.begin(), order.end(), 0);
    llvm::sort(order, [&strides = strides](int a, int b) { return strides[a] < strides[b]; });
    int64_t room = 1; // of the axes of smaller strides
    for (int axis : order) {
      if (sizes[axis] > 1 && strides[axis] < room)
        return Status::error(input + std::to_string(strides[axis]) + " lays two elements in one place; expected " +
                             std::to_string(room) + " at least");
      room += (sizes[axis] - 1) * strides[axis];
    }
  }
  return Status::ok();
}

std::vector<bool> stridedArguments(func::FuncOp function, ArrayRef<Strides> strides) {
  std::vector<bool> strided;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    bool given = !function.getArgAttr(i, AnalogDialect::kValueAttr) && !strides.empty();
    strided.push_back(given && !strides.front().empty() && strides.front().back() != 1);
    strides = strides.drop_front(given ? 1 : 0);
  }
  return strided;
}

Strides sideBySide(ArrayRef<int64_t> shape) {
  Strides strides(shape.size(), 1);
  for (int i = int(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

int64_t extent(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  int64_t last = 0;
  for (auto [size, stride] : llvm::zip(shape, strides)) {
    if (size == 0)
      return 0;
    last += (size - 1) * stride;
  }
  return last + 1;
}

ParallelFor onThreads(int threads) {
  if (threads == 1)
    return runSerially;
  return [threads](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) {
    int64_t piece = (n + threads - 1) / threads;
    std::vector<std::thread> running;
    for (int64_t begin = 0; begin < n; begin += piece)
      running.emplace_back([&body, begin, end = std::min(n, begin + piece)] { body(begin, end); });
    for (std::thread &thread : running)
      thread.join();
  };
}

} // namespace mho::cli

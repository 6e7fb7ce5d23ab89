#include "runtime/Kernel.h"

#include "dialect/Numerics/Philox.h"

#include <cstdlib>

namespace mho {
namespace {

class HostMemory final : public KernelMemory {
public:
  void *allocate(int64_t bytes) override { return std::malloc(size_t(bytes)); }
  void release(void *data) override { std::free(data); }
};

} // namespace

KernelMemory &hostMemory() {
  static HostMemory memory;
  return memory;
}

std::string keyProblem(const std::vector<KernelSlot> &slots, const SlotValue *values) {
  for (size_t i = 0; i < slots.size(); ++i) {
    const TensorRef &tensor = values[i].tensor;
    if (slots[i].scalar || slots[i].result || slots[i].type != ElementType::I64 || !tensor.data)
      continue;
    DrawAddress address; // of a key (seed, step)
    address.step = static_cast<const int64_t *>(tensor.data)[1];
    if (std::string problem = wordAddressError(address); !problem.empty())
      return problem;
  }
  return "";
}

} // namespace mho

// What a launch of a kernel's CUDA code consists of: the argument of its functions, their grids, and the workspace.
// Shared by all that run it, be it a GPU or an interpreter.
//
//   Expected<CudaLaunch> launch = planCuda(kernel, slots, values, output);
//   launch->argument(values, addressOf, workspaceAddress)          // the bytes of the one parameter
//   for (const CudaLaunch::Step &step : launch->steps) ...         // step.function of cudaFunctions(kernel)
#pragma once

#include "lowering/AnalogToCuda/AnalogToCuda.h"
#include "runtime/Cuda/CudaModule.h"
#include "runtime/Kernel.h"

#include <functional>

namespace mho {

/// The functions of a kernel in the order of their launches, each with its dynamic shared memory.
std::vector<CudaFunction> cudaFunctions(const lowering::CudaKernel &kernel);

class CudaLaunch {
public:
  struct Step {
    size_t function; ///< its number in cudaFunctions()
    CudaGrid grid;
  };
  /// In order; a step without CTAs is left out.
  std::vector<Step> steps;
  int64_t workspaceBytes = 0;

  /// The struct <name>_Arguments. `addressOf(i)`: of slot i's elements, 0 where it has none.
  std::string argument(const SlotValue *values, const std::function<uint64_t(size_t slot)> &addressOf,
                       uint64_t workspace) const;

private:
  friend Expected<CudaLaunch> planCuda(const lowering::CudaKernel &kernel, const std::vector<KernelSlot> &slots,
                                       const SlotValue *values, const KernelOutput &output);
  /// A tensor of the workspace, or of a slot.
  struct WorkTensor {
    int slot = -1;
    int64_t offset = 0;
    int64_t sizes[2] = {0, 0};
  };
  struct WorkPartials {
    int64_t offset = 0, rows = 0, columns = 0;
  };
  int64_t take(int64_t floats);

  const std::vector<KernelSlot> *slots = nullptr;
  std::vector<WorkTensor> statistics; ///< the whole and the parts of each
  std::vector<WorkPartials> partials;
};

/// Fails where a tensor has more elements along an axis than a kernel counts.
Status checkCudaSizes(const std::string &name, const TensorRef &tensor);

/// Errors: sizes beyond what an index of the kernel counts, a grid that no GPU has.
Expected<CudaLaunch> planCuda(const lowering::CudaKernel &kernel, const std::vector<KernelSlot> &slots,
                              const SlotValue *values, const KernelOutput &output);

} // namespace mho

// Functions compiled for GPUs, through the cache on disk: what the backends ptx and cuda share.
//
//   Expected<CudaCode> code = compileCudaFunction(function, strided, "sm_80");
//   code->image, cudaFunctions(code->kernel)
#pragma once

#include "lowering/AnalogToCuda/AnalogToCuda.h"
#include "runtime/Status.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace mho {

struct CudaCode {
  lowering::CudaKernel kernel;
  std::string image; ///< PTX of an architecture compute_*, machine code of sm_*
};

/// One function of one tiled_mvm. Errors: no NVRTC, those of the stages.
Expected<CudaCode> compileCudaFunction(mlir::func::FuncOp function, const std::vector<bool> &strided,
                                       const std::string &architecture);

/// CUDA C++ that includes the prelude. `name`: of its unit.
Expected<std::string> compileCudaSource(const std::string &source, const std::string &name,
                                        const std::string &architecture);

} // namespace mho

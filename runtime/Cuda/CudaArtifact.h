// A kernel on its way to a GPU: the module, then CUDA C++, then the PTX and the machine code that NVRTC makes of it.
#pragma once

#include "lowering/AnalogToCuda/AnalogToCuda.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/ModuleArtifact.h"

#include <optional>

namespace mho {

class CudaArtifact : public ModuleArtifact {
public:
  /// `math`: of the schedule; `architecture`: as NVRTC names it, "compute_80" for PTX, "sm_80" for machine code.
  CudaArtifact(mlir::OwningOpRef<mlir::ModuleOp> module, std::string math, std::string nvrtcPath,
               std::string architecture)
      : ModuleArtifact(std::move(module)), math(std::move(math)), nvrtcPath(std::move(nvrtcPath)),
        architecture(std::move(architecture)) {}
  std::string text() const override;
  std::function<std::string()> snapshot() const override;
  Status replace(const std::string &text) override;

  Status print();
  Status compile();
  void assemble();

  const std::string math;
  /// From the stage emitc on.
  std::optional<lowering::CudaKernel> kernel;
  std::string source, ptx;
  /// From the stage cubin on: machine code; where the PTX is an edited one, that PTX, which the driver assembles.
  std::string image;

private:
  std::string nvrtcPath, architecture;
  std::string cubin; ///< that came with the PTX
};

/// CUDA C++ that includes the prelude, compiled by NVRTC. `architecture`: "compute_80" for PTX, "sm_80" for a cubin
/// too; `options` beside those that every kernel is compiled with. Errors: no NVRTC, its log.
Expected<Nvrtc::Output> compileCuda(const std::string &source, const std::string &nvrtcPath,
                                    const std::string &architecture, const std::vector<std::string> &options = {});

/// From fused kernels to those with a schedule of that math, and to EmitC.
void addCudaSchedulePasses(mlir::OpPassManager &passes, const std::string &math);
void addCudaPasses(mlir::OpPassManager &passes, const std::string &math);

/// What a launcher has to know of the kernel of a module's one function.
Expected<lowering::CudaKernel> describeKernel(mlir::ModuleOp module, const std::string &math);

/// schedule, emitc, cuda, ptx, cubin; to PTX all but the last.
std::vector<Stage> cudaStages(CudaArtifact &artifact);
std::vector<Stage> ptxStages(CudaArtifact &artifact);
std::vector<std::string> cudaStageNames();
std::vector<std::string> ptxStageNames();

} // namespace mho

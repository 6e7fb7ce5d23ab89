#include "runtime/Cuda/CudaCompile.h"

#include "runtime/CachedCompile.h"
#include "runtime/Cuda/CudaArtifact.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/LayerStages.h"

#include <filesystem>

using namespace mlir;

namespace mho {
namespace {

bool isMachineCode(const std::string &architecture) { return architecture.rfind("sm_", 0) == 0; }

/// What a payload of the cache is, apart from its target.
std::string kindOf(const std::string &architecture) { return isMachineCode(architecture) ? "cubin" : "ptx"; }

/// What the cache tells one compiler from another by.
std::string targetText(const Nvrtc &nvrtc, const std::string &architecture) {
  std::error_code unknown; // the loader may have found it elsewhere than in this folder
  uintmax_t bytes = std::filesystem::file_size(nvrtc.path(), unknown);
  return architecture + " NVRTC " + nvrtc.version() + " " + std::to_string(unknown ? 0 : bytes);
}

/// The code of a module of one function; what a launch has to know of it where the stages ran.
Expected<CudaCode> compileStages(OwningOpRef<ModuleOp> module, const std::string &unit, const Knobs &knobs,
                                 const std::string &architecture) {
  CudaArtifact artifact(std::move(module), knobs.cudaMath, knobs.nvrtc, architecture);
  bool machineCode = isMachineCode(architecture);
  StageOptions options = StageOptions::from(knobs, allStages(machineCode ? cudaStageNames() : ptxStageNames()));
  if (Status status = runStages(unit, artifact, machineCode ? cudaStages(artifact) : ptxStages(artifact), options);
      !status)
    return status;
  return CudaCode{*artifact.kernel, machineCode ? artifact.image : artifact.ptx};
}

/// The process's knobs and NVRTC.
struct Tools {
  const Knobs &knobs;
  const Nvrtc &nvrtc;
};

Expected<Tools> findTools() {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  Expected<const Nvrtc *> nvrtc = Nvrtc::get((*knobs)->nvrtc);
  if (!nvrtc)
    return nvrtc.error();
  return Tools{**knobs, **nvrtc};
}

} // namespace

Expected<CudaCode> compileCudaFunction(func::FuncOp function, const std::vector<bool> &strided,
                                       const std::string &architecture) {
  Expected<Tools> tools = findTools();
  if (!tools)
    return tools.error();
  const Knobs &knobs = tools->knobs;
  OwningOpRef<ModuleOp> module = isolate(function, strided);
  std::optional<lowering::CudaKernel> kernel;
  auto compile = [&](const std::string &unit) -> Expected<std::string> {
    Expected<CudaCode> code = compileStages(module->clone(), unit, knobs, architecture);
    if (!code)
      return code.error();
    kernel = code->kernel;
    return code->image;
  };
  Expected<std::string> image = compileCached(printed(*module), function.getName().str(), kindOf(architecture),
                                              targetText(tools->nvrtc, architecture), knobs, compile);
  if (!image)
    return image.error();
  if (!kernel) { // the code came from the cache
    Expected<lowering::CudaKernel> described = describeKernel(*module, knobs.cudaMath);
    if (!described)
      return described.error();
    kernel = std::move(*described);
  }
  return CudaCode{*kernel, std::move(*image)};
}

Expected<std::string> compileCudaSource(const std::string &source, const std::string &name,
                                        const std::string &architecture) {
  Expected<Tools> tools = findTools();
  if (!tools)
    return tools.error();
  auto compile = [&](const std::string &) -> Expected<std::string> {
    Expected<Nvrtc::Output> output = compileCuda(source, tools->knobs.nvrtc, architecture);
    if (!output)
      return output.error();
    return isMachineCode(architecture) ? output->cubin : output->ptx;
  };
  return compileCached(source, name, kindOf(architecture), targetText(tools->nvrtc, architecture), tools->knobs,
                       compile);
}

} // namespace mho

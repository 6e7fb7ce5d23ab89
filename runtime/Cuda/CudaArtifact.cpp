#include "runtime/Cuda/CudaArtifact.h"

#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/SoleKernel.h"
#include "lowering/Passes.h"

using namespace mlir;

namespace mho {

std::string CudaArtifact::text() const {
  for (const std::string *form : {&image, &ptx, &source})
    if (!form->empty())
      return *form;
  return ModuleArtifact::text();
}

std::function<std::string()> CudaArtifact::snapshot() const {
  if (source.empty())
    return ModuleArtifact::snapshot();
  return [text = text()] { return text; };
}

Status CudaArtifact::replace(const std::string &text) {
  if (source.empty())
    return ModuleArtifact::replace(text);
  (ptx.empty() ? source : image.empty() ? ptx : image) = text;
  cubin.clear(); // of another text
  return Status::ok();
}

Status CudaArtifact::print() {
  return withDiagnostics([&] {
    FailureOr<std::string> printed = lowering::printCuda(*mlirModule);
    source = failed(printed) ? "" : *printed;
    return succeeded(printed);
  });
}

Status CudaArtifact::compile() {
  Expected<Nvrtc::Output> output = compileCuda(source, nvrtcPath, architecture);
  if (!output)
    return output.error();
  ptx = std::move(output->ptx);
  cubin = std::move(output->cubin);
  return Status::ok();
}

void CudaArtifact::assemble() { image = cubin.empty() ? ptx : cubin; }

Expected<Nvrtc::Output> compileCuda(const std::string &source, const std::string &nvrtcPath,
                                    const std::string &architecture, const std::vector<std::string> &options) {
  Expected<const Nvrtc *> nvrtc = Nvrtc::get(nvrtcPath);
  if (!nvrtc)
    return nvrtc.error();
  // No contraction: a product is rounded before it is added. Unused arguments of generated functions are no mistake.
  Nvrtc::Input input{source, "kernel.cu", architecture, {"--fmad=false", "--std=c++17", "--diag-suppress=177"}};
  input.options.insert(input.options.end(), options.begin(), options.end());
  input.headers = {{lowering::kCudaPreludeName.str(), lowering::kCudaPrelude}};
  return (*nvrtc)->compile(input);
}

void addCudaSchedulePasses(OpPassManager &passes, const std::string &math) {
  lowering::AnalogCudaSchedulePassOptions options;
  options.math = math;
  passes.addPass(analog::createAnalogInlineSurrogatesPass());
  passes.addPass(analog::createAnalogExpandElementaryPass());
  passes.addPass(lowering::createAnalogCudaSchedulePass(options));
}

void addCudaPasses(OpPassManager &passes, const std::string &math) {
  addCudaSchedulePasses(passes, math);
  passes.addPass(lowering::createConvertAnalogToCudaPass());
}

/// Of the one function of a module that has gone through addCudaSchedulePasses.
static Expected<lowering::CudaKernel> describeScheduled(ModuleOp module) {
  func::FuncOp function = *module.getOps<func::FuncOp>().begin();
  std::string why;
  analog::TiledMvmOp kernel = analog::soleKernel(function, why);
  if (!kernel)
    return Status::error("@" + function.getName().str() + " is not one fused kernel: " + why);
  FailureOr<lowering::CudaKernel> description = lowering::describeCuda(function, kernel);
  if (failed(description))
    return Status::error("@" + function.getName().str() + " has no schedule that can be used");
  return *description;
}

Expected<lowering::CudaKernel> describeKernel(ModuleOp module, const std::string &math) {
  ModuleArtifact artifact(module.clone());
  Status status = artifact.runPasses([&](OpPassManager &passes) { addCudaSchedulePasses(passes, math); });
  return status ? describeScheduled(*artifact.mlirModule) : status;
}

std::vector<Stage> ptxStages(CudaArtifact &artifact) {
  auto schedule = [&artifact] {
    return artifact.runPasses([&](OpPassManager &passes) { addCudaSchedulePasses(passes, artifact.math); });
  };
  auto convert = [&artifact]() -> Status {
    // Here and not before: an edited schedule counts.
    Expected<lowering::CudaKernel> kernel = describeScheduled(*artifact.mlirModule);
    if (!kernel)
      return kernel.error();
    artifact.kernel = std::move(*kernel);
    return artifact.runPasses([](OpPassManager &passes) { passes.addPass(lowering::createConvertAnalogToCudaPass()); });
  };
  return {{"schedule", "mlir", schedule},
          {"emitc", "mlir", convert},
          {"cuda", "cu", [&artifact] { return artifact.print(); }},
          {"ptx", "ptx", [&artifact] { return artifact.compile(); }}};
}

std::vector<Stage> cudaStages(CudaArtifact &artifact) {
  std::vector<Stage> stages = ptxStages(artifact);
  stages.push_back({"cubin", "cubin", [&artifact] {
                      artifact.assemble();
                      return Status::ok();
                    }});
  return stages;
}

static std::vector<std::string> namesOf(std::vector<Stage> (*stages)(CudaArtifact &)) {
  CudaArtifact none(nullptr, "", "", "");
  std::vector<std::string> names;
  for (const Stage &stage : stages(none))
    names.push_back(stage.name);
  return names;
}

std::vector<std::string> cudaStageNames() { return namesOf(cudaStages); }
std::vector<std::string> ptxStageNames() { return namesOf(ptxStages); }

} // namespace mho

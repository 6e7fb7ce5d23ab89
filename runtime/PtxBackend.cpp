#include "runtime/PtxBackend.h"

#include "runtime/CachedCompile.h"
#include "runtime/ColumnSum.h"
#include "runtime/Cuda/CudaArtifact.h"
#include "runtime/Cuda/CudaLaunch.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/LayerStages.h"
#include "runtime/Ptx/Exactness.h"
#include "runtime/Ptx/Module.h"

#include <cstdio>
#include <filesystem>
#include <optional>

using namespace mlir;

namespace mho {
namespace {

/// PTX of the oldest architecture that kernels are made for; that of newer ones differs in its first lines only.
constexpr const char *kArchitecture = "compute_80";

/// Bytes from the first to the last element of a tensor; 0 without elements.
int64_t spanBytes(const TensorRef &tensor) {
  int64_t last = 0;
  for (int i = 0; i < tensor.rank; ++i) {
    if (tensor.sizes[i] == 0)
      return 0;
    last += (tensor.sizes[i] - 1) * tensor.strides[i];
  }
  return (last + 1) * bytesOf(tensor.type);
}

class PtxKernel final : public Kernel {
public:
  PtxKernel(lowering::CudaKernel kernel, std::vector<KernelSlot> slots, ptx::Module module)
      : kernel(std::move(kernel)), all(std::move(slots)), module(std::move(module)) {}
  const std::vector<KernelSlot> &slots() const override { return all; }

  Status launch(const SlotValue *values, const KernelOutput &output, const LaunchContext &) const override {
    if (std::string problem = keyProblem(all, values); !problem.empty())
      return Status::error(problem);
    Expected<CudaLaunch> launch = planCuda(kernel, all, values, output);
    if (!launch)
      return launch.error();
    ptx::Memory memory;
    std::vector<uint64_t> addresses;
    for (size_t i = 0; i < all.size(); ++i) {
      const TensorRef &tensor = values[i].tensor;
      int64_t bytes = all[i].scalar || values[i].discard || !tensor.data ? 0 : spanBytes(tensor);
      auto access = all[i].result ? ptx::Memory::Access::ReadWrite : ptx::Memory::Access::ReadOnly;
      addresses.push_back(bytes ? memory.add(all[i].name, tensor.data, size_t(bytes), access) : 0);
    }
    // Not zeros: what no kernel has written must not look like a sum.
    std::vector<uint8_t> work(size_t(launch->workspaceBytes), 0xff);
    uint64_t workspace = work.empty() ? 0 : memory.add("workspace", work.data(), work.size());
    std::string argument = launch->argument(values, [&](size_t slot) { return addresses[slot]; }, workspace);
    ptx::Arguments arguments;
    arguments.addBytes(argument.data(), argument.size());
    for (const CudaLaunch::Step &step : launch->steps) {
      Expected<ptx::Report> report = module.launch(step.kernel, {unsigned(step.gridX), unsigned(step.gridY)},
                                                   {unsigned(step.threads)}, step.sharedBytes, arguments, memory);
      if (!report)
        return report.error();
      if (Expected<const Knobs *> knobs = Knobs::get(); knobs && (*knobs)->ptxReport)
        std::fprintf(stderr, "%s", report->text().c_str());
      if (!report->clean())
        return Status::error("the interpreter found faults in @" + step.kernel + ":\n" + report->faults[0].text());
    }
    return Status::ok();
  }

private:
  lowering::CudaKernel kernel;
  std::vector<KernelSlot> all;
  ptx::Module module;
};

/// The PTX of a module of one function, and what a launch has to know of it. Errors: those of the stages.
Expected<std::string> compileStages(OwningOpRef<ModuleOp> module, const std::string &unit, const Knobs &knobs,
                                    std::optional<lowering::CudaKernel> &kernel) {
  CudaArtifact artifact(std::move(module), knobs.cudaMath, knobs.nvrtc, kArchitecture);
  StageOptions options = StageOptions::from(knobs, allStages(cudaStageNames()));
  if (Status status = runStages(unit, artifact, cudaStages(artifact), options); !status)
    return status;
  kernel = artifact.kernel;
  return artifact.ptx;
}

/// What the cache tells one compiler from another by.
std::string targetText(const Nvrtc &nvrtc) {
  std::error_code unknown; // the loader may have found it elsewhere than in this folder
  uintmax_t bytes = std::filesystem::file_size(nvrtc.path(), unknown);
  return std::string(kArchitecture) + " NVRTC " + nvrtc.version() + " " + std::to_string(unknown ? 0 : bytes);
}

class PtxBackend final : public Backend {
public:
  std::string name() const override { return "ptx"; }
  std::string unavailable() const override {
    Expected<const Knobs *> knobs = Knobs::get();
    if (!knobs)
      return knobs.message();
    Expected<const Nvrtc *> nvrtc = Nvrtc::get((*knobs)->nvrtc);
    return nvrtc ? "" : nvrtc.message();
  }
  std::vector<std::string> stages() const override { return cudaStageNames(); }

  Expected<std::shared_ptr<const Kernel>> compile(func::FuncOp function, const std::vector<bool> &strided) override {
    Expected<const Knobs *> knobs = Knobs::get();
    if (!knobs)
      return knobs.error();
    Expected<const Nvrtc *> nvrtc = Nvrtc::get((*knobs)->nvrtc);
    if (!nvrtc)
      return nvrtc.error();
    std::string name = function.getName().str();
    OwningOpRef<ModuleOp> module = isolate(function, strided);
    std::optional<lowering::CudaKernel> kernel;
    auto compile = [&](const std::string &unit) { return compileStages(module->clone(), unit, **knobs, kernel); };
    Expected<std::string> text = compileCached(*module, name, "ptx", targetText(**nvrtc), **knobs, compile);
    if (!text)
      return text.error();
    if (!kernel) { // the PTX came from the cache
      Expected<lowering::CudaKernel> described = describeKernel(*module, (*knobs)->cudaMath);
      if (!described)
        return described.error();
      kernel = std::move(*described);
    }
    Expected<ptx::Module> parsed = ptx::Module::parse(*text);
    if (!parsed)
      return parsed.error();
    if (std::vector<ptx::InexactInstruction> inexact = ptx::lintExact(*parsed); !inexact.empty())
      return Status::error("the PTX of @" + name + " is not exact: " + inexact[0].text());
    return std::shared_ptr<const Kernel>(std::make_shared<PtxKernel>(*kernel, kernelSlots(function), *parsed));
  }
  Status sumColumns(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) override {
    columnSum(grad, out, context.parallelFor);
    return Status::ok();
  }
};

} // namespace

Backend &ptxBackend() {
  static PtxBackend backend;
  return backend;
}

} // namespace mho

#include "runtime/PtxBackend.h"

#include "runtime/ColumnSum.h"
#include "runtime/Cuda/Architectures.h"
#include "runtime/Cuda/CudaArtifact.h"
#include "runtime/Cuda/CudaCompile.h"
#include "runtime/Cuda/CudaLaunch.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/Ptx/Exactness.h"
#include "runtime/Ptx/Module.h"

#include <cstdio>

using namespace mlir;

namespace mho {
namespace {

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
  PtxKernel(const lowering::CudaKernel &kernel, std::vector<KernelSlot> slots, ptx::Module module)
      : kernel(kernel), functions(cudaFunctions(kernel)), all(std::move(slots)), module(std::move(module)) {}
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
      const std::string &name = functions[step.function].name;
      Expected<ptx::Report> report =
          module.launch(name, {unsigned(step.grid.x), unsigned(step.grid.y)}, {unsigned(step.grid.threads)},
                        step.grid.sharedBytes, arguments, memory);
      if (!report)
        return report.error();
      if (Expected<const Knobs *> knobs = Knobs::get(); knobs && (*knobs)->ptxReport)
        std::fprintf(stderr, "%s", report->text().c_str());
      if (!report->clean())
        return Status::error("the interpreter found faults in @" + name + ":\n" + report->faults[0].text());
    }
    return Status::ok();
  }

private:
  lowering::CudaKernel kernel;
  std::vector<CudaFunction> functions;
  std::vector<KernelSlot> all;
  ptx::Module module;
};

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
  std::vector<std::string> stages() const override { return ptxStageNames(); }

  Expected<std::shared_ptr<const Kernel>> compile(func::FuncOp function, const std::vector<bool> &strided) override {
    Expected<CudaCode> code = compileCudaFunction(function, strided, kPortableArchitecture);
    if (!code)
      return code.error();
    Expected<ptx::Module> parsed = ptx::Module::parse(code->image);
    if (!parsed)
      return parsed.error();
    if (std::vector<ptx::InexactInstruction> inexact = ptx::lintExact(*parsed); !inexact.empty())
      return Status::error("the PTX of @" + function.getName().str() + " is not exact: " + inexact[0].text());
    return std::shared_ptr<const Kernel>(std::make_shared<PtxKernel>(code->kernel, kernelSlots(function), *parsed));
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

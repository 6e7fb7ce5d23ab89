#include "runtime/CudaBackend.h"

#include "runtime/Cuda/CudaArtifact.h"
#include "runtime/Cuda/CudaColumnSum.h"
#include "runtime/Cuda/CudaCompile.h"
#include "runtime/Cuda/CudaLaunch.h"
#include "runtime/Cuda/DeviceCode.h"
#include "runtime/Cuda/Nvrtc.h"
#include "runtime/Knobs.h"

#include <map>
#include <optional>

using namespace mlir;

namespace mho {
namespace {

/// What the backend needs of the machine.
struct Machine {
  std::shared_ptr<CudaDriver> driver;
  const Nvrtc *nvrtc;
};

Expected<Machine> findMachine() {
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs)
    return knobs.error();
  Expected<std::shared_ptr<CudaDriver>> driver = CudaDriver::get((*knobs)->cudaDriver);
  if (!driver)
    return driver.error();
  Expected<const Nvrtc *> nvrtc = Nvrtc::get((*knobs)->nvrtc);
  if (!nvrtc)
    return nvrtc.error();
  return Machine{*driver, *nvrtc};
}

/// The default of a LaunchContext is memory of the host.
Status checkMemory(const LaunchContext &context) {
  if (context.memory == &hostMemory())
    return Status::error(
        "a kernel on a GPU needs memory of it to work in: set LaunchContext::memory to an allocator, as "
        "the torch ops do");
  return Status::ok();
}

class CudaKernel final : public Kernel {
public:
  CudaKernel(const lowering::CudaKernel &kernel, std::vector<KernelSlot> slots, const Machine &machine,
             std::vector<CudaImage> images)
      : kernel(kernel), all(std::move(slots)), code(machine.driver, std::move(images), cudaFunctions(kernel)) {}
  const std::vector<KernelSlot> &slots() const override { return all; }

  Status launch(const SlotValue *values, const KernelOutput &output, const LaunchContext &context) const override {
    if (Status status = checkMemory(context); !status)
      return status;
    Expected<CudaLaunch> launch = planCuda(kernel, all, values, output);
    if (!launch)
      return launch.error();
    Expected<const CudaModule *> module = code.on(context.device, context.stream);
    if (!module)
      return module.error();
    CudaContextScope scope = (*module)->enter();
    if (!context.knowsPlaces)
      if (Status status = checkPlaces(**module, values); !status)
        return status;
    LentMemory workspace;
    if (launch->workspaceBytes > 0) {
      workspace = LentMemory(*context.memory, launch->workspaceBytes);
      if (!workspace)
        return Status::error("no memory on the GPU for the workspace of @" + kernel.name + ", " +
                             std::to_string(launch->workspaceBytes) + " bytes; free some, or use a smaller batch");
    }
    auto addressOf = [&](size_t slot) {
      return values[slot].discard ? 0 : reinterpret_cast<uint64_t>(values[slot].tensor.data);
    };
    std::string argument = launch->argument(values, addressOf, reinterpret_cast<uint64_t>(workspace.get()));
    for (const CudaLaunch::Step &step : launch->steps)
      if (Status status = (*module)->launch(step.function, step.grid, context.stream, argument.data()); !status)
        return status;
    return Status::ok();
  }

private:
  Status checkPlaces(const CudaModule &module, const SlotValue *values) const {
    for (size_t i = 0; i < all.size(); ++i) {
      const TensorRef &tensor = values[i].tensor;
      if (!all[i].scalar && !values[i].discard && tensor.data && tensor.elements() > 0)
        if (Status status = module.checkPlace(all[i].name, tensor.data); !status)
          return status;
    }
    return Status::ok();
  }

  lowering::CudaKernel kernel;
  std::vector<KernelSlot> all;
  DeviceCode code;
};

class CudaBackend final : public Backend {
public:
  std::string name() const override { return "cuda"; }
  std::string unavailable() const override {
    Expected<Machine> machine = findMachine();
    return machine ? "" : machine.message();
  }
  std::vector<std::string> stages() const override { return cudaStageNames(); }

  Expected<std::shared_ptr<const Kernel>> compile(func::FuncOp function, const std::vector<bool> &strided) override {
    Expected<Machine> machine = findMachine();
    if (!machine)
      return machine.error();
    std::optional<lowering::CudaKernel> kernel; // the same of every architecture
    auto compile = [&](const std::string &architecture) -> Expected<std::string> {
      Expected<CudaCode> code = compileCudaFunction(function, strided, architecture);
      if (!code)
        return code.error();
      kernel = code->kernel;
      return std::move(code->image);
    };
    auto images = imagesOf(machine->driver->devices(), machine->nvrtc->architectures(), compile);
    if (!images)
      return images.error();
    return std::shared_ptr<const Kernel>(
        std::make_shared<CudaKernel>(*kernel, kernelSlots(function), *machine, std::move(*images)));
  }

  Status sumColumns(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) override {
    if (Status status = checkMemory(context); !status)
      return status;
    Expected<const CudaColumnSum *> sum = columnSumOf(grad.type);
    return sum ? (*sum)->launch(grad, out, context) : sum.error();
  }

private:
  Expected<const CudaColumnSum *> columnSumOf(ElementType type) {
    std::lock_guard<std::mutex> lock(mutex);
    std::unique_ptr<CudaColumnSum> &sum = sums[type];
    if (!sum) {
      Expected<Machine> machine = findMachine();
      if (!machine)
        return machine.error();
      auto made = CudaColumnSum::make(machine->driver, type);
      if (!made)
        return made.error();
      sum = std::move(*made);
    }
    return static_cast<const CudaColumnSum *>(sum.get());
  }

  std::mutex mutex;
  std::map<ElementType, std::unique_ptr<CudaColumnSum>> sums;
};

} // namespace

Backend &cudaBackend() {
  static CudaBackend backend;
  return backend;
}

} // namespace mho

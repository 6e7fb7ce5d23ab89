#include "runtime/Backend.h"

#include "runtime/ColumnSum.h"
#include "runtime/CpuArtifact.h"
#include "runtime/CpuCompiler.h"
#include "runtime/CudaBackend.h"
#include "runtime/PtxBackend.h"
#include "runtime/ReferenceBackend.h"

#include "dialect/IR/AnalogDialect.h"

using namespace mlir;

namespace mho {
namespace {

class CpuKernel final : public Kernel {
public:
  explicit CpuKernel(CpuCode code) : code(std::move(code)) {}
  const std::vector<KernelSlot> &slots() const override { return code.slots; }
  Status launch(const SlotValue *values, const KernelOutput &output, const LaunchContext &context) const override {
    return launchCpu(code, values, output, context);
  }
  bool runsInParts() const override { return true; }
  std::unique_ptr<PartLaunch> begin(const KernelOutput &output) const override { return beginCpu(code, output); }

private:
  CpuCode code;
};

/// LLVM ORC on the host's cores.
class CpuBackend final : public Backend {
public:
  std::string name() const override { return "cpu"; }
  std::string unavailable() const override { return ""; }
  std::vector<std::string> stages() const override { return cpuStageNames(); }
  Expected<std::shared_ptr<const Kernel>> compile(func::FuncOp function, const std::vector<bool> &strided) override {
    Expected<CpuCode> code = compileCpuFunction(function, strided);
    if (!code)
      return code.error();
    return std::shared_ptr<const Kernel>(std::make_shared<CpuKernel>(std::move(*code)));
  }
  Status sumColumns(const TensorRef &grad, const TensorRef &out, const LaunchContext &context) override {
    columnSum(grad, out, context.parallelFor);
    return Status::ok();
  }
};

ElementType typeOf(Type element) {
  if (element.isInteger(64))
    return ElementType::I64;
  if (element.isInteger(32))
    return ElementType::I32;
  return element.isF16() ? ElementType::F16 : element.isBF16() ? ElementType::BF16 : ElementType::F32;
}

KernelSlot slotOf(Type type, StringAttr name, bool result) {
  KernelSlot slot;
  slot.name = name ? name.str() : "";
  slot.result = result;
  auto tensor = dyn_cast<RankedTensorType>(type);
  slot.scalar = !tensor;
  Type element = tensor ? tensor.getElementType() : type;
  slot.rank = tensor ? tensor.getRank() : 0;
  slot.type = typeOf(element);
  return slot;
}

} // namespace

std::vector<KernelSlot> kernelSlots(func::FuncOp function) {
  StringRef nameAttr = analog::AnalogDialect::kNameAttr;
  std::vector<KernelSlot> slots;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    slots.push_back(slotOf(type, function.getArgAttrOfType<StringAttr>(i, nameAttr), false));
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    slots.push_back(slotOf(type, function.getResultAttrOfType<StringAttr>(i, nameAttr), true));
  return slots;
}

const std::vector<Backend *> &Backend::all() {
  static CpuBackend cpu;
  static const std::vector<Backend *> backends{&cpu, &referenceBackend(), &ptxBackend(), &cudaBackend()};
  return backends;
}

Expected<Backend *> Backend::get(const std::string &name) {
  std::string known;
  for (Backend *backend : all()) {
    if (backend->name() == name)
      return backend;
    known += (known.empty() ? "" : ", ") + backend->name();
  }
  return Status::error("unknown backend '" + name + "'; known: " + known);
}

} // namespace mho

#include "runtime/Backend.h"

#include "runtime/ColumnSum.h"
#include "runtime/CpuCompiler.h"

namespace mho {
namespace {

/// LLVM ORC on the host's cores.
class CpuBackend final : public Backend {
public:
  std::string name() const override { return "cpu"; }
  std::string unavailable() const override { return ""; }
  Expected<CompiledKernel> compile(mlir::func::FuncOp function, uint32_t strided) override {
    return compileCpuFunction(function, strided);
  }
  Status launch(const CompiledKernel &kernel, const SlotValue *values, const KernelOutput &output,
                const ParallelFor &parallelFor) override {
    return launchKernel(kernel, values, output, parallelFor);
  }
  Status sumColumns(const TensorRef &grad, const TensorRef &out, const ParallelFor &parallelFor) override {
    columnSum(grad, out, parallelFor);
    return Status::ok();
  }
};

} // namespace

const std::vector<Backend *> &Backend::all() {
  static CpuBackend cpu;
  static const std::vector<Backend *> backends{&cpu};
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

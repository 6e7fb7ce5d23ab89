// mho-translate: functions of the dialect to what the CPU backend makes of them: LLVM IR, assembly, an object file.
#include "dialect/IR/AnalogDialect.h"
#include "frontends/cli/SoleKernel.h"
#include "frontends/cli/Tool.h"
#include "runtime/CacheKey.h"
#include "runtime/CpuArtifact.h"
#include "runtime/LayerStages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

namespace {

llvm::cl::opt<std::string> isa("isa", llvm::cl::desc("avx512, avx2 or generic: what code may be made of; default: all "
                                                     "that this CPU has"));

enum class Form { LLVMIR, Assembly, Object };

/// Every function is one fused kernel, and there is one.
mho::Status checkKernels(ModuleOp module) {
  auto functions = module.getOps<func::FuncOp>();
  if (functions.empty())
    return mho::Status::error("the file has no function: nothing to translate");
  for (auto function : functions)
    if (auto kernel = mho::cli::soleKernel(function); !kernel)
      return kernel.error();
  return mho::Status::ok();
}

/// Fuses what is not fused yet and compiles every function by the CPU backend's stages, save for backward included.
mho::Expected<std::string> compile(ModuleOp module, Form form) {
  mho::Expected<const mho::Knobs *> knobs = mho::Knobs::get();
  if (!knobs)
    return knobs.error();
  std::string limit = isa.empty() ? (*knobs)->isa : isa;
  if (mho::Status status = mho::checkIsa(limit); !status)
    return status;
  mho::CpuArtifact artifact(cast<ModuleOp>(module->clone()), limit);
  auto options = mho::StageOptions::from(**knobs, mho::allStages(mho::cpuStageNames()));
  std::string unit = mho::unitName("module", artifact.text());
  mho::Status status = mho::runStages(
      unit, artifact, mho::layerStages(artifact, {/*saveForBackward=*/true, /*gradients=*/false}), options);
  if (status)
    status = checkKernels(*artifact.mlirModule);
  std::vector<mho::Stage> stages = mho::cpuStages(artifact);
  if (form != Form::Object)
    llvm::erase_if(stages, [](const mho::Stage &stage) { return stage.name == "object"; });
  if (status)
    status = mho::runStages(unit, artifact, stages, options);
  if (!status)
    return status;
  return form == Form::Assembly ? artifact.assembly() : mho::Expected<std::string>(artifact.text());
}

void addTranslation(const char *name, const char *help, Form form) {
  TranslateFromMLIRRegistration registration(
      name, help,
      [form](Operation *op, llvm::raw_ostream &out) -> LogicalResult {
        mho::Expected<std::string> code = compile(cast<ModuleOp>(op), form);
        if (!code)
          return emitError(op->getLoc(), code.message());
        out << *code;
        return success();
      },
      [](DialectRegistry &registry) {
        registry.insert<mho::analog::AnalogDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
      });
}

} // namespace

int main(int argc, char **argv) {
  if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-translate"))
    return *status;
  addTranslation("analog-to-llvmir", "kernels as LLVM IR, optimised for this CPU", Form::LLVMIR);
  addTranslation("analog-to-asm", "kernels as assembly of this CPU", Form::Assembly);
  addTranslation("analog-to-object", "kernels as an object file, which exports <function>_entry(void **args)",
                 Form::Object);
  return failed(mlirTranslateMain(argc, argv, "mho's translations of the dialect analog")) ? EXIT_FAILURE
                                                                                           : EXIT_SUCCESS;
}

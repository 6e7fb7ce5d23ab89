// mho-translate: functions of the dialect to what the CPU backend makes of them: LLVM IR, assembly, an object file.
#include "dialect/Transforms/Passes.h"
#include "frontends/cli/SoleKernel.h"
#include "frontends/cli/Tool.h"
#include "lowering/Passes.h"
#include "lowering/VectorToLLVM/Pipeline.h"
#include "runtime/CpuArtifact.h"

#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

namespace {

llvm::cl::opt<std::string> isa("isa", llvm::cl::desc("avx512, avx2 or generic: what code may be made of; default: all "
                                                     "that this CPU has"));

enum class Form { LLVMIR, Assembly, Object };

/// Names of the module's functions. Errors: none there, or one that is not a fused kernel.
mho::Expected<std::vector<std::string>> kernelNames(ModuleOp module) {
  std::vector<std::string> names;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (auto kernel = mho::cli::soleKernel(function); !kernel)
      return kernel.error();
    names.push_back(function.getName().str());
  }
  if (names.empty())
    return mho::Status::error("the file has no function: nothing to translate");
  return names;
}

/// Fuses what is not fused yet and compiles every function as the CPU backend does, save for backward included.
mho::Expected<std::string> compile(ModuleOp module, Form form) {
  mho::CpuArtifact artifact(cast<ModuleOp>(module->clone()), isa);
  mho::Status status = artifact.runPasses([](OpPassManager &passes) {
    mho::analog::AnalogFusePassOptions fuse;
    fuse.saveForBackward = true;
    passes.addPass(mho::analog::createAnalogFusePass(fuse));
  });
  if (!status)
    return status;
  mho::Expected<std::vector<std::string>> kernels = kernelNames(*artifact.mlirModule);
  if (!kernels)
    return kernels.error();
  status = artifact.runPasses([](OpPassManager &passes) {
    mho::lowering::AnalogSchedulePassOptions schedule;
    schedule.isa = isa;
    passes.addPass(mho::lowering::createAnalogSchedulePass(schedule));
    passes.addPass(mho::lowering::createConvertAnalogToVectorPass());
  });
  if (!status)
    return status;
  std::vector<std::string> functions; // a kernel that reduces has become two
  for (auto function : artifact.mlirModule->getOps<func::FuncOp>())
    functions.push_back(function.getName().str());
  status = artifact.runPasses([](OpPassManager &passes) { mho::lowering::buildVectorToLLVM(passes); });
  if (status)
    status = artifact.translate(functions);
  if (status && form == Form::Object)
    status = artifact.emitObject();
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

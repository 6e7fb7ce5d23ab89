#include "runtime/CpuArtifact.h"

#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/Passes.h"
#include "lowering/Schedule/Schedule.h"
#include "lowering/VectorToLLVM/Pipeline.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace mho {
namespace {

std::string printed(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

std::string printed(llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

} // namespace

std::string CpuArtifact::text() const {
  if (!object.empty())
    return object;
  return llvmModule ? printed(*llvmModule) : printed(*mlirModule);
}

std::function<std::string()> CpuArtifact::snapshot() const {
  if (llvmModule)
    return [this] { return text(); };
  auto copy = std::make_shared<OwningOpRef<ModuleOp>>(cast<ModuleOp>((*mlirModule)->clone()));
  return [copy] { return printed(**copy); };
}

Status CpuArtifact::replace(const std::string &text) {
  if (!object.empty()) {
    object = text;
    return Status::ok();
  }
  if (llvmModule) {
    llvm::SMDiagnostic problem;
    std::unique_ptr<llvm::Module> parsed =
        llvm::parseIR(llvm::MemoryBufferRef(text, "override"), problem, *llvmContext);
    if (!parsed)
      return Status::error("line " + std::to_string(problem.getLineNo()) + ": " + problem.getMessage().str());
    llvmModule = std::move(parsed);
    return Status::ok();
  }
  std::string messages;
  ScopedDiagnosticHandler handler((*mlirModule)->getContext(), [&](Diagnostic &d) { messages += d.str() + "\n"; });
  OwningOpRef<ModuleOp> parsed = parseSourceString<ModuleOp>(text, (*mlirModule)->getContext());
  if (!parsed)
    return Status::error(messages);
  mlirModule = std::move(parsed);
  return Status::ok();
}

Status CpuArtifact::runPasses(llvm::function_ref<void(OpPassManager &)> build) {
  std::string messages;
  ScopedDiagnosticHandler handler((*mlirModule)->getContext(), [&](Diagnostic &d) { messages += d.str() + "\n"; });
  PassManager passes((*mlirModule)->getContext());
  build(passes);
  if (failed(passes.run(*mlirModule)))
    return Status::error(messages);
  return Status::ok();
}

Status CpuArtifact::translate(const std::vector<std::string> &functions) {
  registerBuiltinDialectTranslation(*(*mlirModule)->getContext());
  registerLLVMDialectTranslation(*(*mlirModule)->getContext());
  llvmModule = translateModuleToLLVMIR(*mlirModule, *llvmContext, "mho");
  if (!llvmModule)
    return Status::error("the LLVM dialect does not translate to LLVM IR");
  for (const std::string &function : functions)
    if (Status status = addPackedEntry(*llvmModule, function); !status)
      return status;
  Expected<std::unique_ptr<llvm::TargetMachine>> target = machine();
  if (!target)
    return target.error();
  return optimizeModule(*llvmModule, **target);
}

Expected<std::string> CpuArtifact::assembly() { return emit(/*assembly=*/true); }

Status CpuArtifact::emitObject() {
  Expected<std::string> code = emit(/*assembly=*/false);
  if (!code)
    return code.error();
  object = std::move(*code);
  return Status::ok();
}

Expected<std::string> CpuArtifact::emit(bool assembly) {
  Expected<std::unique_ptr<llvm::TargetMachine>> target = machine();
  if (!target)
    return target.error();
  return emitCode(*llvmModule, **target, assembly);
}

Expected<std::unique_ptr<llvm::TargetMachine>> CpuArtifact::machine() const {
  lowering::Isa host = lowering::hostIsa(), asked = lowering::isaNamed(isa).value_or(host);
  if (asked < host)
    return Status::error("code for " + isa + " was asked for, but this CPU has " + lowering::nameOf(host).str() +
                         " at most");
  return targetMachine(asked == host ? "" : lowering::x86CpuOf(asked));
}

std::vector<Stage> cpuStages(CpuArtifact &artifact, const std::string &name, bool reduces) {
  std::vector<std::string> functions{name};
  if (reduces)
    functions.push_back(name + "_tail");
  auto schedule = [&artifact] {
    lowering::AnalogSchedulePassOptions options;
    options.isa = artifact.isa;
    return artifact.runPasses(
        [&](OpPassManager &passes) { passes.addPass(lowering::createAnalogSchedulePass(options)); });
  };
  auto vectorize = [&artifact] {
    return artifact.runPasses(
        [](OpPassManager &passes) { passes.addPass(lowering::createConvertAnalogToVectorPass()); });
  };
  auto lower = [&artifact, name]() -> Status {
    // Read here and not in the stage before, so that an override of its result counts.
    auto function = artifact.mlirModule->lookupSymbol<func::FuncOp>(name);
    auto bytes = function ? function->getAttrOfType<IntegerAttr>(lowering::kWorkspaceAttr) : IntegerAttr();
    if (!bytes)
      return Status::error("no function @" + name + " with " + lowering::kWorkspaceAttr.str());
    artifact.workspaceBytes = bytes.getInt();
    return artifact.runPasses([](OpPassManager &passes) { lowering::buildVectorToLLVM(passes); });
  };
  return {{"schedule", "mlir", schedule},
          {"vector", "mlir", vectorize},
          {"llvm", "mlir", lower},
          {"llvmir", "ll", [&artifact, functions] { return artifact.translate(functions); }},
          {"object", "o", [&artifact] { return artifact.emitObject(); }}};
}

} // namespace mho

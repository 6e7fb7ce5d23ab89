#include "runtime/CpuArtifact.h"

#include "dialect/Transforms/Passes.h"
#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/Passes.h"
#include "lowering/Schedule/Schedule.h"
#include "lowering/VectorToLLVM/Pipeline.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace mho {
namespace {

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
  return llvmModule ? printed(*llvmModule) : ModuleArtifact::text();
}

std::function<std::string()> CpuArtifact::snapshot() const {
  if (llvmModule)
    return [this] { return text(); };
  return ModuleArtifact::snapshot();
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
  return ModuleArtifact::replace(text);
}

Status CpuArtifact::lower() {
  // Read here and not in the stage before, so that an override of its result counts.
  bool compiled = false;
  for (auto function : mlirModule->getOps<func::FuncOp>()) {
    functions.push_back(function.getName().str());
    if (auto bytes = function->getAttrOfType<IntegerAttr>(lowering::kWorkspaceAttr)) {
      workspaceBytes = std::max(workspaceBytes, bytes.getInt());
      compiled = true;
    }
  }
  if (!compiled)
    return Status::error("no function with " + lowering::kWorkspaceAttr.str());
  return runPasses([](OpPassManager &passes) { lowering::buildVectorToLLVM(passes); });
}

Status CpuArtifact::translate() {
  registerBuiltinDialectTranslation(*(*mlirModule)->getContext());
  registerLLVMDialectTranslation(*(*mlirModule)->getContext());
  Status translated = withDiagnostics([&] {
    llvmModule = translateModuleToLLVMIR(*mlirModule, *llvmContext, "mho");
    return llvmModule != nullptr;
  });
  if (!translated)
    return translated;
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

std::vector<Stage> cpuStages(CpuArtifact &artifact) {
  auto schedule = [&artifact] {
    lowering::AnalogSchedulePassOptions options;
    options.isa = artifact.isa;
    return artifact.runPasses(
        [&](OpPassManager &passes) { passes.addPass(lowering::createAnalogSchedulePass(options)); });
  };
  auto vectorize = [&artifact] {
    return artifact.runPasses([](OpPassManager &passes) {
      passes.addPass(analog::createAnalogInlineSurrogatesPass());
      passes.addPass(analog::createAnalogExpandElementaryPass());
      passes.addPass(lowering::createConvertAnalogToVectorPass());
    });
  };
  return {{"schedule", "mlir", schedule},
          {"vector", "mlir", vectorize},
          {"llvm", "mlir", [&artifact] { return artifact.lower(); }},
          {"llvmir", "ll", [&artifact] { return artifact.translate(); }},
          {"object", "o", [&artifact] { return artifact.emitObject(); }}};
}

std::vector<std::string> cpuStageNames() {
  CpuArtifact none(nullptr, "");
  std::vector<std::string> names;
  for (const Stage &stage : cpuStages(none))
    names.push_back(stage.name);
  return names;
}

} // namespace mho

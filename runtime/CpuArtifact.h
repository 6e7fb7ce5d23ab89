// A kernel on its way to machine code: an MLIR module, then an LLVM module, then an object; and the stages in between.
#pragma once

#include "runtime/CompilePipeline.h"
#include "runtime/Orc/ObjectLoader.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

namespace mho {

class CpuArtifact final : public Artifact {
public:
  /// `isa` (avx512, avx2, generic; empty: all that this CPU has) limits the code. Translation fails where it needs more
  /// than this CPU has; a name that is unknown is refused by analog-schedule.
  CpuArtifact(mlir::OwningOpRef<mlir::ModuleOp> module, std::string isa)
      : mlirModule(std::move(module)), isa(std::move(isa)) {}
  std::string text() const override;
  std::function<std::string()> snapshot() const override;
  Status replace(const std::string &text) override;

  /// Runs passes over the MLIR module; the error holds the diagnostics.
  Status runPasses(llvm::function_ref<void(mlir::OpPassManager &)> build);
  /// MLIR (dialect LLVM) to LLVM IR with packed entries, optimised for this machine.
  Status translate(const std::vector<std::string> &functions);
  Status emitObject();
  /// The LLVM module as assembly text; changes nothing.
  Expected<std::string> assembly();

  mlir::OwningOpRef<mlir::ModuleOp> mlirModule;
  std::string isa;
  std::unique_ptr<llvm::LLVMContext> llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> llvmModule;
  std::string object;
  int64_t workspaceBytes = 0; ///< of the function that convert-analog-to-vector wrote

private:
  Expected<std::unique_ptr<llvm::TargetMachine>> machine() const;
  Expected<std::string> emit(bool assembly);
};

/// The stages of the CPU backend for a module of one fused function `name`: schedule, vector, llvm, llvmir, object.
std::vector<Stage> cpuStages(CpuArtifact &artifact, const std::string &name, bool reduces);

} // namespace mho

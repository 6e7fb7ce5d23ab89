// A kernel on its way to machine code: an MLIR module, then an LLVM module, then an object; and the stages in between.
#pragma once

#include "runtime/ModuleArtifact.h"
#include "runtime/Orc/ObjectLoader.h"

namespace mho {

/// Fails unless this CPU can run code for `isa`: avx512, avx2, generic; empty: all that it has.
Status checkIsa(const std::string &isa);

class CpuArtifact final : public ModuleArtifact {
public:
  /// `isa` limits the code; checkIsa() says which there are.
  CpuArtifact(mlir::OwningOpRef<mlir::ModuleOp> module, std::string isa)
      : ModuleArtifact(std::move(module)), isa(std::move(isa)) {}
  std::string text() const override;
  std::function<std::string()> snapshot() const override;
  Status replace(const std::string &text) override;

  /// Loops and vectors to the dialect LLVM. Notes the functions, which get packed entries, and their workspace.
  Status lower();
  /// MLIR (dialect LLVM) to LLVM IR with packed entries, optimised for this machine.
  Status translate();
  Status emitObject();
  /// The LLVM module as assembly text; changes nothing.
  Expected<std::string> assembly();

  std::string isa;
  std::unique_ptr<llvm::LLVMContext> llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> llvmModule;
  std::string object;
  std::vector<std::string> functions; ///< those that convert-analog-to-vector wrote
  int64_t workspaceBytes = 0;         ///< the most that one of them needs

private:
  Expected<std::unique_ptr<llvm::TargetMachine>> machine() const;
  Expected<std::string> emit(bool assembly);
};

/// The stages of the CPU backend for a module of fused functions: schedule, vector, llvm, llvmir, object.
std::vector<Stage> cpuStages(CpuArtifact &artifact);
/// Their names.
std::vector<std::string> cpuStageNames();

} // namespace mho

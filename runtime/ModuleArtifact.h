// An MLIR module on its way through stages that are passes.
#pragma once

#include "runtime/CompilePipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

namespace mho {

class ModuleArtifact : public Artifact {
public:
  explicit ModuleArtifact(mlir::OwningOpRef<mlir::ModuleOp> module) : mlirModule(std::move(module)) {}
  std::string text() const override;
  std::function<std::string()> snapshot() const override;
  /// Errors: the parser's and the verifier's words.
  Status replace(const std::string &text) override;

  /// Runs passes over the module; the error holds the diagnostics.
  Status runPasses(llvm::function_ref<void(mlir::OpPassManager &)> build);

  mlir::OwningOpRef<mlir::ModuleOp> mlirModule;

protected:
  /// Runs `step` and gives the diagnostics that it made, where it returns false.
  Status withDiagnostics(llvm::function_ref<bool()> step);
};

/// A module of a copy of the function, and of what else of its module it names: effects that are text.
mlir::OwningOpRef<mlir::ModuleOp> moduleOf(mlir::func::FuncOp function);

/// Runs `step` and gives the diagnostics that it made, where it returns false, each with its place.
Status withDiagnosticsOf(mlir::MLIRContext &context, llvm::function_ref<bool()> step);

/// The module as .mlir text.
std::string printed(mlir::ModuleOp module);

} // namespace mho

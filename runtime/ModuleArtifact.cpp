#include "runtime/ModuleArtifact.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace mho {

/// A diagnostic and its notes, each with the place in the file where there is one.
static std::string textOf(const Diagnostic &diagnostic) {
  std::string text;
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    text = place.getFilename().str() + ":" + std::to_string(place.getLine()) + ":" + std::to_string(place.getColumn()) +
           ": ";
  text += diagnostic.str() + "\n";
  for (const Diagnostic &note : diagnostic.getNotes())
    text += textOf(note);
  return text;
}

std::string printed(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

OwningOpRef<ModuleOp> moduleOf(func::FuncOp function) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
  llvm::SetVector<Operation *> named;
  if (std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(function))
    for (const SymbolTable::SymbolUse &use : *uses)
      if (Operation *symbol = SymbolTable::lookupNearestSymbolFrom(function, use.getSymbolRef()))
        named.insert(symbol);
  for (Operation *symbol : named)
    if (symbol != function)
      module->push_back(symbol->clone());
  module->push_back(function->clone());
  return module;
}

std::string ModuleArtifact::text() const { return printed(*mlirModule); }

std::function<std::string()> ModuleArtifact::snapshot() const {
  auto copy = std::make_shared<OwningOpRef<ModuleOp>>(cast<ModuleOp>((*mlirModule)->clone()));
  return [copy] { return printed(**copy); };
}

Status withDiagnosticsOf(MLIRContext &context, llvm::function_ref<bool()> step) {
  std::string messages;
  // Messages name the line of the text: ops of whole regions behind them say nothing more.
  context.printOpOnDiagnostic(false);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) { messages += textOf(d); });
  return step() ? Status::ok() : Status::error(StringRef(messages).rtrim('\n').str());
}

Status ModuleArtifact::withDiagnostics(llvm::function_ref<bool()> step) {
  return withDiagnosticsOf(*(*mlirModule)->getContext(), step);
}

Status ModuleArtifact::replace(const std::string &text) {
  OwningOpRef<ModuleOp> parsed;
  Status status = withDiagnostics([&] {
    parsed = parseSourceString<ModuleOp>(text, (*mlirModule)->getContext(), "text");
    return bool(parsed);
  });
  if (status)
    mlirModule = std::move(parsed);
  return status;
}

Status ModuleArtifact::runPasses(llvm::function_ref<void(OpPassManager &)> build) {
  return withDiagnostics([&] {
    PassManager passes((*mlirModule)->getContext());
    build(passes);
    return succeeded(passes.run(*mlirModule));
  });
}

} // namespace mho

// Compiling for the CPU: slots, and stages that fail or are overridden. tests/tools/cache.mlir has the cache.
#include "runtime/CpuCompiler.h"
#include "runtime/Backend.h"
#include "runtime/CpuArtifact.h"
#include "runtime/LinearModule.h"
#include "tests/unit/runtime/TemporaryFolder.h"

#include "dialect/Transforms/Passes.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::HasSubstr;

/// A fused layer with converters.
class Compiler : public testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
    LinearSpec spec;
    spec.inputRange = InputRange::Given;
    spec.quantizeInput = spec.adc = true;
    module = std::move(*buildLinearModule(context, spec));
    mlir::PassManager passes(&context);
    passes.addPass(analog::createAnalogFusePass({}));
    ASSERT_TRUE(mlir::succeeded(passes.run(*module)));
    function = module->lookupSymbol<mlir::func::FuncOp>(kLinearFunction);
  }
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
};

TEST_F(Compiler, SlotsFollowTheFunction) {
  std::vector<KernelSlot> slots = kernelSlots(function);
  std::vector<std::string> names;
  for (const KernelSlot &slot : slots)
    names.push_back(slot.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"x", "weight", "range", "tile.adc.lambda", "y"}));
  EXPECT_EQ(slots.back().name, "y");
  EXPECT_TRUE(slots.back().result);
}

TEST_F(Compiler, DoesNotChangeTheFunction) {
  std::string before, after;
  llvm::raw_string_ostream first(before), second(after);
  function.print(first);
  auto kernel = compileCpuFunction(function, {true});
  ASSERT_TRUE(kernel) << kernel.message();
  EXPECT_NE(kernel->body, nullptr);
  EXPECT_EQ(kernel->tail, nullptr);
  EXPECT_GT(kernel->workspaceBytes, 0);
  function.print(second);
  EXPECT_EQ(before, after);
}

TEST_F(Compiler, AStageThatFailsKeepsItsDiagnostics) {
  // Without the kernel op's function the second stage finds nothing to lower.
  mlir::OwningOpRef<mlir::ModuleOp> empty = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  CpuArtifact artifact(std::move(empty), "");
  TemporaryFolder folder;
  StageOptions options;
  options.failureDir = folder.str();
  Status status = runStages("linear", artifact, cpuStages(artifact), options);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("compile stage 'llvm' of linear failed: no function with analog.workspace"));
}

TEST_F(Compiler, ATranslationThatFailsSaysWhy) {
  CpuArtifact artifact(std::move(module), ""); // not in the dialect LLVM yet
  Status status = artifact.translate();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), HasSubstr("cannot be converted to LLVM IR"));
}

TEST_F(Compiler, AnEditedStageIsParsedInItsOwnForm) {
  CpuArtifact artifact(std::move(module), "");
  EXPECT_THAT(artifact.replace("func.func @broken(").message(), HasSubstr("expected"));
  EXPECT_TRUE(artifact.replace("func.func private @other()"));
  EXPECT_THAT(artifact.text(), HasSubstr("@other"));
}

} // namespace
} // namespace mho

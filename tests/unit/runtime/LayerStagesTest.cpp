// A layer's own stages: what they give, and what a failure of one leaves.
#include "runtime/LayerStages.h"
#include "runtime/LinearModule.h"
#include "tests/unit/runtime/TemporaryFolder.h"

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LayerStages : public testing::Test {
protected:
  void SetUp() override { context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>(); }
  Status run(ModuleArtifact &artifact, const LayerOptions &layer) {
    return runStages("layer", artifact, layerStages(artifact, layer), options);
  }
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  TemporaryFolder folder;
  StageOptions options;
};

TEST_F(LayerStages, AlgebraToFusedToDifferentiated) {
  options.dumpDir = folder.str();
  options.order = allStages({"text"});
  ModuleArtifact artifact(std::move(*buildLinearModule(context, LinearSpec())));
  Status status = run(artifact, {/*saveForBackward=*/true, /*gradients=*/true});
  ASSERT_TRUE(status) << status.message();
  EXPECT_THAT(readFile(folder.file("layer.0-algebra.mlir")), HasSubstr("analog.mvm"));
  EXPECT_THAT(readFile(folder.file("layer.1-fuse.mlir")), HasSubstr("analog.tiled_mvm"));
  EXPECT_THAT(readFile(folder.file("layer.2-differentiate.mlir")), AllOf(HasSubstr("_dx"), HasSubstr("_dw")));
}

TEST_F(LayerStages, ALayerThatCannotBeFusedNamesTheStageAndKeepsItsAlgebra) {
  options.failureDir = folder.file("failed");
  ModuleArtifact artifact(
      mlir::parseSourceString<mlir::ModuleOp>("func.func @layer(%a: tensor<2x3x4xf32>) -> tensor<3x4xf32>"
                                              " attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {\n"
                                              "  %y = analog.accumulate %a : (tensor<2x3x4xf32>) -> tensor<3x4xf32>\n"
                                              "  return %y : tensor<3x4xf32>\n}",
                                              &context));
  Status status = run(artifact, {});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("compile stage 'fuse' of layer failed"),
                                      HasSubstr("expected the planes of one analog.mvm"),
                                      HasSubstr(folder.file("failed/layer.before-fuse.mlir"))));
  EXPECT_THAT(readFile(folder.file("failed/layer.before-fuse.mlir")), HasSubstr("analog.accumulate"));
}

} // namespace
} // namespace mho

// lower-vector-transpose: see lowering/Passes.td.
#include "lowering/Passes.h"

#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mho::lowering {
#define GEN_PASS_DEF_LOWERVECTORTRANSPOSEPASS
#include "lowering/Passes.h.inc"

namespace {

struct TransposePass : impl::LowerVectorTransposePassBase<TransposePass> {
  void runOnOperation() override {
    mlir::RewritePatternSet patterns(&getContext());
    auto options = mlir::vector::VectorTransformsOptions().setVectorTransposeLowering(
        mlir::vector::VectorTransposeLowering::Shuffle16x16);
    mlir::vector::populateVectorTransposeLoweringPatterns(patterns, options);
    if (failed(mlir::applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace mho::lowering

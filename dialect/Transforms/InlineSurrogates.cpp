// analog-inline-surrogates: kernels without what only derivatives need. See Passes.td.
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/ScalarGradient.h"

namespace mho::analog {
#define GEN_PASS_DEF_ANALOGINLINESURROGATESPASS
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

using namespace mlir;
using namespace mho::analog;

void mho::analog::inlineSurrogates(Block &block) {
  // One at a time: what is inlined may hold others.
  for (auto left = block.getOps<SurrogateOp>(); !left.empty(); left = block.getOps<SurrogateOp>()) {
    SurrogateOp surrogate = *left.begin();
    OpBuilder builder(surrogate);
    IRMapping mapping;
    mapping.map(surrogate.getValue().getArguments(), surrogate.getInputs());
    YieldOp yield = cloneRegionBody(builder, surrogate.getValue(), mapping);
    SmallVector<Value> results{mapping.lookupOrDefault(yield.getValues()[0])};
    for (Value bit : yield.getBits())
      results.push_back(mapping.lookupOrDefault(bit));
    surrogate->replaceAllUsesWith(results);
    surrogate.erase();
  }
}

namespace {
struct InlineSurrogatesPass : mho::analog::impl::AnalogInlineSurrogatesPassBase<InlineSurrogatesPass> {
  void runOnOperation() override {
    SmallVector<TiledMvmOp> kernels;
    getOperation().walk([&](TiledMvmOp kernel) { kernels.push_back(kernel); });
    for (TiledMvmOp kernel : kernels) {
      for (Region &region : kernel->getRegions())
        if (!region.empty()) {
          inlineSurrogates(region.front());
          eraseUnused(region.front());
        }
      kernel.pruneUnused();
    }
  }
};
} // namespace

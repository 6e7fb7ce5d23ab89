#include "frontends/cli/SoleKernel.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::cli {

Expected<TiledMvmOp> soleKernel(func::FuncOp function) {
  auto refuse = [&](const std::string &what) {
    return Status::error("@" + function.getName().str() + " is not one fused kernel: " + what);
  };
  if (function.isExternal())
    return refuse("it has no body");
  if (!function.getBody().hasOneBlock())
    return refuse("it has more than one block");
  TiledMvmOp kernel;
  for (Operation &op : function.front().without_terminator()) {
    auto found = dyn_cast<TiledMvmOp>(op);
    if (!found || kernel)
      return refuse(kernel && found ? "it has more than one analog.tiled_mvm"
                                    : "it holds '" + op.getName().getStringRef().str() + "'");
    kernel = found;
  }
  if (!kernel)
    return refuse("it holds no analog.tiled_mvm");
  if (!llvm::equal(function.front().getTerminator()->getOperands(), kernel->getResults()))
    return refuse("it returns other values than the results of its analog.tiled_mvm");
  return kernel;
}

} // namespace mho::cli

#include "dialect/Transforms/SoleKernel.h"

using namespace mlir;
using namespace mho::analog;

TiledMvmOp mho::analog::soleKernel(func::FuncOp function, std::string &why) {
  auto refuse = [&](const Twine &what) {
    why = what.str();
    return TiledMvmOp();
  };
  if (function.isExternal())
    return refuse("it has no body");
  if (!function.getBody().hasOneBlock())
    return refuse("it has more than one block");
  TiledMvmOp kernel;
  for (Operation &op : function.front().without_terminator()) {
    auto found = dyn_cast<TiledMvmOp>(op);
    if (kernel && found)
      return refuse("it has more than one analog.tiled_mvm");
    if (!found)
      return refuse("it holds '" + op.getName().getStringRef() + "'");
    kernel = found;
  }
  if (!kernel)
    return refuse("it holds no analog.tiled_mvm");
  if (!llvm::equal(function.front().getTerminator()->getOperands(), kernel->getResults()))
    return refuse("it does not return the results of its analog.tiled_mvm, all of them in order");
  return kernel;
}

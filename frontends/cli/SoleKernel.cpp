#include "frontends/cli/SoleKernel.h"

#include "dialect/Transforms/SoleKernel.h"

namespace mho::cli {

Expected<analog::TiledMvmOp> soleKernel(mlir::func::FuncOp function) {
  std::string why;
  if (analog::TiledMvmOp kernel = analog::soleKernel(function, why))
    return kernel;
  return Status::error("@" + function.getName().str() + " is not one fused kernel: " + why);
}

} // namespace mho::cli

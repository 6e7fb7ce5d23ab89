// mho-opt: runs passes over a .mlir file; `mho-opt --help` lists them.
#include "dialect/Transforms/Passes.h"
#include "frontends/cli/Tool.h"
#include "lowering/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-opt"))
    return *status;
  mho::analog::registerAnalogTransformsPasses();
  mho::lowering::registerLoweringPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::DialectRegistry registry;
  registry.insert<mho::analog::AnalogDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
                  mlir::func::FuncDialect, mlir::vector::VectorDialect, mlir::memref::MemRefDialect,
                  mlir::scf::SCFDialect, mlir::LLVM::LLVMDialect, mlir::emitc::EmitCDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "mho's optimizer driver\n", registry));
}

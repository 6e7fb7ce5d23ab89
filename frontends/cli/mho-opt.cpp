// mho-opt: runs passes over a .mlir file; `mho-opt --help` lists them.
#include "dialect/Transforms/Passes.h"
#include "lowering/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mho::analog::registerAnalogTransformsPasses();
  mho::lowering::registerLoweringPasses();
  mlir::DialectRegistry registry;
  registry.insert<mho::analog::AnalogDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
                  mlir::func::FuncDialect, mlir::vector::VectorDialect, mlir::memref::MemRefDialect,
                  mlir::scf::SCFDialect, mlir::LLVM::LLVMDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "mho's optimizer driver\n", registry));
}

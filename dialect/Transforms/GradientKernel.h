// One gradient kernel under construction: what analog-differentiate writes for an input and for a weight gradient.
#pragma once

#include "dialect/Transforms/ScalarGradient.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace mho::analog {

/// The parameter of a forward kernel that a value of its load_lhs is; nothing where it is something else.
std::optional<int64_t> paramOfLoad(TiledMvmOp kernel, mlir::Value value);

/// A gradient function of a fused forward function, from its signature to its result names. Errors are emitted at the
/// op that has no derivative.
class GradientKernel {
public:
  GradientKernel(mlir::func::FuncOp forward, TiledMvmOp kernel)
      : forward(forward), kernel(kernel), builder(forward.getContext()), loc(kernel.getLoc()) {}
  mlir::LogicalResult buildInput();
  mlir::LogicalResult buildWeight();

private:
  AxesAttr axes(llvm::ArrayRef<Axis> list) { return AxesAttr::get(builder.getContext(), list); }
  void startFunction(llvm::StringRef suffix);
  TiledMvmOp createKernel(Axis contract, mlir::Value rhs, llvm::ArrayRef<Axis> rhsAxes, mlir::Value epilogue,
                          llvm::ArrayRef<Axis> epilogueAxes, bool keepWeightStats,
                          llvm::ArrayRef<mlir::Attribute> results, mlir::TypeRange types);
  void openRegion(mlir::Region &region);
  void copyMaps(TiledMvmOp gradient);
  mlir::IRMapping mapVisible(TiledMvmOp gradient, unsigned region, unsigned source);
  mlir::LogicalResult buildOutputGradient(TiledMvmOp gradient);
  void buildLoad(TiledMvmOp gradient, mlir::Region &source, bool noiseFree);
  void cloneYield(mlir::Region &region, mlir::Region &source, mlir::IRMapping &mapping);
  mlir::LogicalResult buildFinish(TiledMvmOp gradient, Side side, bool noiseFree);
  mlir::LogicalResult buildTail(TiledMvmOp gradient, llvm::ArrayRef<PendingReduction> reductions);
  void nameResults(llvm::StringRef valueName, unsigned valueArgument);
  void finishFunction(TiledMvmOp gradient);

  mlir::func::FuncOp forward, function;
  TiledMvmOp kernel;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::Value grad;
  llvm::SmallVector<mlir::Value> bits;           // arguments of the saved bits
  mlir::IRMapping arguments;                     // values of the forward function -> arguments of the gradient function
  llvm::SmallVector<mlir::Value> params;         // of the gradient kernel
  llvm::SmallVector<mlir::Attribute> paramAxes;  // and their axes
  llvm::DenseMap<int64_t, int64_t> importedStat; // statistic of the forward kernel -> parameter of the gradient kernel
  llvm::SmallVector<mlir::Attribute> stats;      // recomputed statistics of the weight
  llvm::DenseMap<int64_t, int64_t> recomputedStat;
  /// Argument of the forward function -> the reduction in whose place its gradient stands.
  llvm::MapVector<unsigned, unsigned> parameterGradients;
};

} // namespace mho::analog

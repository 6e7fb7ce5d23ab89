// One gradient function under construction: what analog-differentiate writes for a fused forward function @f.
//
//   FailureOr<TilePlan> plan = GradientKernel(function, kernel, {}).planTile();
//   if (plan->recompute) GradientKernel(function, kernel, *plan).buildTile();    // @f_dz
//   GradientKernel(function, kernel, *plan).buildSide(Side::Lhs);                // @f_dx
//   GradientKernel weight(function, kernel, *plan);
//   weight.buildSide(Side::Rhs);                                                 // @f_dw
//   GradientKernel(function, kernel, *plan).buildStatistics(weight.readStatistics()); // @f_stats, if there are any
#pragma once

#include "dialect/Transforms/ScalarGradient.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace mho::analog {

/// How the accumulators of a forward kernel are differentiated. Accumulators may share a gradient: equal ones are one.
struct TilePlan {
  llvm::SmallVector<std::optional<unsigned>> gradientOf; ///< of each accumulator, which gradient; none: it is 0
  unsigned gradients = 1;                                ///< number of them, one at least
  /// They need an accumulator, a statistic of the weight, or end_tile learns a parameter: a kernel of their own
  /// contracts as forward did and gives them as planes.
  bool recompute = false;
};

/// An operand of a gradient kernel.
struct KernelOperand {
  mlir::Value value;
  AxesAttr axes;
};

/// A gradient kernel but for its regions.
struct KernelShape {
  Axis contract;
  llvm::SmallVector<KernelOperand> lhs, rhs, epilogue;
  llvm::SmallVector<int64_t> accumulators;
  bool takesStats; ///< of the weight, and of the input where forward does not give them
  llvm::SmallVector<mlir::Attribute> results;
  llvm::SmallVector<mlir::Type> types;
};

/// The parameter of a kernel that a value of one of its regions is; nothing where it is something else.
std::optional<int64_t> paramOf(TiledMvmOp kernel, unsigned region, mlir::Value value);

/// True if a statistic of a kernel is one of its results.
bool isExported(TiledMvmOp kernel, int64_t stat);

/// "dz", "dz#2", ...: results of a kind are numbered from the second on.
std::string numbered(llvm::StringRef name, unsigned index);

/// A gradient function of a fused forward function, from its signature to its result names. Errors are emitted at the
/// op that has no derivative.
class GradientKernel {
public:
  GradientKernel(mlir::func::FuncOp forward, TiledMvmOp kernel, const TilePlan &plan)
      : forward(forward), kernel(kernel), plan(plan), builder(forward.getContext()), loc(kernel.getLoc()) {}
  mlir::FailureOr<TilePlan> planTile();
  /// @f_dz: gradients of the accumulators as planes, and of the parameters of end_tile.
  mlir::LogicalResult buildTile();
  /// @f_dx (lhs) or @f_dw (rhs): gradients of the operand of a side and of the parameters of its load region.
  mlir::LogicalResult buildSide(Side side);
  /// The statistics of the weight that @f_dw takes, after buildSide(Side::Rhs).
  llvm::SmallVector<int64_t> readStatistics() const { return llvm::to_vector(llvm::make_first_range(statistics)); }
  /// @f_stats: these statistics of the weight. It multiplies nothing that is read: x may have no rows.
  void buildStatistics(llvm::ArrayRef<int64_t> wanted);

private:
  /// What a gradient function maps back: dL/dy, the gradients of the accumulators, nothing.
  enum class From { Output, Planes, Nothing };
  /// The gradients of the accumulators, as in TilePlan, and of end_tile's parameters.
  struct TileGradient {
    llvm::SmallVector<mlir::Value> values;
    llvm::SmallVector<std::optional<unsigned>> valueOf;
    llvm::SmallVector<PendingReduction> reductions;
  };
  /// One accumulator of @f_dx or @f_dw: a gradient of an accumulator of @f times the other factor of that.
  struct Pair {
    std::optional<unsigned> own; ///< the value of the load region that its sum is the gradient of
    unsigned gradient, factor;
  };

  // GradientKernel.cpp: the function and the kernel around the regions.
  AxesAttr axes(llvm::ArrayRef<Axis> list) { return AxesAttr::get(builder.getContext(), list); }
  KernelOperand operandOf(Side side);
  mlir::RankedTensorType planesType();
  mlir::RankedTensorType statisticType(StatAttr stat);
  void startFunction(llvm::StringRef suffix, From from, bool takesStatistics = false);
  void importSaved(ResultAttr spec, mlir::Value value);
  void importStatistic(int64_t stat, mlir::Value value);
  void dropUnreadStatistics();
  TiledMvmOp createKernel(const KernelShape &shape);
  mlir::LogicalResult appendReductions(unsigned region, KernelShape &shape);
  void nameResult(unsigned result, llvm::StringRef name, unsigned argument);
  void finishFunction(TiledMvmOp gradient);

  // GradientRegions.cpp: the regions.
  void openRegion(mlir::Region &region);
  void copyMaps(TiledMvmOp gradient);
  mlir::IRMapping mapVisible(TiledMvmOp gradient, unsigned region, unsigned source);
  mlir::FailureOr<TileGradient> differentiateTile(mlir::IRMapping &finish, mlir::IRMapping &tile, mlir::Value gradient,
                                                  mlir::ValueRange bits);
  llvm::SmallVector<Pair> choosePairs(Side side);
  mlir::LogicalResult buildGradientLoad(TiledMvmOp gradient, llvm::ArrayRef<unsigned> used);
  void buildMapped(TiledMvmOp gradient, unsigned region, unsigned source, llvm::ArrayRef<unsigned> used);
  void buildLoad(TiledMvmOp gradient, unsigned region, unsigned source, llvm::ArrayRef<unsigned> used, bool noiseFree);
  mlir::LogicalResult buildEndTile(TiledMvmOp gradient);
  mlir::LogicalResult buildFinish(TiledMvmOp gradient, Side side, llvm::ArrayRef<Pair> pairs);
  std::optional<int64_t> ownParamOf(unsigned source, mlir::Value value);
  mlir::LogicalResult buildTail(TiledMvmOp gradient, unsigned source, llvm::ArrayRef<PendingReduction> reductions);

  mlir::func::FuncOp forward, function;
  TiledMvmOp kernel;
  const TilePlan plan;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::Value grad;                      // argument: dL/dy
  llvm::SmallVector<mlir::Value> planes; // or, instead, the gradients of the accumulators
  llvm::SmallVector<mlir::Value> bits;   // arguments of the saved bits
  llvm::SmallVector<std::pair<int64_t, mlir::BlockArgument>> statistics; // of the weight: arguments of @f_dw
  mlir::IRMapping arguments;                     // values of the forward function -> arguments of the gradient function
  llvm::SmallVector<mlir::Value> params;         // of the gradient kernel
  llvm::SmallVector<mlir::Attribute> paramAxes;  // and their axes
  llvm::DenseMap<int64_t, int64_t> importedStat; // statistic of the forward kernel -> parameter of the gradient kernel
  llvm::SmallVector<mlir::Attribute> stats;      // statistics that are taken again
  llvm::DenseMap<int64_t, int64_t> recomputedStat;
  /// Argument of the forward function -> the reduction in whose place its gradient stands.
  llvm::MapVector<unsigned, unsigned> parameterGradients;
};

} // namespace mho::analog

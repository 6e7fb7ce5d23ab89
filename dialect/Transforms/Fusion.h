// One function of the algebra on its way to one tiled_mvm: what analog-fuse knows of it. Fuse.cpp finds the layer, its
// parameters and the kernel's operands; FuseRegions.cpp writes the kernel's regions.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

namespace mho::analog {

/// A layer as a chain of effects around one mvm.
struct Layer {
  AccumulateOp accumulate;
  MvmOp mvm;
  llvm::SmallVector<EffectOpInterface> input, weight, planes, output; // in the order of application
  /// Results of effects on the planes, after their first, that are summed over the tiles for effects on the output.
  llvm::SmallVector<mlir::Value> further;
  mlir::BlockArgument inputRoot, weightRoot;
};

/// A parameter of an effect: parameter or statistic `index` of the kernel.
struct ParameterUse {
  bool isStat;
  size_t index;
};

/// Of each effect: where its factors of a side stand among what the side's load region yields.
using FactorNumbers = llvm::DenseMap<mlir::Operation *, llvm::SmallVector<int64_t>>;

class Fusion {
public:
  Fusion(mlir::func::FuncOp function, bool save) : function(function), builder(function.getContext()), save(save) {}
  /// `result`: of analog.accumulate, or of effects on it, or of its conversion to 16 bits.
  mlir::LogicalResult run(mlir::Value result);

private:
  mlir::LogicalResult findLayer(mlir::Value result);
  mlir::LogicalResult findFurther();
  mlir::FailureOr<mlir::BlockArgument> chain(mlir::Value value, llvm::SmallVectorImpl<EffectOpInterface> &effects,
                                             llvm::StringRef what);
  mlir::LogicalResult collectParameters(llvm::ArrayRef<EffectOpInterface> effects, llvm::StringRef site);
  mlir::FailureOr<ParameterUse> addStat(AbsMaxOp op, AxesAttr axes);
  ParameterUse addParam(mlir::Value value, AxesAttr axes);
  void addStrength(EffectOpInterface effect, llvm::StringRef site, const EffectParameter &parameter);
  mlir::FailureOr<TiledMvmOp> createKernel(mlir::Type type);
  void openRegion(TiledMvmOp kernel, unsigned region);
  llvm::SmallVector<mlir::Value> argumentsOf(EffectOpInterface effect);
  llvm::SmallVector<int64_t> keyIndicesOf(EffectOpInterface effect);
  mlir::FailureOr<mlir::Value> applyEffects(mlir::Value value, llvm::ArrayRef<EffectOpInterface> effects,
                                            llvm::SmallVectorImpl<mlir::Value> *bits = nullptr);
  mlir::LogicalResult buildLoad(TiledMvmOp kernel, Side side, FactorNumbers &numbers);
  mlir::LogicalResult buildLoads(TiledMvmOp kernel);
  mlir::LogicalResult buildEndTile(TiledMvmOp kernel);
  mlir::LogicalResult buildFinish(TiledMvmOp kernel);
  void rewriteFunction(TiledMvmOp kernel);

  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  bool save;
  Layer layer;
  llvm::SmallVector<std::pair<mlir::Value, AxesAttr>> params; // of the kernel; a value may be read over several axes
  llvm::SmallVector<std::pair<mlir::Value, StatAttr>> stats;  // absmax values and what they are to the kernel
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<ParameterUse>> uses; // of each effect: its parameters
  llvm::SmallVector<mlir::Value> keys;
  llvm::StringSet<> strengthNames;
  /// Of each effect: its further accumulators; of one on the output, the arguments of finish that are its sums.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<int64_t>> accumulators;
  llvm::DenseMap<mlir::Value, mlir::Value> furtherValues; // of Layer::further: values of end_tile
  // Of the region under construction: its arguments of parameters and statistics.
  llvm::DenseMap<int64_t, mlir::Value> paramArgument, statArgument;
};

/// Index of an entry in a list, to which it is added where it is new.
template <class Entry> size_t indexIn(llvm::SmallVectorImpl<Entry> &list, const Entry &entry) {
  size_t index = llvm::find(list, entry) - list.begin();
  if (index == list.size())
    list.push_back(entry);
  return index;
}

} // namespace mho::analog

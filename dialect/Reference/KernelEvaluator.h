// The evaluator of one tiled_mvm, region by region: statistics, load, contraction, end_tile, finish, tail. Nothing here
// knows an effect.
#pragma once

#include "dialect/IR/Scalar.h"
#include "dialect/Reference/Environment.h"
#include "dialect/Reference/Reduce.h"
#include "dialect/Reference/ScalarInterpreter.h"

namespace mho::reference {

class KernelEvaluator {
public:
  KernelEvaluator(analog::TiledMvmOp op, Environment &env) : op(op), env(env), a(env.arithmetic) {}
  llvm::Error run();

private:
  using TiledMvmOp = analog::TiledMvmOp;
  using Axis = analog::Axis;
  using Side = analog::Side;

  /// An operand with the axes it varies over.
  struct Operand {
    const Tensor *tensor;
    analog::AxesAttr axes;
    bool bits;
    double at(const Element &e) const { return bits ? lookupBit(*tensor, axes, e) : lookup(*tensor, axes, e); }
  };
  /// What a load region yields: value v at (t, i, j) with i, j the coordinates on the side's element axes.
  struct Loaded {
    std::pair<Axis, Axis> axes;
    Tensor values; // [v, t, i, j]
  };

  // KernelEvaluator.cpp: operands, statistics, load regions, contraction.
  llvm::Error bindOperands();
  llvm::Error bindGroup(mlir::OperandRange values, mlir::ArrayAttr axes, llvm::StringRef what,
                        llvm::SmallVectorImpl<Operand> &group);
  llvm::Error bindKeys();
  llvm::Error checkAddresses();
  Element elementAt(Axis rowAxis, int64_t row, Axis columnAxis, int64_t column, int64_t tile);
  llvm::Expected<ScalarInterpreter> runRegion(unsigned region, const Element &element, llvm::ArrayRef<double> elements);
  llvm::Error evalStats();
  llvm::Expected<double> statElement(int64_t stat, const Element &element);
  llvm::Error load(Side side);
  double contraction(int64_t pair, const Element &output, int64_t begin, int64_t end);

  // KernelResults.cpp: what the output regions make of it.
  void createResults();
  llvm::Error evalForward();
  llvm::Expected<llvm::SmallVector<double>> evalEndTile(const Element &element);
  llvm::Error evalGradient();
  llvm::Error evalFinish(const Element &element, llvm::ArrayRef<double> sums);
  void appendEpilogue(unsigned region, const Element &element, llvm::SmallVectorImpl<double> &elements);
  void openSummands();
  void keepSummands(const ScalarInterpreter &scalar, analog::YieldOp yield, bool ofTile, const Element &element);
  void closeSummands();
  llvm::Error evalTail();
  llvm::Expected<double> tailAt(size_t number, const Element &e, int64_t flat, llvm::ArrayRef<Tensor> sums);

  TiledMvmOp op;
  Environment &env;
  Arithmetic a;
  Sizes sizes;
  std::optional<Tiles> tiles;
  llvm::SmallVector<Operand> lhs, rhs, epilogue, params;
  llvm::SmallVector<Operand> stats;
  std::vector<Tensor> statValues;
  llvm::SmallVector<Key> keys;
  Loaded loaded[2];
  std::vector<Tensor> results;
  /// Of each result that is a reduction: its summands, one patch per tile (one in all for finish of a forward kernel).
  std::vector<std::vector<Patch>> summands;
};

} // namespace mho::reference

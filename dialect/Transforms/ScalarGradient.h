// Reverse-mode differentiation of straight-line scalar code (a region of tiled_mvm).
//
//   ScalarGradient gradient(builder, mapping);    // mapping: region arguments -> values where the code goes
//   if (failed(gradient.run(region, 1, {g}))) ... // seeds: gradients of the yielded values
//   Value dx = gradient.of(region.getArgument(0));
#pragma once

#include "dialect/IR/Scalar.h"
#include "dialect/IR/ScalarBuilder.h"

#include "mlir/IR/IRMapping.h"

namespace mho::analog {

/// Gradients of parameters in the making: summands and counts to be reduced, and the code that finishes the reduced
/// values.
struct PendingReduction {
  SurrogateOp surrogate;                   ///< its `tail` region finishes, its `wrt` inputs are the parameters
  llvm::SmallVector<mlir::Value> summands; ///< f32: sum, i1: count
};

class ScalarGradient {
public:
  /// Code is created at `builder`. `mapping` holds the values of region arguments that the derivative may use; an
  /// argument that is missing there makes run() fail if the derivative needs it.
  ScalarGradient(mlir::OpBuilder &builder, mlir::IRMapping &mapping) : builder(builder), mapping(mapping) {}

  /// Differentiates with respect to the first `active` arguments; the others are constants, but for the parameter
  /// gradients of surrogates. `seeds`: of the yielded values, null where there is none. `savedBits`: values of the bits
  /// of each surrogate that saves them, in the order of the region.
  mlir::LogicalResult run(mlir::Region &region, unsigned active, llvm::ArrayRef<mlir::Value> seeds,
                          mlir::ValueRange savedBits = {});
  /// Gradient of a region argument; 0 where none reaches it.
  mlir::Value of(mlir::Value argument);
  /// True if a gradient reaches the argument.
  bool reaches(mlir::Value argument) const { return gradients.contains(argument); }
  const llvm::SmallVector<PendingReduction> &reductions() const { return pending; }

private:
  void accumulate(mlir::Value value, mlir::Value gradient);
  mlir::FailureOr<mlir::Value> primal(mlir::Value value);
  /// primal(), or null and an error at `op`, whose derivative needs what is not there.
  mlir::Value needed(mlir::Operation *op, mlir::Value value);
  mlir::LogicalResult refuse(mlir::Operation *op);
  // The rules (ScalarRules.cpp): what an op's gradient gives to its operands. Errors: one at the op, where a value that
  // the derivative needs is not kept, or where there is none.
  mlir::LogicalResult reverse(mlir::Operation *op, mlir::Value gradient);
  mlir::LogicalResult reverseArith(mlir::Operation *op, mlir::Value gradient);
  mlir::LogicalResult reverseMath(mlir::Operation *op, mlir::Value gradient);
  mlir::LogicalResult product(mlir::Operation *op, mlir::Value value, mlir::Value factor, mlir::Value gradient);
  mlir::LogicalResult quotient(mlir::arith::DivFOp op, mlir::Value gradient);
  mlir::LogicalResult choice(mlir::Operation *op, mlir::arith::CmpFPredicate takesLhs, mlir::Value gradient);
  mlir::LogicalResult selection(mlir::arith::SelectOp op, mlir::Value gradient);
  mlir::LogicalResult signOf(mlir::Operation *op, mlir::Value gradient);
  mlir::LogicalResult power(mlir::math::PowFOp op, mlir::Value gradient);
  mlir::LogicalResult reverseSurrogate(SurrogateOp op, mlir::Value gradient);

  mlir::OpBuilder &builder;
  mlir::IRMapping &mapping;
  llvm::DenseSet<mlir::Value> activeValues;
  llvm::DenseMap<mlir::Value, mlir::Value> gradients;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> bitsOf;
  llvm::SmallVector<PendingReduction> pending;
  mlir::BlockArgument missing; ///< what the last primal() that failed would have needed
};

/// The values of a block that vary with its first `arguments` arguments, or with a parameter that has a gradient.
llvm::DenseSet<mlir::Value> activeValuesOf(mlir::Block &block, unsigned arguments);

/// Clones the operations of `region` (without its terminator) at the builder; the arguments must be in `mapping`.
/// Returns the yield of the source region.
YieldOp cloneRegionBody(mlir::OpBuilder &builder, mlir::Region &region, mlir::IRMapping &mapping);

/// Surrogates become the code of their values: for code of which no derivative is taken.
void inlineSurrogates(mlir::Block &block);

} // namespace mho::analog

#include "dialect/Transforms/ScalarGradient.h"

using namespace mlir;
using namespace mho::analog;

YieldOp mho::analog::cloneRegionBody(OpBuilder &builder, Region &region, IRMapping &mapping) {
  for (Operation &op : region.front().without_terminator())
    builder.clone(op, mapping);
  return cast<YieldOp>(region.front().getTerminator());
}

DenseSet<Value> mho::analog::activeValuesOf(Block &block, unsigned arguments) {
  DenseSet<Value> active;
  for (unsigned i = 0; i < arguments; ++i)
    active.insert(block.getArgument(i));
  for (Operation &op : block.without_terminator()) {
    // A surrogate says itself which of its inputs are differentiated: the first, and its parameters. What a selection
    // yields does not vary with its condition.
    ValueRange differentiated = op.getOperands();
    auto surrogate = dyn_cast<SurrogateOp>(op);
    if (surrogate)
      differentiated = differentiated.take_front();
    else if (isa<arith::SelectOp>(op))
      differentiated = differentiated.drop_front();
    bool learns = surrogate && !surrogate.getWrt().empty();
    if (learns || llvm::any_of(differentiated, [&](Value v) { return active.contains(v); }))
      active.insert(op.result_begin(), op.result_end());
  }
  return active;
}

void ScalarGradient::accumulate(Value value, Value gradient) {
  if (!activeValues.contains(value))
    return;
  Value &sum = gradients[value];
  sum = sum ? ScalarBuilder{builder, value.getLoc()}.add(sum, gradient) : gradient;
}

/// The value where the derivative is built, cloning what it is made of; fails where that needs an argument that is not
/// there.
FailureOr<Value> ScalarGradient::primal(Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op) {
    missing = cast<BlockArgument>(value);
    return failure();
  }
  for (Value operand : op->getOperands())
    if (failed(primal(operand)))
      return failure();
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Of finish the sums over the tiles are missing. Errors are short: the op's text may be that of a whole region.
LogicalResult ScalarGradient::refuse(Operation *op) {
  auto kernel = dyn_cast<TiledMvmOp>(missing.getOwner()->getParentOp());
  bool isSum = kernel && missing.getOwner()->getParent() == &kernel.getFinish();
  std::string what =
      isSum ? "the sum over the tiles" : "argument " + std::to_string(missing.getArgNumber()) + " of its region";
  return emitError(op->getLoc(), "the derivative of '")
         << op->getName() << "' needs " << what << ", which is not kept for backward"
         << (isSum ? "; an effect on the tile has its accumulators computed again, and surrogate(straight_through) "
                     "needs none"
                   : "");
}

Value ScalarGradient::needed(Operation *op, Value value) {
  FailureOr<Value> known = primal(value);
  if (succeeded(known))
    return *known;
  (void)refuse(op);
  return {};
}

Value ScalarGradient::of(Value argument) {
  if (Value gradient = gradients.lookup(argument))
    return gradient;
  return ScalarBuilder{builder, argument.getLoc()}.constant(0);
}

LogicalResult ScalarGradient::run(Region &region, unsigned active, ArrayRef<Value> seeds, ValueRange savedBits) {
  Block &block = region.front();
  activeValues = activeValuesOf(block, active);
  for (auto [value, seed] : llvm::zip(cast<YieldOp>(block.getTerminator()).getValues(), seeds))
    if (seed)
      accumulate(value, seed);
  for (auto surrogate : block.getOps<SurrogateOp>())
    for (size_t i = 0; i < surrogate.getSaved().size() && !savedBits.empty(); ++i) {
      bitsOf[surrogate].push_back(savedBits.front());
      savedBits = savedBits.drop_front();
    }
  for (Operation &op : llvm::reverse(block)) {
    Value gradient = op.getNumResults() ? gradients.lookup(op.getResult(0)) : Value();
    // A parameter has a gradient though none reaches its element: the summands of 0.
    if (auto surrogate = dyn_cast<SurrogateOp>(op); surrogate && !surrogate.getWrt().empty() && !gradient)
      gradient = ScalarBuilder{builder, op.getLoc()}.constant(0);
    if (gradient && failed(reverse(&op, gradient)))
      return failure();
  }
  return success();
}

LogicalResult ScalarGradient::reverseSurrogate(SurrogateOp op, Value g) {
  Region &derivative = op.getDerivative();
  IRMapping inner;
  unsigned at = 0;
  auto bind = [&](Value value) { inner.map(derivative.getArgument(at++), value); };
  for (Value input : op.getInputs().drop_front()) {
    FailureOr<Value> value = primal(input);
    if (succeeded(value))
      bind(*value);
    else if (derivative.getArgument(at).use_empty())
      ++at;
    else
      return refuse(op);
  }
  if (op.savesBits()) {
    if (bitsOf.lookup(op).size() != op.getSaved().size())
      return op->emitError("the derivative needs ") << op.getSaved().size() << " bits, which are kept only of end_tile";
    for (Value bit : bitsOf.lookup(op))
      bind(bit);
  } else if (FailureOr<Value> first = primal(op.getInputs().front()); succeeded(first)) {
    bind(*first);
  } else if (derivative.getArgument(at++).use_empty() == false) {
    return refuse(op);
  }
  bind(g);
  YieldOp yield = cloneRegionBody(builder, derivative, inner);
  accumulate(op.getInputs().front(), inner.lookupOrDefault(yield.getValues()[0]));
  if (!yield.getReductions().empty()) {
    PendingReduction &reduction = pending.emplace_back();
    reduction.surrogate = op;
    for (Value value : yield.getReductions())
      reduction.summands.push_back(inner.lookupOrDefault(value));
  }
  return success();
}

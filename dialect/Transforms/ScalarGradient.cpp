#include "dialect/Transforms/ScalarGradient.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::analog;

YieldOp mho::analog::cloneRegionBody(OpBuilder &builder, Region &region, IRMapping &mapping) {
  for (Operation &op : region.front().without_terminator())
    builder.clone(op, mapping);
  return cast<YieldOp>(region.front().getTerminator());
}

void mho::analog::eraseUnused(Block &block, Operation *keep) {
  SmallVector<Operation *> operations;
  for (Operation &op : block.without_terminator())
    operations.push_back(&op);
  for (Operation *op : llvm::reverse(operations))
    if (op != keep && op->use_empty())
      op->erase();
}

void ScalarGradient::markActive(Block &block, unsigned arguments) {
  for (unsigned i = 0; i < arguments; ++i)
    activeValues.insert(block.getArgument(i));
  for (Operation &op : block.without_terminator()) {
    // A surrogate says itself which of its inputs is differentiated: the first.
    ValueRange differentiated = op.getOperands();
    if (isa<SurrogateOp>(op))
      differentiated = differentiated.take_front();
    if (llvm::any_of(differentiated, [&](Value v) { return activeValues.contains(v); }))
      activeValues.insert(op.result_begin(), op.result_end());
  }
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
  if (!op)
    return failure();
  for (Value operand : op->getOperands())
    if (failed(primal(operand)))
      return failure();
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Adds the gradient of `op` = value * factor with respect to value.
LogicalResult ScalarGradient::product(Operation *op, Value value, Value factor, Value gradient) {
  if (!activeValues.contains(value))
    return success();
  FailureOr<Value> other = primal(factor);
  if (failed(other))
    return op->emitError("the derivative of this product needs a value that is not kept for backward");
  accumulate(value, ScalarBuilder{builder, value.getLoc()}.mul(gradient, *other));
  return success();
}

LogicalResult ScalarGradient::run(Region &region, unsigned active, ValueRange seeds, ValueRange savedBits) {
  Block &block = region.front();
  markActive(block, active);
  for (auto [value, seed] : llvm::zip(cast<YieldOp>(block.getTerminator()).getValues(), seeds))
    accumulate(value, seed);
  for (auto surrogate : block.getOps<SurrogateOp>())
    for (size_t i = 0; i < surrogate.getSaved().size() && !savedBits.empty(); ++i) {
      bitsOf[surrogate].push_back(savedBits.front());
      savedBits = savedBits.drop_front();
    }
  for (Operation &op : llvm::reverse(block)) {
    Value gradient = op.getNumResults() ? gradients.lookup(op.getResult(0)) : Value();
    if (gradient && failed(reverse(&op, gradient)))
      return failure();
  }
  return success();
}

LogicalResult ScalarGradient::reverse(Operation *op, Value g) {
  ScalarBuilder s{builder, op->getLoc()};
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](SurrogateOp surrogate) { return reverseSurrogate(surrogate, g); })
      .Case([&](arith::AddFOp add) {
        accumulate(add.getLhs(), g);
        accumulate(add.getRhs(), g);
        return success();
      })
      .Case([&](arith::SubFOp sub) {
        accumulate(sub.getLhs(), g);
        accumulate(sub.getRhs(), s.neg(g));
        return success();
      })
      .Case([&](arith::NegFOp neg) {
        accumulate(neg.getOperand(), s.neg(g));
        return success();
      })
      .Case([&](arith::MulFOp mul) {
        return failure(failed(product(op, mul.getLhs(), mul.getRhs(), g)) ||
                       failed(product(op, mul.getRhs(), mul.getLhs(), g)));
      })
      .Case([&](math::FmaOp fma) {
        accumulate(fma.getC(), g);
        return failure(failed(product(op, fma.getA(), fma.getB(), g)) ||
                       failed(product(op, fma.getB(), fma.getA(), g)));
      })
      .Case([&](arith::DivFOp div) -> LogicalResult {
        if (activeValues.contains(div.getRhs()))
          return op->emitError(
              "division by a differentiated value has no derivative rule; wrap it in analog.surrogate");
        FailureOr<Value> divisor = primal(div.getRhs());
        if (failed(divisor))
          return op->emitError("the derivative needs the divisor, which is not kept for backward");
        accumulate(div.getLhs(), s.div(g, *divisor));
        return success();
      })
      .Case([&](arith::SelectOp select) -> LogicalResult {
        FailureOr<Value> condition = primal(select.getCondition());
        if (failed(condition))
          return op->emitError("the derivative of this selection needs the value of its condition, which is not kept");
        Value zero = s.constant(0);
        accumulate(select.getTrueValue(), s.select(*condition, g, zero));
        accumulate(select.getFalseValue(), s.select(*condition, zero, g));
        return success();
      })
      .Case<arith::ConstantOp, NormalOp, UniformOp>([](Operation *) { return success(); })
      .Default(
          [](Operation *other) { return other->emitError("has no derivative rule; wrap it in analog.surrogate"); });
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
      return op->emitError("the derivative needs input ") << at + 1 << ", which is not kept for backward";
  }
  if (op.savesBits()) {
    if (bitsOf.lookup(op).size() != op.getSaved().size())
      return op->emitError("the derivative needs ") << op.getSaved().size() << " bits, which are kept only of end_tile";
    for (Value bit : bitsOf.lookup(op))
      bind(bit);
  } else if (FailureOr<Value> first = primal(op.getInputs().front()); succeeded(first)) {
    bind(*first);
  } else if (derivative.getArgument(at++).use_empty() == false) {
    return op->emitError("the derivative needs the accumulator's value, which is not kept for backward");
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

// The derivative of each op of the scalar vocabulary (SPEC.md, "Derivatives").
#include "dialect/Transforms/ScalarGradient.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::analog;
using Predicate = arith::CmpFPredicate;

/// `op` = value * factor, with respect to value.
LogicalResult ScalarGradient::product(Operation *op, Value value, Value factor, Value g) {
  if (!activeValues.contains(value))
    return success();
  Value other = needed(op, factor);
  if (!other)
    return failure();
  accumulate(value, ScalarBuilder{builder, op->getLoc()}.mul(g, other));
  return success();
}

/// d(a / b) = da / b - (db / b) (a / b).
LogicalResult ScalarGradient::quotient(arith::DivFOp op, Value g) {
  ScalarBuilder s{builder, op.getLoc()};
  Value divisor = needed(op, op.getRhs());
  if (!divisor)
    return failure();
  Value share = s.div(g, divisor);
  accumulate(op.getLhs(), share);
  if (!activeValues.contains(op.getRhs()))
    return success();
  Value value = needed(op, op.getResult());
  if (!value)
    return failure();
  accumulate(op.getRhs(), s.neg(s.mul(share, value)));
  return success();
}

/// minimumf and maximumf: to the operand that was taken; lhs where they are equal.
LogicalResult ScalarGradient::choice(Operation *op, Predicate takesLhs, Value g) {
  ScalarBuilder s{builder, op->getLoc()};
  Value lhs = needed(op, op->getOperand(0)), rhs = lhs ? needed(op, op->getOperand(1)) : Value();
  if (!rhs)
    return failure();
  Value isLhs = s.compare(takesLhs, lhs, rhs), zero = s.constant(0);
  accumulate(op->getOperand(0), s.select(isLhs, g, zero));
  accumulate(op->getOperand(1), s.select(isLhs, zero, g));
  return success();
}

LogicalResult ScalarGradient::selection(arith::SelectOp op, Value g) {
  ScalarBuilder s{builder, op.getLoc()};
  Value condition = needed(op, op.getCondition());
  if (!condition)
    return failure();
  Value zero = s.constant(0);
  accumulate(op.getTrueValue(), s.select(condition, g, zero));
  accumulate(op.getFalseValue(), s.select(condition, zero, g));
  return success();
}

/// absf and copysign: the sign of the first operand, 0 at 0, times that of the second.
LogicalResult ScalarGradient::signOf(Operation *op, Value g) {
  if (!activeValues.contains(op->getOperand(0)))
    return success();
  ScalarBuilder s{builder, op->getLoc()};
  Value value = needed(op, op->getOperand(0)), result = value ? needed(op, op->getResult(0)) : Value();
  if (!result)
    return failure();
  auto sign = [&](Value x) -> Value {
    return builder.create<math::CopySignOp>(op->getLoc(), s.constant(1), x).getResult();
  };
  Value slope = s.mul(sign(value), sign(result));
  Value isZero = s.compare(Predicate::OEQ, value, s.constant(0));
  accumulate(op->getOperand(0), s.select(isZero, s.constant(0), s.mul(g, slope)));
  return success();
}

/// y x^(y - 1) with respect to the base, 0 where y is 0; x^y log x with respect to the exponent, 0 where a base of 0
/// makes a power that does not vary.
LogicalResult ScalarGradient::power(math::PowFOp op, Value g) {
  ScalarBuilder s{builder, op.getLoc()};
  Location loc = op.getLoc();
  Value x = needed(op, op.getLhs()), y = x ? needed(op, op.getRhs()) : Value();
  if (!y)
    return failure();
  Value zero = s.constant(0);
  if (activeValues.contains(op.getLhs())) {
    Value lower = builder.create<math::PowFOp>(loc, x, s.sub(y, s.constant(1)));
    Value isConstant = s.compare(Predicate::OEQ, y, zero);
    accumulate(op.getLhs(), s.select(isConstant, zero, s.mul(g, s.mul(y, lower))));
  }
  if (activeValues.contains(op.getRhs())) {
    Value result = needed(op, op.getResult());
    Value slope = s.mul(result, builder.create<math::LogOp>(loc, x));
    Value isZero = s.compare(Predicate::OEQ, x, zero), isNotNegative = s.compare(Predicate::OGE, y, zero);
    Value isConstant = builder.create<arith::AndIOp>(loc, isZero, isNotNegative);
    accumulate(op.getRhs(), s.select(isConstant, zero, s.mul(g, slope)));
  }
  return success();
}

LogicalResult ScalarGradient::reverseArith(Operation *op, Value g) {
  ScalarBuilder s{builder, op->getLoc()};
  return TypeSwitch<Operation *, LogicalResult>(op)
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
      .Case([&](arith::DivFOp div) { return quotient(div, g); })
      .Case([&](arith::MinimumFOp) { return choice(op, Predicate::OLE, g); })
      .Case([&](arith::MaximumFOp) { return choice(op, Predicate::OGE, g); })
      .Case([&](arith::SelectOp select) { return selection(select, g); })
      // Integers carry no gradient.
      .Case<arith::ConstantOp, arith::SIToFPOp, arith::UIToFPOp>([](Operation *) { return success(); })
      .Default([](Operation *other) {
        return other->emitError(
            "has no derivative: it makes a number of the bits of a differentiated value; wrap it in "
            "analog.surrogate");
      });
}

LogicalResult ScalarGradient::reverseMath(Operation *op, Value g) {
  ScalarBuilder s{builder, op->getLoc()};
  Value x = op->getOperand(0);
  if (auto fma = dyn_cast<math::FmaOp>(op)) {
    accumulate(fma.getC(), g);
    return failure(failed(product(op, fma.getA(), fma.getB(), g)) || failed(product(op, fma.getB(), fma.getA(), g)));
  }
  if (isa<math::RoundEvenOp, math::FloorOp, math::CeilOp, math::TruncOp>(op)) { // straight through
    accumulate(x, g);
    return success();
  }
  if (isa<math::AbsFOp, math::CopySignOp>(op))
    return signOf(op, g);
  if (auto pow = dyn_cast<math::PowFOp>(op))
    return power(pow, g);
  // The others are functions of one operand, with derivatives of it or of their result.
  Value known = needed(op, isa<math::LogOp>(op) ? x : op->getResult(0));
  if (!known)
    return failure();
  accumulate(x, TypeSwitch<Operation *, Value>(op)
                    .Case([&](math::SqrtOp) { return s.div(s.mul(g, s.constant(0.5f)), known); })
                    .Case([&](math::ExpOp) { return s.mul(g, known); })
                    .Case([&](math::LogOp) { return s.div(g, known); })
                    .Case([&](math::TanhOp) { return s.mul(g, s.fma(s.neg(known), known, s.constant(1))); }));
  return success();
}

LogicalResult ScalarGradient::reverse(Operation *op, Value g) {
  if (auto surrogate = dyn_cast<SurrogateOp>(op))
    return reverseSurrogate(surrogate, g);
  if (isa<arith::ArithDialect>(op->getDialect()))
    return reverseArith(op, g);
  if (isa<math::MathDialect>(op->getDialect()))
    return reverseMath(op, g);
  return success(); // draws and indices are constants
}

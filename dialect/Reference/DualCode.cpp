#include "dialect/Reference/DualCode.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

namespace {

/// Tangents of the values of a block; a value without one is constant.
class Tangents {
public:
  Tangents(const ScalarInterpreter &scalar, Value active) : scalar(scalar) { tangents[active] = 1; }
  double of(Value value) const { return tangents.lookup(value); }
  bool varies(Value value) const { return tangents.contains(value); }
  llvm::Error run(Operation *op);

private:
  std::optional<double> arithmetic(Operation *op) const;
  std::optional<double> function(Operation *op) const;
  llvm::Expected<double> surrogate(SurrogateOp op) const;
  double v(Operation *op, unsigned i) const { return scalar.value(op->getOperand(i)); }
  double d(Operation *op, unsigned i) const { return of(op->getOperand(i)); }
  /// What operand i contributes with a slope: nothing where it is constant, though the slope be infinite.
  double part(Operation *op, unsigned i, double slope) const {
    return varies(op->getOperand(i)) ? slope * d(op, i) : 0;
  }

  const ScalarInterpreter &scalar;
  DenseMap<Value, double> tangents;
};

} // namespace

std::optional<double> Tangents::arithmetic(Operation *op) const {
  using Result = std::optional<double>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::AddFOp) { return d(op, 0) + d(op, 1); })
      .Case([&](arith::SubFOp) { return d(op, 0) - d(op, 1); })
      .Case([&](arith::MulFOp) { return part(op, 0, v(op, 1)) + part(op, 1, v(op, 0)); })
      .Case([&](arith::DivFOp) { return (d(op, 0) - part(op, 1, v(op, 0) / v(op, 1))) / v(op, 1); })
      .Case([&](arith::NegFOp) { return -d(op, 0); })
      .Case([&](math::FmaOp) { return part(op, 0, v(op, 1)) + part(op, 1, v(op, 0)) + d(op, 2); })
      .Case([&](arith::MinimumFOp) { return v(op, 0) <= v(op, 1) ? d(op, 0) : d(op, 1); })
      .Case([&](arith::MaximumFOp) { return v(op, 0) >= v(op, 1) ? d(op, 0) : d(op, 1); })
      .Case([&](arith::SelectOp) { return v(op, 0) != 0 ? d(op, 1) : d(op, 2); })
      .Default([](Operation *) { return Result(); });
}

std::optional<double> Tangents::function(Operation *op) const {
  using Result = std::optional<double>;
  auto result = [&] { return scalar.value(op->getResult(0)); };
  auto keepsSign = [&](double x) { return x == 0 ? 0.0 : std::signbit(x) == std::signbit(result()) ? 1.0 : -1.0; };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<math::AbsFOp, math::CopySignOp>([&](auto) { return part(op, 0, keepsSign(v(op, 0))); })
      .Case<math::RoundEvenOp, math::FloorOp, math::CeilOp, math::TruncOp>([&](auto) { return d(op, 0); })
      .Case([&](math::SqrtOp) { return d(op, 0) / (2 * std::sqrt(v(op, 0))); })
      .Case([&](math::ExpOp) { return std::exp(v(op, 0)) * d(op, 0); })
      .Case([&](math::LogOp) { return d(op, 0) / v(op, 0); })
      .Case([&](math::TanhOp) { return (1 - result() * result()) * d(op, 0); })
      .Case([&](math::PowFOp) {
        double base = v(op, 0), exponent = v(op, 1);
        double ofBase = exponent == 0 ? 0 : exponent * std::pow(base, exponent - 1);
        double ofExponent = base == 0 && exponent >= 0 ? 0 : std::pow(base, exponent) * std::log(base);
        return part(op, 0, ofBase) + part(op, 1, ofExponent);
      })
      .Default([](Operation *) { return Result(); });
}

/// What its derivative region makes of the tangent of the first input.
llvm::Expected<double> Tangents::surrogate(SurrogateOp op) const {
  Block &block = op.getDerivative().front();
  ScalarInterpreter inner = scalar;
  SmallVector<double> arguments = scalar.valuesOf(op.getInputs().drop_front());
  arguments.push_back(scalar.value(op.getInputs().front()));
  arguments.push_back(of(op.getInputs().front()));
  inner.bind(block.getArguments(), arguments);
  if (llvm::Error error = inner.run(block))
    return error;
  return inner.value(cast<YieldOp>(block.getTerminator()).getValues()[0]);
}

/// The operands that the result varies with: no condition, no sign, and of a surrogate the first input alone.
static SmallVector<Value> carriersOf(Operation *op) {
  if (isa<arith::SelectOp>(op))
    return {op->getOperand(1), op->getOperand(2)};
  if (isa<math::CopySignOp, SurrogateOp>(op))
    return {op->getOperand(0)};
  return op->getOperands();
}

llvm::Error Tangents::run(Operation *op) {
  bool constant = llvm::none_of(carriersOf(op), [&](Value operand) { return varies(operand); });
  if (constant || !op->getResult(0).getType().isF32())
    return llvm::Error::success();
  if (auto own = dyn_cast<SurrogateOp>(op)) {
    llvm::Expected<double> tangent = surrogate(own);
    if (!tangent)
      return tangent.takeError();
    tangents[op->getResult(0)] = *tangent;
    return llvm::Error::success();
  }
  for (std::optional<double> tangent : {arithmetic(op), function(op)})
    if (tangent) {
      tangents[op->getResult(0)] = *tangent;
      return llvm::Error::success();
    }
  return fail("'" + op->getName().getStringRef() + "' has no derivative");
}

llvm::Expected<std::optional<double>> mho::reference::differentiate(Block &block, const ScalarInterpreter &scalar,
                                                                    Value active, Value result) {
  Tangents tangents(scalar, active);
  for (Operation &op : block.without_terminator())
    if (llvm::Error error = tangents.run(&op))
      return error;
  return tangents.varies(result) ? std::optional<double>(tangents.of(result)) : std::nullopt;
}

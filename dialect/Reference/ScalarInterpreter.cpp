#include "dialect/Reference/ScalarInterpreter.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;
using Result = std::optional<double>;

void ScalarInterpreter::bind(ValueRange range, ArrayRef<double> scalars) {
  for (auto [value, scalar] : llvm::zip_equal(range, scalars))
    bind(value, scalar);
}

SmallVector<double> ScalarInterpreter::valuesOf(ValueRange range) const {
  SmallVector<double> list;
  for (Value v : range)
    list.push_back(value(v));
  return list;
}

static bool compare(arith::CmpFPredicate predicate, double x, double y) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(x) || std::isnan(y);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return x == y;
  case P::OGT:
    return x > y;
  case P::OGE:
    return x >= y;
  case P::OLT:
    return x < y;
  case P::OLE:
    return x <= y;
  case P::ONE:
    return !unordered && x != y;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || x == y;
  case P::UGT:
    return unordered || x > y;
  case P::UGE:
    return unordered || x >= y;
  case P::ULT:
    return unordered || x < y;
  case P::ULE:
    return unordered || x <= y;
  case P::UNE:
    return unordered || x != y;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("all predicates are listed");
}

Result ScalarInterpreter::evalFloat(Operation *op) const {
  auto x = [&] { return operand(op, 0); };
  auto y = [&] { return operand(op, 1); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::AddFOp) { return a.add(x(), y()); })
      .Case([&](arith::SubFOp) { return a.sub(x(), y()); })
      .Case([&](arith::MulFOp) { return a.mul(x(), y()); })
      .Case([&](arith::DivFOp) { return a.div(x(), y()); })
      .Case([&](arith::NegFOp) { return -x(); })
      .Case([&](arith::MinimumFOp) { return Arithmetic::min(x(), y()); })
      .Case([&](arith::MaximumFOp) { return Arithmetic::max(x(), y()); })
      .Case([&](arith::CmpFOp cmp) { return compare(cmp.getPredicate(), x(), y()); })
      .Case([&](arith::SelectOp) { return x() != 0 ? y() : operand(op, 2); })
      .Default([](Operation *) { return Result(); });
}

/// A normal that is 0 scales nothing: what it is added to stays as it is, whatever its other factor (SPEC.md,
/// "Gradients").
static bool isNoiseFree(math::FmaOp op) {
  auto isNormal = [](Value v) { return bool(v.getDefiningOp<NormalOp>()); };
  return isNormal(op.getA()) || isNormal(op.getB());
}

Result ScalarInterpreter::evalMath(Operation *op) const {
  auto x = [&] { return operand(op, 0); };
  auto y = [&] { return operand(op, 1); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](math::FmaOp fma) {
        return !random && isNoiseFree(fma) ? operand(op, 2) : a.fma(x(), y(), operand(op, 2));
      })
      .Case([&](math::AbsFOp) { return std::fabs(x()); })
      .Case([&](math::RoundEvenOp) { return a.roundEven(x()); })
      .Case([&](math::FloorOp) { return a.floor(x()); })
      .Case([&](math::CeilOp) { return a.ceil(x()); })
      .Case([&](math::TruncOp) { return a.trunc(x()); })
      .Case([&](math::CopySignOp) { return std::copysign(x(), y()); })
      .Case([&](math::SqrtOp) { return a.round(std::sqrt(x())); })
      .Case([&](math::ExpOp) { return a.exp(x()); })
      .Case([&](math::LogOp) { return a.log(x()); })
      .Case([&](math::PowFOp) { return a.pow(x(), y()); })
      .Case([&](math::TanhOp) { return a.tanh(x()); })
      .Default([](Operation *) { return Result(); });
}

/// Wraps to the width of `type`; i1 is 0 or 1, wider integers are signed.
static double wrap(int64_t v, Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  return width == 1 ? double(v & 1) : double(llvm::SignExtend64(uint64_t(v), width));
}

/// The value of an integer of `type` read without a sign.
static uint64_t withoutSign(double v, Type type) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  return uint64_t(int64_t(v)) & llvm::maskTrailingOnes<uint64_t>(width);
}

/// To the nearest i32 towards 0; beyond its range the end of it, and NaN 0 (SPEC.md, "Scalar code").
static double toInt32(double v) {
  if (std::isnan(v))
    return 0;
  return std::trunc(std::clamp(v, double(INT32_MIN), double(INT32_MAX)));
}

/// Operands are sign extended, which keeps their unsigned order too.
static bool compare(arith::CmpIPredicate predicate, int64_t x, int64_t y) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return x == y;
  case P::ne:
    return x != y;
  case P::slt:
    return x < y;
  case P::sle:
    return x <= y;
  case P::sgt:
    return x > y;
  case P::sge:
    return x >= y;
  case P::ult:
    return uint64_t(x) < uint64_t(y);
  case P::ule:
    return uint64_t(x) <= uint64_t(y);
  case P::ugt:
    return uint64_t(x) > uint64_t(y);
  case P::uge:
    return uint64_t(x) >= uint64_t(y);
  }
  llvm_unreachable("all predicates are listed");
}

/// Constants and integer arithmetic.
Result ScalarInterpreter::evalInteger(Operation *op) const {
  auto x = [&] { return int64_t(operand(op, 0)); };
  auto y = [&] { return int64_t(operand(op, 1)); };
  auto wrapped = [&](int64_t v) { return wrap(v, op->getResult(0).getType()); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::ConstantOp constant) -> Result {
        if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
          return a.round(real.getValueAsDouble());
        if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
          return wrapped(integer.getValue().getSExtValue());
        return {};
      })
      .Case([&](arith::AddIOp) { return wrapped(x() + y()); })
      .Case([&](arith::SubIOp) { return wrapped(x() - y()); })
      .Case([&](arith::MulIOp) { return wrapped(x() * y()); })
      .Case([&](arith::AndIOp) { return wrapped(x() & y()); })
      .Case([&](arith::OrIOp) { return wrapped(x() | y()); })
      .Case([&](arith::XOrIOp) { return wrapped(x() ^ y()); })
      .Case([&](arith::CmpIOp cmp) { return compare(cmp.getPredicate(), x(), y()); })
      .Case([&](arith::ShLIOp) { return wrapped(x() << (y() & 31)); })
      .Case([&](arith::ShRUIOp) {
        return wrapped(withoutSign(operand(op, 0), op->getOperand(0).getType()) >> (y() & 31));
      })
      .Case([&](arith::ShRSIOp) { return wrapped(x() >> (y() & 31)); })
      .Case([&](arith::SIToFPOp) { return a.round(double(x())); })
      .Case([&](arith::UIToFPOp) { return a.round(double(withoutSign(operand(op, 0), op->getOperand(0).getType()))); })
      .Case([&](arith::ExtUIOp) { return double(withoutSign(operand(op, 0), op->getOperand(0).getType())); })
      .Case([&](arith::FPToSIOp) { return toInt32(operand(op, 0)); })
      .Case([&](arith::BitcastOp cast) {
        if (cast.getType().isF32())
          return double(llvm::bit_cast<float>(uint32_t(int64_t(operand(op, 0)))));
        return op->getOperand(0).getType().isF32() ? double(llvm::bit_cast<int32_t>(float(operand(op, 0))))
                                                   : operand(op, 0);
      })
      .Default([](Operation *) { return Result(); });
}

std::pair<Key, int64_t> ScalarInterpreter::sourceOf(DrawOpInterface draw) const {
  auto bound = draws.find(draw);
  if (bound != draws.end())
    return {keys[bound->second.first], bound->second.second};
  return {keys[draw.getKey()], int64_t(draw.getStream())};
}

Result ScalarInterpreter::evalAnalog(Operation *op) const {
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](NormalOp normal) {
        if (!random)
          return 0.0;
        auto [key, stream] = sourceOf(normal);
        return drawNormal(key, stream, normal.getMap(), element);
      })
      .Case([&](UniformOp uniform) {
        if (!random)
          return 1.0;
        auto [key, stream] = sourceOf(uniform);
        return drawUniform(key, stream, element);
      })
      .Case([&](IndexOp index) -> Result {
        switch (index.getKind()) {
        case IndexKind::Tile:
          return element.tile;
        case IndexKind::Row:
          return element.row;
        case IndexKind::Column:
          return element.column;
        case IndexKind::TileRows:
          return element.tileRows;
        }
        return {};
      })
      .Default([](Operation *) { return Result(); });
}

/// The value region; what the derivative region says does not matter here.
llvm::Error ScalarInterpreter::evalSurrogate(SurrogateOp op) {
  Block &block = op.getValue().front();
  bind(block.getArguments(), valuesOf(op.getInputs()));
  if (llvm::Error error = run(block))
    return error;
  auto yield = cast<YieldOp>(block.getTerminator());
  bind(op.getResult(), value(yield.getValues()[0]));
  for (auto [saved, bit] : llvm::zip_equal(op.getSaved(), yield.getBits()))
    bind(saved, value(bit));
  return llvm::Error::success();
}

llvm::Error ScalarInterpreter::run(Operation *op) {
  if (auto surrogate = dyn_cast<SurrogateOp>(op))
    return evalSurrogate(surrogate);
  for (Result result : {evalFloat(op), evalMath(op), evalInteger(op), evalAnalog(op)})
    if (result) {
      bind(op->getResult(0), *result);
      return llvm::Error::success();
    }
  return fail("the evaluator does not know '" + op->getName().getStringRef() + "'");
}

llvm::Error ScalarInterpreter::run(Block &block) {
  for (Operation &op : block.without_terminator())
    if (llvm::Error error = run(&op))
      return error;
  return llvm::Error::success();
}

#include "lowering/AnalogToCuda/ScalarToEmitC.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/EmitC/IR/EmitC.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

/// A float that C++ reads back bit for bit.
std::string floatText(const APFloat &value) {
  uint32_t bits = uint32_t(value.bitcastToAPInt().getZExtValue());
  if (!value.isFinite())
    return "mho::as_float(" + std::to_string(int32_t(bits)) + ")";
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", double(value.convertToFloat()));
  std::string literal = text;
  if (literal.find_first_of(".e") == std::string::npos)
    literal += ".0";
  return literal[0] == '-' ? "(" + literal + "f)" : literal + "f";
}

std::string constantText(TypedAttr value) {
  if (auto real = dyn_cast<FloatAttr>(value))
    return floatText(real.getValue());
  auto integer = cast<IntegerAttr>(value);
  if (integer.getType().isInteger(1))
    return integer.getValue().isZero() ? "false" : "true";
  int64_t number = integer.getInt();
  if (number == INT32_MIN)
    return "(-2147483647 - 1)";
  return number < 0 ? "(" + std::to_string(number) + ")" : std::to_string(number);
}

/// One function's code.
class ScalarEmitter {
public:
  ScalarEmitter(OpBuilder &builder, Location loc) : b(builder), loc(loc) {}

  IRMapping mapping;

  LogicalResult emit(Operation &op) {
    if (isa<DrawOpInterface, IndexOp>(op))
      return success(); // arguments of the function
    if (auto surrogate = dyn_cast<SurrogateOp>(op))
      return emitSurrogate(surrogate);
    Value result = value(op);
    if (!result)
      return op.emitError("has no form in CUDA C++");
    mapping.map(op.getResult(0), result);
    return success();
  }

private:
  LogicalResult emitBlock(Block &block) {
    for (Operation &op : block.without_terminator())
      if (failed(emit(op)))
        return failure();
    return success();
  }

  Value operand(Operation &op, unsigned i) { return mapping.lookup(op.getOperand(i)); }
  Value literal(Type type, StringRef text) { return b.create<emitc::LiteralOp>(loc, type, text); }
  Value call(Type type, StringRef function, ValueRange arguments) {
    return b.create<emitc::CallOpaqueOp>(loc, type, function, arguments).getResult(0);
  }
  template <class Op> Value binary(Operation &op) {
    return b.create<Op>(loc, op.getResult(0).getType(), operand(op, 0), operand(op, 1));
  }
  Value compare(emitc::CmpPredicate predicate, Value x, Value y) {
    return b.create<emitc::CmpOp>(loc, b.getI1Type(), predicate, x, y);
  }
  Value negated(Value bit) { return b.create<emitc::LogicalNotOp>(loc, b.getI1Type(), bit); }

  LogicalResult emitSurrogate(SurrogateOp surrogate) {
    Block &body = surrogate.getValue().front();
    for (auto [argument, input] : llvm::zip(body.getArguments(), surrogate.getInputs()))
      mapping.map(argument, mapping.lookup(input));
    if (failed(emitBlock(body)))
      return failure();
    auto yield = cast<YieldOp>(body.getTerminator());
    mapping.map(surrogate.getResult(), mapping.lookup(yield.getValues()[0]));
    for (auto [saved, bit] : llvm::zip(surrogate.getSaved(), yield.getBits()))
      mapping.map(saved, mapping.lookup(bit));
    return success();
  }

  /// The function of the prelude that computes an op, or none.
  static StringRef functionOf(Operation &op) {
    return llvm::TypeSwitch<Operation *, StringRef>(&op)
        .Case([](arith::MinimumFOp) { return "mho::minimum"; })
        .Case([](arith::MaximumFOp) { return "mho::maximum"; })
        .Case([](arith::AddIOp) { return "mho::add"; })
        .Case([](arith::SubIOp) { return "mho::sub"; })
        .Case([](arith::MulIOp) { return "mho::mul"; })
        .Case([](arith::ShLIOp) { return "mho::shift_left"; })
        .Case([](arith::ShRUIOp) { return "mho::shift_right"; })
        .Case([](arith::ShRSIOp) { return "mho::shift_right_signed"; })
        .Case([](arith::SIToFPOp) { return "mho::to_float"; })
        .Case([](arith::UIToFPOp convert) {
          return convert.getIn().getType().isInteger(1) ? "mho::bit_to_float" : "mho::unsigned_to_float";
        })
        .Case([](arith::FPToSIOp) { return "mho::to_int"; })
        .Case([](arith::ExtUIOp) { return "int"; })
        .Case([](arith::BitcastOp cast) { return cast.getType().isF32() ? "mho::as_float" : "mho::as_int"; })
        .Case([](math::FmaOp) { return "mho::fma"; })
        .Case([](math::AbsFOp) { return "mho::absf"; })
        .Case([](math::RoundEvenOp) { return "mho::roundeven"; })
        .Case([](math::FloorOp) { return "mho::floor"; })
        .Case([](math::CeilOp) { return "mho::ceil"; })
        .Case([](math::TruncOp) { return "mho::trunc"; })
        .Case([](math::CopySignOp) { return "mho::copysign"; })
        .Case([](math::SqrtOp) { return "mho::sqrt"; })
        .Default([](Operation *) { return ""; });
  }

  Value value(Operation &op) {
    if (StringRef function = functionOf(op); !function.empty()) {
      SmallVector<Value> arguments;
      for (Value v : op.getOperands())
        arguments.push_back(mapping.lookup(v));
      return call(op.getResult(0).getType(), function, arguments);
    }
    return llvm::TypeSwitch<Operation *, Value>(&op)
        .Case([&](arith::ConstantOp constant) {
          return literal(constant.getType(), constantText(cast<TypedAttr>(constant.getValue())));
        })
        .Case([&](arith::AddFOp) { return binary<emitc::AddOp>(op); })
        .Case([&](arith::SubFOp) { return binary<emitc::SubOp>(op); })
        .Case([&](arith::MulFOp) { return binary<emitc::MulOp>(op); })
        .Case([&](arith::DivFOp) { return binary<emitc::DivOp>(op); })
        .Case([&](arith::NegFOp neg) { return b.create<emitc::UnaryMinusOp>(loc, neg.getType(), operand(op, 0)); })
        .Case([&](arith::AndIOp) { return binary<emitc::BitwiseAndOp>(op); })
        .Case([&](arith::OrIOp) { return binary<emitc::BitwiseOrOp>(op); })
        .Case([&](arith::XOrIOp) { return binary<emitc::BitwiseXorOp>(op); })
        .Case([&](arith::CmpFOp compare) { return compareFloats(compare); })
        .Case([&](arith::CmpIOp compare) { return compareIntegers(compare); })
        .Case([&](arith::SelectOp select) {
          return b.create<emitc::ConditionalOp>(loc, select.getType(), operand(op, 0), operand(op, 1), operand(op, 2));
        })
        .Default([](Operation *) { return Value(); });
  }

  /// C++'s operators are ordered, but for !=, which is unordered: the others are their negations.
  Value compareFloats(arith::CmpFOp op) {
    using P = arith::CmpFPredicate;
    using C = emitc::CmpPredicate;
    Value x = mapping.lookup(op.getLhs()), y = mapping.lookup(op.getRhs());
    Type bit = b.getI1Type();
    switch (op.getPredicate()) {
    case P::AlwaysFalse:
      return literal(bit, "false");
    case P::AlwaysTrue:
      return literal(bit, "true");
    case P::OEQ:
      return compare(C::eq, x, y);
    case P::OGT:
      return compare(C::gt, x, y);
    case P::OGE:
      return compare(C::ge, x, y);
    case P::OLT:
      return compare(C::lt, x, y);
    case P::OLE:
      return compare(C::le, x, y);
    case P::ONE:
      return b.create<emitc::LogicalAndOp>(loc, bit, call(bit, "mho::ordered", {x, y}), compare(C::ne, x, y));
    case P::ORD:
      return call(bit, "mho::ordered", {x, y});
    case P::UEQ:
      return b.create<emitc::LogicalOrOp>(loc, bit, call(bit, "mho::unordered", {x, y}), compare(C::eq, x, y));
    case P::UGT:
      return negated(compare(C::le, x, y));
    case P::UGE:
      return negated(compare(C::lt, x, y));
    case P::ULT:
      return negated(compare(C::ge, x, y));
    case P::ULE:
      return negated(compare(C::gt, x, y));
    case P::UNE:
      return compare(C::ne, x, y);
    case P::UNO:
      return call(bit, "mho::unordered", {x, y});
    }
    llvm_unreachable("a CmpFPredicate");
  }

  Value compareIntegers(arith::CmpIOp op) {
    using P = arith::CmpIPredicate;
    using C = emitc::CmpPredicate;
    Value x = mapping.lookup(op.getLhs()), y = mapping.lookup(op.getRhs());
    switch (op.getPredicate()) {
    case P::eq:
      return compare(C::eq, x, y);
    case P::ne:
      return compare(C::ne, x, y);
    case P::slt:
      return compare(C::lt, x, y);
    case P::sle:
      return compare(C::le, x, y);
    case P::sgt:
      return compare(C::gt, x, y);
    case P::sge:
      return compare(C::ge, x, y);
    case P::ult:
      return call(b.getI1Type(), "mho::less_unsigned", {x, y});
    case P::ule:
      return call(b.getI1Type(), "mho::less_equal_unsigned", {x, y});
    case P::ugt:
      return call(b.getI1Type(), "mho::less_unsigned", {y, x});
    case P::uge:
      return call(b.getI1Type(), "mho::less_equal_unsigned", {y, x});
    }
    llvm_unreachable("a CmpIPredicate");
  }

  OpBuilder &b;
  Location loc;
};

/// pointer[i] = value for each of `values`.
void assignAll(OpBuilder &b, Location loc, Value pointer, ValueRange values) {
  for (auto [i, value] : llvm::enumerate(values)) {
    Value index = b.create<emitc::LiteralOp>(loc, b.getI32Type(), std::to_string(i));
    Value place = b.create<emitc::SubscriptOp>(loc, value.getType(), pointer, ValueRange{index});
    b.create<emitc::AssignOp>(loc, place, value);
  }
}

} // namespace

LogicalResult scalarFunction(OpBuilder &b, StringRef name, Region &region, const RegionSlices &slices, SliceKind kind) {
  Location loc = region.getParentOp()->getLoc();
  const RegionSlice &slice = slices[kind];
  Type f32 = b.getF32Type(), reals = emitc::PointerType::get(f32), bools = emitc::PointerType::get(b.getI1Type());
  SmallVector<Value> inputs(slice.leaves);
  for (auto [of, number] : slice.inputs)
    inputs.push_back(slices[of].outputs[number]);
  SmallVector<Type> types = llvm::map_to_vector(inputs, [](Value v) { return v.getType(); });
  types.push_back(reals);
  if (kind == kOfElement)
    types.append({bools, reals});
  auto function = b.create<emitc::FuncOp>(loc, name, b.getFunctionType(types, {}));
  function.setSpecifiersAttr(b.getStrArrayAttr({"static", "__device__", "__forceinline__"}));
  OpBuilder::InsertionGuard guard(b);
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToEnd(entry);
  ScalarEmitter emitter(b, loc);
  for (auto [input, argument] : llvm::zip(inputs, entry->getArguments()))
    emitter.mapping.map(input, argument);
  for (Operation *op : slice.code)
    if (failed(emitter.emit(*op)))
      return failure();
  auto mapped = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value v) { return emitter.mapping.lookup(v); });
  };
  auto pointer = [&](size_t i) { return entry->getArgument(inputs.size() + i); };
  if (kind != kOfElement) {
    assignAll(b, loc, pointer(0), mapped(slice.outputs));
  } else {
    auto yield = cast<YieldOp>(region.front().getTerminator());
    assignAll(b, loc, pointer(0), mapped(yield.getValues()));
    assignAll(b, loc, pointer(1), mapped(yield.getBits()));
    SmallVector<Value> summands;
    for (Value v : yield.getReductions()) {
      Value summand = emitter.mapping.lookup(v);
      if (v.getType().isInteger(1)) // a count adds up zeros and ones
        summand = b.create<emitc::CallOpaqueOp>(loc, f32, "mho::bit_to_float", ValueRange{summand}).getResult(0);
      summands.push_back(summand);
    }
    assignAll(b, loc, pointer(2), summands);
  }
  b.create<emitc::ReturnOp>(loc, Value());
  return success();
}

} // namespace mho::lowering

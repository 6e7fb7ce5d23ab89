#include "lowering/AnalogToVector/VectorRegion.h"

#include "mlir/IR/IRMapping.h"

#include <cmath>

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

Value asVector(Emit &e, Value value) { return isa<VectorType>(value.getType()) ? value : e.splat(value); }

SmallVector<DrawOpInterface> drawsOf(Region &region) {
  SmallVector<DrawOpInterface> draws;
  if (region.empty())
    return draws;
  for (Operation &op : region.front())
    if (auto draw = dyn_cast<DrawOpInterface>(op))
      draws.push_back(draw);
    else if (auto surrogate = dyn_cast<SurrogateOp>(op))
      llvm::append_range(draws, drawsOf(surrogate.getValue())); // of its regions only the value is run
  return draws;
}

/// A value of `like`'s type in all lanes, where it is a vector.
static Value constantLike(Emit &e, Type like, Attribute value) {
  if (auto vector = dyn_cast<VectorType>(like))
    return e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(vector, value));
  return e.b.create<arith::ConstantOp>(e.loc, cast<TypedAttr>(value));
}

/// fptosi of SPEC.md: towards 0, the nearest end of i32 where that is beyond, of NaN 0. MLIR's is defined within i32.
static Value emitToInt32(Emit &e, Value v) {
  auto real = [&](float bound) { return constantLike(e, v.getType(), e.b.getF32FloatAttr(bound)); };
  Value isNumber = e.b.create<arith::CmpFOp>(e.loc, arith::CmpFPredicate::ORD, v, v);
  Value number = e.b.create<arith::SelectOp>(e.loc, isNumber, v, real(0));
  Value isAbove = e.b.create<arith::CmpFOp>(e.loc, arith::CmpFPredicate::OGE, number, real(0x1p31f));
  Value low = e.b.create<arith::MaximumFOp>(e.loc, number, real(-0x1p31f));
  Value within = e.b.create<arith::MinimumFOp>(e.loc, low, real(std::nextafter(0x1p31f, 0.0f)));
  Type i32 = e.b.getI32Type();
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    i32 = VectorType::get(vector.getShape(), i32);
  Value converted = e.b.create<arith::FPToSIOp>(e.loc, i32, within);
  return e.b.create<arith::SelectOp>(e.loc, isAbove, constantLike(e, i32, e.b.getI32IntegerAttr(INT32_MAX)), converted);
}

/// Clones one scalar op, on vectors if an operand is one.
static LogicalResult emitScalarOp(Emit &e, Operation &op, IRMapping &mapping) {
  if (op.getNumRegions() != 0 || !isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
    return op.emitError("has no vector form on the CPU backend yet");
  bool anyVector =
      llvm::any_of(op.getOperands(), [&](Value v) { return isa<VectorType>(mapping.lookup(v).getType()); });
  SmallVector<Value> operands;
  for (Value operand : op.getOperands()) {
    Value value = mapping.lookup(operand);
    operands.push_back(anyVector ? asVector(e, value) : value);
  }
  if (isa<arith::FPToSIOp>(op)) {
    mapping.map(op.getResult(0), emitToInt32(e, operands[0]));
    return success();
  }
  if (isa<arith::ShLIOp, arith::ShRUIOp, arith::ShRSIOp>(op)) // by the amount modulo 32; MLIR's is defined below 32
    operands[1] = e.b.create<arith::AndIOp>(e.loc, operands[1],
                                            constantLike(e, operands[1].getType(), e.b.getI32IntegerAttr(31)));
  OperationState state(e.loc, op.getName(), operands, {}, op.getAttrs());
  for (Type type : op.getResultTypes())
    state.types.push_back(anyVector ? Type(VectorType::get({kLanes}, type)) : type);
  state.propertiesAttr = op.getPropertiesAsAttribute();
  Operation *vectorOp = e.b.create(state);
  for (auto [from, to] : llvm::zip(op.getResults(), vectorOp->getResults()))
    mapping.map(from, to);
  return success();
}

/// A surrogate is its value region.
static LogicalResult emitBody(Emit &e, Block &block, IRMapping &mapping, LeafLookup leaf) {
  for (Operation &op : block.without_terminator()) {
    if (isa<DrawOpInterface, IndexOp>(op)) {
      mapping.map(op.getResult(0), leaf(&op));
    } else if (auto surrogate = dyn_cast<SurrogateOp>(op)) {
      Block &value = surrogate.getValue().front();
      for (auto [argument, input] : llvm::zip(value.getArguments(), surrogate.getInputs()))
        mapping.map(argument, mapping.lookup(input));
      if (failed(emitBody(e, value, mapping, leaf)))
        return failure();
      auto yield = cast<YieldOp>(value.getTerminator());
      mapping.map(surrogate.getResult(), mapping.lookup(yield.getValues()[0]));
      for (auto [saved, bit] : llvm::zip(surrogate.getSaved(), yield.getBits()))
        mapping.map(saved, mapping.lookup(bit));
    } else if (failed(emitScalarOp(e, op, mapping))) {
      return failure();
    }
  }
  return success();
}

FailureOr<RegionResult> emitRegion(Emit &e, Region &region, ValueRange arguments, LeafLookup leaf) {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  if (failed(emitBody(e, region.front(), mapping, leaf)))
    return failure();
  auto yield = cast<YieldOp>(region.front().getTerminator());
  RegionResult result;
  for (Value v : yield.getValues())
    result.values.push_back(mapping.lookup(v));
  for (Value v : yield.getBits())
    result.bits.push_back(mapping.lookup(v));
  for (Value v : yield.getReductions())
    result.reductions.push_back(mapping.lookup(v));
  return result;
}

} // namespace mho::lowering

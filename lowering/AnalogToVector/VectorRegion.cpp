#include "lowering/AnalogToVector/VectorRegion.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

Value asVector(Emit &e, Value value) { return isa<VectorType>(value.getType()) ? value : e.splat(value); }

SmallVector<Operation *> drawsOf(Region &region) {
  SmallVector<Operation *> draws;
  if (!region.empty())
    for (Operation &op : region.front())
      if (isa<NormalOp, UniformOp>(op))
        draws.push_back(&op);
  return draws;
}

/// Clones one scalar op, on vectors if an operand is one.
static LogicalResult emitScalarOp(Emit &e, Operation &op, IRMapping &mapping) {
  if (op.getNumRegions() != 0 || !isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
    return op.emitError("has no vector form on the CPU backend yet");
  bool anyVector =
      llvm::any_of(op.getOperands(), [&](Value v) { return isa<VectorType>(mapping.lookup(v).getType()); });
  if (!anyVector) {
    e.b.clone(op, mapping);
    return success();
  }
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(asVector(e, mapping.lookup(operand)));
  OperationState state(e.loc, op.getName(), operands, {}, op.getAttrs());
  for (Type type : op.getResultTypes())
    state.types.push_back(VectorType::get({kLanes}, type));
  state.propertiesAttr = op.getPropertiesAsAttribute();
  Operation *vectorOp = e.b.create(state);
  for (auto [from, to] : llvm::zip(op.getResults(), vectorOp->getResults()))
    mapping.map(from, to);
  return success();
}

/// A surrogate is its value region.
static LogicalResult emitBody(Emit &e, Block &block, IRMapping &mapping, llvm::function_ref<Value(Operation *)> draw) {
  for (Operation &op : block.without_terminator()) {
    if (isa<NormalOp, UniformOp>(op)) {
      mapping.map(op.getResult(0), draw(&op));
    } else if (auto surrogate = dyn_cast<SurrogateOp>(op)) {
      Block &value = surrogate.getValue().front();
      for (auto [argument, input] : llvm::zip(value.getArguments(), surrogate.getInputs()))
        mapping.map(argument, mapping.lookup(input));
      if (failed(emitBody(e, value, mapping, draw)))
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

FailureOr<RegionResult> emitRegion(Emit &e, Region &region, ValueRange arguments,
                                   llvm::function_ref<Value(Operation *)> draw) {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  if (failed(emitBody(e, region.front(), mapping, draw)))
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

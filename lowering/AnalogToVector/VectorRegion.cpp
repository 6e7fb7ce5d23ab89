#include "lowering/AnalogToVector/VectorRegion.h"

#include "mlir/IR/IRMapping.h"

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

/// Clones one scalar op, on vectors if an operand is one.
static LogicalResult emitScalarOp(Emit &e, Operation &op, IRMapping &mapping) {
  if (op.getNumRegions() != 0 || !isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
    return op.emitError("has no vector form on the CPU backend yet");
  // These would become calls of the C library, whose last bits differ from machine to machine.
  if (isa<math::ExpOp, math::LogOp, math::PowFOp, math::TanhOp>(op))
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
static LogicalResult emitBody(Emit &e, Block &block, IRMapping &mapping, DrawLookup draw) {
  for (Operation &op : block.without_terminator()) {
    if (auto drawn = dyn_cast<DrawOpInterface>(op)) {
      mapping.map(op.getResult(0), draw(drawn));
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

FailureOr<RegionResult> emitRegion(Emit &e, Region &region, ValueRange arguments, DrawLookup draw) {
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

// The scalar op with a derivative of its own.
#include "dialect/IR/AnalogDialect.h"

using namespace mlir;
using namespace mho::analog;

bool SurrogateOp::savesBits() { return !cast<YieldOp>(getValue().front().getTerminator()).getBits().empty(); }

LogicalResult SurrogateOp::verify() {
  auto terminator = [](Region &region) { return dyn_cast<YieldOp>(region.front().getTerminator()); };
  YieldOp value = terminator(getValue()), derivative = terminator(getDerivative());
  size_t inputs = getInputs().size();
  if (inputs == 0) // surrogate_c1
    return emitOpError("expected at least the differentiated input");
  if (!value || !derivative) // surrogate_c2
    return emitOpError("expected its regions to end in analog.yield");
  if (getValue().getNumArguments() != inputs || value.getValues().size() != 1) // surrogate_c3
    return emitOpError("expected the value region to take ")
           << inputs << " inputs and yield one f32, got " << getValue().getNumArguments() << " and "
           << value.getValues().size();
  size_t saved = value.getBits().empty() ? 1 : value.getBits().size();
  if (getDerivative().getNumArguments() != inputs + saved || derivative.getValues().size() != 1) // surrogate_c4
    return emitOpError("expected the derivative region to take ")
           << inputs + saved << " arguments and yield one f32, got " << getDerivative().getNumArguments() << " and "
           << derivative.getValues().size();
  if (getSaved().size() != value.getBits().size()) // surrogate_c8
    return emitOpError("expected one saved result for each of ")
           << value.getBits().size() << " bits, got " << getSaved().size();
  if (getTail().empty() != derivative.getReductions().empty() || bool(getWrt()) != !getTail().empty()) // surrogate_c5
    return emitOpError("expected a tail region and 'wrt' exactly where the derivative yields reductions");
  if (getWrt() && (*getWrt() < 1 || *getWrt() >= inputs)) // surrogate_c6
    return emitOpError("expected 'wrt' to be an input from 1 to ") << inputs - 1 << ", got " << *getWrt();
  size_t reductions = derivative.getReductions().size();
  if (!getTail().empty() && getTail().getNumArguments() != reductions + inputs - 1) // surrogate_c7
    return emitOpError("expected the tail region to take ")
           << reductions + inputs - 1 << " arguments, got " << getTail().getNumArguments();
  return success();
}

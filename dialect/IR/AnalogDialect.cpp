// Registration of the dialect's ops and attributes, and the generated definitions of its enums and interfaces.
#include "dialect/IR/AnalogDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::analog;

#include "dialect/IR/AnalogDialect.cpp.inc"
#include "dialect/IR/AnalogEnums.cpp.inc"
#include "dialect/IR/AnalogInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/IR/AnalogAttrs.cpp.inc"

LogicalResult AnalogDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kTilingAttr && !isa<TilingAttr>(attribute.getValue())) // tiling_c1
    return op->emitOpError("expected its attribute 'analog.tiling' to be an #analog.tiling<...>, got ")
           << attribute.getValue();
  if (attribute.getName() == kNoisyBackwardAttr && !isa<UnitAttr>(attribute.getValue())) // noisy_backward_c1
    return op->emitOpError("expected its attribute 'analog.noisy_backward' to have no value, got ")
           << attribute.getValue();
  return success();
}

LogicalResult AnalogDialect::verifyRegionArgAttribute(Operation *op, unsigned region, unsigned index,
                                                      NamedAttribute attribute) {
  Value argument = op->getRegion(region).empty() ? Value() : op->getRegion(region).getArgument(index);
  auto value = dyn_cast<FloatAttr>(attribute.getValue());
  // value_c1
  if (attribute.getName() != kValueAttr ||
      (value && value.getType().isF32() && (!argument || argument.getType().isF32())))
    return success();
  InFlightDiagnostic diagnostic =
      op->emitOpError("expected 'analog.value' to be an f32 of a scalar f32 argument, got ");
  diagnostic << attribute.getValue() << " of argument " << index;
  return diagnostic;
}

bool mho::analog::isSixteenBits(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

bool mho::analog::isStorageConversion(Operation *op) { // storage_c1
  if (!isa<arith::ExtFOp, arith::TruncFOp>(op) || !isa<RankedTensorType>(op->getResultTypes()[0]))
    return false;
  auto truncation = dyn_cast<arith::TruncFOp>(op);
  if (truncation && truncation.getRoundingmode().value_or(arith::RoundingMode::to_nearest_even) !=
                        arith::RoundingMode::to_nearest_even)
    return false;
  Type wide = truncation ? op->getOperandTypes()[0] : op->getResultTypes()[0],
       narrow = truncation ? op->getResultTypes()[0] : op->getOperandTypes()[0];
  return getElementTypeOrSelf(wide).isF32() && isSixteenBits(narrow);
}

void AnalogDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/IR/AnalogAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/IR/AnalogOps.cpp.inc"
      >();
}

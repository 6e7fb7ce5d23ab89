// Registration of the dialect's ops and attributes, and the generated definitions of its enums and interfaces.
#include "dialect/IR/AnalogDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mho::analog;

#include "dialect/IR/AnalogDialect.cpp.inc"
#include "dialect/IR/AnalogEnums.cpp.inc"
#include "dialect/IR/AnalogInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/IR/AnalogAttrs.cpp.inc"

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

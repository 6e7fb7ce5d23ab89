// The dialect `analog`: see AnalogBase.td for what it is and SPEC.md for what it computes.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/IR/AnalogDialect.h.inc"
#include "dialect/IR/AnalogEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/IR/AnalogAttrs.h.inc"

namespace mho::analog {

/// A parameter of an effect's scalar code: a value that varies over axes, or a named strength given by an attribute.
struct EffectParameter {
  mlir::Value value;        ///< null for a strength
  AxesAttr axes;            ///< empty for a strength
  std::string name;         ///< of a strength, unique within the op
  mlir::FloatAttr strength; ///< null for a value
};

/// What a draw gives; a redraw is of the kind of what it repeats.
enum class NumberKind { HalfNormal, WordNormal, Uniform };

inline NumberKind numberKindOf(GaussianMap map) {
  return map == GaussianMap::Word ? NumberKind::WordNormal : NumberKind::HalfNormal;
}

/// A draw of an effect's scalar code. Equal key and stream, equal numbers: only a redraw may share them with another.
struct EffectDraw {
  mlir::Value key;
  int64_t stream;
  bool redraw;
  NumberKind kind;
};

/// The tiling of the function that holds `op`; null if there is none.
TilingAttr getTiling(mlir::Operation *op);

/// True for f16 and bf16, and for tensors of these.
bool isSixteenBits(mlir::Type type);

/// True for the conversions of tensors by which the algebra reads and stores 16 bits (SPEC.md, "Storage"): arith.extf
/// to f32, and arith.truncf from f32 that rounds to nearest.
bool isStorageConversion(mlir::Operation *op);

} // namespace mho::analog

#include "dialect/IR/AnalogInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialect/IR/AnalogOps.h.inc"

// Elements stored in 16 bits (SPEC.md, "Storage"). Memory holds their bits, memref<...xi16>, so that no target has its
// own idea of loading, storing or rounding them; registers hold f32.
//
//   Value v = loadStored(e, s.isa, operand.getType(), memref, at, mask);   // 16 lanes of f32
//   storeStored(e, s.isa, result.getType(), v, memref, at, mask);
//
// f16 is converted by instructions where the instruction set has them, else by integers, never by a call of a library.
// bf16 is always converted by integers: AVX512-BF16 would take numbers below the normal ones for 0.
#pragma once

#include "lowering/AnalogToVector/Emit.h"
#include "lowering/Schedule/Schedule.h"

namespace mho::lowering {

/// The element type that memory has for tensors of `type`: i16 for 16 bits, else their own.
mlir::Type memoryTypeOf(mlir::Type type);

/// 16 adjacent elements of a memref that holds `type`, as f32.
mlir::Value loadStored(Emit &e, Isa isa, mlir::Type type, mlir::Value memref, mlir::ValueRange at, mlir::Value mask);
/// One of them.
mlir::Value loadStored(Emit &e, Isa isa, mlir::Type type, mlir::Value memref, mlir::ValueRange at);
/// Stores 16 lanes of f32.
void storeStored(Emit &e, Isa isa, mlir::Type type, mlir::Value v, mlir::Value memref, mlir::ValueRange at,
                 mlir::Value mask);

} // namespace mho::lowering

// Short names for the operations that kernels are written in: index arithmetic, loops, vectors of 16 floats.
//
//   Emit e(builder, loc);
//   e.loop(e.index(0), rows, 1, [&](Value r) { e.store(e.zero(), scratch, {r, column}); });
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"

namespace mho::lowering {

/// Lanes of every vector in generated code: the grouping of noise draws is made for 16 adjacent columns. Narrower
/// machines split them.
inline constexpr int64_t kLanes = 16;

struct Emit {
  using Value = mlir::Value;
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Type f32() { return b.getF32Type(); }
  mlir::VectorType floats(int64_t lanes = kLanes) { return mlir::VectorType::get({lanes}, b.getF32Type()); }
  mlir::VectorType ints() { return mlir::VectorType::get({kLanes}, b.getI32Type()); }
  mlir::VectorType bools() { return mlir::VectorType::get({kLanes}, b.getI1Type()); }

  Value index(int64_t v) { return b.create<mlir::arith::ConstantIndexOp>(loc, v); }
  Value real(float v) { return b.create<mlir::arith::ConstantOp>(loc, b.getF32FloatAttr(v)); }
  Value zeros() { return b.create<mlir::arith::ConstantOp>(loc, mlir::DenseElementsAttr::get(floats(), 0.0f)); }
  Value add(Value x, Value y) { return b.create<mlir::arith::AddIOp>(loc, x, y); }
  Value sub(Value x, Value y) { return b.create<mlir::arith::SubIOp>(loc, x, y); }
  Value mul(Value x, int64_t y) { return b.create<mlir::arith::MulIOp>(loc, x, index(y)); }
  Value mul(Value x, Value y) { return b.create<mlir::arith::MulIOp>(loc, x, y); }
  Value min(Value x, Value y) { return b.create<mlir::arith::MinSIOp>(loc, x, y); }
  Value div(Value x, int64_t y) { return b.create<mlir::arith::DivUIOp>(loc, x, index(y)); }
  Value rem(Value x, int64_t y) { return b.create<mlir::arith::RemUIOp>(loc, x, index(y)); }
  /// x rounded up to a multiple of y.
  Value roundUp(Value x, int64_t y) { return mul(div(add(x, index(y - 1)), y), y); }
  Value equal(Value x, Value y) { return b.create<mlir::arith::CmpIOp>(loc, mlir::arith::CmpIPredicate::eq, x, y); }
  Value less(Value x, Value y) { return b.create<mlir::arith::CmpIOp>(loc, mlir::arith::CmpIPredicate::slt, x, y); }
  Value select(Value c, Value x, Value y) { return b.create<mlir::arith::SelectOp>(loc, c, x, y); }
  Value toI32(Value x) { return b.create<mlir::arith::IndexCastOp>(loc, b.getI32Type(), x); }
  Value toI64(Value x) { return b.create<mlir::arith::IndexCastOp>(loc, b.getI64Type(), x); }
  Value splat(Value x, int64_t lanes = kLanes) {
    return b.create<mlir::vector::BroadcastOp>(loc, mlir::VectorType::get({lanes}, x.getType()), x);
  }
  /// Lanes 0 .. count - 1 (count may be beyond 16 or below 0).
  Value mask(Value count) { return b.create<mlir::vector::CreateMaskOp>(loc, bools(), count); }

  Value size(Value memref, int64_t axis) { return b.create<mlir::memref::DimOp>(loc, memref, axis); }
  Value load(Value memref, mlir::ValueRange at) { return b.create<mlir::memref::LoadOp>(loc, memref, at); }
  void store(Value v, Value memref, mlir::ValueRange at) { b.create<mlir::memref::StoreOp>(loc, v, memref, at); }
  Value loadVector(Value memref, mlir::ValueRange at) {
    return b.create<mlir::vector::LoadOp>(loc, floats(), memref, at);
  }
  void storeVector(Value v, Value memref, mlir::ValueRange at) { b.create<mlir::vector::StoreOp>(loc, v, memref, at); }
  Value loadMasked(Value memref, mlir::ValueRange at, Value mask) {
    return b.create<mlir::vector::MaskedLoadOp>(loc, floats(), memref, at, mask, zeros());
  }
  void storeMasked(Value v, Value memref, mlir::ValueRange at, Value mask) {
    b.create<mlir::vector::MaskedStoreOp>(loc, memref, at, mask, v);
  }

  /// Asks for the cache line of an element, to be read or written soon. `at` must lie within the memref. Locality 3:
  /// into L1; 2: into L2.
  void prefetch(Value memref, mlir::ValueRange at, bool write, int locality = 3) {
    b.create<mlir::memref::PrefetchOp>(loc, memref, at, write, locality, /*isDataCache=*/true);
  }

  void loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
    auto loop = b.create<mlir::scf::ForOp>(loc, from, to, index(step));
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
  /// A loop that carries values: the body maps them to their next ones.
  llvm::SmallVector<Value> loop(Value from, Value to, int64_t step, mlir::ValueRange init,
                                llvm::function_ref<llvm::SmallVector<Value>(Value, mlir::ValueRange)> body) {
    auto loop = b.create<mlir::scf::ForOp>(loc, from, to, index(step), init);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    llvm::SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    if (!init.empty()) // a loop that carries nothing has its terminator already
      b.create<mlir::scf::YieldOp>(loc, next);
    return llvm::SmallVector<Value>(loop.getResults());
  }
  void when(Value condition, llvm::function_ref<void()> body) {
    auto op = b.create<mlir::scf::IfOp>(loc, condition, /*withElse=*/false);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    body();
  }
};

} // namespace mho::lowering

// Creates analog.surrogate around scalar code.
//
//   SurrogateOp op = createSurrogate(builder, loc, {v, bound});
//   auto value = [](ScalarBuilder &s, ValueRange a) { yield(s, s.min(a[0], a[1])); };
//   fill(builder, loc, op.getValue(), floats(builder, 2), value);
//   auto derivative = [](ScalarBuilder &s, ValueRange a) { yield(s, a[2]); };
//   fill(builder, loc, op.getDerivative(), floats(builder, 3), derivative);
#pragma once

#include "dialect/IR/ScalarBuilder.h"

namespace mho::analog {

using RegionBody = llvm::function_ref<void(ScalarBuilder &, mlir::ValueRange)>;

/// Fills `region` with one block of these arguments and the code of `body`.
inline void fill(mlir::OpBuilder &builder, mlir::Location loc, mlir::Region &region, mlir::TypeRange types,
                 RegionBody body) {
  mlir::OpBuilder::InsertionGuard guard(builder);
  llvm::SmallVector<mlir::Location> locs(types.size(), loc);
  mlir::Block *block = builder.createBlock(&region, region.end(), types, locs);
  ScalarBuilder scalar{builder, loc};
  body(scalar, block->getArguments());
}

inline void yield(ScalarBuilder &s, mlir::ValueRange values, mlir::ValueRange bits = {},
                  mlir::ValueRange reductions = {}) {
  s.b.create<YieldOp>(s.loc, values, bits, reductions);
}

/// A surrogate of empty regions, which saves `bits` bits.
inline SurrogateOp createSurrogate(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange inputs,
                                   llvm::ArrayRef<int64_t> wrt = {}, size_t bits = 0) {
  llvm::SmallVector<mlir::Type> saved(bits, builder.getI1Type());
  return builder.create<SurrogateOp>(loc, builder.getF32Type(), saved, inputs, wrt);
}

inline llvm::SmallVector<mlir::Type> floats(mlir::OpBuilder &builder, size_t n) {
  return llvm::SmallVector<mlir::Type>(n, builder.getF32Type());
}

} // namespace mho::analog

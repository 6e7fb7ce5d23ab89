// Writes scalar fp32 code: the few operations effects are made of, and the two sequences that every quantiser shares.
//
//   ScalarBuilder s{builder, loc};
//   Value code = s.roundEven(s.mul(s.clamp(x, s.neg(beta), beta), s.safeScale(halfLevels, beta)));
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include <limits>

namespace mho::analog {

struct ScalarBuilder {
  mlir::OpBuilder &b;
  mlir::Location loc;
  using Value = mlir::Value;

  Value constant(float v) { return b.create<mlir::arith::ConstantOp>(loc, b.getF32FloatAttr(v)); }
  Value boolean(bool v) { return b.create<mlir::arith::ConstantOp>(loc, b.getBoolAttr(v)); }
  Value add(Value x, Value y) { return b.create<mlir::arith::AddFOp>(loc, x, y); }
  Value sub(Value x, Value y) { return b.create<mlir::arith::SubFOp>(loc, x, y); }
  Value mul(Value x, Value y) { return b.create<mlir::arith::MulFOp>(loc, x, y); }
  Value div(Value x, Value y) { return b.create<mlir::arith::DivFOp>(loc, x, y); }
  Value neg(Value x) { return b.create<mlir::arith::NegFOp>(loc, x); }
  Value abs(Value x) { return b.create<mlir::math::AbsFOp>(loc, x); }
  Value roundEven(Value x) { return b.create<mlir::math::RoundEvenOp>(loc, x); }
  Value fma(Value x, Value y, Value z) { return b.create<mlir::math::FmaOp>(loc, x, y, z); }
  Value compare(mlir::arith::CmpFPredicate p, Value x, Value y) { return b.create<mlir::arith::CmpFOp>(loc, p, x, y); }
  Value select(Value c, Value x, Value y) { return b.create<mlir::arith::SelectOp>(loc, c, x, y); }
  /// NaN in, NaN out.
  Value min(Value x, Value y) { return b.create<mlir::arith::MinimumFOp>(loc, x, y); }
  Value max(Value x, Value y) { return b.create<mlir::arith::MaximumFOp>(loc, x, y); }
  Value clamp(Value x, Value lo, Value hi) { return min(max(x, lo), hi); }

  /// levels / range; 0 where that overflows, so that a zero range gives code 0 (SPEC.md Q1). NaN stays NaN.
  Value safeScale(Value levels, Value range) {
    Value scale = div(levels, range);
    Value overflow =
        compare(mlir::arith::CmpFPredicate::OEQ, abs(scale), constant(std::numeric_limits<float>::infinity()));
    return select(overflow, constant(0), scale);
  }

  /// ((strength * scales[0]) * scales[1]) ..., left to right.
  Value product(Value strength, mlir::ValueRange scales) {
    for (Value scale : scales)
      strength = mul(strength, scale);
    return strength;
  }
};

} // namespace mho::analog

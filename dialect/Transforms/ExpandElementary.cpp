// analog-expand-elementary: exp, log, powf and tanh -> their sequences. See Passes.td.
//
// No pattern driver: it would fold math.exp of a constant by the C library, and with it the bits.
#include "dialect/Numerics/Elementary.h"
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/ScalarGradient.h"

#include "llvm/ADT/TypeSwitch.h"

namespace mho::analog {
#define GEN_PASS_DEF_ANALOGEXPANDELEMENTARYPASS
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

using namespace mlir;
using namespace mho::analog;

namespace {

/// What FloatArithmetic is for numbers, for values of scalar code: each operation creates its op.
struct BuilderArithmetic {
  using Float = Value;
  using Int = Value;
  using Bool = Value;
  OpBuilder &b;
  Location loc;

  Value constant(float v) const { return b.create<arith::ConstantOp>(loc, b.getF32FloatAttr(v)); }
  Value integer(int32_t v) const { return b.create<arith::ConstantOp>(loc, b.getI32IntegerAttr(v)); }
  Value add(Value x, Value y) const { return b.create<arith::AddFOp>(loc, x, y); }
  Value sub(Value x, Value y) const { return b.create<arith::SubFOp>(loc, x, y); }
  Value mul(Value x, Value y) const { return b.create<arith::MulFOp>(loc, x, y); }
  Value div(Value x, Value y) const { return b.create<arith::DivFOp>(loc, x, y); }
  Value neg(Value x) const { return b.create<arith::NegFOp>(loc, x); }
  Value fma(Value x, Value y, Value z) const { return b.create<math::FmaOp>(loc, x, y, z); }
  Value abs(Value x) const { return b.create<math::AbsFOp>(loc, x); }
  Value trunc(Value x) const { return b.create<math::TruncOp>(loc, x); }
  Value copySign(Value magnitude, Value sign) const { return b.create<math::CopySignOp>(loc, magnitude, sign); }
  Value select(Value c, Value x, Value y) const { return b.create<arith::SelectOp>(loc, c, x, y); }
  Value compare(arith::CmpFPredicate p, Value x, Value y) const { return b.create<arith::CmpFOp>(loc, p, x, y); }
  Value less(Value x, Value y) const { return compare(arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) const { return compare(arith::CmpFPredicate::OEQ, x, y); }
  Value unordered(Value x, Value y) const { return compare(arith::CmpFPredicate::UNO, x, y); }
  Value both(Value x, Value y) const { return b.create<arith::AndIOp>(loc, x, y); }
  Value either(Value x, Value y) const { return b.create<arith::OrIOp>(loc, x, y); }
  Value differ(Value x, Value y) const { return b.create<arith::XOrIOp>(loc, x, y); }
  Value isNot(Value x) const { return differ(x, b.create<arith::ConstantOp>(loc, b.getBoolAttr(true))); }
  Value bitsOf(Value x) const { return b.create<arith::BitcastOp>(loc, b.getI32Type(), x); }
  Value ofBits(Value x) const { return b.create<arith::BitcastOp>(loc, b.getF32Type(), x); }
  Value toFloat(Value x) const { return b.create<arith::SIToFPOp>(loc, b.getF32Type(), x); }
  Value addInt(Value x, Value y) const { return b.create<arith::AddIOp>(loc, x, y); }
  Value subInt(Value x, Value y) const { return b.create<arith::SubIOp>(loc, x, y); }
  Value shiftLeft(Value x, int bits) const { return b.create<arith::ShLIOp>(loc, x, integer(bits)); }
  Value shiftRight(Value x, int bits) const { return b.create<arith::ShRSIOp>(loc, x, integer(bits)); }
};

/// The value of an elementary function at the builder; null of any other op.
Value expand(OpBuilder &builder, Operation *op) {
  BuilderArithmetic a{builder, op->getLoc()};
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](math::ExpOp exp) { return mho::elementary::exp(a, exp.getOperand()); })
      .Case([&](math::LogOp log) { return mho::elementary::log(a, log.getOperand()); })
      .Case([&](math::TanhOp tanh) { return mho::elementary::tanh(a, tanh.getOperand()); })
      .Case([&](math::PowFOp pow) { return mho::elementary::pow(a, pow.getLhs(), pow.getRhs()); })
      .Default([](Operation *) { return Value(); });
}

struct ExpandElementaryPass : mho::analog::impl::AnalogExpandElementaryPassBase<ExpandElementaryPass> {
  void runOnOperation() override {
    SmallVector<Operation *> functions;
    getOperation().walk([&](TiledMvmOp kernel) {
      kernel.walk([&](Operation *op) {
        if (isa<math::ExpOp, math::LogOp, math::PowFOp, math::TanhOp>(op))
          functions.push_back(op);
      });
    });
    SetVector<Block *> changed;
    for (Operation *op : functions) {
      OpBuilder builder(op);
      op->getResult(0).replaceAllUsesWith(expand(builder, op));
      changed.insert(op->getBlock());
      op->erase();
    }
    for (Block *block : changed) // a result that needs only the head of a pair leaves its tail
      eraseUnused(*block);
  }
};

} // namespace

// The scalar code of regions: the list of ops it is made of, and the verifiers of the analog ones.
#include "dialect/IR/Scalar.h"

using namespace mlir;
using namespace mho::analog;

//===-- the vocabulary --------------------------------------------------------------------------------------------===//

static bool isScalarType(Type type) { return type.isF32() || type.isInteger(1) || type.isInteger(32); }

/// In the list of SPEC.md, "Scalar code".
static bool isScalarOp(Operation *op) {
  if (isa<NormalOp, UniformOp, IndexOp, SurrogateOp, YieldOp>(op))
    return true;
  if (isa<arith::ConstantOp, arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp,
          arith::MinimumFOp, arith::MaximumFOp, arith::CmpFOp, arith::SelectOp>(op))
    return true;
  if (isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::ShLIOp,
          arith::ShRUIOp, arith::ShRSIOp, arith::CmpIOp, arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp,
          arith::ExtUIOp, arith::BitcastOp>(op))
    return true;
  return isa<math::FmaOp, math::AbsFOp, math::RoundEvenOp, math::FloorOp, math::CeilOp, math::TruncOp, math::CopySignOp,
             math::SqrtOp, math::ExpOp, math::LogOp, math::PowFOp, math::TanhOp>(op);
}

LogicalResult mho::analog::verifyScalarCode(Region &region) {
  WalkResult result = region.walk([](Operation *op) -> WalkResult {
    if (!isScalarOp(op)) // scalar_c1
      return op->emitOpError("is not scalar code; the ops that may stand in a region are listed in dialect/SPEC.md");
    for (TypeRange types : {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
      for (Type type : types)
        if (!isScalarType(type)) // scalar_c2
          return op->emitOpError("expected scalar code of f32, i32 and i1, got ") << type;
    // What true is as a number, 1 or -1, depends on the op: bits are no numbers here.
    bool isBit = llvm::any_of(op->getOperandTypes(), [](Type type) { return type.isInteger(1); }) ||
                 llvm::any_of(op->getResultTypes(), [](Type type) { return type.isInteger(1); });
    if (isBit && isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::ShLIOp, arith::ShRUIOp, arith::ShRSIOp,
                     arith::SIToFPOp, arith::FPToSIOp, arith::BitcastOp>(op)) // scalar_c4
      return op->emitOpError("expected i32 numbers, got i1");
    if (auto compare = dyn_cast<arith::CmpIOp>(op); // scalar_c4
        compare && compare.getLhs().getType().isInteger(1) && compare.getPredicate() != arith::CmpIPredicate::eq &&
        compare.getPredicate() != arith::CmpIPredicate::ne)
      return op->emitOpError("expected i32 numbers, got i1");
    if (auto fast = dyn_cast<arith::ArithFastMathInterface>(op);
        fast && fast.getFastMathFlagsAttr() &&
        fast.getFastMathFlagsAttr().getValue() != arith::FastMathFlags::none) // scalar_c3
      return op->emitOpError("expected no fast-math flags, which would change results, got ")
             << fast.getFastMathFlagsAttr();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

void mho::analog::eraseUnused(Block &block, llvm::function_ref<bool(Operation *)> keep) {
  SmallVector<Operation *> operations;
  for (Operation &op : block.without_terminator())
    operations.push_back(&op);
  for (Operation *op : llvm::reverse(operations))
    if (op->use_empty() && !(keep && keep(op)))
      op->erase();
}

YieldOp mho::analog::yieldOf(Region &region) { return cast<YieldOp>(region.front().getTerminator()); }

/// Region ops that mean an element make sense only in a kernel, or in an effect, which becomes part of one.
static LogicalResult verifyInKernel(Operation *op) {
  if (op->getParentOfType<TiledMvmOp>() || op->getParentOfType<EffectOp>())
    return success();
  return op->emitOpError("expected to stand in a region of analog.tiled_mvm or analog.effect, got ")
         << "'" << op->getParentOp()->getName() << "'";
}

static LogicalResult verifyDraw(DrawOpInterface op) {
  if (failed(verifyInKernel(op))) // normal_c1, uniform_c1
    return failure();
  bool isNamed = int64_t(op.getKey()) != NormalOp::kUnnamed || int64_t(op.getStream()) != NormalOp::kUnnamed;
  if (op->getParentOfType<EffectOp>()) {
    if (isNamed || op.getRedraw()) // normal_c3, uniform_c3
      return op->emitOpError("expected neither key, stream nor redraw in analog.effect, whose uses have them");
    return success();
  }
  if (int64_t(op.getStream()) < 0 || op.getStream() > 255) // normal_c2, uniform_c2
    return op->emitOpError("expected stream to be from 0 to 255, got ") << int64_t(op.getStream());
  return success();
}

NumberKind NormalOp::getNumberKind() { return numberKindOf(getMap()); }
NumberKind UniformOp::getNumberKind() { return NumberKind::Uniform; }
LogicalResult NormalOp::verify() { return verifyDraw(*this); }
LogicalResult UniformOp::verify() { return verifyDraw(*this); }
LogicalResult IndexOp::verify() { return verifyInKernel(*this); } // index_c1

//===-- surrogate -------------------------------------------------------------------------------------------------===//

bool SurrogateOp::savesBits() { return !yieldOf(getValue()).getBits().empty(); }

LogicalResult SurrogateOp::verify() {
  if (getInputs().empty()) // surrogate_c1
    return emitOpError("expected at least the differentiated input, got none");
  int64_t inputs = getInputs().size();
  for (auto [i, input] : llvm::enumerate(getWrt())) {
    if (input < 1 || input >= inputs) // surrogate_c6
      return emitOpError("expected 'wrt' to be an input from 1 to ") << inputs - 1 << ", got " << input;
    if (llvm::is_contained(getWrt().take_front(i), input)) // surrogate_c6
      return emitOpError("expected inputs of 'wrt' that differ, got ") << input << " twice";
  }
  if (getWrt().empty() != getTail().empty()) // surrogate_c5
    return emitOpError("expected a tail region exactly where 'wrt' names a parameter, got ")
           << (getTail().empty() ? "none" : "one");
  return success();
}

/// A region takes these arguments and yields `count` f32.
static LogicalResult verifySurrogateRegion(SurrogateOp op, Region &region, StringRef name, TypeRange expected,
                                           size_t count = 1) {
  if (!region.hasOneBlock() || !isa<YieldOp>(region.front().getTerminator())) // surrogate_c2
    return op.emitOpError("expected region ") << name << " to be one block that ends in analog.yield";
  if (TypeRange(region.getArgumentTypes()) != expected) // surrogate_c3
    return op.emitOpError("expected region ")
           << name << " to take (" << expected << "), got (" << region.getArgumentTypes() << ")";
  if (yieldOf(region).getValues().size() != count) // surrogate_c4
    return op.emitOpError("expected region ")
           << name << " to yield " << count << " f32, got " << yieldOf(region).getValues().size();
  return success();
}

LogicalResult SurrogateOp::verifyRegions() {
  Type f32 = Float32Type::get(getContext()), i1 = IntegerType::get(getContext(), 1);
  size_t inputs = getInputs().size();
  if (failed(verifySurrogateRegion(*this, getValue(), "value", SmallVector<Type>(inputs, f32))))
    return failure();
  size_t bits = yieldOf(getValue()).getBits().size();
  if (getSaved().size() != bits) // surrogate_c8
    return emitOpError("expected one saved result for each of ") << bits << " bits, got " << getSaved().size();
  SmallVector<Type> types(inputs - 1, f32);
  types.append(bits ? bits : 1, bits ? i1 : f32);
  types.push_back(f32);
  if (failed(verifySurrogateRegion(*this, getDerivative(), "derivative", types)))
    return failure();
  size_t reductions = yieldOf(getDerivative()).getReductions().size();
  if (getTail().empty() != (reductions == 0)) // surrogate_c7
    return emitOpError("expected a tail region exactly where the derivative yields reductions, got ")
           << reductions << " of these and " << (getTail().empty() ? "no tail" : "a tail");
  if (reductions < getWrt().size()) // surrogate_c7
    return emitOpError("expected a reduction for each of ") << getWrt().size() << " parameters, got " << reductions;
  if (!getTail().empty() &&
      failed(verifySurrogateRegion(*this, getTail(), "tail", SmallVector<Type>(reductions + inputs - 1, f32),
                                   getWrt().size())))
    return failure();
  bool tailYieldsMore =
      !getTail().empty() && (!yieldOf(getTail()).getBits().empty() || !yieldOf(getTail()).getReductions().empty());
  if (!yieldOf(getValue()).getReductions().empty() || !yieldOf(getDerivative()).getBits().empty() || tailYieldsMore)
    return emitOpError(
        "expected bits of the value region and reductions of the derivative only, got others"); // surrogate_c9
  return verifyInKernel(*this);                                                                 // surrogate_c10
}

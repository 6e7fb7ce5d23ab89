#include "lowering/AnalogToVector/Storage.h"

#include "dialect/IR/AnalogDialect.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace mho::lowering {
namespace {

/// `element` in the shape of `like`.
Type shapedAs(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
}

/// Short names for operations on i32, one or 16 lanes of them.
struct Words {
  Emit &e;
  Type type; ///< i32 or a vector of it

  Value constant(uint32_t bits) const {
    auto number = e.b.getI32IntegerAttr(int32_t(bits));
    if (auto vector = dyn_cast<VectorType>(type))
      return e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(vector, number));
    return e.b.create<arith::ConstantOp>(e.loc, number);
  }
  Value add(Value x, Value y) const { return e.b.create<arith::AddIOp>(e.loc, x, y); }
  Value sub(Value x, Value y) const { return e.b.create<arith::SubIOp>(e.loc, x, y); }
  Value both(Value x, uint32_t bits) const { return e.b.create<arith::AndIOp>(e.loc, x, constant(bits)); }
  Value either(Value x, Value y) const { return e.b.create<arith::OrIOp>(e.loc, x, y); }
  Value left(Value x, unsigned by) const { return e.b.create<arith::ShLIOp>(e.loc, x, constant(by)); }
  Value right(Value x, unsigned by) const { return e.b.create<arith::ShRUIOp>(e.loc, x, constant(by)); }
  /// x >= bits, without signs.
  Value reaches(Value x, uint32_t bits) const {
    return e.b.create<arith::CmpIOp>(e.loc, arith::CmpIPredicate::uge, x, constant(bits));
  }
  Value asFloat(Value x) const { return e.b.create<arith::BitcastOp>(e.loc, shapedAs(type, e.f32()), x); }
  Value ofFloat(Value x) const { return e.b.create<arith::BitcastOp>(e.loc, type, x); }
  Value ofShort(Value x) const { return e.b.create<arith::ExtUIOp>(e.loc, type, x); }
  Value toShort(Value x) const { return e.b.create<arith::TruncIOp>(e.loc, shapedAs(type, e.b.getIntegerType(16)), x); }
};

Words wordsLike(Emit &e, Value v) { return {e, shapedAs(v.getType(), e.b.getI32Type())}; }

bool convertsHalf(Isa isa) { return isa != Isa::Generic; }

/// dialect/Numerics/Half.h: fromHalf.
Value fromHalf(const Words &w, Value bits) {
  Emit &e = w.e;
  Value word = w.ofShort(bits), magnitude = w.both(word, 0x7fff), shifted = w.left(magnitude, 13);
  Value scaled = e.b.create<arith::MulFOp>(e.loc, w.asFloat(shifted), w.asFloat(w.constant(0x77800000))); // 2^112
  Value special = w.either(shifted, w.constant(0x7f800000));
  Value finite = w.ofFloat(scaled), sign = w.left(w.both(word, 0x8000), 16);
  return w.asFloat(w.either(e.select(w.reaches(magnitude, 0x7c00), special, finite), sign));
}

/// The magnitude in its new format, rounded: a normal number by what its integer is above the middle of two; one below
/// the normal ones by the addition to 0.5, whose last place is 2^-24.
Value toHalf(const Words &w, Value v) {
  Emit &e = w.e;
  Value bits = w.ofFloat(v), magnitude = w.both(bits, 0x7fffffff), odd = w.both(w.right(magnitude, 13), 1);
  Value normal = w.right(w.add(w.add(w.sub(magnitude, w.constant(112u << 23)), w.constant(0xfff)), odd), 13);
  Value half = w.constant(0x3f000000);
  Value sum = e.b.create<arith::AddFOp>(e.loc, w.asFloat(magnitude), w.asFloat(half));
  Value finite = e.select(w.reaches(magnitude, 113u << 23), normal, w.sub(w.ofFloat(sum), half));
  Value bounded = e.select(w.reaches(magnitude, 143u << 23), w.constant(0x7c00), finite); // from 2^16 on
  Value result = e.select(w.reaches(magnitude, 0x7f800001), w.constant(0x7e00), bounded);
  return w.toShort(w.either(result, w.both(w.right(bits, 16), 0x8000)));
}

Value toBFloat(const Words &w, Value v) {
  Value bits = w.ofFloat(v), odd = w.both(w.right(bits, 16), 1);
  Value rounded = w.right(w.add(w.add(bits, w.constant(0x7fff)), odd), 16);
  Value quiet = w.either(w.right(bits, 16), w.constant(0x40));
  return w.toShort(w.e.select(w.reaches(w.both(bits, 0x7fffffff), 0x7f800001), quiet, rounded));
}

/// f32 of the bits of elements of `type`.
Value decode(Emit &e, Isa isa, Type type, Value bits) {
  Words w = wordsLike(e, bits);
  if (getElementTypeOrSelf(type).isBF16())
    return w.asFloat(w.left(w.ofShort(bits), 16));
  if (!convertsHalf(isa))
    return fromHalf(w, bits);
  Value half = e.b.create<arith::BitcastOp>(e.loc, shapedAs(bits.getType(), e.b.getF16Type()), bits);
  return e.b.create<arith::ExtFOp>(e.loc, shapedAs(bits.getType(), e.f32()), half);
}

/// The bits of f32 as elements of `type`.
Value encode(Emit &e, Isa isa, Type type, Value v) {
  Words w = wordsLike(e, v);
  if (getElementTypeOrSelf(type).isBF16())
    return toBFloat(w, v);
  if (!convertsHalf(isa))
    return toHalf(w, v);
  Value half = e.b.create<arith::TruncFOp>(e.loc, shapedAs(v.getType(), e.b.getF16Type()), v);
  return e.b.create<arith::BitcastOp>(e.loc, shapedAs(v.getType(), e.b.getIntegerType(16)), half);
}

/// AVX-512 masks 16 bits as it does 32; without it a masked access is a branch for each lane.
bool masksShorts(Isa isa) { return isa == Isa::Avx512; }

/// Are all lanes of a mask set?
Value isFull(Emit &e, Value mask) {
  Value bits = e.b.create<vector::BitCastOp>(e.loc, VectorType::get({1}, e.b.getIntegerType(16)), mask);
  Value word = e.b.create<vector::ExtractOp>(e.loc, bits, 0);
  Value all = e.b.create<arith::ConstantOp>(e.loc, e.b.getIntegerAttr(e.b.getIntegerType(16), -1));
  return e.equal(word, all);
}

} // namespace

Type memoryTypeOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return analog::isSixteenBits(type) ? IntegerType::get(type.getContext(), 16) : element;
}

Value loadStored(Emit &e, Isa isa, Type type, Value memref, ValueRange at, Value mask) {
  if (!analog::isSixteenBits(type))
    return e.loadMasked(memref, at, mask);
  auto shorts = VectorType::get({kLanes}, e.b.getIntegerType(16));
  Value zeros = e.b.create<arith::ConstantOp>(e.loc, e.b.getZeroAttr(shorts));
  auto masked = [&]() -> Value { return e.b.create<vector::MaskedLoadOp>(e.loc, shorts, memref, at, mask, zeros); };
  if (masksShorts(isa))
    return decode(e, isa, type, masked());
  auto choice = e.b.create<scf::IfOp>(e.loc, TypeRange{shorts}, isFull(e, mask), /*withElse=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(choice.thenBlock());
  e.b.create<scf::YieldOp>(e.loc, ValueRange{e.b.create<vector::LoadOp>(e.loc, shorts, memref, at)});
  e.b.setInsertionPointToStart(choice.elseBlock());
  e.b.create<scf::YieldOp>(e.loc, ValueRange{masked()});
  e.b.setInsertionPointAfter(choice);
  return decode(e, isa, type, choice.getResult(0));
}

Value loadStored(Emit &e, Isa isa, Type type, Value memref, ValueRange at) {
  Value element = e.load(memref, at);
  return analog::isSixteenBits(type) ? decode(e, isa, type, element) : element;
}

void storeStored(Emit &e, Isa isa, Type type, Value v, Value memref, ValueRange at, Value mask) {
  if (!analog::isSixteenBits(type))
    return e.storeMasked(v, memref, at, mask);
  Value bits = encode(e, isa, type, v);
  if (masksShorts(isa))
    return e.storeMasked(bits, memref, at, mask);
  auto choice = e.b.create<scf::IfOp>(e.loc, isFull(e, mask), /*withElse=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(choice.thenBlock());
  e.b.create<vector::StoreOp>(e.loc, bits, memref, at);
  e.b.setInsertionPointToStart(choice.elseBlock());
  e.storeMasked(bits, memref, at, mask);
}

} // namespace mho::lowering

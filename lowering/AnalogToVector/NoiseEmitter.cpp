#include "lowering/AnalogToVector/NoiseEmitter.h"

#include "dialect/Numerics/Gaussian.h"
#include "dialect/Numerics/Philox.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace mho::lowering {
namespace {

/// Arithmetic on vectors of eight 64-bit lanes and of sixteen 32-bit lanes.
struct Words {
  Emit &e;
  VectorType longs() { return VectorType::get({8}, e.b.getI64Type()); }
  Value constant(uint64_t v) {
    return e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(longs(), APInt(64, v)));
  }
  Value constant32(uint32_t v) {
    return e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(e.ints(), APInt(32, v)));
  }
  Value andOf(Value x, Value y) { return e.b.create<arith::AndIOp>(e.loc, x, y); }
  Value orOf(Value x, Value y) { return e.b.create<arith::OrIOp>(e.loc, x, y); }
  Value xorOf(Value x, Value y) { return e.b.create<arith::XOrIOp>(e.loc, x, y); }
  Value shiftLeft(Value x, Value y) { return e.b.create<arith::ShLIOp>(e.loc, x, y); }
  Value shiftRight(Value x, Value y) { return e.b.create<arith::ShRUIOp>(e.loc, x, y); }
  Value widen(Value word) { return e.splat(e.b.create<arith::ExtUIOp>(e.loc, e.b.getI64Type(), word), 8); }
  Value lanes() {
    SmallVector<APInt> values;
    for (int i = 0; i < 8; ++i)
      values.push_back(APInt(64, i));
    return e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(longs(), values));
  }
  /// Exchanges the words of each lane. Not by two shifts: LLVM would fold the left one into the product before it, and
  /// multiply a second time, 64 bits wide.
  Value swapHalves(Value x) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < kLanes; ++i)
      order.push_back(i ^ 1);
    Value turned = e.b.create<vector::ShuffleOp>(e.loc, as32(x), as32(x), order);
    return e.b.create<vector::BitCastOp>(e.loc, longs(), turned);
  }
  Value as32(Value x) { return e.b.create<vector::BitCastOp>(e.loc, e.ints(), x); }
};

} // namespace

DrawSource readKey(Emit &e, Value key, Value tile, int64_t stream) {
  Type i32 = e.b.getI32Type();
  Value seed = e.load(key, e.index(0)), step = e.load(key, e.index(1));
  Value high = e.b.create<arith::ShRUIOp>(e.loc, seed, e.b.create<arith::ConstantOp>(e.loc, e.b.getI64IntegerAttr(32)));
  auto low = [&](Value v) -> Value { return e.b.create<arith::TruncIOp>(e.loc, i32, v); };
  return {low(seed), low(high), low(step), tile, stream};
}

/// The four words of calls 8 g .. 8 g + 7 of a row, as X = [w0 | w1 << 32] and Y = [w2 | w3 << 32].
static std::pair<Value, Value> emitPhilox(Emit &e, const DrawSource &source, Value row, Value group) {
  Words w{e};
  Value thirtyTwo = w.constant(32), low = w.constant(0xffffffffu);
  Value call = e.b.create<arith::AddIOp>(e.loc, e.splat(e.toI64(e.mul(group, 8)), 8), w.lanes());
  Value x = w.orOf(call, w.shiftLeft(e.splat(e.toI64(row), 8), thirtyTwo));
  Value c2 = e.toI64(e.add(source.tile, e.index(source.stream * kDrawTiles)));
  Value y = w.orOf(e.splat(c2, 8), w.shiftLeft(w.widen(source.step), thirtyTwo));
  Value k0 = source.seedLow, k1 = source.seedHigh;
  auto bump = [&](Value key, uint32_t weyl) -> Value {
    return e.b.create<arith::AddIOp>(e.loc, key,
                                     e.b.create<arith::ConstantOp>(e.loc, e.b.getI32IntegerAttr(int32_t(weyl))));
  };
  auto swapped = [&](Value p) { return w.swapHalves(p); };
  for (int round = 0; round < kPhiloxRounds; ++round) {
    Value p0 = e.b.create<arith::MulIOp>(e.loc, w.andOf(x, low), w.constant(kPhiloxMultiplier0));
    Value p1 = e.b.create<arith::MulIOp>(e.loc, w.andOf(y, low), w.constant(kPhiloxMultiplier1));
    x = w.xorOf(w.xorOf(swapped(p1), w.shiftRight(x, thirtyTwo)), w.widen(k0));
    y = w.xorOf(w.xorOf(swapped(p0), w.shiftRight(y, thirtyTwo)), w.widen(k1));
    k0 = bump(k0, kPhiloxWeyl0);
    k1 = bump(k1, kPhiloxWeyl1);
  }
  return {x, y};
}

/// Entries as constant memory of the module.
static Value tableInMemory(Emit &e, StringRef name, ArrayRef<float> entries) {
  auto module = e.b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type = MemRefType::get({int64_t(entries.size())}, e.b.getF32Type());
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(module.getBody());
    auto values = DenseElementsAttr::get(RankedTensorType::get(type.getShape(), e.f32()), entries);
    e.b.create<memref::GlobalOp>(e.loc, name, e.b.getStringAttr("private"), type, values, /*constant=*/true,
                                 /*alignment=*/e.b.getI64IntegerAttr(64));
  }
  return e.b.create<memref::GetGlobalOp>(e.loc, type, name);
}

/// table[first + index[lane]].
static Value gather(Emit &e, Value table, int64_t first, Value index) {
  Value all = e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(e.bools(), true));
  return e.b.create<vector::GatherOp>(e.loc, e.floats(), table, e.index(first), index, all, e.zeros());
}

/// Coefficient 0, 1 or 2 of the 16-bit map for each lane's segment.
static Value halfCoefficient(Emit &e, Isa isa, int64_t number, Value segment) {
  const float *tables[] = {kGaussianC0, kGaussianC1, kGaussianC2};
  if (isa != Isa::Avx512) {
    SmallVector<float> entries;
    for (const float *table : tables)
      entries.append(table, table + kGaussianSegments);
    return gather(e, tableInMemory(e, "gaussian_table", entries), number * kGaussianSegments, segment);
  }
  auto half = [&](int64_t begin) -> Value {
    auto entries = DenseElementsAttr::get(e.floats(), ArrayRef<float>(tables[number] + begin, kLanes));
    return e.b.create<arith::ConstantOp>(e.loc, entries);
  };
  return e.b
      .create<LLVM::CallIntrinsicOp>(e.loc, e.floats(), e.b.getStringAttr("llvm.x86.avx512.vpermi2var.ps.512"),
                                     ValueRange{half(0), segment, half(kLanes)}, LLVM::FastmathFlagsAttr())
      .getResult(0);
}

static Value wordCoefficient(Emit &e, int64_t number, Value segment) {
  ArrayRef<float> entries(kGaussianWordTable[0], 4 * kGaussianWordSegments);
  return gather(e, tableInMemory(e, "gaussian_word_table", entries), number * kGaussianWordSegments, segment);
}

/// The polynomial of the segment that a magnitude (lanes of float bits) lies in, with the sign given as a bit.
static Value emitQuantile(Emit &e, Value magnitude, Value sign, int64_t degree,
                          llvm::function_ref<Value(int64_t, Value)> coefficient) {
  Words w{e};
  auto asFloats = [&](Value v) -> Value { return e.b.create<arith::BitcastOp>(e.loc, e.floats(), v); };
  // Exponent and top mantissa bit, from 1.0f on: the segment (gaussianSegment).
  Value segment = e.b.create<arith::SubIOp>(e.loc, w.shiftRight(magnitude, w.constant32(22)), w.constant32(127 << 1));
  Value m = asFloats(w.orOf(w.andOf(magnitude, w.constant32(0x7fffff)), w.constant32(0x3f800000)));
  Value n = coefficient(degree, segment);
  for (int64_t i = degree - 1; i >= 0; --i)
    n = e.b.create<math::FmaOp>(e.loc, n, m, coefficient(i, segment));
  return asFloats(w.xorOf(e.b.create<arith::BitcastOp>(e.loc, e.ints(), n), sign));
}

/// gaussianFromHalf of 16-bit halves, in lanes of 32 bits.
static Value emitHalfNormal(Emit &e, Isa isa, Value half) {
  Words w{e};
  Value s = e.b.create<arith::SubIOp>(e.loc, w.shiftLeft(half, w.constant32(1)), w.constant32(65535));
  Value bits = e.b.create<arith::BitcastOp>(e.loc, e.ints(), e.b.create<arith::SIToFPOp>(e.loc, e.floats(), s));
  return emitQuantile(e, w.andOf(bits, w.constant32(0x7fffffffu)), w.andOf(bits, w.constant32(0x80000000u)), 2,
                      [&](int64_t i, Value segment) { return halfCoefficient(e, isa, i, segment); });
}

/// gaussianFromWord of 32-bit words.
static Value emitWordNormal(Emit &e, Value word) {
  Words w{e};
  // All bits where the top bit is 0: those words count from the other tail.
  Value negative = e.b.create<arith::SubIOp>(e.loc, w.shiftRight(word, w.constant32(31)), w.constant32(1));
  Value h = w.andOf(w.xorOf(word, negative), w.constant32(0x7fffffffu));
  Value real = e.b.create<arith::SIToFPOp>(e.loc, e.floats(), h);
  Value magnitude = e.b.create<math::FmaOp>(e.loc, e.splat(e.real(2)), real, e.splat(e.real(1)));
  magnitude = e.b.create<arith::MinimumFOp>(e.loc, magnitude, e.splat(e.real(kGaussianWordLargest)));
  Value sign = w.andOf(negative, w.constant32(0x80000000u));
  return emitQuantile(e, e.b.create<arith::BitcastOp>(e.loc, e.ints(), magnitude), sign, 3,
                      [&](int64_t i, Value segment) { return wordCoefficient(e, i, segment); });
}

/// uniformFromWord: (2 word + 1) / 2^33, rounded once.
static Value emitUniform(Emit &e, Value words) {
  Words w{e};
  auto wide = VectorType::get({kLanes}, e.b.getI64Type());
  Value extended = e.b.create<arith::ExtUIOp>(e.loc, wide, words);
  Value one = e.b.create<arith::ConstantOp>(e.loc, DenseElementsAttr::get(wide, APInt(64, 1)));
  Value odd = w.orOf(w.shiftLeft(extended, one), one);
  Value real = e.b.create<arith::SIToFPOp>(e.loc, e.floats(), odd);
  return e.b.create<arith::MulFOp>(e.loc, real, e.splat(e.real(0x1p-33f)));
}

DrawKind kindOf(analog::DrawOpInterface draw) {
  auto normal = dyn_cast<analog::NormalOp>(draw.getOperation());
  if (!normal)
    return DrawKind::Uniform;
  return normal.getMap() == analog::GaussianMap::Word ? DrawKind::WordNormal : DrawKind::HalfNormal;
}

void emitDraws(Emit &e, Isa isa, const DrawSource &source, DrawKind kind, Value row, Value firstColumn, Value count,
               Value scratch, Value scratchRow) {
  Value groups = e.div(e.roundUp(count, 64), 64), firstGroup = e.div(firstColumn, 64);
  e.loop(e.index(0), groups, 1, [&](Value g) {
    Words w{e};
    Value base = e.mul(g, 64);
    auto put = [&](Value v, int64_t column) { e.storeVector(v, scratch, {scratchRow, e.add(base, e.index(column))}); };
    if (kind == DrawKind::HalfNormal) {
      auto [x, y] = emitPhilox(e, source, row, e.add(firstGroup, g));
      for (auto [i, pair] : {std::pair(0, x), std::pair(1, y)}) {
        Value words = w.as32(pair);
        put(emitHalfNormal(e, isa, w.andOf(words, w.constant32(0xffff))), 32 * i);
        put(emitHalfNormal(e, isa, w.shiftRight(words, w.constant32(16))), 32 * i + 16);
      }
      return;
    }
    // Words: call c >> 2, word c & 3; eight calls are 32 columns.
    for (int64_t part : {0, 1}) {
      Value group = e.add(e.mul(e.add(firstGroup, g), 2), e.index(part));
      auto [x, y] = emitPhilox(e, source, row, group);
      for (int64_t side : {0, 1}) {
        SmallVector<int64_t> order;
        for (int64_t q = 4 * side; q < 4 * side + 4; ++q)
          order.append({q, q + 8});
        Value words = w.as32(e.b.create<vector::ShuffleOp>(e.loc, x, y, order));
        put(kind == DrawKind::Uniform ? emitUniform(e, words) : emitWordNormal(e, words), 32 * part + 16 * side);
      }
    }
  });
}

} // namespace mho::lowering

// mma.sync: fragments to matrices and back. The layouts are those of the PTX manual, section "Matrix Fragments for
// mma": lane 4 g + t holds of A rows g and g + 8, of B column g, of C rows g and g + 8 and columns 2 t and 2 t + 1.
#include "runtime/Ptx/Mma.h"

#include "runtime/Ptx/Cta.h"
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/Lanes.h"

#include <algorithm>

namespace mho::ptx {
namespace {

/// Elements per register: 1 (tf32), 2 (f16, bf16) or 4 (bytes). A register holds consecutive columns of A (rows of B);
/// the registers of A are (row g, columns low), (row g + 8, low), (g, high), (g + 8, high), those of B low and high.
template <class T, class Decode>
void unpackA(Warp &warp, const Instr &in, int k, int perRegister, T *a, Decode decode) {
  int registers = 16 * k / 32 / perRegister;
  for (int r = 0; r < registers; ++r) {
    const auto *words = warp.lanes<uint32_t>(in.s[r]);
    for (int lane = 0; lane < kLanes; ++lane) {
      int row = lane / 4 + (r & 1) * 8, column = (lane % 4) * perRegister + (r / 2) * 4 * perRegister;
      for (int e = 0; e < perRegister; ++e)
        a[row * k + column + e] = decode(words[lane], e);
    }
  }
}
template <class T, class Decode>
void unpackB(Warp &warp, const Instr &in, int first, int k, int perRegister, T *b, Decode decode) {
  int registers = 8 * k / 32 / perRegister;
  for (int r = 0; r < registers; ++r) {
    const auto *words = warp.lanes<uint32_t>(in.s[first + r]);
    for (int lane = 0; lane < kLanes; ++lane) {
      int row = (lane % 4) * perRegister + r * 4 * perRegister, column = lane / 4;
      for (int e = 0; e < perRegister; ++e)
        b[(row + e) * 8 + column] = decode(words[lane], e);
    }
  }
}

struct Shape {
  int k, perRegister, aRegisters, bRegisters;
};
Shape shapeOf(const Instr &in) {
  int k = in.count, per = in.type2 == Type::TF32 ? 1 : bitsOf(in.type2) == 16 ? 2 : 4;
  return {k, per, 16 * k / 32 / per, 8 * k / 32 / per};
}

void unpackFloats(Warp &warp, const Instr &in, const Shape &shape, MmaTile &tile) {
  auto half = [](uint32_t word, int e) { return halfToFloat(uint16_t(word >> (16 * e))); };
  auto brain = [](uint32_t word, int e) { return brainToFloat(uint16_t(word >> (16 * e))); };
  auto tensor = [](uint32_t word, int) { return bitsAs<float>(word & 0xffffe000u); };
  tile.k = shape.k;
  auto both = [&](auto decode) {
    unpackA(warp, in, shape.k, shape.perRegister, tile.a, decode);
    unpackB(warp, in, shape.aRegisters, shape.k, shape.perRegister, tile.b, decode);
  };
  if (in.type2 == Type::F16)
    both(half);
  else if (in.type2 == Type::BF16)
    both(brain);
  else
    both(tensor);
}

/// Row and column of accumulator element e of a lane.
int rowOf(int lane, int e) { return lane / 4 + (e / 2) * 8; }
int columnOf(int lane, int e) { return lane % 4 * 2 + (e & 1); }

void mmaFloat(Warp &warp, const Instr &in, uint32_t) {
  Shape shape = shapeOf(in);
  MmaTile tile;
  unpackFloats(warp, in, shape, tile);
  int first = shape.aRegisters + shape.bRegisters;
  bool half = in.type == Type::F16;
  for (int e = 0; e < 4; ++e) {
    const auto *c = warp.lanes<uint32_t>(in.s[first + (half ? e / 2 : e)]);
    for (int lane = 0; lane < kLanes; ++lane)
      tile.c[rowOf(lane, e)][columnOf(lane, e)] =
          half ? halfToFloat(uint16_t(c[lane] >> (16 * (e & 1)))) : bitsAs<float>(c[lane]);
  }
  accumulate(tile, warp.cta.options().accumulation);
  for (int e = 0; e < 4; ++e) {
    auto *d = warp.lanes<uint32_t>(in.d[half ? e / 2 : e]);
    for (int lane = 0; lane < kLanes; ++lane) {
      float value = tile.c[rowOf(lane, e)][columnOf(lane, e)];
      if (!half)
        d[lane] = value != value ? 0x7fffffffu : bitsAs<uint32_t>(value);
      else if (e & 1)
        d[lane] = (d[lane] & 0xffff) | uint32_t(floatToHalf(value)) << 16;
      else
        d[lane] = floatToHalf(value);
    }
  }
}

void mmaInteger(Warp &warp, const Instr &in, uint32_t) {
  Shape shape = shapeOf(in);
  int16_t a[16 * 32], b[32 * 8];
  auto decoder = [](bool isSignedByte) {
    return [=](uint32_t word, int e) {
      return isSignedByte ? int16_t(int8_t(word >> (8 * e))) : int16_t(uint8_t(word >> (8 * e)));
    };
  };
  unpackA(warp, in, shape.k, 4, a, decoder(in.variant & 1));
  unpackB(warp, in, shape.aRegisters, shape.k, 4, b, decoder(in.variant & 2));
  int first = shape.aRegisters + shape.bRegisters;
  int64_t sums[16][8];
  for (int e = 0; e < 4; ++e) {
    const auto *c = warp.lanes<int32_t>(in.s[first + e]);
    for (int lane = 0; lane < kLanes; ++lane)
      sums[rowOf(lane, e)][columnOf(lane, e)] = c[lane];
  }
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < shape.k; ++k)
      for (int j = 0; j < 8; ++j)
        sums[i][j] += int32_t(a[i * shape.k + k]) * b[k * 8 + j];
  for (int e = 0; e < 4; ++e) {
    auto *d = warp.lanes<int32_t>(in.d[e]);
    for (int lane = 0; lane < kLanes; ++lane) {
      int64_t sum = sums[rowOf(lane, e)][columnOf(lane, e)];
      d[lane] = int32_t(uint32_t(in.saturate ? std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX) : sum));
    }
  }
}

} // namespace

void decodeMma(Decoder &d) {
  if (!d.take("sync") || !d.take("aligned")) {
    d.fail("expected .sync.aligned");
    return;
  }
  std::optional<int> shape = d.takeOneOf({"m16n8k16", "m16n8k8", "m16n8k4", "m16n8k32"});
  if (!shape || !d.take("row") || !d.take("col")) {
    d.fail("unknown shape or layout");
    return;
  }
  Instr &in = d.in;
  in.count = uint8_t(std::array{16, 8, 4, 32}[*shape]);
  in.control = Control::Aligned;
  in.saturate = d.take("satfinite");
  in.type = d.needType({Type::F32, Type::F16, Type::S32});
  Type a = d.needType({Type::F16, Type::BF16, Type::TF32, Type::S8, Type::U8});
  Type b = d.needType({Type::F16, Type::BF16, Type::TF32, Type::S8, Type::U8});
  Type c = d.needType({in.type});
  in.type2 = a;
  bool bytes = bitsOf(a) == 8;
  bool known = c == in.type && (bytes ? bitsOf(b) == 8 && in.type == Type::S32 && in.count >= 16
                                      : a == b && in.type != Type::S32 && !in.saturate);
  known &= bytes || (a == Type::TF32 ? in.count == 4 || in.count == 8 : in.count == 8 || in.count == 16);
  known &= in.type != Type::F16 || a == Type::F16;
  if (!known && !d.failed())
    d.fail("unknown combination of shape and types");
  if (d.failed() || !d.operands(4))
    return;
  in.variant = uint8_t((a == Type::S8) | (b == Type::S8) << 1);
  Shape form = shapeOf(in);
  size_t accumulators = in.type == Type::F16 ? 2 : 4;
  d.vectorDestination(0, Type::B32, accumulators);
  auto fragment = [&](size_t i, size_t count) { // a single register may stand without braces
    if (count == 1 && d.operand(i).kind == Operand::Register)
      d.source(i, Type::B32);
    else
      d.vectorSource(i, Type::B32, count);
  };
  fragment(1, form.aRegisters);
  fragment(2, form.bRegisters);
  fragment(3, accumulators);
  in.execute = bytes ? mmaInteger : mmaFloat;
}

} // namespace mho::ptx

// Arithmetic of f16 and bf16, alone and in pairs: exact in double, then rounded once.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/FloatOps.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

enum class Op : uint8_t { Add, Sub, Mul, Fma, Min, Max, Abs, Neg };

struct HalfMath {
  const Instr &in;
  bool brain;
  FloatFormat format() const { return brain ? kBrain : kHalf; }
  double widen(uint16_t bits) const { return brain ? brainToFloat(bits) : halfToFloat(bits); }
  /// .ftz is of f16 only.
  uint16_t flushed(uint16_t bits) const { return in.ftz && (bits & format().infinity()) == 0 ? bits & 0x8000 : bits; }

  uint16_t operator()(uint16_t x, uint16_t y, uint16_t z) const {
    Op op = Op(in.variant);
    x = flushed(x), y = flushed(y), z = flushed(z);
    if (op == Op::Abs)
      return x & 0x7fff;
    if (op == Op::Neg)
      return x ^ 0x8000;
    double a = widen(x), b = widen(y), c = widen(z), result;
    if (op == Op::Min || op == Op::Max)
      return extreme(x, y, op == Op::Max);
    switch (op) {
    case Op::Add:
      result = fusedToOdd(a, 1, b);
      break;
    case Op::Sub:
      result = fusedToOdd(a, 1, -b);
      break;
    case Op::Mul:
      result = a * b;
      break;
    default:
      result = fusedToOdd(a, b, c);
      break;
    }
    uint16_t rounded = flushed(uint16_t(roundTo(result, format(), Rounding::NearestEven)));
    if (in.saturate) {
      double value = widen(rounded);
      rounded = value > 0 ? (value < 1 ? rounded : uint16_t(roundTo(1, format(), Rounding::NearestEven))) : 0;
    }
    if (in.relu && (rounded & 0x8000) && (rounded & 0x7fff) <= format().infinity())
      rounded = 0;
    return rounded;
  }

  uint16_t extreme(uint16_t x, uint16_t y, bool largest) const {
    double a = widen(x), b = widen(y);
    if (std::isnan(a) || std::isnan(b))
      return in.nan || (std::isnan(a) && std::isnan(b)) ? 0x7fff : std::isnan(a) ? y : x;
    if (a == b)
      return ((x & 0x8000) != 0) == largest ? y : x; // -0 is less than +0
    return (a < b) == largest ? y : x;
  }
};

void half(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  const auto *a = warp.lanes<uint32_t>(in.s[0]);
  const auto *b = in.sources > 1 ? warp.lanes<uint32_t>(in.s[1]) : a,
             *c = in.sources > 2 ? warp.lanes<uint32_t>(in.s[2]) : a;
  HalfMath math{in, in.type == Type::BF16 || in.type == Type::BF16x2};
  bool pair = isPacked(in.type);
  forLanes(mask, [&](int i) {
    uint32_t low = math(uint16_t(a[i]), uint16_t(b[i]), uint16_t(c[i]));
    d[i] = pair ? low | uint32_t(math(uint16_t(a[i] >> 16), uint16_t(b[i] >> 16), uint16_t(c[i] >> 16))) << 16 : low;
  });
}

} // namespace

void decodeHalf(Decoder &d) {
  static const char *const names[] = {"add", "sub", "mul", "fma", "min", "max", "abs", "neg"};
  int op = 0;
  while (op < 8 && d.opcode() != names[op])
    ++op;
  if (op == 8) {
    d.fail("unknown form");
    return;
  }
  bool extreme = Op(op) == Op::Min || Op(op) == Op::Max, arithmetic = op <= int(Op::Fma);
  if (arithmetic && !d.take("rn") && Op(op) == Op::Fma)
    d.fail("expected .rn");
  d.in.ftz = d.take("ftz");
  d.in.saturate = arithmetic && d.take("sat");
  d.in.relu = Op(op) == Op::Fma && !d.in.saturate && d.take("relu");
  d.in.nan = extreme && d.take("NaN");
  Type type = d.in.type = d.needType({Type::F16, Type::F16x2, Type::BF16, Type::BF16x2});
  bool brain = type == Type::BF16 || type == Type::BF16x2;
  if (brain && (d.in.ftz || d.in.saturate))
    d.fail(".ftz and .sat are of f16");
  size_t sources = Op(op) == Op::Fma ? 3 : op >= int(Op::Abs) ? 1 : 2;
  if (!d.operands(sources + 1))
    return;
  Type bits = isPacked(type) ? Type::B32 : Type::B16;
  d.destination(0, bits);
  for (size_t i = 1; i <= sources; ++i)
    d.source(i, bits);
  d.in.variant = uint8_t(op);
  d.in.execute = half;
}

} // namespace mho::ptx

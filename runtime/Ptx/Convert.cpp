// cvt: between integers, between floats, and across; every rounding, .ftz, .sat, .relu.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/Lanes.h"

#include <algorithm>
#include <limits>

namespace mho::ptx {
namespace {

/// The least and the largest value of an integer type.
int64_t lowest(Type type) { return isUnsigned(type) ? 0 : int64_t(~uint64_t(0) << (bitsOf(type) - 1)); }
uint64_t highest(Type type) { return ~uint64_t(0) >> (64 - bitsOf(type) + isSigned(type)); }

template <class T, class Result> void loadAs(Warp &warp, const Instr &in, int operand, Result *values) {
  // 8- and 16-bit values lie in words; a wider register's low bits are the value.
  if (in.registerBits == 64) {
    const auto *a = warp.lanes<uint64_t>(in.s[operand]);
    for (int i = 0; i < kLanes; ++i)
      values[i] = Result(T(a[i]));
  } else {
    const auto *a = warp.lanes<uint32_t>(in.s[operand]);
    for (int i = 0; i < kLanes; ++i)
      values[i] = Result(T(a[i]));
  }
}

/// The source as 64 bits, by its sign.
void loadInteger(Warp &warp, const Instr &in, int64_t *values) {
  switch (in.type2) {
  case Type::S8:
    return loadAs<int8_t>(warp, in, 0, values);
  case Type::U8:
    return loadAs<uint8_t>(warp, in, 0, values);
  case Type::S16:
    return loadAs<int16_t>(warp, in, 0, values);
  case Type::U16:
    return loadAs<uint16_t>(warp, in, 0, values);
  case Type::S32:
    return loadAs<int32_t>(warp, in, 0, values);
  case Type::U32:
    return loadAs<uint32_t>(warp, in, 0, values);
  default:
    return loadAs<int64_t>(warp, in, 0, values);
  }
}

void loadFloat(Warp &warp, const Instr &in, int operand, double *values) {
  const auto *a = warp.lanes<uint32_t>(in.s[operand]);
  switch (in.type2) {
  case Type::F16:
    for (int i = 0; i < kLanes; ++i)
      values[i] = halfToFloat(uint16_t(a[i]));
    return;
  case Type::BF16:
    for (int i = 0; i < kLanes; ++i)
      values[i] = brainToFloat(uint16_t(a[i]));
    return;
  case Type::F32:
    for (int i = 0; i < kLanes; ++i) {
      float value = bitsAs<float>(a[i]);
      values[i] = in.ftz ? flush(value) : value;
    }
    return;
  default:
    std::memcpy(values, warp.lanes<double>(in.s[operand]), kLanes * sizeof(double));
  }
}

/// Stores the low bits of an integer, extended to the register by the type's sign.
void storeInteger(Warp &warp, const Instr &in, uint32_t mask, int resultBits, const int64_t *values) {
  int shift = 64 - bitsOf(in.type);
  auto extended = [&](int64_t value) {
    return isSigned(in.type) ? int64_t(uint64_t(value) << shift) >> shift : int64_t(uint64_t(value) << shift >> shift);
  };
  if (resultBits == 64) {
    auto *d = warp.lanes<int64_t>(in.d[0]);
    forLanes(mask, [&](int i) { d[i] = extended(values[i]); });
  } else {
    auto *d = warp.lanes<uint32_t>(in.d[0]);
    uint32_t kept = resultBits == 16 ? 0xffff : ~0u;
    forLanes(mask, [&](int i) { d[i] = uint32_t(extended(values[i])) & kept; });
  }
}

void integerToInteger(Warp &warp, const Instr &in, uint32_t mask) {
  int64_t values[kLanes];
  loadInteger(warp, in, values);
  if (in.saturate)
    for (int64_t &value : values) {
      bool negative = isSigned(in.type2) && value < 0;
      if (negative)
        value = std::max(value, lowest(in.type));
      else if (uint64_t(value) > highest(in.type))
        value = int64_t(highest(in.type));
    }
  storeInteger(warp, in, mask, in.variant, values);
}

double roundToIntegral(double value, Rounding rounding) {
  switch (rounding) {
  case Rounding::Zero:
    return std::trunc(value);
  case Rounding::Down:
    return std::floor(value);
  case Rounding::Up:
    return std::ceil(value);
  default:
    return std::nearbyint(value);
  }
}

void floatToInteger(Warp &warp, const Instr &in, uint32_t mask) {
  double values[kLanes];
  int64_t results[kLanes];
  loadFloat(warp, in, 0, values);
  bool wide = bitsOf(in.type) == 64, nanIsLowest = in.type2 == Type::F64 || wide;
  double least = double(lowest(in.type)),
         beyond = isSigned(in.type) ? std::ldexp(1.0, bitsOf(in.type) - 1) : std::ldexp(1.0, bitsOf(in.type));
  for (int i = 0; i < kLanes; ++i) {
    double value = roundToIntegral(values[i], in.rounding);
    if (value != value)
      results[i] = nanIsLowest ? int64_t(uint64_t(1) << (bitsOf(in.type) - 1)) : 0;
    else if (value < least)
      results[i] = lowest(in.type);
    else if (value >= beyond)
      results[i] = int64_t(highest(in.type));
    else
      results[i] = value < 0x1p63 ? int64_t(value) : int64_t(uint64_t(value));
  }
  storeInteger(warp, in, mask, in.variant, results);
}

/// Clamped to [0, 1], NaN to 0.
double saturated(double value) { return value > 0 ? std::min(value, 1.0) : 0.0; }

void storeFloat(Warp &warp, const Instr &in, uint32_t mask, const double *values) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  auto finished = [&](double value) {
    if (in.relu && !(value > 0) && value == value)
      value = 0;
    return in.saturate ? saturated(value) : value;
  };
  switch (in.type) {
  case Type::F64: {
    auto *wide = warp.lanes<double>(in.d[0]);
    return forLanes(mask, [&](int i) { wide[i] = finished(values[i]); });
  }
  case Type::F32:
    return forLanes(mask, [&](int i) {
      double value = finished(values[i]);
      float result = in.rounding == Rounding::NearestEven
                         ? float(value)
                         : bitsAs<float>(uint32_t(roundTo(value, kSingle, in.rounding)));
      if (in.ftz)
        result = flush(result);
      d[i] = result != result ? 0x7fffffffu : bitsAs<uint32_t>(result);
    });
  case Type::TF32:
    return forLanes(mask, [&](int i) {
      d[i] =
          uint32_t(roundTo(finished(values[i]), kTensor, in.rounding)) << 13 | (values[i] != values[i] ? 0x1fffu : 0);
    });
  default: {
    FloatFormat format = in.type == Type::BF16 ? kBrain : kHalf;
    return forLanes(mask, [&](int i) { d[i] = uint32_t(roundTo(finished(values[i]), format, in.rounding)); });
  }
  }
}

void floatToFloat(Warp &warp, const Instr &in, uint32_t mask) {
  double values[kLanes];
  loadFloat(warp, in, 0, values);
  if (in.integral)
    for (double &value : values)
      value = roundToIntegral(value, in.rounding);
  storeFloat(warp, in, mask, values);
}

/// A whole number of 64 bits rounded to f32 or f64, in any mode: to odd first where double has no room for it.
double integerToOdd(int64_t value, bool isUnsignedValue) {
  bool negative = !isUnsignedValue && value < 0;
  uint64_t magnitude = negative ? -uint64_t(value) : uint64_t(value);
  int excess = magnitude ? std::max(11 - __builtin_clzll(magnitude), 0) : 0;
  if (excess) {
    bool inexact = magnitude & ((uint64_t(1) << excess) - 1);
    magnitude = (magnitude >> excess | inexact) << excess;
  }
  return negative ? -double(magnitude) : double(magnitude);
}

/// A 64-bit integer to f64 by the rounding itself.
double integerToDouble(int64_t value, bool isUnsignedValue, Rounding rounding) {
  if (rounding == Rounding::NearestEven)
    return isUnsignedValue ? double(uint64_t(value)) : double(value);
  bool negative = !isUnsignedValue && value < 0;
  uint64_t magnitude = negative ? -uint64_t(value) : uint64_t(value);
  int excess = magnitude ? std::max(11 - __builtin_clzll(magnitude), 0) : 0;
  uint64_t kept = magnitude >> excess << excess;
  bool up = kept != magnitude && (rounding == Rounding::Up ? !negative : rounding == Rounding::Down && negative);
  double result = double(kept) + (up ? std::ldexp(1.0, excess) : 0.0);
  return negative ? -result : result;
}

void integerToFloat(Warp &warp, const Instr &in, uint32_t mask) {
  int64_t values[kLanes];
  double reals[kLanes];
  loadInteger(warp, in, values);
  bool wholeU64 = in.type2 == Type::U64;
  for (int i = 0; i < kLanes; ++i)
    reals[i] =
        in.type == Type::F64 ? integerToDouble(values[i], wholeU64, in.rounding) : integerToOdd(values[i], wholeU64);
  storeFloat(warp, in, mask, reals);
}

/// Two f32 into a pair: the first source is the upper half.
void toPair(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<uint32_t>(in.d[0]);
  double high[kLanes], low[kLanes];
  loadFloat(warp, in, 0, high);
  loadFloat(warp, in, 1, low);
  FloatFormat format = in.type == Type::BF16x2 ? kBrain : kHalf;
  forLanes(mask, [&](int i) {
    auto half = [&](double value) {
      return uint32_t(roundTo(in.relu && value <= 0 ? 0.0 : value, format, in.rounding));
    };
    d[i] = half(high[i]) << 16 | half(low[i]);
  });
}

struct Form {
  bool hasRounding = false, integral = false;
};

Form takeRounding(Decoder &d) {
  Form form;
  if (std::optional<int> mode = d.takeOneOf({"rn", "rz", "rm", "rp", "rna"})) {
    d.in.rounding = Rounding(*mode);
    form.hasRounding = true;
  } else if (std::optional<int> whole = d.takeOneOf({"rni", "rzi", "rmi", "rpi"})) {
    d.in.rounding = Rounding(*whole);
    form.integral = true;
  }
  return form;
}

/// What the PTX manual asks of the rounding: empty, or what is wrong.
std::string roundingProblem(const Instr &in, Form form) {
  bool toFloat = isFloat(in.type) || in.type == Type::TF32, fromFloat = isFloat(in.type2);
  if (in.rounding == Rounding::NearestAway && in.type != Type::TF32)
    return ".rna is for .tf32";
  if (!toFloat && !fromFloat)
    return form.hasRounding || form.integral ? "a rounding between integers" : "";
  if (!toFloat)
    return form.integral ? "" : "expected .rni, .rzi, .rmi or .rpi";
  if (!fromFloat)
    return form.hasRounding ? "" : "expected .rn, .rz, .rm or .rp";
  bool narrows = bitsOf(in.type) < bitsOf(in.type2) || in.type == Type::TF32, same = in.type == in.type2;
  if (form.integral)
    return same ? "" : "a rounding to whole numbers between two types";
  if (narrows)
    return form.hasRounding ? "" : "expected .rn, .rz, .rm or .rp";
  return form.hasRounding                               ? "a rounding where nothing is rounded"
         : bitsOf(in.type) == bitsOf(in.type2) && !same ? "a form between .f16 and .bf16"
                                                        : "";
}

void decodePair(Decoder &d) {
  if (d.in.ftz || d.in.saturate || d.in.rounding > Rounding::Zero)
    d.fail("a rounding or modifier that this form does not have");
  d.in.type2 = d.needType({Type::F32});
  d.in.registerBits = 32;
  if (!d.operands(3))
    return;
  d.destination(0, Type::B32);
  d.source(1, Type::F32);
  d.source(2, Type::F32);
  d.in.execute = toPair;
}

} // namespace

void decodeConvert(Decoder &d) {
  Form form = takeRounding(d);
  d.in.relu = d.take("relu");
  d.in.ftz = d.take("ftz");
  d.in.saturate = d.take("sat");
  const std::initializer_list<Type> types{Type::U8,  Type::S8,  Type::U16,  Type::S16,   Type::U32,
                                          Type::S32, Type::U64, Type::S64,  Type::F16,   Type::BF16,
                                          Type::F32, Type::F64, Type::TF32, Type::F16x2, Type::BF16x2};
  d.in.type = d.needType(types);
  if (isPacked(d.in.type)) {
    if (!form.hasRounding)
      d.fail("expected .rn or .rz");
    return decodePair(d);
  }
  d.in.type2 = d.needType({Type::U8, Type::S8, Type::U16, Type::S16, Type::U32, Type::S32, Type::U64, Type::S64,
                           Type::F16, Type::BF16, Type::F32, Type::F64});
  Instr &in = d.in;
  bool toFloat = isFloat(in.type) || in.type == Type::TF32, fromFloat = isFloat(in.type2);
  if (std::string problem = roundingProblem(in, form); !problem.empty() && !d.failed())
    d.fail(problem);
  if (in.ftz && in.type != Type::F32 && in.type2 != Type::F32)
    d.fail(".ftz without .f32");
  if (in.relu && !(in.type2 == Type::F32 && (bitsOf(in.type) == 16 || in.type == Type::TF32)))
    d.fail(".relu of this form");
  if ((in.type == Type::TF32 && (in.type2 != Type::F32 || in.saturate)) ||
      (in.type == Type::BF16 && !fromFloat && bitsOf(in.type2) == 64))
    d.fail("this form");
  if (!d.operands(2))
    return;
  d.destination(0, in.type == Type::TF32 ? Type::B32 : in.type, !toFloat);
  d.source(1, in.type2, !fromFloat);
  in.registerBits = uint8_t(std::max(d.registerBits(d.operand(1)), bitsOf(in.type2)));
  in.integral = form.integral && toFloat;
  if (!toFloat)
    in.variant = uint8_t(d.registerBits(d.operand(0)));
  in.execute = toFloat ? (fromFloat ? floatToFloat : integerToFloat) : (fromFloat ? floatToInteger : integerToInteger);
}

} // namespace mho::ptx

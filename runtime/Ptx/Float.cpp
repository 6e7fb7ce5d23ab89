// Arithmetic of f32 and f64: add, sub, mul, fma, div, min, max, abs, neg, rcp, sqrt, copysign, testp.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/FloatOps.h"
#include "runtime/Ptx/Lanes.h"

#include <cfenv>

namespace mho::ptx {
namespace {

/// A GPU's f32 instructions make one NaN only.
template <class T> T canonical(T value) {
  if constexpr (sizeof(T) == 4)
    return value != value ? bitsAs<float>(0x7fffffffu) : value;
  else
    return value;
}

struct Add {
  template <class T> T operator()(T a, T b) const { return canonical(a + b); }
};
struct Sub {
  template <class T> T operator()(T a, T b) const { return canonical(a - b); }
};
struct Mul {
  template <class T> T operator()(T a, T b) const { return canonical(a * b); }
};

/// fma in vector code where the processor has it.
template <class T> inline void fusedLoop(T *d, const T *a, const T *b, const T *c, uint32_t mask) {
  forLanes(mask, [=](int i) { d[i] = canonical(std::fma(a[i], b[i], c[i])); });
}
#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
void fusedSingle(float *d, const float *a, const float *b, const float *c) {
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) {
    float r = __builtin_fmaf(a[i], b[i], c[i]);
    d[i] = r != r ? bitsAs<float>(0x7fffffffu) : r;
  }
}
void fmaSingle(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<float>(in.d[0]);
  const auto *a = warp.lanes<float>(in.s[0]), *b = warp.lanes<float>(in.s[1]), *c = warp.lanes<float>(in.s[2]);
  mask == kAllLanes ? fusedSingle(d, a, b, c) : fusedLoop(d, a, b, c, mask);
}
void fmaDouble(Warp &warp, const Instr &in, uint32_t mask) {
  fusedLoop(warp.lanes<double>(in.d[0]), warp.lanes<double>(in.s[0]), warp.lanes<double>(in.s[1]),
            warp.lanes<double>(in.s[2]), mask);
}

enum class Op : uint8_t { Add, Sub, Mul, Fma, Div, Rcp, Sqrt };

/// In the processor's rounding mode. The volatile copies keep the compiler from computing in another one.
template <class T> __attribute__((noinline)) T compute(Op op, T left, T right, T third) {
  volatile T a = left, b = right, c = third, result = 0;
  switch (op) {
  case Op::Add:
    result = a + b;
    break;
  case Op::Sub:
    result = a - b;
    break;
  case Op::Mul:
    result = a * b;
    break;
  case Op::Fma:
    result = std::fma(a, b, c);
    break;
  case Op::Div:
    result = a / b;
    break;
  case Op::Rcp:
    result = T(1) / a;
    break;
  case Op::Sqrt:
    result = std::sqrt(a);
    break;
  }
  return result;
}

class RoundingScope {
public:
  explicit RoundingScope(Rounding rounding) : old(std::fegetround()) {
    static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    std::fesetround(modes[int(rounding)]);
  }
  ~RoundingScope() { std::fesetround(old); }

private:
  int old;
};

/// Any rounding, with .ftz and .sat.
template <class T> void general(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const T *a = warp.lanes<T>(in.s[0]), *b = in.sources > 1 ? warp.lanes<T>(in.s[1]) : a,
          *c = in.sources > 2 ? warp.lanes<T>(in.s[2]) : a;
  RoundingScope scope(in.rounding);
  auto flushed = [&](T value) {
    if constexpr (sizeof(T) == 4)
      return in.ftz ? flush(value) : value;
    return value;
  };
  forLanes(mask, [&](int i) {
    T result = canonical(flushed(compute(Op(in.variant), flushed(a[i]), flushed(b[i]), flushed(c[i]))));
    if (in.saturate)
      result = result > 0 ? std::min(result, T(1)) : T(0); // NaN becomes +0
    d[i] = result;
  });
}

// min and max: a NaN gives way to a number unless .NaN; -0 is less than +0.
template <class T, bool Largest> void extreme(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<T>(in.d[0]);
  const T *a = warp.lanes<T>(in.s[0]), *b = warp.lanes<T>(in.s[1]);
  auto choose = [](T x, T y) {
    bool first = Largest ? x > y || (x == y && !std::signbit(x)) : x < y || (x == y && std::signbit(x));
    return first ? x : y;
  };
  bool propagates = in.nan, flushes = in.ftz;
  forLanes(mask, [=](int i) {
    T x = a[i], y = b[i];
    if constexpr (sizeof(T) == 4)
      if (flushes)
        x = flush(x), y = flush(y);
    T result = x != x ? y : y != y ? x : choose(x, y);
    d[i] = canonical(propagates && (x != x || y != y) ? T(NAN) : result);
  });
}

template <class T, bool Negates> void sign(Warp &warp, const Instr &in, uint32_t mask) {
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  constexpr U top = U(1) << (8 * sizeof(T) - 1);
  auto *d = warp.lanes<U>(in.d[0]);
  const U *a = warp.lanes<U>(in.s[0]);
  bool flushes = in.ftz;
  forLanes(mask, [=](int i) {
    U bits = a[i];
    if constexpr (sizeof(T) == 4)
      if (flushes)
        bits = bitsAs<U>(flush(bitsAs<float>(bits)));
    d[i] = Negates ? bits ^ top : bits & ~top;
  });
}

template <class U> void copySign(Warp &warp, const Instr &in, uint32_t mask) {
  constexpr U top = U(1) << (8 * sizeof(U) - 1);
  auto *d = warp.lanes<U>(in.d[0]);
  const U *a = warp.lanes<U>(in.s[0]), *b = warp.lanes<U>(in.s[1]);
  forLanes(mask, [=](int i) { d[i] = (b[i] & ~top) | (a[i] & top); });
}

template <class T> void test(Warp &warp, const Instr &in, uint32_t mask) {
  const T *a = warp.lanes<T>(in.s[0]);
  uint32_t result = lanesWhere(mask, [&](int i) {
    switch (in.variant) {
    case 0:
      return std::isfinite(a[i]);
    case 1:
      return std::isinf(a[i]);
    case 2:
      return !std::isnan(a[i]);
    case 3:
      return std::isnan(a[i]);
    case 4:
      return std::isnormal(a[i]);
    default:
      return std::fpclassify(a[i]) == FP_SUBNORMAL;
    }
  });
  uint32_t &d = warp.predicate(in.pd[0]);
  d = (d & ~mask) | result;
}

/// Takes the rounding, .ftz, .sat and the type; true if the form is plain: to nearest even and nothing else.
bool takeModifiers(Decoder &d, bool roundingNeeded, bool saturates) {
  if (std::optional<int> mode = d.takeOneOf({"rn", "rz", "rm", "rp"}))
    d.in.rounding = Rounding(*mode);
  else if (roundingNeeded)
    d.fail("a rounding (.rn, .rz, .rm, .rp) is missing or stands in another place");
  d.in.ftz = d.take("ftz");
  d.in.saturate = saturates && d.take("sat");
  d.in.type = d.needType({Type::F32, Type::F64});
  if (d.in.type == Type::F64 && (d.in.ftz || d.in.saturate))
    d.fail(".ftz and .sat are of .f32");
  return d.in.rounding == Rounding::NearestEven && !d.in.ftz && !d.in.saturate;
}

void values(Decoder &d, size_t count) {
  if (!d.operands(count + 1))
    return;
  d.destination(0, d.in.type);
  for (size_t i = 1; i <= count; ++i)
    d.source(i, d.in.type);
}

template <class F> Execute plainBinary(Type type) {
  return type == Type::F32 ? static_cast<Execute>(binary<float, float, F>)
                           : static_cast<Execute>(binary<double, double, F>);
}

void rounded(Decoder &d, Op op, size_t count, bool roundingNeeded, bool saturates) {
  bool plain = takeModifiers(d, roundingNeeded, saturates);
  values(d, count);
  d.in.variant = uint8_t(op);
  bool single = d.in.type == Type::F32;
  d.in.execute = single ? general<float> : static_cast<Execute>(general<double>);
  if (!plain)
    return;
  if (op == Op::Add)
    d.in.execute = plainBinary<Add>(d.in.type);
  else if (op == Op::Sub)
    d.in.execute = plainBinary<Sub>(d.in.type);
  else if (op == Op::Mul)
    d.in.execute = plainBinary<Mul>(d.in.type);
  else if (op == Op::Fma)
    d.in.execute = single ? fmaSingle : fmaDouble;
}

void decodeExtreme(Decoder &d) {
  d.in.ftz = d.take("ftz");
  d.in.nan = d.take("NaN");
  d.in.type = d.needType({Type::F32, Type::F64});
  if (d.in.type == Type::F64 && (d.in.ftz || d.in.nan))
    d.fail(".ftz and .NaN are of .f32");
  values(d, 2);
  bool largest = d.opcode() == "max", single = d.in.type == Type::F32;
  d.in.execute = single ? (largest ? extreme<float, true> : static_cast<Execute>(extreme<float, false>))
                        : (largest ? extreme<double, true> : static_cast<Execute>(extreme<double, false>));
}

void decodeSign(Decoder &d) {
  d.in.ftz = d.take("ftz");
  d.in.type = d.needType({Type::F32, Type::F64});
  if (d.in.type == Type::F64 && d.in.ftz)
    d.fail(".ftz is of .f32");
  values(d, 1);
  bool negates = d.opcode() == "neg", single = d.in.type == Type::F32;
  d.in.execute = single ? (negates ? sign<float, true> : static_cast<Execute>(sign<float, false>))
                        : (negates ? sign<double, true> : static_cast<Execute>(sign<double, false>));
}

} // namespace

void decodeFloat(Decoder &d) {
  const std::string &op = d.opcode();
  Type last = d.lastType();
  if (bitsOf(last) == 16 || isPacked(last))
    return decodeHalf(d);
  if (op == "min" || op == "max")
    return decodeExtreme(d);
  if (op == "abs" || op == "neg")
    return decodeSign(d);
  if (op == "div") {
    if (std::optional<int> kind = d.takeOneOf({"approx", "full"}))
      return decodeApproximateDivision(d);
    return rounded(d, Op::Div, 2, true, false);
  }
  if (op == "fma" || op == "mad") // mad.f32 is fma since sm_20
    return rounded(d, Op::Fma, 3, true, true);
  if (op == "add" || op == "sub" || op == "mul")
    return rounded(d, op == "add" ? Op::Add : op == "sub" ? Op::Sub : Op::Mul, 2, false, true);
  d.fail("unknown form");
}

void decodeFloatUnary(Decoder &d) {
  const std::string &op = d.opcode();
  if (op == "copysign") {
    d.in.type = d.needType({Type::F32, Type::F64});
    values(d, 2);
    d.in.execute = d.in.type == Type::F32 ? copySign<uint32_t> : copySign<uint64_t>;
    return;
  }
  if (op == "testp") {
    if (std::optional<int> kind = d.takeOneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"}))
      d.in.variant = uint8_t(*kind);
    else
      d.fail("unknown test");
    d.in.type = d.needType({Type::F32, Type::F64});
    if (!d.operands(2))
      return;
    d.predicateDestination(0);
    d.source(1, d.in.type);
    d.in.execute = d.in.type == Type::F32 ? test<float> : static_cast<Execute>(test<double>);
    return;
  }
  if (d.take("approx"))
    return decodeApproximateRoot(d);
  rounded(d, op == "rcp" ? Op::Rcp : Op::Sqrt, 1, true, false);
}

} // namespace mho::ptx

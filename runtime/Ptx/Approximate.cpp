// Instructions whose result the PTX manual bounds but does not determine: computed in double and rounded. A GPU gives
// other bits; the report lists them.
#include "runtime/Ptx/Decoder.h"
#include "runtime/Ptx/FloatFormat.h"
#include "runtime/Ptx/FloatOps.h"
#include "runtime/Ptx/Lanes.h"

namespace mho::ptx {
namespace {

enum class Function : uint8_t { Sin, Cos, Ex2, Lg2, Rsqrt, Tanh, Rcp, Sqrt, Div };

double evaluate(Function function, double a, double b) {
  switch (function) {
  case Function::Sin:
    return std::sin(a);
  case Function::Cos:
    return std::cos(a);
  case Function::Ex2:
    return std::exp2(a);
  case Function::Lg2:
    return std::log2(a);
  case Function::Rsqrt:
    return 1 / std::sqrt(a);
  case Function::Tanh:
    return std::tanh(a);
  case Function::Rcp:
    return 1 / a;
  case Function::Sqrt:
    return std::sqrt(a);
  default:
    return a / b;
  }
}

void approximate(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<float>(in.d[0]);
  const float *a = warp.lanes<float>(in.s[0]), *b = warp.lanes<float>(in.s[in.sources - 1]);
  forLanes(mask, [&](int i) {
    float x = in.ftz ? flush(a[i]) : a[i], y = in.ftz ? flush(b[i]) : b[i];
    float result = float(evaluate(Function(in.variant), x, y));
    if (in.ftz)
      result = flush(result);
    d[i] = result != result ? bitsAs<float>(0x7fffffffu) : result;
  });
}

void approximateDouble(Warp &warp, const Instr &in, uint32_t mask) {
  auto *d = warp.lanes<double>(in.d[0]);
  const double *a = warp.lanes<double>(in.s[0]);
  forLanes(mask, [&](int i) { d[i] = evaluate(Function(in.variant), a[i], a[i]); });
}

void finish(Decoder &d, Function function, bool hasDouble) {
  d.in.approximate = true;
  d.in.variant = uint8_t(function);
  d.in.ftz = d.take("ftz");
  d.in.type = hasDouble ? d.needType({Type::F32, Type::F64}) : d.needType({Type::F32});
  if (d.in.ftz && d.in.type == Type::F64)
    d.fail(".ftz of .f64");
  size_t sources = function == Function::Div ? 2 : 1;
  if (!d.operands(sources + 1))
    return;
  d.destination(0, d.in.type);
  for (size_t i = 1; i <= sources; ++i)
    d.source(i, d.in.type);
  d.in.execute = d.in.type == Type::F32 ? approximate : approximateDouble;
}

} // namespace

void decodeApproximateDivision(Decoder &d) { finish(d, Function::Div, false); }

void decodeApproximateRoot(Decoder &d) { finish(d, d.opcode() == "rcp" ? Function::Rcp : Function::Sqrt, false); }

void decodeApproximate(Decoder &d) {
  static const char *const names[] = {"sin", "cos", "ex2", "lg2", "rsqrt", "tanh"};
  if (!d.take("approx")) {
    d.fail("expected .approx");
    return;
  }
  for (int i = 0; i < 6; ++i)
    if (d.opcode() == names[i])
      finish(d, Function(i), d.opcode() == "rsqrt");
}

} // namespace mho::ptx

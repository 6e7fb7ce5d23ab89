// The built-in effects: for each its parameters and its scalar code with the surrogate gradient. Their verifiers:
// EffectVerify.cpp.
#include "dialect/IR/SurrogateBuilder.h"

using namespace mlir;
using namespace mho::analog;
using arith::CmpFPredicate;

//===-- helpers ---------------------------------------------------------------------------------------------------===//

static EffectParameter overAxes(Value value, AxesAttr axes) { return {value, axes, "", {}}; }
static EffectParameter strength(StringRef name, FloatAttr value) { return {{}, {}, name.str(), value}; }

static SmallVector<EffectParameter> overAxes(ValueRange values, ArrayAttr axes) {
  SmallVector<EffectParameter> list;
  for (auto [value, over] : llvm::zip(values, axes))
    list.push_back(overAxes(value, cast<AxesAttr>(over)));
  return list;
}

//===-- quantize_input --------------------------------------------------------------------------------------------===//

Value QuantizeInputOp::getElementSource() { return getInput(); }
SmallVector<EffectParameter> QuantizeInputOp::getEffectParameters() {
  return {overAxes(getRange(), getRangeAxes()), strength("half_levels", getHalfLevelsAttr()),
          strength("decay", getDecayAttr()), strength("share", getShareAttr())};
}

/// What is rounded to the code.
static Value dacLevel(ScalarBuilder &s, Value x, Value beta, Value levels) {
  return s.mul(s.clamp(x, s.neg(beta), beta), s.safeScale(levels, beta));
}

/// An element's part in the sum of the range gradient; g is its gradient before the mask.
static Value rangeSummand(ScalarBuilder &s, RangeGradient kind, Value beta, Value levels, Value x, Value g) {
  Value zero = s.constant(0);
  bool filtered = kind == RangeGradient::SignFiltered;
  Value above = s.select(s.compare(CmpFPredicate::OGE, x, beta), filtered ? s.min(g, zero) : g, zero);
  Value below = s.select(s.compare(CmpFPredicate::OLE, x, s.neg(beta)), filtered ? s.max(g, zero) : g, zero);
  Value clipped = s.sub(above, below);
  if (kind != RangeGradient::Lsq)
    return clipped;
  Value level = dacLevel(s, x, beta, levels), error = s.sub(s.roundEven(level), level);
  return s.select(s.compare(CmpFPredicate::OLT, s.abs(x), beta), s.mul(g, s.div(error, levels)), clipped);
}

/// Derivative of the DAC. Inputs: beta, L, decay, share, x, g. A given range masks and has a gradient, a dynamic one is
/// a constant.
static void dacDerivative(ScalarBuilder &s, ValueRange a, RangeGradient kind, bool dynamic) {
  Value beta = a[0], x = a[4], g = s.mul(a[5], s.safeScale(a[1], beta));
  if (dynamic)
    return yield(s, g);
  Value outside = s.compare(CmpFPredicate::OGT, s.abs(x), beta);
  Value summand = rangeSummand(s, kind, beta, a[1], x, g);
  Value inside = s.compare(CmpFPredicate::OLT, s.abs(x), beta);
  yield(s, s.select(outside, s.constant(0), g), {}, {summand, inside, s.boolean(true)});
}

/// From the reduced values to the range gradient. Inputs: sum, unclipped, all, beta, L, decay, share.
static void rangeGradient(ScalarBuilder &s, ValueRange a, RangeGradient kind) {
  Value unclipped = s.div(a[1], a[2]), beta = a[3];
  auto exceeds = kind == RangeGradient::Paper ? CmpFPredicate::OGE : CmpFPredicate::OGT;
  Value pull = s.select(s.compare(exceeds, unclipped, a[6]), s.mul(a[5], beta), s.constant(0));
  yield(s, s.add(kind == RangeGradient::Lsq ? a[0] : s.mul(beta, a[0]), pull));
}

Value QuantizeInputOp::buildScalar(OpBuilder &builder, Location loc, Value x, ValueRange, ValueRange p,
                                   ArrayRef<int64_t>) {
  static constexpr int64_t kOfRange[] = {1};
  bool dynamic = getRangeAxes().contains(Axis::M);
  SmallVector<Value> inputs{x};
  llvm::append_range(inputs, p);
  auto op = createSurrogate(builder, loc, inputs, dynamic ? ArrayRef<int64_t>() : kOfRange);
  fill(builder, loc, op.getValue(), floats(builder, 5),
       [](ScalarBuilder &s, ValueRange a) { yield(s, s.roundEven(dacLevel(s, a[0], a[1], a[2]))); });
  fill(builder, loc, op.getDerivative(), floats(builder, 6),
       [&](ScalarBuilder &s, ValueRange a) { dacDerivative(s, a, getGradient(), dynamic); });
  if (!dynamic)
    fill(builder, loc, op.getTail(), floats(builder, 7),
         [&](ScalarBuilder &s, ValueRange a) { rangeGradient(s, a, getGradient()); });
  return op.getResult();
}

//===-- quantize_weight -------------------------------------------------------------------------------------------===//

Value QuantizeWeightOp::getElementSource() { return getInput(); }
SmallVector<EffectParameter> QuantizeWeightOp::getEffectParameters() {
  return {overAxes(getScale(), getScaleAxes()), strength("half_levels", getHalfLevelsAttr())};
}

Value QuantizeWeightOp::buildScalar(OpBuilder &builder, Location loc, Value w, ValueRange, ValueRange p,
                                    ArrayRef<int64_t>) {
  auto op = createSurrogate(builder, loc, {w, p[0], p[1]});
  fill(builder, loc, op.getValue(), floats(builder, 3), [](ScalarBuilder &s, ValueRange a) {
    Value code = s.clamp(s.roundEven(s.mul(a[0], s.safeScale(a[2], a[1]))), s.neg(a[2]), a[2]);
    yield(s, s.mul(code, s.div(a[1], a[2])));
  });
  fill(builder, loc, op.getDerivative(), floats(builder, 4), [](ScalarBuilder &s, ValueRange a) { yield(s, a[3]); });
  return op.getResult();
}

//===-- inject_noise ----------------------------------------------------------------------------------------------===//

Value InjectNoiseOp::getElementSource() { return getInput(); }
SmallVector<EffectDraw> InjectNoiseOp::getEffectDraws() {
  return {{getKey(), int64_t(getStream()), getRedraw(), numberKindOf(getMap())}};
}
SmallVector<EffectParameter> InjectNoiseOp::getEffectParameters() {
  SmallVector<EffectParameter> list = overAxes(getScales(), getScaleAxes());
  list.push_back(strength("sigma", getSigmaAttr()));
  return list;
}

Value InjectNoiseOp::buildScalar(OpBuilder &builder, Location loc, Value v, ValueRange, ValueRange p,
                                 ArrayRef<int64_t> keys) {
  ScalarBuilder s{builder, loc};
  Value draw = builder.create<NormalOp>(loc, builder.getF32Type(), keys[0], getStream(), getRedraw(), getMap());
  return s.fma(s.product(p.back(), p.drop_back()), draw, v);
}

//===-- drop_connect ----------------------------------------------------------------------------------------------===//

Value DropConnectOp::getElementSource() { return getInput(); }
SmallVector<EffectDraw> DropConnectOp::getEffectDraws() {
  return {{getKey(), int64_t(getStream()), getRedraw(), NumberKind::Uniform}};
}
SmallVector<EffectParameter> DropConnectOp::getEffectParameters() {
  return {strength("probability", getProbabilityAttr())};
}

Value DropConnectOp::buildScalar(OpBuilder &builder, Location loc, Value w, ValueRange, ValueRange p,
                                 ArrayRef<int64_t> keys) {
  ScalarBuilder s{builder, loc};
  Value draw = builder.create<UniformOp>(loc, builder.getF32Type(), keys[0], getStream(), getRedraw());
  return s.select(s.compare(CmpFPredicate::OLT, draw, p[0]), s.constant(0), w);
}

//===-- rescale ---------------------------------------------------------------------------------------------------===//

Value RescaleOp::getElementSource() { return getInput(); }
SmallVector<EffectParameter> RescaleOp::getEffectParameters() {
  return {overAxes(getRange(), getRangeAxes()), strength("half_levels", getHalfLevelsAttr())};
}

Value RescaleOp::buildScalar(OpBuilder &builder, Location loc, Value v, ValueRange, ValueRange p, ArrayRef<int64_t>) {
  ScalarBuilder s{builder, loc};
  return s.mul(v, s.div(p[0], p[1]));
}

//===-- adc -------------------------------------------------------------------------------------------------------===//

Value AdcOp::getElementSource() { return getInput(); }
SmallVector<EffectParameter> AdcOp::getEffectParameters() {
  SmallVector<EffectParameter> list = overAxes(getScales(), getScaleAxes());
  list.push_back(strength("lambda", getLambdaAttr()));
  list.push_back(strength("half_levels", getHalfLevelsAttr()));
  return list;
}

Value AdcOp::buildScalar(OpBuilder &builder, Location loc, Value v, ValueRange, ValueRange p, ArrayRef<int64_t>) {
  bool masked = getGradient() == GradientKind::Masked;
  SmallVector<Value> inputs{v};
  llvm::append_range(inputs, p);
  auto op = createSurrogate(builder, loc, inputs, {}, masked ? 1 : 0);
  size_t scales = p.size() - 2;
  fill(builder, loc, op.getValue(), floats(builder, inputs.size()), [&](ScalarBuilder &s, ValueRange a) {
    Value levels = a.back(), bound = s.product(a[1 + scales], a.slice(1, scales));
    Value rounded = s.roundEven(s.mul(a[0], s.safeScale(levels, bound)));
    Value out = s.mul(s.clamp(rounded, s.neg(levels), levels), s.div(bound, levels));
    if (masked)
      yield(s, out, s.compare(CmpFPredicate::OGT, s.abs(rounded), levels));
    else
      yield(s, out);
  });
  SmallVector<Type> types = floats(builder, inputs.size() + 1);
  if (masked)
    types[inputs.size() - 1] = builder.getI1Type();
  fill(builder, loc, op.getDerivative(), types, [&](ScalarBuilder &s, ValueRange a) {
    yield(s, masked ? s.select(a[a.size() - 2], s.constant(0), a.back()) : a.back());
  });
  return op.getResult();
}

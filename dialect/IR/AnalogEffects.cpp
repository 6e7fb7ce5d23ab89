// The built-in effects: for each its parameters, its scalar code with the surrogate gradient, and its verifier.
#include "dialect/IR/ScalarBuilder.h"
#include "dialect/IR/Verify.h"

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

using Body = llvm::function_ref<void(ScalarBuilder &, ValueRange)>;

/// Fills `region` with one block of f32 arguments (and `bits` i1 before the last one) and the code of `body`.
static void fill(OpBuilder &builder, Location loc, Region &region, TypeRange types, Body body) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locs(types.size(), loc);
  Block *block = builder.createBlock(&region, region.end(), types, locs);
  ScalarBuilder scalar{builder, loc};
  body(scalar, block->getArguments());
}

static void yield(ScalarBuilder &s, ValueRange values, ValueRange bits = {}, ValueRange reductions = {}) {
  s.b.create<YieldOp>(s.loc, values, bits, reductions);
}

static SurrogateOp createSurrogate(OpBuilder &builder, Location loc, ValueRange inputs, IntegerAttr wrt = {},
                                   size_t bits = 0) {
  SmallVector<Type> saved(bits, builder.getI1Type());
  return builder.create<SurrogateOp>(loc, builder.getF32Type(), saved, inputs, wrt);
}

static SmallVector<Type> floats(OpBuilder &builder, size_t n) { return SmallVector<Type>(n, builder.getF32Type()); }

static LogicalResult verifyAxes(Operation *op, ValueRange values, ArrayAttr axes, ArrayRef<Axis> visible) {
  if (values.size() != axes.size())
    return op->emitOpError("expected axes for each of ") << values.size() << " scales, got " << axes.size();
  for (auto [value, attr] : llvm::zip(values, axes)) {
    auto over = cast<AxesAttr>(attr);
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() != int64_t(over.getAxes().size()))
      return op->emitOpError("expected an operand of rank ")
             << over.getAxes().size() << " over " << over.str() << ", got rank " << type.getRank();
    if (!over.within(visible))
      return op->emitOpError("expected axes among ")
             << AxesAttr::get(op->getContext(), visible).str() << ", got " << over.str();
  }
  return success();
}

static LogicalResult verifySameShape(Operation *op, Value in, Value out) {
  if (in.getType() == out.getType())
    return success();
  return op->emitOpError("expected the result to have the input's type ") << in.getType() << ", got " << out.getType();
}

static LogicalResult verifyLevels(Operation *op, APFloat levels) {
  double value = levels.convertToFloat();
  if (value >= 1 && value == std::floor(value) && value <= 8388607)
    return success();
  return op->emitOpError("expected half_levels to be a whole number from 1 to 8388607, got ") << value;
}

static LogicalResult verifyDraw(Operation *op, int64_t stream) {
  if (stream < 0 || stream > 255)
    return op->emitOpError("expected stream to be from 0 to 255, got ") << stream;
  return success();
}

/// Axes of the elements of a tensor that an effect maps: planes (t, m, n); a matrix is an input or a weight.
static SmallVector<Axis> visibleAxes(Value tensor) {
  if (cast<RankedTensorType>(tensor.getType()).getRank() == 3)
    return {Axis::T, Axis::M, Axis::N};
  return {Axis::T, Axis::M, Axis::N, Axis::K};
}

//===-- quantize_input --------------------------------------------------------------------------------------------===//

Value QuantizeInputOp::getElementSource() { return getInput(); }
SmallVector<Value> QuantizeInputOp::getEffectKeys() { return {}; }
SmallVector<EffectParameter> QuantizeInputOp::getEffectParameters() {
  return {overAxes(getRange(), getRangeAxes()), strength("half_levels", getHalfLevelsAttr()),
          strength("decay", getDecayAttr()), strength("share", getShareAttr())};
}

/// Derivative of the DAC. Inputs: beta, L, decay, share, x, g. A given range masks and has a gradient, a dynamic one is
/// a constant.
static void dacDerivative(ScalarBuilder &s, ValueRange a, bool dynamic) {
  Value beta = a[0], x = a[4], g = s.mul(a[5], s.safeScale(a[1], beta)), zero = s.constant(0);
  if (dynamic)
    return yield(s, g);
  Value outside = s.compare(CmpFPredicate::OGT, s.abs(x), beta);
  Value above = s.select(s.compare(CmpFPredicate::OGE, x, beta), s.min(g, zero), zero);
  Value below = s.select(s.compare(CmpFPredicate::OLE, x, s.neg(beta)), s.max(g, zero), zero);
  Value inside = s.compare(CmpFPredicate::OLT, s.abs(x), beta);
  yield(s, s.select(outside, zero, g), {}, {s.sub(above, below), inside, s.boolean(true)});
}

/// From the reduced values to the range gradient. Inputs: sum, unclipped, all, beta, L, decay, share.
static void rangeGradient(ScalarBuilder &s, ValueRange a) {
  Value unclipped = s.div(a[1], a[2]);
  Value pull = s.select(s.compare(CmpFPredicate::OGT, unclipped, a[6]), s.mul(a[5], a[3]), s.constant(0));
  yield(s, s.add(s.mul(a[3], a[0]), pull));
}

Value QuantizeInputOp::buildScalar(OpBuilder &builder, Location loc, Value x, ValueRange p, ArrayRef<int64_t>) {
  bool dynamic = getRangeAxes().contains(Axis::M);
  SmallVector<Value> inputs{x};
  llvm::append_range(inputs, p);
  auto op = createSurrogate(builder, loc, inputs, dynamic ? IntegerAttr() : builder.getI64IntegerAttr(1));
  fill(builder, loc, op.getValue(), floats(builder, 5), [](ScalarBuilder &s, ValueRange a) {
    Value clamped = s.clamp(a[0], s.neg(a[1]), a[1]);
    yield(s, s.roundEven(s.mul(clamped, s.safeScale(a[2], a[1]))));
  });
  fill(builder, loc, op.getDerivative(), floats(builder, 6),
       [&](ScalarBuilder &s, ValueRange a) { dacDerivative(s, a, dynamic); });
  if (!dynamic)
    fill(builder, loc, op.getTail(), floats(builder, 7), rangeGradient);
  return op.getResult();
}

LogicalResult QuantizeInputOp::verify() {
  if (failed(verifyAxes(*this, getRange(), ArrayAttr::get(getContext(), {getRangeAxes()}),
                        {Axis::T, Axis::M}))) // quantize_input_c1
    return failure();
  if (failed(verifySameShape(*this, getInput(), getResult()))) // quantize_input_c2
    return failure();
  return verifyLevels(*this, getHalfLevels()); // quantize_input_c3
}

//===-- quantize_weight -------------------------------------------------------------------------------------------===//

Value QuantizeWeightOp::getElementSource() { return getInput(); }
SmallVector<Value> QuantizeWeightOp::getEffectKeys() { return {}; }
SmallVector<EffectParameter> QuantizeWeightOp::getEffectParameters() {
  return {overAxes(getScale(), getScaleAxes()), strength("half_levels", getHalfLevelsAttr())};
}

Value QuantizeWeightOp::buildScalar(OpBuilder &builder, Location loc, Value w, ValueRange p, ArrayRef<int64_t>) {
  auto op = createSurrogate(builder, loc, {w, p[0], p[1]});
  fill(builder, loc, op.getValue(), floats(builder, 3), [](ScalarBuilder &s, ValueRange a) {
    Value code = s.clamp(s.roundEven(s.mul(a[0], s.safeScale(a[2], a[1]))), s.neg(a[2]), a[2]);
    yield(s, s.mul(code, s.div(a[1], a[2])));
  });
  fill(builder, loc, op.getDerivative(), floats(builder, 4), [](ScalarBuilder &s, ValueRange a) { yield(s, a[3]); });
  return op.getResult();
}

LogicalResult QuantizeWeightOp::verify() {
  if (failed(verifyAxes(*this, getScale(), ArrayAttr::get(getContext(), {getScaleAxes()}),
                        {Axis::T, Axis::N}))) // quantize_weight_c1
    return failure();
  if (failed(verifySameShape(*this, getInput(), getResult()))) // quantize_weight_c2
    return failure();
  return verifyLevels(*this, getHalfLevels()); // quantize_weight_c3
}

//===-- inject_noise ----------------------------------------------------------------------------------------------===//

Value InjectNoiseOp::getElementSource() { return getInput(); }
SmallVector<Value> InjectNoiseOp::getEffectKeys() { return {getKey()}; }
SmallVector<EffectParameter> InjectNoiseOp::getEffectParameters() {
  SmallVector<EffectParameter> list = overAxes(getScales(), getScaleAxes());
  list.push_back(strength("sigma", getSigmaAttr()));
  return list;
}

Value InjectNoiseOp::buildScalar(OpBuilder &builder, Location loc, Value v, ValueRange p, ArrayRef<int64_t> keys) {
  ScalarBuilder s{builder, loc};
  Value draw = builder.create<NormalOp>(loc, builder.getF32Type(), keys[0], getStream());
  return s.fma(s.product(p.back(), p.drop_back()), draw, v);
}

LogicalResult InjectNoiseOp::verify() {
  if (failed(verifyAxes(*this, getScales(), getScaleAxes(), visibleAxes(getInput())))) // inject_noise_c1
    return failure();
  if (failed(verifySameShape(*this, getInput(), getResult()))) // inject_noise_c2
    return failure();
  int64_t rank = getInput().getType().getRank();
  if (rank != 2 && rank != 3) // inject_noise_c3
    return emitOpError("expected an input, a weight or accumulator planes (rank 2 or 3), got rank ") << rank;
  return verifyDraw(*this, getStream()); // inject_noise_c4
}

//===-- drop_connect ----------------------------------------------------------------------------------------------===//

Value DropConnectOp::getElementSource() { return getInput(); }
SmallVector<Value> DropConnectOp::getEffectKeys() { return {getKey()}; }
SmallVector<EffectParameter> DropConnectOp::getEffectParameters() {
  return {strength("probability", getProbabilityAttr())};
}

Value DropConnectOp::buildScalar(OpBuilder &builder, Location loc, Value w, ValueRange p, ArrayRef<int64_t> keys) {
  ScalarBuilder s{builder, loc};
  Value draw = builder.create<UniformOp>(loc, builder.getF32Type(), keys[0], getStream());
  return s.select(s.compare(CmpFPredicate::OLT, draw, p[0]), s.constant(0), w);
}

LogicalResult DropConnectOp::verify() {
  float probability = getProbability().convertToFloat();
  if (!(probability >= 0 && probability <= 1)) // drop_connect_c1
    return emitOpError("expected probability to be from 0 to 1, got ") << probability;
  if (failed(verifySameShape(*this, getInput(), getResult()))) // drop_connect_c2
    return failure();
  return verifyDraw(*this, getStream()); // drop_connect_c3
}

//===-- rescale ---------------------------------------------------------------------------------------------------===//

Value RescaleOp::getElementSource() { return getInput(); }
SmallVector<Value> RescaleOp::getEffectKeys() { return {}; }
SmallVector<EffectParameter> RescaleOp::getEffectParameters() {
  return {overAxes(getRange(), getRangeAxes()), strength("half_levels", getHalfLevelsAttr())};
}

Value RescaleOp::buildScalar(OpBuilder &builder, Location loc, Value v, ValueRange p, ArrayRef<int64_t>) {
  ScalarBuilder s{builder, loc};
  return s.mul(v, s.div(p[0], p[1]));
}

LogicalResult RescaleOp::verify() {
  if (failed(verifyAxes(*this, getRange(), ArrayAttr::get(getContext(), {getRangeAxes()}),
                        {Axis::T, Axis::M}))) // rescale_c1
    return failure();
  if (failed(verifySameShape(*this, getInput(), getResult()))) // rescale_c2
    return failure();
  return verifyLevels(*this, getHalfLevels()); // rescale_c3
}

//===-- adc -------------------------------------------------------------------------------------------------------===//

Value AdcOp::getElementSource() { return getInput(); }
SmallVector<Value> AdcOp::getEffectKeys() { return {}; }
SmallVector<EffectParameter> AdcOp::getEffectParameters() {
  SmallVector<EffectParameter> list = overAxes(getScales(), getScaleAxes());
  list.push_back(strength("lambda", getLambdaAttr()));
  list.push_back(strength("half_levels", getHalfLevelsAttr()));
  return list;
}

Value AdcOp::buildScalar(OpBuilder &builder, Location loc, Value v, ValueRange p, ArrayRef<int64_t>) {
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

LogicalResult AdcOp::verify() {
  if (failed(verifyAxes(*this, getScales(), getScaleAxes(), visibleAxes(getInput())))) // adc_c1
    return failure();
  if (failed(verifySameShape(*this, getInput(), getResult()))) // adc_c2
    return failure();
  if (!(getLambda().convertToFloat() > 0)) // adc_c3
    return emitOpError("expected lambda to be positive, got ") << getLambda().convertToFloat();
  return verifyLevels(*this, getHalfLevels()); // adc_c4
}

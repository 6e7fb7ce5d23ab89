// Effects that are text: what analog.effect says, and the interface of analog.apply, by which passes know it like any
// other effect. Verifiers: UserEffectVerify.cpp; assembly: UserEffectAssembly.cpp.
#include "dialect/IR/Scalar.h"
#include "dialect/IR/SurrogateBuilder.h"
#include "dialect/Numerics/EffectStream.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mho::analog;

//===-- effect ----------------------------------------------------------------------------------------------------===//

SmallVector<Axis> EffectOp::getSiteAxes() {
  switch (getSite()) {
  case EffectSite::Input:
    return {Axis::T, Axis::M, Axis::K};
  case EffectSite::Weight:
    return {Axis::T, Axis::N, Axis::K};
  case EffectSite::Tile:
    return {Axis::T, Axis::M, Axis::N};
  case EffectSite::Output:
    return {Axis::M, Axis::N};
  }
  llvm_unreachable("all sites are listed");
}

SmallVector<DrawOpInterface> EffectOp::getDraws() {
  SmallVector<DrawOpInterface> draws;
  for (Region *region : {&getCode(), &getInputs(), &getWeights()})
    region->walk([&](DrawOpInterface draw) { draws.push_back(draw); });
  return draws;
}

SmallVector<int64_t> EffectOp::getFactorParams(Side side) {
  SmallVector<int64_t> list;
  for (unsigned i = 0; i < getParamAxes().size(); ++i)
    if (!getAxesOfParam(i).contains(side == Side::Lhs ? Axis::N : Axis::M))
      list.push_back(i);
  return list;
}

int64_t EffectOp::getDefaultStream(unsigned i) { return mho::effectStream(getSymName(), i); }

unsigned EffectOp::getFurtherCount() { return yieldOf(getCode()).getValues().size() - 1; }

unsigned EffectOp::getBitCount() { return yieldOf(getCode()).getBits().size(); }

//===-- apply: parameters and draws -------------------------------------------------------------------------------===//

EffectOp ApplyOp::lookupEffect() { return SymbolTable::lookupNearestSymbolFrom<EffectOp>(*this, getEffectAttr()); }

int64_t ApplyOp::getStreamOf(EffectOp effect, unsigned i) {
  std::optional<ArrayRef<int64_t>> streams = getStreams();
  return streams && i < streams->size() ? (*streams)[i] : effect.getDefaultStream(i);
}

FloatAttr ApplyOp::getStrengthOf(EffectOp effect, unsigned i) {
  if (DictionaryAttr given = getStrengthsAttr())
    if (auto value = given.getAs<FloatAttr>(effect.getNameOfStrength(i)))
      return value;
  return cast<FloatAttr>(effect.getStrengths()[i]);
}

Value ApplyOp::getElementSource() { return getInput(); }
std::string ApplyOp::getEffectName() { return getEffect().str(); }
unsigned ApplyOp::getSavedBitCount() {
  EffectOp effect = lookupEffect();
  return effect.savesBits() ? effect.getBitCount() : 0;
}

SmallVector<EffectParameter> ApplyOp::getEffectParameters() {
  SmallVector<EffectParameter> list;
  for (auto [value, axes] : llvm::zip(getParams(), getParamAxes()))
    list.push_back({value, cast<AxesAttr>(axes), "", {}});
  EffectOp effect = lookupEffect();
  for (unsigned i = 0; i < effect.getStrengths().size(); ++i)
    list.push_back({{}, {}, effect.getNameOfStrength(i).str(), getStrengthOf(effect, i)});
  return list;
}

/// Nothing where the effect is missing: verifiers of other ops ask before that is known.
SmallVector<EffectDraw> ApplyOp::getEffectDraws() {
  SmallVector<EffectDraw> list;
  EffectOp effect = getKey() ? lookupEffect() : EffectOp();
  if (!effect)
    return list;
  for (auto [i, draw] : llvm::enumerate(effect.getDraws()))
    list.push_back({getKey(), getStreamOf(effect, i), getRedraw(), draw.getNumberKind()});
  return list;
}

SmallVector<std::pair<int64_t, int64_t>> ApplyOp::getFurtherAccumulators() {
  SmallVector<std::pair<int64_t, int64_t>> list;
  EffectOp effect = lookupEffect();
  ArrayRef<int64_t> pairs = effect.getAccumulators();
  for (size_t i = 0; i < pairs.size(); i += 2)
    list.push_back({pairs[i], pairs[i + 1]});
  return list;
}

SmallVector<Value> ApplyOp::getFurtherSums() { return llvm::to_vector(getSums()); }

MvmOp ApplyOp::findMvm() {
  Value value = getInput();
  while (auto effect = value.getDefiningOp<EffectOpInterface>())
    value = effect.getElementSource();
  return value.getDefiningOp<MvmOp>();
}

//===-- apply: scalar code ----------------------------------------------------------------------------------------===//

namespace {

/// Writes the scalar code of one use of an effect; draw i takes key keys[i] of the kernel.
struct Writer {
  ApplyOp apply;
  EffectOp effect;
  ArrayRef<int64_t> keys;

  /// What a region of the effect yields at these arguments; its code is created at the builder, op by op where the user
  /// wrote it, so that what a pass says of it points there.
  struct Yielded {
    SmallVector<Value> values, bits, reductions;
  };
  Yielded clone(OpBuilder &builder, Region &region, ValueRange arguments, bool redraw);
  size_t furtherAccumulators() { return effect.getAccumulatorNames().size(); }
  void fillDerivative(ScalarBuilder &s, ValueRange arguments);
  void fillTail(ScalarBuilder &s, ValueRange arguments);
  SurrogateOp createSurrogateOf(OpBuilder &builder, ValueRange inputs);
  void learn(OpBuilder &builder, MutableArrayRef<Value> inputs);
};

} // namespace

Writer::Yielded Writer::clone(OpBuilder &builder, Region &region, ValueRange arguments, bool redraw) {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  SmallVector<DrawOpInterface> draws = effect.getDraws();
  for (Operation &op : region.front().without_terminator())
    if (auto draw = dyn_cast<DrawOpInterface>(builder.clone(op, mapping))) {
      unsigned i = llvm::find(draws, cast<DrawOpInterface>(op)) - draws.begin();
      draw.setKey(keys[i]);
      draw.setStream(apply.getStreamOf(effect, i));
      draw.setRedraw(redraw);
    }
  auto mapped = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value v) { return mapping.lookupOrDefault(v); });
  };
  YieldOp yield = yieldOf(region);
  return {mapped(yield.getValues()), mapped(yield.getBits()), mapped(yield.getReductions())};
}

/// The gradient of the element, from the arguments of a surrogate's derivative: the inputs after the first (further
/// accumulators, parameters, strengths), bits or element, incoming gradient.
void Writer::fillDerivative(ScalarBuilder &s, ValueRange arguments) {
  Value gradient = arguments.back();
  switch (effect.getSurrogate()) {
  case SurrogateKind::Own: {
    Yielded own = clone(s.b, effect.getDerivative(), arguments.drop_front(furtherAccumulators()), false);
    return yield(s, own.values, {}, own.reductions);
  }
  case SurrogateKind::Masked: {
    ValueRange others = arguments.drop_back(2);
    Value bit = arguments[others.size()];
    if (!effect.savesBits()) {
      SmallVector<Value> inputs{bit}; // the element, of which the code gives the bit again
      llvm::append_range(inputs, others);
      bit = clone(s.b, effect.getCode(), inputs, true).bits[0];
    }
    return yield(s, s.select(bit, s.constant(0), gradient));
  }
  default:
    return yield(s, gradient);
  }
}

/// The gradient of the learnable parameter, from the arguments of a surrogate's tail: sums and counts, then the inputs
/// after the first.
void Writer::fillTail(ScalarBuilder &s, ValueRange arguments) {
  size_t sums = yieldOf(effect.getDerivative()).getReductions().size();
  SmallVector<Value> taken(arguments.take_front(sums));
  llvm::append_range(taken, arguments.drop_front(sums + furtherAccumulators()));
  yield(s, clone(s.b, effect.getTail(), taken, false).values);
}

SurrogateOp Writer::createSurrogateOf(OpBuilder &builder, ValueRange inputs) {
  Location loc = effect.getLoc();
  SmallVector<int64_t> wrt;
  for (int64_t param : effect.getLearnable())
    wrt.push_back(1 + furtherAccumulators() + param);
  unsigned bits = effect.savesBits() ? effect.getBitCount() : 0;
  SurrogateOp op = createSurrogate(builder, loc, inputs, wrt, bits);
  fill(builder, loc, op.getValue(), floats(builder, inputs.size()), [&](ScalarBuilder &s, ValueRange a) {
    Yielded code = clone(s.b, effect.getCode(), a, apply.getRedraw());
    yield(s, code.values[0], bits ? ValueRange(code.bits) : ValueRange{});
  });
  SmallVector<Type> types = floats(builder, inputs.size() - 1);
  types.append(bits ? bits : 1, bits ? Type(builder.getI1Type()) : builder.getF32Type());
  types.push_back(builder.getF32Type());
  fill(builder, loc, op.getDerivative(), types, [&](ScalarBuilder &s, ValueRange a) { fillDerivative(s, a); });
  if (!wrt.empty())
    fill(builder, loc, op.getTail(), floats(builder, effect.getTail().getNumArguments() + furtherAccumulators()),
         [&](ScalarBuilder &s, ValueRange a) { fillTail(s, a); });
  return op;
}

/// Learnable parameters among the inputs of derived code become themselves, and what reaches them backward becomes the
/// summands of their gradients.
void Writer::learn(OpBuilder &builder, MutableArrayRef<Value> inputs) {
  Location loc = effect.getLoc();
  for (int64_t param : effect.getLearnable()) {
    Value &input = inputs[1 + furtherAccumulators() + param];
    SurrogateOp op = createSurrogate(builder, loc, {input, input}, {1});
    fill(builder, loc, op.getValue(), floats(builder, 2), [](ScalarBuilder &s, ValueRange a) { yield(s, a[0]); });
    fill(builder, loc, op.getDerivative(), floats(builder, 3),
         [](ScalarBuilder &s, ValueRange a) { yield(s, a[2], {}, a[2]); });
    fill(builder, loc, op.getTail(), floats(builder, 2), [](ScalarBuilder &s, ValueRange a) { yield(s, a[0]); });
    input = op.getResult();
  }
}

Value ApplyOp::buildScalar(OpBuilder &builder, Location, Value element, ValueRange accumulators, ValueRange parameters,
                           ArrayRef<int64_t> keys) {
  Writer writer{*this, lookupEffect(), keys};
  SmallVector<Value> inputs{element};
  llvm::append_range(inputs, accumulators);
  llvm::append_range(inputs, parameters);
  if (writer.effect.getSurrogate() == SurrogateKind::Derived) {
    writer.learn(builder, inputs);
    return writer.clone(builder, writer.effect.getCode(), inputs, getRedraw()).values[0];
  }
  return writer.createSurrogateOf(builder, inputs).getResult();
}

SmallVector<Value> ApplyOp::buildFurther(OpBuilder &builder, Value element, ValueRange accumulators,
                                         ValueRange parameters, ArrayRef<int64_t> keys) {
  Writer writer{*this, lookupEffect(), keys};
  SmallVector<Value> inputs{element};
  llvm::append_range(inputs, accumulators);
  llvm::append_range(inputs, parameters);
  SmallVector<Value> values = writer.clone(builder, writer.effect.getCode(), inputs, /*redraw=*/true).values;
  values.erase(values.begin());
  return values;
}

FailureOr<SmallVector<Value>> ApplyOp::buildFactors(OpBuilder &builder, Side side, Value element,
                                                    ArrayRef<Value> parameters, ArrayRef<int64_t> keys) {
  Writer writer{*this, lookupEffect(), keys};
  Region &region = writer.effect.getFactorRegion(side);
  if (region.empty())
    return SmallVector<Value>();
  SmallVector<Value> inputs{element};
  for (int64_t i : writer.effect.getFactorParams(side)) {
    if (!parameters[i] && !region.getArgument(inputs.size()).use_empty())
      return emitOpError("not fused: expected parameter '")
             << writer.effect.getNameOfParam(i) << "' to be no statistic of the "
             << (side == Side::Lhs ? "weight, as the effect's inputs read it"
                                   : "input, as the effect's weights read it");
    inputs.push_back(parameters[i]);
  }
  llvm::append_range(inputs, parameters.drop_front(getParams().size()));
  return writer.clone(builder, region, inputs, getRedraw()).values;
}

#include "runtime/LinearModule.h"

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Numerics/Philox.h"
#include "runtime/EffectModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace mho::analog;

namespace mho {
namespace {

analog::RangeGradient rangeGradientOf(const LinearSpec &spec) {
  switch (spec.rangeGradient) {
  case mho::RangeGradient::SignFiltered:
    return analog::RangeGradient::SignFiltered;
  case mho::RangeGradient::Paper:
    return analog::RangeGradient::Paper;
  case mho::RangeGradient::Lsq:
    return analog::RangeGradient::Lsq;
  }
  llvm_unreachable("every range gradient of a spec is one of the dialect's");
}

GaussianMap mapOf(const LinearSpec &spec) {
  return spec.normals == NormalMap::Word ? GaussianMap::Word : GaussianMap::Half;
}

/// Writes the effects of a layer in the order of SPEC.md.
class LayerBuilder {
public:
  LayerBuilder(MLIRContext &context, const LinearSpec &spec, const LinearScalars &scalars)
      : spec(spec), scalars(scalars), builder(&context), loc(builder.getUnknownLoc()) {}
  Expected<OwningOpRef<ModuleOp>> build();

private:
  static constexpr int64_t dynamic = ShapedType::kDynamic;
  /// As a function takes and returns it.
  Type stored() {
    Type element = spec.storage == ElementType::F16    ? builder.getF16Type()
                   : spec.storage == ElementType::BF16 ? builder.getBF16Type()
                                                       : Type(builder.getF32Type());
    return RankedTensorType::get({dynamic, dynamic}, element);
  }
  Type matrix() { return RankedTensorType::get({dynamic, dynamic}, builder.getF32Type()); }
  Type planes() { return RankedTensorType::get({dynamic, dynamic, dynamic}, builder.getF32Type()); }
  RankedTensorType keyType() { return RankedTensorType::get({2}, builder.getI64Type()); }
  Type vector() { return RankedTensorType::get({dynamic}, builder.getF32Type()); }
  AxesAttr axes(ArrayRef<Axis> list) { return AxesAttr::get(builder.getContext(), list); }
  FloatAttr real(float v) { return builder.getF32FloatAttr(v); }
  Value absmax(ScalePer per);
  AxesAttr scaleAxes(ScalePer per) { return per == ScalePer::Channel ? axes({Axis::T, Axis::N}) : axes({Axis::T}); }
  void createFunction();
  Value noise(Value v, ValueRange scales, ArrayAttr scaleList, int64_t stream, float sigma);
  Status addEffects(ModuleOp module);
  std::pair<Value, AxesAttr> source(const EffectUse &use, size_t param);
  Value keyOf(const EffectUse &use);
  Value apply(Value v, EffectSite site, int place);
  Value buildInput();
  Value buildWeight();
  Value buildPlanes(Value accumulators);
  Value sumOf(Value planes, Value bias);

  const LinearSpec &spec;
  const LinearScalars &scalars;
  OpBuilder builder;
  Location loc;
  llvm::StringMap<Value> arguments; // by name
  Value range;
  AxesAttr rangeAxes;
  Value scaleOf[2];
  SmallVector<Value> further; // planes that effects on the tile give besides, for those on the output
};

} // namespace

Value LayerBuilder::absmax(ScalePer per) {
  Value &scale = scaleOf[per == ScalePer::Tensor];
  if (!scale) {
    bool channel = per == ScalePer::Channel;
    scale = builder.create<AbsMaxOp>(loc, channel ? matrix() : vector(), arguments["weight"],
                                     channel ? Granularity::Channel : Granularity::Tensor);
  }
  return scale;
}

void LayerBuilder::createFunction() {
  SmallVector<Type> types{stored(), stored()};
  SmallVector<std::string> names{"x", "weight"};
  auto add = [&](bool wanted, Type type, const std::string &name) {
    if (wanted) {
      types.push_back(type);
      names.push_back(name);
    }
  };
  add(spec.bias, vector(), "bias");
  add(spec.inputRange == InputRange::Given, vector(), "range");
  add(spec.draws(), keyType(), "key");
  for (const EffectTensor &tensor : effectTensors(spec.effects))
    add(true,
        tensor.isKey ? keyType()
                     : RankedTensorType::get(SmallVector<int64_t>(tensor.axes.size(), dynamic), builder.getF32Type()),
        tensor.name);
  auto function = builder.create<func::FuncOp>(loc, kLinearFunction, builder.getFunctionType(types, {stored()}));
  auto kind = spec.tiling == mho::TilingKind::Fixed ? analog::TilingKind::Fixed : analog::TilingKind::Balanced;
  function->setAttr(AnalogDialect::kTilingAttr, TilingAttr::get(builder.getContext(), kind, spec.tileRows));
  if (spec.noisyBackward && spec.drawsWeight())
    function->setAttr(AnalogDialect::kNoisyBackwardAttr, builder.getUnitAttr());
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  for (auto [i, name] : llvm::enumerate(names)) {
    function.setArgAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(name));
    arguments[name] = entry->getArgument(i);
  }
  for (const char *name : {"x", "weight"})
    if (spec.storage != ElementType::F32)
      arguments[name] = builder.create<arith::ExtFOp>(loc, matrix(), arguments[name]);
  range = arguments.lookup("range");
}

/// Puts the effects that are text into the module, by the names that the layer gives them; places are the user's.
Status LayerBuilder::addEffects(ModuleOp module) {
  for (const EffectUse &use : spec.effects) {
    const EffectText &text = *use.effect;
    Expected<OwningOpRef<ModuleOp>> parsed = parseEffects(*builder.getContext(), text.text, text.source);
    if (!parsed)
      return parsed.error();
    Expected<analog::EffectOp> effect = findEffect(**parsed, text.name, text.source);
    if (!effect)
      return effect.error();
    auto copy = cast<analog::EffectOp>(effect->getOperation()->clone());
    copy.setSymName(use.name);
    module.push_back(copy);
  }
  return Status::ok();
}

/// A parameter's value, and the axes that it varies over.
std::pair<Value, AxesAttr> LayerBuilder::source(const EffectUse &use, size_t param) {
  const EffectParam &declared = use.effect->params[param];
  switch (use.sources[param]) {
  case ParamSource::LargestWeight: {
    auto per = declared.axes.find('n') == std::string::npos ? ScalePer::Tensor : ScalePer::Channel;
    return {absmax(per), scaleAxes(per)};
  }
  case ParamSource::InputRange:
    return {range, rangeAxes};
  case ParamSource::Tensor:
    break;
  }
  SmallVector<Axis> list;
  for (char axis : declared.axes)
    list.push_back(*symbolizeAxis(StringRef(&axis, 1)));
  return {arguments.lookup(tensorName(use, declared)), axes(list)};
}

Value LayerBuilder::sumOf(Value planes, Value bias) {
  return builder.create<AccumulateOp>(loc, matrix(), planes, bias);
}

/// What an effect's draws come from; nothing where there are none.
Value LayerBuilder::keyOf(const EffectUse &use) {
  if (use.effect->draws == 0)
    return {};
  return arguments.lookup(use.holdsKey ? keyName(use) : "key");
}

/// The effects that are text of one place.
Value LayerBuilder::apply(Value v, EffectSite site, int place) {
  for (const EffectUse &use : spec.effects) {
    if (use.effect->site != site || use.place != place)
      continue;
    SmallVector<Value> params;
    SmallVector<Attribute> paramAxes;
    for (size_t i = 0; i < use.sources.size(); ++i) {
      auto [value, over] = source(use, i);
      params.push_back(value);
      paramAxes.push_back(over);
    }
    auto streams = use.streams.empty() ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(use.streams);
    SmallVector<Value> sums;
    for (Value planes : ArrayRef(further).take_front(use.effect->sums))
      sums.push_back(sumOf(planes, Value()));
    further.erase(further.begin(), further.begin() + use.effect->sums);
    SmallVector<Type> others(use.effect->further, v.getType());
    auto op = builder.create<ApplyOp>(loc, v.getType(), others, use.name, v, sums, params,
                                      builder.getArrayAttr(paramAxes), keyOf(use), streams, /*redraw=*/false,
                                      /*strengths=*/DictionaryAttr());
    llvm::append_range(further, op.getFurther());
    v = op.getResult();
  }
  return v;
}

Value LayerBuilder::buildInput() {
  rangeAxes = spec.inputRange == InputRange::Dynamic ? axes({Axis::T, Axis::M}) : axes({Axis::T});
  if (spec.inputRange == InputRange::Dynamic)
    range = builder.create<AbsMaxOp>(loc, matrix(), arguments["x"], Granularity::Row);
  Value v = apply(arguments["x"], EffectSite::Input, 0);
  if (spec.quantizeInput)
    v = builder.create<QuantizeInputOp>(loc, matrix(), v, range, rangeAxes, real(scalars.inputHalfLevels),
                                        real(scalars.rangeDecay), real(scalars.rangeShare),
                                        RangeGradientAttr::get(builder.getContext(), rangeGradientOf(spec)));
  return apply(v, EffectSite::Input, 1);
}

Value LayerBuilder::noise(Value v, ValueRange scales, ArrayAttr scaleList, int64_t stream, float sigma) {
  return builder.create<InjectNoiseOp>(loc, v.getType(), v, scales, scaleList, arguments["key"],
                                       builder.getI64IntegerAttr(stream), real(sigma),
                                       GaussianMapAttr::get(builder.getContext(), mapOf(spec)),
                                       /*redraw=*/UnitAttr());
}

Value LayerBuilder::buildWeight() {
  Value w = apply(arguments["weight"], EffectSite::Weight, 0);
  Value scale = spec.quantizeWeight || spec.weightNoise ? absmax(spec.weightScale) : Value();
  if (spec.quantizeWeight)
    w = builder.create<QuantizeWeightOp>(loc, matrix(), w, scale, scaleAxes(spec.weightScale),
                                         real(scalars.weightHalfLevels));
  w = apply(w, EffectSite::Weight, 1);
  if (spec.weightNoise)
    w = noise(w, scale, builder.getArrayAttr({scaleAxes(spec.weightScale)}), kWeightNoiseStream, scalars.weightNoise);
  w = apply(w, EffectSite::Weight, 2);
  if (spec.dropConnect)
    w = builder.create<DropConnectOp>(loc, matrix(), w, arguments["key"], builder.getI64IntegerAttr(kDropConnectStream),
                                      real(scalars.dropProbability), /*redraw=*/UnitAttr());
  return apply(w, EffectSite::Weight, 3);
}

Value LayerBuilder::buildPlanes(Value v) {
  if (spec.quantizeInput)
    v = builder.create<RescaleOp>(loc, planes(), v, range, rangeAxes, real(scalars.inputHalfLevels));
  SmallVector<Value> scales;
  ArrayAttr scaleList;
  if (spec.outputNoise || spec.adc) {
    scales = {range, absmax(spec.outputScale)};
    scaleList = builder.getArrayAttr({rangeAxes, scaleAxes(spec.outputScale)});
  }
  v = apply(v, EffectSite::Tile, 0);
  if (spec.outputNoise)
    v = noise(v, scales, scaleList, kOutputNoiseStream, scalars.outputNoise);
  v = apply(v, EffectSite::Tile, 1);
  if (spec.adc) {
    auto gradient = spec.maskSaturated ? GradientKind::Masked : GradientKind::StraightThrough;
    v = builder.create<AdcOp>(loc, planes(), v, scales, scaleList, real(scalars.outputBound),
                              real(scalars.outputHalfLevels), GradientKindAttr::get(builder.getContext(), gradient));
  }
  return apply(v, EffectSite::Tile, 2);
}

Expected<OwningOpRef<ModuleOp>> LayerBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  if (Status status = addEffects(*module); !status)
    return status;
  builder.setInsertionPointToEnd(module->getBody());
  createFunction();
  Value codes = buildInput(), w = buildWeight();
  Value accumulators = builder.create<MvmOp>(loc, planes(), codes, w);
  Value y = apply(sumOf(buildPlanes(accumulators), arguments.lookup("bias")), EffectSite::Output, 1);
  if (spec.storage != ElementType::F32)
    y = builder.create<arith::TruncFOp>(loc, stored(), y);
  builder.create<func::ReturnOp>(loc, y);
  return module;
}

Expected<OwningOpRef<ModuleOp>> buildLinearModule(MLIRContext &context, const LinearSpec &spec,
                                                  const LinearScalars &scalars) {
  return LayerBuilder(context, spec, scalars).build();
}

Strength strengthNamed(const LinearSpec &spec, const std::string &name) {
  static const llvm::StringMap<float LinearScalars::*> fields{
      {"input.quantize_input.half_levels", &LinearScalars::inputHalfLevels},
      {"input.quantize_input.decay", &LinearScalars::rangeDecay},
      {"input.quantize_input.share", &LinearScalars::rangeShare},
      {"weight.quantize_weight.half_levels", &LinearScalars::weightHalfLevels},
      {"weight.inject_noise.sigma", &LinearScalars::weightNoise},
      {"weight.drop_connect.probability", &LinearScalars::dropProbability},
      {"tile.rescale.half_levels", &LinearScalars::inputHalfLevels},
      {"tile.inject_noise.sigma", &LinearScalars::outputNoise},
      {"tile.adc.lambda", &LinearScalars::outputBound},
      {"tile.adc.half_levels", &LinearScalars::outputHalfLevels},
  };
  if (auto it = fields.find(name); it != fields.end())
    return {it->second, -1};
  int next = 0;
  for (const EffectUse &use : spec.effects)
    for (const EffectStrength &strength : use.effect->strengths) {
      if (name == siteName(use.effect->site) + "." + use.name + "." + strength.name)
        return {nullptr, next};
      ++next;
    }
  return {};
}

} // namespace mho

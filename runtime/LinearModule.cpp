#include "runtime/LinearModule.h"

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Numerics/Philox.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace mho::analog;

namespace mho {
namespace {

/// Writes the effects of a layer in the order of SPEC.md.
class LayerBuilder {
public:
  LayerBuilder(MLIRContext &context, const LinearSpec &spec, const LinearScalars &scalars)
      : spec(spec), scalars(scalars), builder(&context), loc(builder.getUnknownLoc()) {}
  OwningOpRef<ModuleOp> build();

private:
  static constexpr int64_t dynamic = ShapedType::kDynamic;
  Type matrix() { return RankedTensorType::get({dynamic, dynamic}, builder.getF32Type()); }
  Type planes() { return RankedTensorType::get({dynamic, dynamic, dynamic}, builder.getF32Type()); }
  Type vector() { return RankedTensorType::get({dynamic}, builder.getF32Type()); }
  AxesAttr axes(ArrayRef<Axis> list) { return AxesAttr::get(builder.getContext(), list); }
  FloatAttr real(float v) { return builder.getF32FloatAttr(v); }
  Value absmax(ScalePer per);
  AxesAttr scaleAxes(ScalePer per) { return per == ScalePer::Channel ? axes({Axis::T, Axis::N}) : axes({Axis::T}); }
  void createFunction();
  Value noise(Value v, ValueRange scales, ArrayAttr scaleList, int64_t stream, float sigma);
  Value buildInput();
  Value buildWeight();
  Value buildPlanes(Value accumulators);

  const LinearSpec &spec;
  const LinearScalars &scalars;
  OpBuilder builder;
  Location loc;
  Value x, weight, bias, range, key;
  AxesAttr rangeAxes;
  Value scaleOf[2];
};

} // namespace

Value LayerBuilder::absmax(ScalePer per) {
  Value &scale = scaleOf[per == ScalePer::Tensor];
  if (!scale) {
    bool channel = per == ScalePer::Channel;
    scale = builder.create<AbsMaxOp>(loc, channel ? matrix() : vector(), weight,
                                     channel ? Granularity::Channel : Granularity::Tensor);
  }
  return scale;
}

void LayerBuilder::createFunction() {
  SmallVector<Type> types{matrix(), matrix()};
  SmallVector<StringRef> names{"x", "weight"};
  auto add = [&](bool wanted, Type type, StringRef name) {
    if (wanted) {
      types.push_back(type);
      names.push_back(name);
    }
  };
  add(spec.bias, vector(), "bias");
  add(spec.inputRange == InputRange::Given, vector(), "range");
  add(spec.draws(), RankedTensorType::get({2}, builder.getI64Type()), "key");
  auto function = builder.create<func::FuncOp>(loc, kLinearFunction, builder.getFunctionType(types, {matrix()}));
  auto kind = spec.tiling == mho::TilingKind::Fixed ? analog::TilingKind::Fixed : analog::TilingKind::Balanced;
  function->setAttr(AnalogDialect::kTilingAttr, TilingAttr::get(builder.getContext(), kind, spec.tileRows));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  for (auto [i, name] : llvm::enumerate(names)) {
    function.setArgAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(name));
    Value argument = entry->getArgument(i);
    (name == "x" ? x : name == "weight" ? weight : name == "bias" ? bias : name == "range" ? range : key) = argument;
  }
}

Value LayerBuilder::buildInput() {
  rangeAxes = spec.inputRange == InputRange::Dynamic ? axes({Axis::T, Axis::M}) : axes({Axis::T});
  if (spec.inputRange == InputRange::Dynamic)
    range = builder.create<AbsMaxOp>(loc, matrix(), x, Granularity::Row);
  if (!spec.quantizeInput)
    return x;
  return builder.create<QuantizeInputOp>(loc, matrix(), x, range, rangeAxes, real(scalars.inputHalfLevels),
                                         real(scalars.rangeDecay), real(scalars.rangeShare),
                                         RangeGradientAttr::get(builder.getContext(), RangeGradient::SignFiltered));
}

Value LayerBuilder::noise(Value v, ValueRange scales, ArrayAttr scaleList, int64_t stream, float sigma) {
  return builder.create<InjectNoiseOp>(loc, v.getType(), v, scales, scaleList, key, builder.getI64IntegerAttr(stream),
                                       real(sigma), GaussianMapAttr::get(builder.getContext(), GaussianMap::Half),
                                       /*redraw=*/UnitAttr());
}

Value LayerBuilder::buildWeight() {
  Value w = weight;
  Value scale = spec.quantizeWeight || spec.weightNoise ? absmax(spec.weightScale) : Value();
  if (spec.quantizeWeight)
    w = builder.create<QuantizeWeightOp>(loc, matrix(), w, scale, scaleAxes(spec.weightScale),
                                         real(scalars.weightHalfLevels));
  if (spec.weightNoise)
    w = noise(w, scale, builder.getArrayAttr({scaleAxes(spec.weightScale)}), kWeightNoiseStream, scalars.weightNoise);
  if (spec.dropConnect)
    w = builder.create<DropConnectOp>(loc, matrix(), w, key, builder.getI64IntegerAttr(kDropConnectStream),
                                      real(scalars.dropProbability), /*redraw=*/UnitAttr());
  return w;
}

Value LayerBuilder::buildPlanes(Value v) {
  if (spec.quantizeInput)
    v = builder.create<RescaleOp>(loc, planes(), v, range, rangeAxes, real(scalars.inputHalfLevels));
  if (!spec.outputNoise && !spec.adc)
    return v;
  SmallVector<Value> scales{range, absmax(spec.outputScale)};
  ArrayAttr scaleList = builder.getArrayAttr({rangeAxes, scaleAxes(spec.outputScale)});
  if (spec.outputNoise)
    v = noise(v, scales, scaleList, kOutputNoiseStream, scalars.outputNoise);
  if (spec.adc) {
    auto gradient = spec.maskSaturated ? GradientKind::Masked : GradientKind::StraightThrough;
    v = builder.create<AdcOp>(loc, planes(), v, scales, scaleList, real(scalars.outputBound),
                              real(scalars.outputHalfLevels), GradientKindAttr::get(builder.getContext(), gradient));
  }
  return v;
}

OwningOpRef<ModuleOp> LayerBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  createFunction();
  Value codes = buildInput(), w = buildWeight();
  Value accumulators = builder.create<MvmOp>(loc, planes(), codes, w);
  Value y = builder.create<AccumulateOp>(loc, matrix(), buildPlanes(accumulators), bias);
  builder.create<func::ReturnOp>(loc, y);
  return module;
}

OwningOpRef<ModuleOp> buildLinearModule(MLIRContext &context, const LinearSpec &spec, const LinearScalars &scalars) {
  return LayerBuilder(context, spec, scalars).build();
}

Strength strengthNamed(const std::string &name) {
  static const llvm::StringMap<Strength> fields{
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
  return fields.lookup(name);
}

} // namespace mho

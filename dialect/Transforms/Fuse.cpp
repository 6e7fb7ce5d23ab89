// analog-fuse: a function of the algebra -> one tiled_mvm. See Passes.td.
//
// Expects functions that return one analog.accumulate, or effects on it; other functions are left alone. Leaves
// functions of one tiled_mvm.
#include "dialect/Transforms/Fusion.h"

#include "dialect/Numerics/Tiling.h"
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/ScalarGradient.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringMap.h"

namespace mho::analog {
#define GEN_PASS_DEF_ANALOGFUSEPASS
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

using namespace mlir;
using namespace mho::analog;

/// Goes up the effects that `value` comes from, to what they act on.
static Value behindEffects(Value value, SmallVectorImpl<EffectOpInterface> &effects) {
  while (auto effect = value.getDefiningOp<EffectOpInterface>()) {
    effects.insert(effects.begin(), effect);
    value = effect.getElementSource();
  }
  return value;
}

/// What a conversion from or to 16 bits converts; else the value itself.
template <class Conversion> static Value behindStorage(Value value) {
  auto conversion = value.getDefiningOp<Conversion>();
  return conversion && isStorageConversion(conversion) ? conversion.getIn() : value;
}

/// The effects that a result, stored in 16 bits or not, comes from, and what they act on. Effects on the output alone:
/// others may act on a sum as on the input of another layer.
static Value behindOutputEffects(Value value, SmallVectorImpl<EffectOpInterface> &effects) {
  value = behindStorage<arith::TruncFOp>(value);
  llvm::SmallPtrSet<Operation *, 8> seen;
  auto apply = value.getDefiningOp<ApplyOp>();
  while (apply && seen.insert(apply).second && apply.lookupEffect().getSite() == EffectSite::Output) {
    effects.insert(effects.begin(), apply);
    value = apply.getInput();
    apply = value.getDefiningOp<ApplyOp>();
  }
  return value;
}

FailureOr<BlockArgument> Fusion::chain(Value value, SmallVectorImpl<EffectOpInterface> &effects, StringRef what) {
  value = behindStorage<arith::ExtFOp>(behindEffects(value, effects));
  auto root = dyn_cast<BlockArgument>(value);
  if (!root) {
    emitError(value.getLoc(), "not fused: expected the ") << what << " to be a function argument behind its effects";
    return failure();
  }
  return root;
}

/// What effects on the output take beside the sum: each is the sum of a further result of an effect on the planes.
LogicalResult Fusion::findFurther() {
  for (EffectOpInterface effect : layer.output)
    for (Value sum : effect.getFurtherSums()) {
      auto accumulate = sum.getDefiningOp<AccumulateOp>();
      auto result = accumulate ? dyn_cast<OpResult>(accumulate.getInput()) : OpResult();
      if (!result || result.getResultNumber() == 0 || !llvm::is_contained(layer.planes, result.getOwner()))
        return effect->emitOpError("not fused: expected its sums to be those of further results of effects on the "
                                   "planes of the same layer");
      accumulators[effect].push_back(1 + indexIn(layer.further, Value(result)));
    }
  return success();
}

LogicalResult Fusion::findLayer(Value result) {
  AccumulateOp accumulate = layer.accumulate = behindOutputEffects(result, layer.output).getDefiningOp<AccumulateOp>();
  layer.mvm = behindEffects(accumulate.getInput(), layer.planes).getDefiningOp<MvmOp>();
  if (!layer.mvm)
    return accumulate.emitOpError("not fused: expected the planes of one analog.mvm behind the effects");
  SmallVector<Value> taken{accumulate.getInput()};
  for (EffectOpInterface effect : layer.planes)
    taken.push_back(effect.getElementSource());
  for (Value planes : taken)
    if (auto further = dyn_cast<OpResult>(planes); further && further.getResultNumber() != 0)
      return accumulate.emitOpError("not fused: expected the first result of an effect, got number ")
             << further.getResultNumber() + 1 << " of '" << further.getOwner()->getName()
             << "': further results are summed over the tiles as they are";
  if (failed(findFurther()))
    return failure();
  FailureOr<BlockArgument> x = chain(layer.mvm.getInput(), layer.input, "input"),
                           w = chain(layer.mvm.getWeight(), layer.weight, "weight");
  if (failed(x) || failed(w))
    return failure();
  for (EffectOpInterface effect : layer.input)
    if (llvm::is_contained(layer.weight, effect))
      return effect->emitOpError("not fused: expected it on the input or on the weight, got both");
  if (Value bias = accumulate.getBias(); bias && !isa<BlockArgument>(bias))
    return accumulate.emitOpError("not fused: expected the bias to be a function argument");
  layer.inputRoot = *x;
  layer.weightRoot = *w;
  return success();
}

ParameterUse Fusion::addParam(Value value, AxesAttr axes) { return {false, indexIn(params, {value, axes})}; }

/// The statistic of the kernel that stands for an absmax of the raw input or weight.
FailureOr<ParameterUse> Fusion::addStat(AbsMaxOp op, AxesAttr axes) {
  // One argument may be both factors: what the maximum is taken over says which is meant.
  Value root = behindStorage<arith::ExtFOp>(op.getInput());
  bool isInput = root == layer.inputRoot && (op.getPer() == Granularity::Row || layer.inputRoot != layer.weightRoot);
  Side side = isInput ? Side::Lhs : Side::Rhs;
  if (root != layer.inputRoot && root != layer.weightRoot)
    return op.emitOpError("not fused: expected the largest absolute value of the layer's raw input or weight");
  if ((op.getPer() == Granularity::Row) != (side == Side::Lhs))
    return op.emitOpError(
        "not fused: expected 'per row' for the input and 'per channel' or 'per tensor' for the weight");
  return ParameterUse{
      true, indexIn(stats, {op.getResult(), StatAttr::get(op.getContext(), StatKind::AbsMax, side, 0, axes)})};
}

/// A strength becomes a scalar argument of the function, named after where it acts, its op and its attribute.
void Fusion::addStrength(EffectOpInterface effect, StringRef site, const EffectParameter &parameter) {
  std::string base = (site + "." + effect.getEffectName() + "." + parameter.name).str(), name = base;
  for (int i = 2; !strengthNames.insert(name).second; ++i)
    name = base + "#" + std::to_string(i);
  DictionaryAttr attributes =
      builder.getDictionaryAttr({builder.getNamedAttr(AnalogDialect::kNameAttr, builder.getStringAttr(name)),
                                 builder.getNamedAttr(AnalogDialect::kValueAttr, parameter.strength)});
  unsigned index = function.getNumArguments();
  function.insertArgument(index, builder.getF32Type(), attributes, effect->getLoc());
  Value argument = function.getArgument(index);
  uses[effect].push_back(addParam(argument, AxesAttr::get(builder.getContext(), {})));
}

LogicalResult Fusion::collectParameters(ArrayRef<EffectOpInterface> effects, StringRef site) {
  for (EffectOpInterface effect : effects) {
    for (const EffectParameter &parameter : effect.getEffectParameters()) {
      if (parameter.strength) {
        addStrength(effect, site, parameter);
        continue;
      }
      if (auto absmax = parameter.value.getDefiningOp<AbsMaxOp>()) {
        FailureOr<ParameterUse> use = addStat(absmax, parameter.axes);
        if (failed(use))
          return failure();
        uses[effect].push_back(*use);
      } else if (isa<BlockArgument>(parameter.value)) {
        uses[effect].push_back(addParam(parameter.value, parameter.axes));
      } else {
        return effect->emitOpError("not fused: expected its parameters to be function arguments or analog.absmax");
      }
    }
    for (const EffectDraw &draw : effect.getEffectDraws())
      if (!llvm::is_contained(keys, draw.key))
        keys.push_back(draw.key);
  }
  return success();
}

/// A kernel that gives a value of `type`.
FailureOr<TiledMvmOp> Fusion::createKernel(Type type) {
  MLIRContext *context = builder.getContext();
  Location loc = layer.mvm.getLoc();
  auto axes = [&](ArrayRef<Axis> list) { return AxesAttr::get(context, list); };
  RankedTensorType planes = layer.mvm.getType();

  SmallVector<Attribute> results{ResultAttr::get(context, ResultKind::Value, axes({Axis::M, Axis::N}), 0)}, statList,
      paramAxes;
  SmallVector<Type> types{type};
  for (auto &[value, stat] : stats)
    statList.push_back(stat);
  unsigned bitCount = 0;
  for (EffectOpInterface effect : layer.planes)
    bitCount += effect.getSavedBitCount();
  int64_t words = planes.isDynamicDim(2) ? ShapedType::kDynamic : mho::packedWords(planes.getDimSize(2));
  for (unsigned i = 0; save && i < bitCount; ++i) {
    results.push_back(ResultAttr::get(context, ResultKind::Bits, axes({Axis::T, Axis::M, Axis::N}), 0));
    types.push_back(RankedTensorType::get({planes.getDimSize(0), planes.getDimSize(1), words}, builder.getI32Type()));
  }
  for (auto [i, entry] : llvm::enumerate(stats))
    if (save && entry.second.getSide() == Side::Lhs) {
      results.push_back(ResultAttr::get(context, ResultKind::Stat, entry.second.getOver(), i));
      types.push_back(entry.first.getType());
    }
  SmallVector<Value> paramValues;
  for (auto &[value, over] : params) {
    paramValues.push_back(value);
    paramAxes.push_back(over);
  }
  auto kernel = builder.create<TiledMvmOp>(
      loc, types, ValueRange{layer.inputRoot}, ValueRange{layer.weightRoot}, ValueRange{}, paramValues, keys, Value(),
      AxisAttr::get(context, Axis::K), AxisAttr::get(context, Axis::K), getTiling(layer.mvm),
      builder.getArrayAttr({axes({Axis::M, Axis::K})}), builder.getArrayAttr({axes({Axis::N, Axis::K})}),
      builder.getArrayAttr({}), builder.getArrayAttr(paramAxes), builder.getArrayAttr(statList),
      builder.getDenseI64ArrayAttr({0, 0}), builder.getArrayAttr(results), statList.size());

  OpBuilder::InsertionGuard guard(builder);
  if (failed(buildLoads(kernel)) || failed(buildEndTile(kernel)) || failed(buildFinish(kernel)))
    return failure();
  return kernel;
}

void Fusion::rewriteFunction(TiledMvmOp kernel) {
  Operation *terminator = function.front().getTerminator();
  terminator->setOperands(kernel.getResults());
  function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), kernel.getResultTypes()));
  // Several results of a kind are numbered from the second on.
  llvm::StringMap<unsigned> count;
  for (unsigned i = 0; i < kernel.getOutputs().size(); ++i) {
    ResultKind kind = kernel.getResultSpec(i).getKind();
    std::string name = kind == ResultKind::Value ? "y" : kind == ResultKind::Bits ? "saturation" : "row_range";
    if (unsigned number = ++count[name]; number > 1)
      name += "#" + std::to_string(number);
    function.setResultAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(name));
  }
  eraseUnused(function.front(), [&](Operation *op) { return op == kernel; });
  kernel.pruneUnused();
}

LogicalResult Fusion::run(Value result) {
  if (failed(findLayer(result)))
    return failure();
  AccumulateOp accumulate = layer.accumulate;
  builder.setInsertionPoint(function.front().getTerminator());
  if (failed(collectParameters(layer.input, "input")) || failed(collectParameters(layer.weight, "weight")) ||
      failed(collectParameters(layer.planes, "tile")) || failed(collectParameters(layer.output, "output")))
    return failure();
  if (Value bias = accumulate.getBias())
    addParam(bias, AxesAttr::get(builder.getContext(), {Axis::N}));
  FailureOr<TiledMvmOp> kernel = createKernel(result.getType());
  if (failed(kernel))
    return failure();
  rewriteFunction(*kernel);
  return success();
}

namespace {
struct FusePass : mho::analog::impl::AnalogFusePassBase<FusePass> {
  using AnalogFusePassBase::AnalogFusePassBase;
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.front().getTerminator()->getNumOperands() == 0)
        continue;
      Operation *terminator = function.front().getTerminator();
      SmallVector<EffectOpInterface> output;
      Value source = behindOutputEffects(terminator->getOperand(0), output);
      if (auto conversion = source.getDefiningOp<arith::TruncFOp>();
          conversion && behindOutputEffects(conversion.getIn(), output).getDefiningOp<AccumulateOp>()) {
        conversion.emitOpError("not fused: expected a conversion of the sum to f16 or bf16 that rounds to nearest");
        return signalPassFailure();
      }
      if (!source.getDefiningOp<AccumulateOp>())
        continue;
      if (terminator->getNumOperands() > 1) {
        function.emitError("not fused: expected @") << function.getName() << " to return the sum over tiles alone, got "
                                                    << terminator->getNumOperands() << " results";
        return signalPassFailure();
      }
      if (failed(Fusion(function, saveForBackward).run(terminator->getOperand(0))))
        return signalPassFailure();
    }
  }
};
} // namespace

// analog-fuse: a function of the algebra -> one tiled_mvm. See Passes.td.
//
// Expects functions that return one analog.accumulate; other functions are left alone. Leaves functions of one
// tiled_mvm.
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/ScalarGradient.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace mho::analog {
#define GEN_PASS_DEF_ANALOGFUSEPASS
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

using namespace mlir;
using namespace mho::analog;

namespace {

/// A layer as a chain of effects around one mvm.
struct Layer {
  AccumulateOp accumulate;
  MvmOp mvm;
  SmallVector<EffectOpInterface> input, weight, planes; // in the order of application
  BlockArgument inputRoot, weightRoot;
};

class Fusion {
public:
  Fusion(func::FuncOp function, bool save) : function(function), builder(function.getContext()), save(save) {}
  LogicalResult run(AccumulateOp accumulate);

private:
  LogicalResult findLayer(AccumulateOp accumulate);
  FailureOr<BlockArgument> chain(Value value, SmallVectorImpl<EffectOpInterface> &effects, StringRef what);
  LogicalResult collectParameters(ArrayRef<EffectOpInterface> effects, StringRef site);
  LogicalResult addStat(AbsMaxOp op, AxesAttr axes);
  int64_t addParam(Value value, AxesAttr axes);
  void addStrength(EffectOpInterface effect, StringRef site, const EffectParameter &parameter);
  TiledMvmOp createKernel();
  Value applyEffects(Region &region, unsigned elements, ArrayRef<EffectOpInterface> effects, ArrayRef<Axis> axes,
                     std::optional<Side> side, TiledMvmOp kernel, SmallVectorImpl<Value> *bits);
  void rewriteFunction(TiledMvmOp kernel);

  func::FuncOp function;
  OpBuilder builder;
  bool save;
  Layer layer;
  llvm::MapVector<Value, AxesAttr> params;        // kernel parameters, in order
  llvm::MapVector<Value, StatAttr> stats;         // absmax values -> statistics
  DenseMap<Operation *, SmallVector<Value>> uses; // of each effect: its parameters as values of `params` or `stats`
  SmallVector<Value> keys;
  llvm::StringSet<> strengthNames;
};

} // namespace

FailureOr<BlockArgument> Fusion::chain(Value value, SmallVectorImpl<EffectOpInterface> &effects, StringRef what) {
  while (auto effect = value.getDefiningOp<EffectOpInterface>()) {
    effects.insert(effects.begin(), effect);
    value = effect.getElementSource();
  }
  auto root = dyn_cast<BlockArgument>(value);
  if (!root) {
    emitError(value.getLoc(), "not fused: expected the ") << what << " to be a function argument behind its effects";
    return failure();
  }
  return root;
}

LogicalResult Fusion::findLayer(AccumulateOp accumulate) {
  layer.accumulate = accumulate;
  Value value = accumulate.getInput();
  while (auto effect = value.getDefiningOp<EffectOpInterface>()) {
    layer.planes.insert(layer.planes.begin(), effect);
    value = effect.getElementSource();
  }
  layer.mvm = value.getDefiningOp<MvmOp>();
  if (!layer.mvm)
    return accumulate.emitOpError("not fused: expected the planes of one analog.mvm behind the effects");
  FailureOr<BlockArgument> x = chain(layer.mvm.getInput(), layer.input, "input"),
                           w = chain(layer.mvm.getWeight(), layer.weight, "weight");
  if (failed(x) || failed(w))
    return failure();
  layer.inputRoot = *x;
  layer.weightRoot = *w;
  return success();
}

int64_t Fusion::addParam(Value value, AxesAttr axes) {
  auto [it, inserted] = params.insert({value, axes});
  return it - params.begin();
}

/// The statistic of the kernel that stands for an absmax of the raw input or weight.
LogicalResult Fusion::addStat(AbsMaxOp op, AxesAttr axes) {
  Side side = op.getInput() == layer.inputRoot ? Side::Lhs : Side::Rhs;
  if (op.getInput() != layer.inputRoot && op.getInput() != layer.weightRoot)
    return op.emitOpError("not fused: expected the largest absolute value of the layer's raw input or weight");
  if ((op.getPer() == Granularity::Row) != (side == Side::Lhs))
    return op.emitOpError(
        "not fused: expected 'per row' for the input and 'per channel' or 'per tensor' for the weight");
  stats.insert({op.getResult(), StatAttr::get(op.getContext(), StatKind::AbsMax, side, 0, axes)});
  return success();
}

/// A strength becomes a scalar argument of the function, named after where it acts, its op and its attribute.
void Fusion::addStrength(EffectOpInterface effect, StringRef site, const EffectParameter &parameter) {
  std::string base = (site + "." + effect->getName().stripDialect() + "." + parameter.name).str(), name = base;
  for (int i = 2; !strengthNames.insert(name).second; ++i)
    name = base + "#" + std::to_string(i);
  DictionaryAttr attributes =
      builder.getDictionaryAttr({builder.getNamedAttr(AnalogDialect::kNameAttr, builder.getStringAttr(name)),
                                 builder.getNamedAttr(AnalogDialect::kValueAttr, parameter.strength)});
  unsigned index = function.getNumArguments();
  function.insertArgument(index, builder.getF32Type(), attributes, effect->getLoc());
  Value argument = function.getArgument(index);
  addParam(argument, AxesAttr::get(builder.getContext(), {}));
  uses[effect].push_back(argument);
}

LogicalResult Fusion::collectParameters(ArrayRef<EffectOpInterface> effects, StringRef site) {
  for (EffectOpInterface effect : effects) {
    for (const EffectParameter &parameter : effect.getEffectParameters()) {
      if (parameter.strength) {
        addStrength(effect, site, parameter);
        continue;
      }
      uses[effect].push_back(parameter.value);
      if (auto absmax = parameter.value.getDefiningOp<AbsMaxOp>()) {
        if (failed(addStat(absmax, parameter.axes)))
          return failure();
      } else if (isa<BlockArgument>(parameter.value)) {
        addParam(parameter.value, parameter.axes);
      } else {
        return effect->emitOpError("not fused: expected its parameters to be function arguments or analog.absmax");
      }
    }
    for (Value key : effect.getEffectKeys())
      if (!llvm::is_contained(keys, key))
        keys.push_back(key);
  }
  return success();
}

/// Adds the block of a region and applies the effects to its first argument, in order.
Value Fusion::applyEffects(Region &region, unsigned elements, ArrayRef<EffectOpInterface> effects, ArrayRef<Axis> axes,
                           std::optional<Side> side, TiledMvmOp kernel, SmallVectorImpl<Value> *bits) {
  SmallVector<Type> types = kernel.getRegionArgumentTypes(region.getRegionNumber());
  Block *block =
      builder.createBlock(&region, region.end(), types, SmallVector<Location>(types.size(), function.getLoc()));
  // Visible parameters, then statistics, follow the elements.
  DenseMap<Value, Value> argumentOf;
  unsigned at = elements;
  for (int64_t i : kernel.getVisibleParams(axes))
    argumentOf[params.begin()[i].first] = block->getArgument(at++);
  for (int64_t i : kernel.getVisibleStats(axes, side))
    argumentOf[stats.begin()[i].first] = block->getArgument(at++);
  Value value = block->getArgument(0);
  for (EffectOpInterface effect : effects) {
    SmallVector<Value> arguments;
    for (Value use : uses[effect])
      arguments.push_back(argumentOf.lookup(use));
    SmallVector<int64_t> keyIndices;
    for (Value key : effect.getEffectKeys())
      keyIndices.push_back(llvm::find(keys, key) - keys.begin());
    value = effect.buildScalar(builder, effect->getLoc(), value, arguments, keyIndices);
    if (auto surrogate = value.getDefiningOp<SurrogateOp>(); surrogate && bits)
      llvm::append_range(*bits, surrogate.getSaved());
  }
  return value;
}

TiledMvmOp Fusion::createKernel() {
  MLIRContext *context = builder.getContext();
  Location loc = layer.mvm.getLoc();
  auto axes = [&](ArrayRef<Axis> list) { return AxesAttr::get(context, list); };
  RankedTensorType planes = layer.mvm.getType();

  SmallVector<Attribute> results{ResultAttr::get(context, ResultKind::Value, axes({Axis::M, Axis::N}), 0)}, statList,
      paramAxes;
  SmallVector<Type> types{layer.accumulate.getType()};
  for (auto &[value, stat] : stats)
    statList.push_back(stat);
  unsigned bitCount = 0;
  for (EffectOpInterface effect : layer.planes)
    bitCount += effect.getSavedBitCount();
  int64_t words = planes.isDynamicDim(2) ? ShapedType::kDynamic : (planes.getDimSize(2) + 31) / 32;
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
      AxisAttr::get(context, Axis::K), getTiling(layer.mvm), builder.getArrayAttr({axes({Axis::M, Axis::K})}),
      builder.getArrayAttr({axes({Axis::N, Axis::K})}), builder.getArrayAttr({}), builder.getArrayAttr(paramAxes),
      builder.getArrayAttr(statList), builder.getDenseI64ArrayAttr({0, 0}), builder.getArrayAttr(results));

  OpBuilder::InsertionGuard guard(builder);
  Value l =
      applyEffects(kernel.getLoadLhs(), 1, layer.input, kernel.getLoadAxes(Side::Lhs), Side::Lhs, kernel, nullptr);
  builder.create<YieldOp>(loc, ValueRange{l}, ValueRange{}, ValueRange{});
  Value r =
      applyEffects(kernel.getLoadRhs(), 1, layer.weight, kernel.getLoadAxes(Side::Rhs), Side::Rhs, kernel, nullptr);
  builder.create<YieldOp>(loc, ValueRange{r}, ValueRange{}, ValueRange{});
  SmallVector<Value> bits;
  Value e = applyEffects(kernel.getEndTile(), 1, layer.planes, kernel.getEndTileAxes(), std::nullopt, kernel, &bits);
  builder.create<YieldOp>(loc, ValueRange{e}, save ? ValueRange(bits) : ValueRange{}, ValueRange{});
  Value sum = applyEffects(kernel.getFinish(), 1, {}, kernel.getFinishAxes(), std::nullopt, kernel, nullptr);
  if (Value bias = layer.accumulate.getBias()) {
    unsigned at = 1;
    for (int64_t i : kernel.getVisibleParams(kernel.getFinishAxes())) {
      if (params.begin()[i].first == bias)
        sum = ScalarBuilder{builder, loc}.add(sum, kernel.getFinish().getArgument(at));
      ++at;
    }
  }
  builder.create<YieldOp>(loc, ValueRange{sum}, ValueRange{}, ValueRange{});
  return kernel;
}

void Fusion::rewriteFunction(TiledMvmOp kernel) {
  Operation *terminator = function.front().getTerminator();
  terminator->setOperands(kernel.getResults());
  function.setType(FunctionType::get(function.getContext(), function.getArgumentTypes(), kernel.getResultTypes()));
  unsigned i = 0;
  for (Attribute attr : kernel.getResultSpecs()) {
    ResultKind kind = cast<ResultAttr>(attr).getKind();
    StringRef name = kind == ResultKind::Value ? "y" : kind == ResultKind::Bits ? "saturation" : "row_range";
    function.setResultAttr(i++, AnalogDialect::kNameAttr, builder.getStringAttr(name));
  }
  eraseUnused(function.front(), kernel);
  kernel.pruneUnused();
}

LogicalResult Fusion::run(AccumulateOp accumulate) {
  if (failed(findLayer(accumulate)))
    return failure();
  builder.setInsertionPoint(accumulate);
  if (failed(collectParameters(layer.input, "input")) || failed(collectParameters(layer.weight, "weight")) ||
      failed(collectParameters(layer.planes, "tile")))
    return failure();
  if (Value bias = accumulate.getBias())
    addParam(bias, AxesAttr::get(builder.getContext(), {Axis::N}));
  rewriteFunction(createKernel());
  return success();
}

namespace {
struct FusePass : mho::analog::impl::AnalogFusePassBase<FusePass> {
  using AnalogFusePassBase::AnalogFusePassBase;
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.front().getTerminator()->getNumOperands() == 0)
        continue;
      auto accumulate = function.front().getTerminator()->getOperand(0).getDefiningOp<AccumulateOp>();
      if (accumulate && failed(Fusion(function, saveForBackward).run(accumulate)))
        return signalPassFailure();
    }
  }
};
} // namespace

// analog-fuse: a function of the algebra -> one tiled_mvm. See Passes.td.
//
// Expects functions that return one analog.accumulate; other functions are left alone. Leaves functions of one
// tiled_mvm.
#include "dialect/Numerics/Tiling.h"
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/ScalarGradient.h"

#include "llvm/ADT/StringMap.h"
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

/// A parameter of an effect: parameter or statistic `index` of the kernel.
struct Use {
  bool isStat;
  size_t index;
};

class Fusion {
public:
  Fusion(func::FuncOp function, bool save) : function(function), builder(function.getContext()), save(save) {}
  LogicalResult run(AccumulateOp accumulate);

private:
  LogicalResult findLayer(AccumulateOp accumulate);
  FailureOr<BlockArgument> chain(Value value, SmallVectorImpl<EffectOpInterface> &effects, StringRef what);
  LogicalResult collectParameters(ArrayRef<EffectOpInterface> effects, StringRef site);
  FailureOr<Use> addStat(AbsMaxOp op, AxesAttr axes);
  Use addParam(Value value, AxesAttr axes);
  void addStrength(EffectOpInterface effect, StringRef site, const EffectParameter &parameter);
  FailureOr<TiledMvmOp> createKernel();
  FailureOr<Value> applyEffects(TiledMvmOp kernel, unsigned region, ArrayRef<EffectOpInterface> effects,
                                SmallVectorImpl<Value> *bits = nullptr);
  void rewriteFunction(TiledMvmOp kernel);

  func::FuncOp function;
  OpBuilder builder;
  bool save;
  Layer layer;
  SmallVector<std::pair<Value, AxesAttr>> params; // of the kernel; a value may be read over several axes
  SmallVector<std::pair<Value, StatAttr>> stats;  // absmax values and what they are to the kernel
  DenseMap<Operation *, SmallVector<Use>> uses;   // of each effect: its parameters
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
  if (Value bias = accumulate.getBias(); bias && !isa<BlockArgument>(bias))
    return accumulate.emitOpError("not fused: expected the bias to be a function argument");
  layer.inputRoot = *x;
  layer.weightRoot = *w;
  return success();
}

/// Index of an entry in a list, to which it is added where it is new.
template <class Entry> static size_t indexIn(SmallVectorImpl<Entry> &list, const Entry &entry) {
  size_t index = llvm::find(list, entry) - list.begin();
  if (index == list.size())
    list.push_back(entry);
  return index;
}

Use Fusion::addParam(Value value, AxesAttr axes) { return {false, indexIn(params, {value, axes})}; }

/// The statistic of the kernel that stands for an absmax of the raw input or weight.
FailureOr<Use> Fusion::addStat(AbsMaxOp op, AxesAttr axes) {
  // One argument may be both factors: what the maximum is taken over says which is meant.
  bool isInput =
      op.getInput() == layer.inputRoot && (op.getPer() == Granularity::Row || layer.inputRoot != layer.weightRoot);
  Side side = isInput ? Side::Lhs : Side::Rhs;
  if (op.getInput() != layer.inputRoot && op.getInput() != layer.weightRoot)
    return op.emitOpError("not fused: expected the largest absolute value of the layer's raw input or weight");
  if ((op.getPer() == Granularity::Row) != (side == Side::Lhs))
    return op.emitOpError(
        "not fused: expected 'per row' for the input and 'per channel' or 'per tensor' for the weight");
  return Use{true, indexIn(stats, {op.getResult(), StatAttr::get(op.getContext(), StatKind::AbsMax, side, 0, axes)})};
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
        FailureOr<Use> use = addStat(absmax, parameter.axes);
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

/// Adds the block of a region and applies the effects to its first argument, in order.
FailureOr<Value> Fusion::applyEffects(TiledMvmOp kernel, unsigned region, ArrayRef<EffectOpInterface> effects,
                                      SmallVectorImpl<Value> *bits) {
  SmallVector<Type> types = kernel.getRegionArgumentTypes(region);
  Region &body = kernel->getRegion(region);
  Block *block = builder.createBlock(&body, body.end(), types, SmallVector<Location>(types.size(), function.getLoc()));
  // Visible parameters, then statistics, follow the elements.
  DenseMap<int64_t, Value> paramArgument, statArgument;
  unsigned at = kernel.getElementCount(region);
  for (int64_t i : kernel.getVisibleParams(region))
    paramArgument[i] = block->getArgument(at++);
  for (int64_t i : kernel.getVisibleStats(region))
    statArgument[i] = block->getArgument(at++);
  Value value = block->getArgument(0);
  for (EffectOpInterface effect : effects) {
    SmallVector<Value> arguments;
    for (Use use : uses[effect]) {
      arguments.push_back((use.isStat ? statArgument : paramArgument).lookup(use.index));
      if (!arguments.back())
        return effect->emitOpError("not fused: expected its scales to vary over axes of the elements it acts on, got ")
               << (use.isStat ? stats[use.index].second.getOver() : params[use.index].second).str();
    }
    SmallVector<int64_t> keyIndices;
    for (const EffectDraw &draw : effect.getEffectDraws())
      keyIndices.push_back(llvm::find(keys, draw.key) - keys.begin());
    value = effect.buildScalar(builder, effect->getLoc(), value, arguments, keyIndices);
    if (bits && effect.getSavedBitCount())
      llvm::append_range(*bits, value.getDefiningOp<SurrogateOp>().getSaved());
  }
  return value;
}

FailureOr<TiledMvmOp> Fusion::createKernel() {
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
  SmallVector<Value> bits;
  for (auto [region, effects] : {std::pair(TiledMvmOp::kLoadLhs, ArrayRef(layer.input)),
                                 {TiledMvmOp::kLoadRhs, ArrayRef(layer.weight)},
                                 {TiledMvmOp::kEndTile, ArrayRef(layer.planes)}}) {
    bool saves = region == TiledMvmOp::kEndTile;
    FailureOr<Value> value = applyEffects(kernel, region, effects, saves ? &bits : nullptr);
    if (failed(value))
      return failure();
    builder.create<YieldOp>(loc, ValueRange{*value}, saves && save ? ValueRange(bits) : ValueRange{}, ValueRange{});
  }
  Value sum = *applyEffects(kernel, TiledMvmOp::kFinish, {});
  if (Value bias = layer.accumulate.getBias()) {
    unsigned at = 1;
    for (int64_t i : kernel.getVisibleParams(TiledMvmOp::kFinish)) {
      if (params[i] == std::pair(bias, axes({Axis::N})))
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
  // Several results of a kind are numbered from the second on.
  llvm::StringMap<unsigned> count;
  for (unsigned i = 0; i < kernel.getOutputs().size(); ++i) {
    ResultKind kind = kernel.getResultSpec(i).getKind();
    std::string name = kind == ResultKind::Value ? "y" : kind == ResultKind::Bits ? "saturation" : "row_range";
    if (unsigned number = ++count[name]; number > 1)
      name += "#" + std::to_string(number);
    function.setResultAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(name));
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
  FailureOr<TiledMvmOp> kernel = createKernel();
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
      auto accumulate = terminator->getOperand(0).getDefiningOp<AccumulateOp>();
      if (!accumulate)
        continue;
      if (terminator->getNumOperands() > 1) {
        function.emitError("not fused: expected @") << function.getName() << " to return the sum over tiles alone, got "
                                                    << terminator->getNumOperands() << " results";
        return signalPassFailure();
      }
      if (failed(Fusion(function, saveForBackward).run(accumulate)))
        return signalPassFailure();
    }
  }
};
} // namespace

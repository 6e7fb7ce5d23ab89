// The regions of a fused kernel: each effect's scalar code where its elements are.
#include "dialect/Transforms/Fusion.h"

#include "dialect/IR/ScalarBuilder.h"

using namespace mlir;
using namespace mho::analog;

/// Adds the block of a region. Visible parameters, then statistics, follow its elements.
void Fusion::openRegion(TiledMvmOp kernel, unsigned region) {
  SmallVector<Type> types = kernel.getRegionArgumentTypes(region);
  Region &body = kernel->getRegion(region);
  Block *block = builder.createBlock(&body, body.end(), types, SmallVector<Location>(types.size(), function.getLoc()));
  paramArgument.clear();
  statArgument.clear();
  unsigned at = kernel.getElementCount(region);
  for (int64_t i : kernel.getVisibleParams(region))
    paramArgument[i] = block->getArgument(at++);
  for (int64_t i : kernel.getVisibleStats(region))
    statArgument[i] = block->getArgument(at++);
}

/// The parameters of an effect in the region under construction; null where it does not see one.
SmallVector<Value> Fusion::argumentsOf(EffectOpInterface effect) {
  SmallVector<Value> arguments;
  for (ParameterUse use : uses[effect])
    arguments.push_back((use.isStat ? statArgument : paramArgument).lookup(use.index));
  return arguments;
}

SmallVector<int64_t> Fusion::keyIndicesOf(EffectOpInterface effect) {
  SmallVector<int64_t> indices;
  for (const EffectDraw &draw : effect.getEffectDraws())
    indices.push_back(llvm::find(keys, draw.key) - keys.begin());
  return indices;
}

/// Applies the effects to `value`, in order. Further accumulators (of end_tile) and sums (of finish) are arguments of
/// the block.
FailureOr<Value> Fusion::applyEffects(Value value, ArrayRef<EffectOpInterface> effects, SmallVectorImpl<Value> *bits) {
  for (EffectOpInterface effect : effects) {
    SmallVector<Value> arguments = argumentsOf(effect), further;
    for (auto [use, argument] : llvm::zip(uses[effect], arguments))
      if (!argument)
        return effect->emitOpError("not fused: expected its scales to vary over axes of the elements it acts on, got ")
               << (use.isStat ? stats[use.index].second.getOver() : params[use.index].second).str();
    for (int64_t accumulator : accumulators[effect])
      further.push_back(builder.getBlock()->getArgument(accumulator));
    if (llvm::any_of(layer.further, [&](Value result) { return result.getDefiningOp() == effect; }))
      for (auto [i, made] :
           llvm::enumerate(effect.buildFurther(builder, value, further, arguments, keyIndicesOf(effect))))
        furtherValues[effect->getResult(1 + i)] = made;
    value = effect.buildScalar(builder, effect->getLoc(), value, further, arguments, keyIndicesOf(effect));
    if (bits && effect.getSavedBitCount())
      llvm::append_range(*bits, value.getDefiningOp<SurrogateOp>().getSaved());
  }
  return value;
}

/// Operations from `first` on that compute what one before them does give way to it: effects with a factor in common
/// share it.
static void shareEqualCode(Block &block, Block::iterator first) {
  for (Operation &op : llvm::make_early_inc_range(llvm::make_range(first, block.without_terminator().end())))
    for (Operation &before : llvm::make_range(block.begin(), op.getIterator()))
      if (OperationEquivalence::isEquivalentTo(&before, &op, OperationEquivalence::IgnoreLocations)) {
        op.replaceAllUsesWith(&before);
        op.erase();
        break;
      }
}

/// load_lhs or load_rhs: the factor of the mvm, then those of further accumulators, each once. Gives, of each effect on
/// the planes, the numbers of its factors among the loaded values.
LogicalResult Fusion::buildLoad(TiledMvmOp kernel, Side side, FactorNumbers &numbers) {
  openRegion(kernel, side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs);
  Block &block = *builder.getBlock();
  FailureOr<Value> element = applyEffects(block.getArgument(0), side == Side::Lhs ? layer.input : layer.weight);
  if (failed(element))
    return failure();
  Operation *last = block.empty() ? nullptr : &block.back();
  SmallVector<Value> factors{*element}, distinct;
  for (EffectOpInterface effect : layer.planes) {
    FailureOr<SmallVector<Value>> own =
        effect.buildFactors(builder, side, *element, argumentsOf(effect), keyIndicesOf(effect));
    if (failed(own))
      return failure();
    numbers[effect] = {0};
    for (Value factor : *own) {
      numbers[effect].push_back(factors.size());
      factors.push_back(factor);
    }
  }
  auto yield = builder.create<YieldOp>(layer.mvm.getLoc(), factors, ValueRange{}, ValueRange{});
  shareEqualCode(block, last ? std::next(last->getIterator()) : block.begin());
  SmallVector<int64_t> place;
  for (Value factor : yield.getValues())
    place.push_back(indexIn(distinct, factor));
  for (EffectOpInterface effect : layer.planes)
    for (int64_t &number : numbers[effect])
      number = place[number];
  yield.getValuesMutable().assign(distinct);
  return success();
}

/// Both load regions, and the accumulators of what they yield: the mvm's first, then further ones, each once.
LogicalResult Fusion::buildLoads(TiledMvmOp kernel) {
  FactorNumbers left, right;
  if (failed(buildLoad(kernel, Side::Lhs, left)) || failed(buildLoad(kernel, Side::Rhs, right)))
    return failure();
  SmallVector<std::pair<int64_t, int64_t>> pairs{{0, 0}};
  for (EffectOpInterface effect : layer.planes)
    for (auto [l, r] : effect.getFurtherAccumulators())
      accumulators[effect].push_back(indexIn(pairs, {left[effect][l], right[effect][r]}));
  SmallVector<int64_t> flat;
  for (auto [l, r] : pairs)
    flat.append({l, r});
  kernel.setAccumulators(flat);
  return success();
}

LogicalResult Fusion::buildEndTile(TiledMvmOp kernel) {
  openRegion(kernel, TiledMvmOp::kEndTile);
  SmallVector<Value> bits;
  FailureOr<Value> value = applyEffects(kernel.getEndTile().getArgument(0), layer.planes, &bits);
  if (failed(value))
    return failure();
  SmallVector<Value> summed{*value};
  for (Value result : layer.further)
    summed.push_back(furtherValues[result]);
  builder.create<YieldOp>(layer.mvm.getLoc(), summed, save ? ValueRange(bits) : ValueRange{}, ValueRange{});
  return success();
}

LogicalResult Fusion::buildFinish(TiledMvmOp kernel) {
  openRegion(kernel, TiledMvmOp::kFinish);
  Location loc = layer.mvm.getLoc();
  Value sum = kernel.getFinish().getArgument(0);
  if (Value bias = layer.accumulate.getBias()) {
    auto over = AxesAttr::get(builder.getContext(), {Axis::N});
    int64_t param = llvm::find(params, std::pair(bias, over)) - params.begin();
    sum = ScalarBuilder{builder, loc}.add(sum, paramArgument.lookup(param));
  }
  FailureOr<Value> value = applyEffects(sum, layer.output);
  if (failed(value))
    return failure();
  builder.create<YieldOp>(loc, ValueRange{*value}, ValueRange{}, ValueRange{});
  return success();
}

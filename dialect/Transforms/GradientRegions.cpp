// The regions of a gradient kernel.
#include "dialect/Transforms/GradientKernel.h"

using namespace mlir;
using namespace mho::analog;

static ValueRange yieldedBy(Region &region) { return cast<YieldOp>(region.front().getTerminator()).getValues(); }

//===-- arguments -------------------------------------------------------------------------------------------------===//

void GradientKernel::openRegion(Region &region) {
  auto owner = cast<TiledMvmOp>(region.getParentOp());
  SmallVector<Type> types = owner.getRegionArgumentTypes(region.getRegionNumber());
  builder.createBlock(&region, region.end(), types, SmallVector<Location>(types.size(), loc));
}

/// Maps the parameter and statistic arguments of a region of the forward kernel (by index) to those of a region of the
/// gradient kernel, where they are visible.
IRMapping GradientKernel::mapVisible(TiledMvmOp gradient, unsigned region, unsigned source) {
  Region &to = gradient->getRegion(region), &from = kernel->getRegion(source);
  DenseMap<int64_t, Value> paramArgument, statArgument;
  unsigned at = gradient.getElementCount(region);
  for (int64_t i : gradient.getVisibleParams(region))
    paramArgument[i] = to.getArgument(at++);
  for (int64_t i : gradient.getVisibleStats(region))
    statArgument[i] = to.getArgument(at++);

  IRMapping mapping;
  at = kernel.getElementCount(source);
  for (int64_t i : kernel.getVisibleParams(source)) {
    if (Value argument = paramArgument.lookup(i))
      mapping.map(from.getArgument(at), argument);
    ++at;
  }
  for (int64_t i : kernel.getVisibleStats(source)) {
    Value argument;
    if (importedStat.contains(i))
      argument = paramArgument.lookup(importedStat.lookup(i));
    else if (recomputedStat.contains(i))
      argument = statArgument.lookup(recomputedStat.lookup(i));
    if (argument)
      mapping.map(from.getArgument(at), argument);
    ++at;
  }
  return mapping;
}

/// The maps of the statistics that the gradient takes again.
void GradientKernel::copyMaps(TiledMvmOp gradient) {
  for (auto [from, to] : recomputedStat) {
    unsigned source = TiledMvmOp::kFirstMap + from, region = TiledMvmOp::kFirstMap + to;
    if (!kernel->getRegion(source).empty())
      buildMapped(gradient, region, source, {0});
  }
}

//===-- the end of a tile -----------------------------------------------------------------------------------------===//

/// The derivative of finish from `first` on, in a region that sees a tile: an element of the output is of none, so
/// that it has the indices of that, and draws of its own cannot be drawn again.
static LogicalResult leaveTile(Block &block, Operation *first) {
  SmallVector<IndexOp> indices;
  DrawOpInterface needed;
  for (Operation &op : llvm::make_range(first ? std::next(first->getIterator()) : block.begin(), block.end()))
    op.walk([&](Operation *inner) {
      if (auto draw = dyn_cast<DrawOpInterface>(inner))
        needed = draw;
      if (auto index = dyn_cast<IndexOp>(inner))
        if (index.getKind() == IndexKind::Tile || index.getKind() == IndexKind::TileRows)
          indices.push_back(index);
    });
  if (needed)
    return emitError(needed.getLoc(), "not differentiated: the derivative needs this number, which is drawn for an "
                                      "output and not kept for backward; draw it in an effect on the tile, or take "
                                      "surrogate(straight_through)");
  for (IndexOp index : indices) {
    OpBuilder builder(index);
    index.replaceAllUsesWith(builder.create<arith::ConstantIntOp>(index.getLoc(), 0, 32).getResult());
    index.erase();
  }
  return success();
}

/// g mapped back through finish and end_tile.
FailureOr<GradientKernel::TileGradient> GradientKernel::differentiateTile(IRMapping &finish, IRMapping &tile,
                                                                          Value gradient, ValueRange saved) {
  Region &finishRegion = kernel.getFinish(), &endTile = kernel.getEndTile();
  ScalarGradient throughFinish(builder, finish);
  unsigned sums = kernel.getSumCount();
  Block &block = *builder.getBlock();
  Operation *last = block.empty() ? nullptr : &block.back();
  if (failed(throughFinish.run(finishRegion, sums, {gradient})) || failed(leaveTile(block, last)))
    return failure();
  SmallVector<Value> seeds;
  for (Value sum : finishRegion.getArguments().take_front(sums))
    seeds.push_back(throughFinish.reaches(sum) ? throughFinish.of(sum) : Value());
  ScalarGradient throughTile(builder, tile);
  unsigned count = kernel.getAccumulatorCount();
  if (failed(throughTile.run(endTile, count, seeds, saved)))
    return failure();
  TileGradient result;
  for (BlockArgument accumulator : endTile.getArguments().take_front(count)) {
    std::optional<unsigned> &index = result.valueOf.emplace_back();
    if (!throughTile.reaches(accumulator))
      continue;
    Value value = throughTile.of(accumulator);
    index = llvm::find(result.values, value) - result.values.begin();
    if (*index == result.values.size())
      result.values.push_back(value);
  }
  if (result.values.empty())
    result.values.push_back(ScalarBuilder{builder, loc}.constant(0));
  result.reductions = throughTile.reductions();
  return result;
}

/// Differentiates in a block where everything is at hand, and looks what is used of it.
FailureOr<TilePlan> GradientKernel::planTile() {
  Block scratch;
  builder.setInsertionPointToEnd(&scratch);
  auto copyArguments = [&](Region &region, IRMapping &mapping) {
    for (BlockArgument argument : region.getArguments())
      mapping.map(argument, scratch.addArgument(argument.getType(), loc));
  };
  Value gradient = scratch.addArgument(builder.getF32Type(), loc);
  SmallVector<Value> saved;
  for (size_t i = 0; i < kernel.getResultsOf({ResultKind::Bits}).size(); ++i)
    saved.push_back(scratch.addArgument(builder.getI1Type(), loc));
  IRMapping finish, tile;
  copyArguments(kernel.getEndTile(), tile);
  copyArguments(kernel.getFinish(), finish);
  // The sums over tiles, which nothing knows backward.
  for (BlockArgument sum : kernel.getFinish().getArguments().take_front(kernel.getSumCount()))
    finish.erase(sum);
  FailureOr<TileGradient> result = differentiateTile(finish, tile, gradient, saved);
  if (failed(result))
    return failure();
  Operation *yield = builder.create<YieldOp>(loc, result->values, ValueRange{}, ValueRange{});
  eraseUnused(scratch, [&](Operation *op) { return op == yield; });

  TilePlan plan{result->valueOf, unsigned(result->values.size()), !result->reductions.empty()};
  auto isUsed = [&](unsigned argument) { return !tile.lookup(kernel.getEndTile().getArgument(argument)).use_empty(); };
  for (int64_t i = 0; i < kernel.getAccumulatorCount(); ++i)
    plan.recompute |= isUsed(i);
  SmallVector<int64_t> visible = kernel.getVisibleStats(TiledMvmOp::kEndTile);
  unsigned firstStat = kernel.getEndTile().getNumArguments() - visible.size();
  for (auto [i, stat] : llvm::enumerate(visible))
    plan.recompute |= !isExported(kernel, stat) && isUsed(firstStat + i);
  return plan;
}

/// end_tile of the kernel that contracts as forward did.
LogicalResult GradientKernel::buildEndTile(TiledMvmOp gradient) {
  OpBuilder::InsertionGuard guard(builder);
  Region &region = gradient.getEndTile();
  openRegion(region);
  unsigned count = kernel.getAccumulatorCount();
  IRMapping finish = mapVisible(gradient, TiledMvmOp::kEndTile, TiledMvmOp::kFinish),
            tile = mapVisible(gradient, TiledMvmOp::kEndTile, TiledMvmOp::kEndTile);
  tile.map(kernel.getEndTile().getArguments().take_front(count), region.getArguments().take_front(count));
  FailureOr<TileGradient> result =
      differentiateTile(finish, tile, region.getArgument(count), region.getArguments().slice(count + 1, bits.size()));
  if (failed(result))
    return failure();
  SmallVector<Value> summands;
  for (const PendingReduction &reduction : result->reductions)
    llvm::append_range(summands, reduction.summands);
  builder.create<YieldOp>(loc, result->values, ValueRange{}, summands);
  return buildTail(gradient, TiledMvmOp::kEndTile, result->reductions);
}

//===-- loads -----------------------------------------------------------------------------------------------------===//

/// load_lhs of @f_dx and @f_dw: the gradients of the accumulators that are `used`.
LogicalResult GradientKernel::buildGradientLoad(TiledMvmOp gradient, ArrayRef<unsigned> used) {
  OpBuilder::InsertionGuard guard(builder);
  Region &region = gradient.getLoadLhs();
  openRegion(region);
  if (plan.recompute) {
    builder.create<YieldOp>(loc, region.getArguments().take_front(used.size()), ValueRange{}, ValueRange{});
    return success();
  }
  IRMapping finish = mapVisible(gradient, TiledMvmOp::kLoadLhs, TiledMvmOp::kFinish),
            tile = mapVisible(gradient, TiledMvmOp::kLoadLhs, TiledMvmOp::kEndTile);
  // What is not here stands for itself until nothing uses it, as planTile() has seen.
  Region &endTile = kernel.getEndTile();
  unsigned arguments = region.getNumArguments();
  for (BlockArgument argument : endTile.getArguments())
    if (!tile.contains(argument))
      tile.map(argument, region.addArgument(argument.getType(), loc));
  FailureOr<TileGradient> result =
      differentiateTile(finish, tile, region.getArgument(0), region.getArguments().slice(1, bits.size()));
  if (failed(result))
    return failure();
  SmallVector<Value> values;
  for (unsigned i : used)
    values.push_back(result->values[i]);
  builder.create<YieldOp>(loc, values, ValueRange{}, ValueRange{});
  eraseUnused(region.front());
  region.front().eraseArguments(arguments, region.getNumArguments() - arguments);
  return success();
}

/// A draw becomes what leaves the element alone: a normal is 0 (so that a fused multiply-add that it scales is its
/// addend), a uniform 1. Draws in surrogates too.
static void removeDraws(Block &block) {
  SmallVector<DrawOpInterface> draws;
  block.walk([&](DrawOpInterface draw) { draws.push_back(draw); });
  for (DrawOpInterface draw : draws) {
    bool normal = isa<NormalOp>(draw);
    Value number = draw->getResult(0);
    // Each once, though it may use the number twice; not where the number is only the addend.
    llvm::SetVector<Operation *> users(number.user_begin(), number.user_end());
    for (Operation *user : users)
      if (auto fma = dyn_cast<math::FmaOp>(user); fma && normal && (fma.getA() == number || fma.getB() == number)) {
        fma.replaceAllUsesWith(fma.getC());
        fma.erase();
      }
    OpBuilder builder(draw);
    number.replaceAllUsesWith(ScalarBuilder{builder, draw.getLoc()}.constant(normal ? 0 : 1));
    draw.erase();
  }
}

/// A region of one element that yields the values of `source` that are `used`, its code copied.
void GradientKernel::buildMapped(TiledMvmOp gradient, unsigned region, unsigned source, ArrayRef<unsigned> used) {
  OpBuilder::InsertionGuard guard(builder);
  Region &from = kernel->getRegion(source), &to = gradient->getRegion(region);
  openRegion(to);
  IRMapping mapping = mapVisible(gradient, region, source);
  mapping.map(from.getArgument(0), to.getArgument(0));
  YieldOp yield = cloneRegionBody(builder, from, mapping);
  SmallVector<Value> values;
  for (unsigned i : used)
    values.push_back(mapping.lookupOrDefault(yield.getValues()[i]));
  builder.create<YieldOp>(loc, values, ValueRange{}, ValueRange{});
}

/// A factor as forward saw it, or without its noise.
void GradientKernel::buildLoad(TiledMvmOp gradient, unsigned region, unsigned source, ArrayRef<unsigned> used,
                               bool noiseFree) {
  buildMapped(gradient, region, source, used);
  if (!noiseFree)
    return;
  inlineSurrogates(gradient->getRegion(region).front());
  removeDraws(gradient->getRegion(region).front());
}

//===-- sums ------------------------------------------------------------------------------------------------------===//

/// The products of which a side's gradient is made: none of an accumulator whose gradient is 0, or whose factor of the
/// side does not vary with the operand.
SmallVector<GradientKernel::Pair> GradientKernel::choosePairs(Side side) {
  Region &load = side == Side::Lhs ? kernel.getLoadLhs() : kernel.getLoadRhs();
  DenseSet<Value> active = activeValuesOf(load.front(), 1);
  SmallVector<Pair> pairs;
  ArrayRef<int64_t> accumulators = kernel.getAccumulators();
  auto factorOf = [&](int64_t accumulator, Side of) {
    return unsigned(accumulators[2 * accumulator + (of == Side::Rhs)]);
  };
  Side other = side == Side::Lhs ? Side::Rhs : Side::Lhs;
  for (int64_t i = 0; i < kernel.getAccumulatorCount(); ++i) {
    unsigned own = factorOf(i, side);
    if (plan.gradientOf[i] && active.contains(yieldedBy(load)[own]))
      pairs.push_back({own, *plan.gradientOf[i], factorOf(i, other)});
  }
  // A kernel contracts something, though nothing uses the sum.
  if (pairs.empty())
    pairs.push_back({std::nullopt, 0, factorOf(0, other)});
  return pairs;
}

/// finish: the sums of the pairs, mapped back through the load region of `side` at the epilogue element.
LogicalResult GradientKernel::buildFinish(TiledMvmOp gradient, Side side, ArrayRef<Pair> pairs) {
  OpBuilder::InsertionGuard guard(builder);
  unsigned source = side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs;
  Region &region = gradient.getFinish(), load;
  IRMapping mapping;
  kernel->getRegion(source).cloneInto(&load, mapping);
  // A weight's effects are differentiated without their noise, so that nothing that only scales it is needed.
  if (side == Side::Rhs)
    removeDraws(load.front());
  openRegion(region);
  mapping.clear();
  IRMapping visible = mapVisible(gradient, TiledMvmOp::kFinish, source);
  for (auto [argument, copy] : llvm::zip(kernel->getRegion(source).getArguments(), load.getArguments()))
    if (Value value = visible.lookupOrNull(argument))
      mapping.map(copy, value);
  mapping.map(load.getArgument(0), region.getArgument(pairs.size()));
  SmallVector<Value> seeds(yieldedBy(load).size());
  for (auto [i, pair] : llvm::enumerate(pairs))
    if (pair.own) {
      Value sum = region.getArgument(i), &seed = seeds[*pair.own];
      seed = seed ? ScalarBuilder{builder, loc}.add(seed, sum) : sum;
    }
  ScalarGradient scalar(builder, mapping);
  if (failed(scalar.run(load, 1, seeds)))
    return failure();
  SmallVector<Value> summands;
  for (const PendingReduction &reduction : scalar.reductions())
    llvm::append_range(summands, reduction.summands);
  builder.create<YieldOp>(loc, ValueRange{scalar.of(load.getArgument(0))}, ValueRange{}, summands);
  return buildTail(gradient, source, scalar.reductions());
}

/// The parameter of the gradient kernel that a value of a region of the forward kernel is, as one that forward has or
/// in place of a statistic.
std::optional<int64_t> GradientKernel::ownParamOf(unsigned source, Value value) {
  if (std::optional<int64_t> param = paramOf(kernel, source, value))
    return param;
  SmallVector<int64_t> visible = kernel.getVisibleStats(source);
  unsigned first = kernel.getElementCount(source) + kernel.getVisibleParams(source).size();
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getArgNumber() < first)
    return std::nullopt;
  auto imported = importedStat.find(visible[argument.getArgNumber() - first]);
  return imported == importedStat.end() ? std::nullopt : std::optional<int64_t>(imported->second);
}

/// tail: each surrogate's own tail gives the gradients of its parameters in place of its first reductions; the others
/// are passed through. A parameter of several surrogates has one gradient, their sum in the place of the first.
LogicalResult GradientKernel::buildTail(TiledMvmOp gradient, unsigned source, ArrayRef<PendingReduction> reductions) {
  if (reductions.empty())
    return success();
  OpBuilder::InsertionGuard guard(builder);
  Region &region = gradient.getTail();
  openRegion(region);
  SmallVector<int64_t> visible = gradient.getVisibleParams(TiledMvmOp::kTail);
  SmallVector<Value> yielded(region.getArguments().take_front(gradient.getReductions().size()));
  unsigned first = 0;
  for (const PendingReduction &reduction : reductions) {
    SurrogateOp surrogate = reduction.surrogate;
    Region &tail = surrogate.getTail();
    size_t count = reduction.summands.size();
    AxesAttr over = gradient.getResultSpec(gradient.getReductions()[first]).getOver();
    IRMapping mapping;
    mapping.map(tail.getArguments().take_front(count), region.getArguments().slice(first, count));
    // The tail knows no element: the surrogate's other inputs must be parameters, which it sees by the same index.
    for (auto [i, input] : llvm::enumerate(surrogate.getInputs().drop_front())) {
      BlockArgument argument = tail.getArgument(count + i);
      std::optional<int64_t> param = ownParamOf(source, input);
      auto *found = llvm::find(visible, param.value_or(-1));
      if (found != visible.end() && gradient.getAxesOf(gradient.getParamAxes(), *param).within(over.getAxes()))
        mapping.map(argument, region.getArgument(yielded.size() + (found - visible.begin())));
      else if (!argument.use_empty())
        return surrogate.emitOpError("not differentiated: expected input ")
               << i + 1 << ", which its tail uses, to be a parameter over axes of its gradient";
    }
    YieldOp yield = cloneRegionBody(builder, tail, mapping);
    for (auto [i, input] : llvm::enumerate(surrogate.getWrt())) {
      Value value = mapping.lookupOrDefault(yield.getValues()[i]);
      Value param = kernel.getParams()[*paramOf(kernel, source, surrogate.getInputs()[input])];
      auto [it, isFirst] = parameterGradients.insert({cast<BlockArgument>(param).getArgNumber(), first + i});
      AxesAttr before = gradient.getResultSpec(gradient.getReductions()[it->second]).getOver();
      if (before != over)
        return surrogate.emitOpError("not differentiated: expected a parameter that is used twice to be over the same "
                                     "axes, got ")
               << before.str() << " and " << over.str();
      Value &total = yielded[it->second];
      total = isFirst ? value : ScalarBuilder{builder, loc}.add(total, value);
    }
    first += count;
  }
  builder.create<YieldOp>(loc, yielded, ValueRange{}, ValueRange{});
  return success();
}

// tiled_mvm: which axes, parameters and statistics each region sees, and what it takes.
#include "dialect/IR/Scalar.h"

using namespace mlir;
using namespace mho::analog;

std::string TiledMvmOp::getRegionName(unsigned region) {
  constexpr StringLiteral names[] = {"load_lhs", "load_rhs", "end_tile", "finish", "tail"};
  return region < kFirstMap ? names[region].str() : "map of statistic " + std::to_string(region - kFirstMap);
}

bool TiledMvmOp::isBits(Value operand) {
  auto type = dyn_cast<RankedTensorType>(operand.getType());
  return type && type.getElementType().isInteger(32);
}

SmallVector<int64_t> TiledMvmOp::getResultsOf(ArrayRef<ResultKind> kinds) {
  SmallVector<int64_t> list;
  for (auto [i, attr] : llvm::enumerate(getResultSpecs()))
    if (llvm::is_contained(kinds, cast<ResultAttr>(attr).getKind()))
      list.push_back(i);
  return list;
}

SmallVector<int64_t> TiledMvmOp::getReductions() {
  return getResultsOf({ResultKind::Sum, ResultKind::Count, ResultKind::TileSum, ResultKind::TileCount});
}

std::pair<Axis, Axis> TiledMvmOp::getOutputAxes() {
  switch (getContract()) {
  case Axis::K:
    return {Axis::M, Axis::N};
  case Axis::N:
    return {Axis::M, Axis::K};
  default:
    return {Axis::N, Axis::K};
  }
}

std::pair<Axis, Axis> TiledMvmOp::getElementAxes(Side side) {
  ArrayAttr axes = side == Side::Lhs ? getLhsAxes() : getRhsAxes();
  SmallVector<Axis> list;
  for (Axis axis : getAxesOf(axes, 0).getAxes())
    if (axis != Axis::T)
      list.push_back(axis);
  return {list.front(), list.back()};
}

/// The side that a region reads its element from and whose statistics it sees; none for end_tile and finish, which see
/// all.
static std::optional<Side> sideOf(TiledMvmOp op, unsigned region) {
  if (region == TiledMvmOp::kLoadLhs || region == TiledMvmOp::kLoadRhs)
    return region == TiledMvmOp::kLoadLhs ? Side::Lhs : Side::Rhs;
  if (region >= TiledMvmOp::kFirstMap)
    return op.getStat(region - TiledMvmOp::kFirstMap).getSide();
  return std::nullopt;
}

SmallVector<Axis> TiledMvmOp::getVisibleAxes(unsigned region) {
  if (std::optional<Side> side = sideOf(*this, region)) {
    auto [row, column] = getElementAxes(*side);
    return {Axis::T, row, column};
  }
  auto [row, column] = getOutputAxes();
  if (region == kTail) { // those of any reduction
    SmallVector<Axis> axes;
    for (Axis axis : {Axis::T, row, column})
      if (llvm::any_of(getReductions(), [&](int64_t i) { return getResultSpec(i).getOver().contains(axis); }))
        axes.push_back(axis);
    return axes;
  }
  if (region == kFinish && isForward())
    return {row, column};
  return {Axis::T, row, column};
}

static SmallVector<int64_t> indicesWithin(ArrayAttr list, ArrayRef<Axis> axes) {
  SmallVector<int64_t> indices;
  for (auto [i, attr] : llvm::enumerate(list))
    if (cast<AxesAttr>(attr).within(axes))
      indices.push_back(i);
  return indices;
}

SmallVector<int64_t> TiledMvmOp::getVisibleEpilogue(unsigned region) {
  return indicesWithin(getEpilogueAxes(), getVisibleAxes(region));
}

SmallVector<int64_t> TiledMvmOp::getVisibleParams(unsigned region) {
  SmallVector<int64_t> list = indicesWithin(getParamAxes(), getVisibleAxes(region));
  if (region == kTail) // a parameter over axes of several reductions is of no place that the tail has
    llvm::erase_if(list, [&](int64_t param) {
      AxesAttr over = getAxesOf(getParamAxes(), param);
      return llvm::none_of(getReductions(),
                           [&](int64_t i) { return over.within(getResultSpec(i).getOver().getAxes()); });
    });
  return list;
}

SmallVector<int64_t> TiledMvmOp::getVisibleStats(unsigned region) {
  SmallVector<int64_t> list;
  if (region == kTail)
    return list;
  SmallVector<Axis> axes = getVisibleAxes(region);
  std::optional<Side> side = sideOf(*this, region);
  // A map sees what is reduced before it.
  int64_t count = region >= kFirstMap ? region - kFirstMap : getStats().size();
  for (int64_t i = 0; i < count; ++i)
    if ((!side || getStat(i).getSide() == *side) && getStat(i).getOver().within(axes))
      list.push_back(i);
  return list;
}

unsigned TiledMvmOp::getSumCount() {
  Region &endTile = getEndTile();
  if (!endTile.hasOneBlock() || endTile.front().empty() || !isa<YieldOp>(endTile.front().back()))
    return 0;
  size_t yielded = yieldOf(endTile).getValues().size(), planes = getResultsOf({ResultKind::Planes}).size();
  return yielded - std::min(yielded, planes);
}

unsigned TiledMvmOp::getElementCount(unsigned region) {
  switch (region) {
  case kLoadLhs:
    return getLhs().size();
  case kLoadRhs:
    return getRhs().size();
  case kEndTile:
    return getAccumulatorCount() + getVisibleEpilogue(region).size();
  case kFinish:
    return (isForward() ? getSumCount() : getAccumulatorCount()) + getVisibleEpilogue(region).size();
  case kTail:
    return getReductions().size();
  default:
    return 1;
  }
}

SmallVector<Type> TiledMvmOp::getRegionArgumentTypes(unsigned region) {
  Type f32 = Float32Type::get(getContext()), i1 = IntegerType::get(getContext(), 1);
  SmallVector<Type> types;
  auto typeOf = [&](Value operand) { return isBits(operand) ? i1 : f32; };
  if (region == kLoadLhs || region == kLoadRhs) {
    for (Value operand : region == kLoadLhs ? getLhs() : getRhs())
      types.push_back(typeOf(operand));
  } else if (region == kEndTile || region == kFinish) {
    SmallVector<int64_t> epilogue = getVisibleEpilogue(region);
    types.append(getElementCount(region) - epilogue.size(), f32);
    for (int64_t i : epilogue)
      types.push_back(typeOf(getEpilogue()[i]));
  } else {
    types.append(getElementCount(region), f32);
  }
  types.append(getVisibleParams(region).size() + getVisibleStats(region).size(), f32);
  return types;
}

//===-- pruning ---------------------------------------------------------------------------------------------------===//

namespace {
/// Which parameters and statistics of a kernel its regions use.
struct Usage {
  explicit Usage(TiledMvmOp op);
  /// Calls back with (region, argument, flag of its parameter or statistic) for every region that takes part.
  void visit(llvm::function_ref<void(Region &, unsigned, bool &)> callback);

  TiledMvmOp op;
  SmallVector<bool> params, stats;
};
} // namespace

Usage::Usage(TiledMvmOp op) : op(op), params(op.getParams().size()), stats(op.getStats().size()) {
  for (int64_t i : op.getResultsOf({ResultKind::Stat}))
    stats[op.getResultSpec(i).getStat()] = true;
  // The map of a statistic that is used may use statistics before it: as many rounds as there may be stages.
  for (size_t round = 0; round <= stats.size(); ++round)
    visit([](Region &region, unsigned at, bool &used) { used |= !region.getArgument(at).use_empty(); });
}

void Usage::visit(llvm::function_ref<void(Region &, unsigned, bool &)> callback) {
  for (Region &region : op->getRegions()) {
    unsigned index = region.getRegionNumber();
    if (region.empty() || (index >= TiledMvmOp::kFirstMap && !stats[index - TiledMvmOp::kFirstMap]))
      continue;
    unsigned at = op.getElementCount(index);
    for (int64_t p : op.getVisibleParams(index))
      callback(region, at++, params[p]);
    for (int64_t s : op.getVisibleStats(index))
      callback(region, at++, stats[s]);
  }
}

/// Keeps the yielded values of these numbers, and parameters that are learned: their gradient is one though it be 0.
static void keepValues(Region &region, ArrayRef<int64_t> numbers) {
  auto yield = cast<YieldOp>(region.front().getTerminator());
  SmallVector<Value> values;
  for (int64_t number : numbers)
    values.push_back(yield.getValues()[number]);
  yield.getValuesMutable().assign(values);
  eraseUnused(region.front(), [](Operation *op) {
    auto surrogate = dyn_cast<SurrogateOp>(op);
    return surrogate && !surrogate.getWrt().empty();
  });
}

/// Accumulators that the region which takes them does not use, and the loaded values that no other accumulator has a
/// part of. One stays where none is used.
static void pruneAccumulators(TiledMvmOp op) {
  Region &taker = op.isForward() ? op.getEndTile() : op.getFinish();
  if (taker.empty())
    return;
  BitVector unused(taker.getNumArguments());
  SmallVector<int64_t> pairs, loaded[2];
  for (int64_t i = 0; i < op.getAccumulatorCount(); ++i) {
    bool isLast = i + 1 == op.getAccumulatorCount();
    if (taker.getArgument(i).use_empty() && !(isLast && pairs.empty())) {
      unused.set(i);
      continue;
    }
    for (size_t side : {0, 1}) {
      int64_t number = op.getAccumulators()[2 * i + side];
      if (!llvm::is_contained(loaded[side], number))
        loaded[side].push_back(number);
      pairs.push_back(llvm::find(loaded[side], number) - loaded[side].begin());
    }
  }
  if (unused.none())
    return;
  taker.front().eraseArguments(unused);
  keepValues(op.getLoadLhs(), loaded[0]);
  keepValues(op.getLoadRhs(), loaded[1]);
  op.setAccumulators(pairs);
}

TiledMvmOp TiledMvmOp::pruneUnused() {
  pruneAccumulators(*this);
  Usage usage(*this);
  DenseMap<Region *, BitVector> unused;
  usage.visit([&](Region &region, unsigned at, bool &used) {
    unused.try_emplace(&region, region.getNumArguments()).first->second[at] = !used;
  });
  for (auto &[region, arguments] : unused)
    region->front().eraseArguments(arguments);

  SmallVector<Value> params;
  SmallVector<Attribute> axes, stats, results;
  for (auto [i, used] : llvm::enumerate(usage.params))
    if (used) {
      params.push_back(getParams()[i]);
      axes.push_back(getParamAxes()[i]);
    }
  SmallVector<int64_t> newIndex;
  for (auto [i, used] : llvm::enumerate(usage.stats)) {
    newIndex.push_back(stats.size());
    if (used)
      stats.push_back(getStats()[i]);
  }
  for (size_t i = 0; i < getResultSpecs().size(); ++i) {
    ResultAttr spec = getResultSpec(i);
    int64_t stat = spec.getKind() == ResultKind::Stat ? newIndex[spec.getStat()] : 0;
    results.push_back(ResultAttr::get(getContext(), spec.getKind(), spec.getOver(), stat));
  }
  // The number of regions is part of an op: another op takes the bodies.
  OpBuilder builder(*this);
  auto pruned = builder.create<TiledMvmOp>(
      getLoc(), getResultTypes(), getLhs(), getRhs(), getEpilogue(), params, getKeys(), getInit(), getContractAttr(),
      getTileAxisAttr(), getTiling(), getLhsAxes(), getRhsAxes(), getEpilogueAxes(), builder.getArrayAttr(axes),
      builder.getArrayAttr(stats), getAccumulatorsAttr(), builder.getArrayAttr(results), stats.size());
  pruned->setDiscardableAttrs((*this)->getDiscardableAttrDictionary());
  for (unsigned i = 0; i < kFirstMap; ++i)
    pruned->getRegion(i).takeBody(getOperation()->getRegion(i));
  for (auto [i, used] : llvm::enumerate(usage.stats))
    if (used)
      pruned->getRegion(kFirstMap + newIndex[i]).takeBody(getOperation()->getRegion(kFirstMap + i));
  getOperation()->replaceAllUsesWith(pruned);
  erase();
  return pruned;
}

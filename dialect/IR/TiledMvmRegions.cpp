// tiled_mvm: the verifier of its regions, which runs after that of the ops in them.
#include "dialect/IR/Scalar.h"

using namespace mlir;
using namespace mho::analog;

namespace {
/// What a region has to yield.
struct Yielded {
  std::optional<size_t> values; ///< none: one or more
  size_t bits = 0;
  SmallVector<Type> reductions = {};
};
} // namespace

/// f32 for each sum, i1 for each count.
static SmallVector<Type> summandTypes(TiledMvmOp op, ResultKind sum, ResultKind count) {
  SmallVector<Type> types;
  for (int64_t i : op.getResultsOf({sum, count}))
    types.push_back(op.getResultSpec(i).getKind() == sum ? Type(Float32Type::get(op.getContext()))
                                                         : Type(IntegerType::get(op.getContext(), 1)));
  return types;
}

static Yielded expectedYield(TiledMvmOp op, unsigned region) {
  switch (region) {
  case TiledMvmOp::kLoadLhs:
  case TiledMvmOp::kLoadRhs:
    return {};
  case TiledMvmOp::kEndTile: {
    size_t planes = op.getResultsOf({ResultKind::Planes}).size(), yielded = yieldOf(op.getEndTile()).getValues().size();
    return {op.getFinish().empty() ? planes : std::max(planes + 1, yielded), op.getResultsOf({ResultKind::Bits}).size(),
            summandTypes(op, ResultKind::TileSum, ResultKind::TileCount)};
  }
  case TiledMvmOp::kFinish:
    return {op.getResultsOf({ResultKind::Value}).size(), 0, summandTypes(op, ResultKind::Sum, ResultKind::Count)};
  case TiledMvmOp::kTail:
    return {op.getReductions().size()};
  default:
    return {1};
  }
}

static LogicalResult verifyRegion(TiledMvmOp op, unsigned index) {
  Region &region = op->getRegion(index);
  std::string name = TiledMvmOp::getRegionName(index);
  if (!region.hasOneBlock() || !isa<YieldOp>(region.front().getTerminator())) // tiled_mvm_c18
    return op.emitOpError("expected region ")
           << name << " to be one block that ends in analog.yield, got "
           << (region.hasOneBlock() ? region.front().getTerminator()->getName().getStringRef() : "several blocks");
  SmallVector<Type> expected = op.getRegionArgumentTypes(index);
  if (TypeRange(region.getArgumentTypes()) != TypeRange(expected)) // tiled_mvm_c22
    return op.emitOpError("expected region ") << name << " to take " << expected.size() << " arguments (" << expected
                                              << "), got (" << region.getArgumentTypes() << ")";
  Yielded due = expectedYield(op, index);
  YieldOp yield = yieldOf(region);
  if (due.values ? yield.getValues().size() != *due.values : yield.getValues().empty()) // tiled_mvm_c19
    return op.emitOpError("expected region ")
           << name << " to yield " << due.values.value_or(1) << (due.values ? "" : " or more") << " values, got "
           << yield.getValues().size();
  if (yield.getBits().size() != due.bits ||
      TypeRange(yield.getReductions()) != TypeRange(due.reductions)) // tiled_mvm_c20
    return op.emitOpError("expected region ")
           << name << " to yield " << due.bits << " bits and reductions of (" << due.reductions << "), got "
           << yield.getBits().size() << " and (" << yield.getReductions().getTypes() << ")";
  return verifyScalarCode(region);
}

static LogicalResult verifyAccumulators(TiledMvmOp op) {
  ArrayRef<int64_t> pairs = op.getAccumulators();
  if (pairs.empty() || pairs.size() % 2) // tiled_mvm_c23
    return op.emitOpError("expected one or more accumulator pairs, got ") << pairs.size() << " values";
  int64_t loaded[] = {int64_t(yieldOf(op.getLoadLhs()).getValues().size()),
                      int64_t(yieldOf(op.getLoadRhs()).getValues().size())};
  for (size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i] < 0 || pairs[i] >= loaded[i % 2]) // tiled_mvm_c24
      return op.emitOpError("expected accumulator ") << i / 2 << " to name one of " << loaded[i % 2] << " loaded "
                                                     << (i % 2 ? "rhs" : "lhs") << " values, got " << pairs[i];
  return success();
}

/// Every draw names a key, and shares it and a stream with another only as a redraw of the same kind.
static LogicalResult verifyDraws(TiledMvmOp op) {
  DenseMap<std::pair<uint64_t, uint64_t>, DrawOpInterface> seen;
  auto mapOf = [](Operation *draw) { return draw->getAttr("map"); }; // of a normal; a uniform has none
  WalkResult result = op->walk([&](DrawOpInterface draw) -> WalkResult {
    if (int64_t(draw.getKey()) < 0 || draw.getKey() >= op.getKeys().size()) // tiled_mvm_c26
      return draw->emitOpError("expected a key from 0 to ")
             << int64_t(op.getKeys().size()) - 1 << ", got " << int64_t(draw.getKey());
    auto [it, first] = seen.try_emplace({draw.getKey(), draw.getStream()}, draw);
    DrawOpInterface before = it->second;
    if (!first && !draw.getRedraw() && !before.getRedraw()) // tiled_mvm_c27
      return draw->emitOpError("expected a stream of its own, got ")
             << draw.getStream() << " of key " << draw.getKey() << "; a draw that repeats another is marked 'redraw'";
    if (!first && (draw->getName() != before->getName() || mapOf(draw) != mapOf(before))) // tiled_mvm_c37
      return draw->emitOpError("expected a redraw to be of the kind of what it repeats, '")
             << before->getName() << "' with its map";
    if (before.getRedraw())
      it->second = draw;
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// The arguments of a region that a value is made of.
static DenseSet<Value> argumentsBehind(Value value) {
  DenseSet<Value> seen;
  SmallVector<Value> next{value};
  while (!next.empty()) {
    Value v = next.pop_back_val();
    if (!seen.insert(v).second)
      continue;
    if (Operation *op = v.getDefiningOp())
      llvm::append_range(next, op->getOperands());
  }
  return seen;
}

/// The tail runs at the places of each reduction, where it knows no reductions and no parameters over other axes.
static LogicalResult verifyTail(TiledMvmOp op) {
  WalkResult placed = op.getTail().walk([](Operation *nested) -> WalkResult {
    if (isa<DrawOpInterface, IndexOp>(nested)) // tiled_mvm_c39
      return nested->emitOpError("expected neither draw nor index in the tail, which has no element");
    return WalkResult::advance();
  });
  if (placed.wasInterrupted() || op.getTail().empty())
    return failure(placed.wasInterrupted());
  Block &tail = op.getTail().front();
  SmallVector<int64_t> reductions = op.getReductions(), params = op.getVisibleParams(TiledMvmOp::kTail);
  for (auto [i, value] : llvm::zip(reductions, yieldOf(op.getTail()).getValues())) {
    AxesAttr over = op.getResultSpec(i).getOver();
    DenseSet<Value> used = argumentsBehind(value);
    for (auto [at, argument] : llvm::enumerate(tail.getArguments())) {
      bool isReduction = at < reductions.size();
      AxesAttr other = isReduction ? op.getResultSpec(reductions[at]).getOver()
                                   : op.getAxesOf(op.getParamAxes(), params[at - reductions.size()]);
      bool known = isReduction ? other == over : other.within(over.getAxes());
      if (used.contains(argument) && !known) // tiled_mvm_c35
        return op.emitOpError("expected what the tail makes of a reduction over ")
               << over.str() << " to depend on what is known there, got "
               << (isReduction ? "a reduction" : "a parameter") << " over " << other.str();
    }
  }
  return success();
}

LogicalResult TiledMvmOp::verifyRegions() {
  if (getEndTile().empty() == isForward()) // tiled_mvm_c21
    return emitOpError("expected an end_tile region exactly where the tiled axis is contracted, got ")
           << (getEndTile().empty() ? "none" : "one");
  bool finishes = !getResultsOf({ResultKind::Value, ResultKind::Sum, ResultKind::Count}).empty();
  if (getFinish().empty() == finishes) // tiled_mvm_c25
    return emitOpError("expected a finish region exactly where there is a value, sum or count result, got ")
           << (getFinish().empty() ? "none" : "one");
  if (!getTail().empty() && getReductions().empty()) // tiled_mvm_c38
    return emitOpError("expected a tail region only where there are reductions, got none of these");
  for (unsigned i = 0; i < getOperation()->getNumRegions(); ++i)
    if (!getOperation()->getRegion(i).empty() && failed(verifyRegion(*this, i)))
      return failure();
  if (failed(verifyAccumulators(*this)))
    return failure();
  return failure(failed(verifyTail(*this)) || failed(verifyDraws(*this)));
}

// tiled_mvm: which axes, parameters and statistics each region sees, and its verifier.
#include "dialect/IR/AnalogDialect.h"

using namespace mlir;
using namespace mho::analog;

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

SmallVector<Axis> TiledMvmOp::getLoadAxes(Side side) {
  auto [row, column] = getElementAxes(side);
  return {Axis::T, row, column};
}

SmallVector<Axis> TiledMvmOp::getEndTileAxes() { return {Axis::T, Axis::M, Axis::N}; }

SmallVector<Axis> TiledMvmOp::getFinishAxes() {
  auto [row, column] = getOutputAxes();
  if (column == Axis::K)
    return {Axis::T, row, column};
  return {row, column};
}

SmallVector<int64_t> TiledMvmOp::getVisibleParams(ArrayRef<Axis> axes) {
  SmallVector<int64_t> list;
  for (auto [i, attr] : llvm::enumerate(getParamAxes()))
    if (cast<AxesAttr>(attr).within(axes))
      list.push_back(i);
  return list;
}

SmallVector<int64_t> TiledMvmOp::getVisibleStats(ArrayRef<Axis> axes, std::optional<Side> side) {
  SmallVector<int64_t> list;
  for (auto [i, attr] : llvm::enumerate(getStats())) {
    auto stat = cast<StatAttr>(attr);
    if ((!side || stat.getSide() == *side) && stat.getOver().within(axes))
      list.push_back(i);
  }
  return list;
}

SmallVector<Axis> TiledMvmOp::getVisibleAxes(unsigned region) {
  switch (region) {
  case 0:
    return getLoadAxes(Side::Lhs);
  case 1:
    return getLoadAxes(Side::Rhs);
  case 2:
    return getEndTileAxes();
  case 3:
    return getFinishAxes();
  default: {
    SmallVector<int64_t> reductions = getResultsOf({ResultKind::Sum, ResultKind::Count});
    return reductions.empty() ? SmallVector<Axis>()
                              : llvm::to_vector(cast<ResultAttr>(getResultSpecs()[reductions[0]]).getOver().getAxes());
  }
  }
}

unsigned TiledMvmOp::getElementCount(unsigned region) {
  switch (region) {
  case 0:
    return getLhs().size();
  case 1:
    return getRhs().size();
  case 2:
    return getAccumulatorCount();
  case 3:
    return 1 + getEpilogue().size();
  default:
    return getResultsOf({ResultKind::Sum, ResultKind::Count}).size();
  }
}

void TiledMvmOp::pruneUnused() {
  SmallVector<bool> usedParam(getParams().size()), usedStat(getStats().size());
  for (Attribute attr : getResultSpecs())
    if (cast<ResultAttr>(attr).getKind() == ResultKind::Stat)
      usedStat[cast<ResultAttr>(attr).getStat()] = true;
  // Visits (block argument, its flag) of a region in order of its arguments.
  auto visit = [&](unsigned i, auto callback) {
    std::optional<Side> side;
    if (i < 2)
      side = i == 0 ? Side::Lhs : Side::Rhs;
    unsigned at = getElementCount(i);
    SmallVector<Axis> axes = getVisibleAxes(i);
    for (int64_t p : getVisibleParams(axes))
      callback(at++, usedParam[p]);
    for (int64_t s : i < 4 ? getVisibleStats(axes, side) : SmallVector<int64_t>())
      callback(at++, usedStat[s]);
  };
  SmallVector<BitVector> unused;
  for (unsigned i = 0; i < 5; ++i)
    if (!getRegion(i).empty())
      visit(i, [&](unsigned at, bool &used) { used |= !getRegion(i).getArgument(at).use_empty(); });
  for (unsigned i = 0; i < 5; ++i) {
    unused.emplace_back(getRegion(i).empty() ? 0 : getRegion(i).getNumArguments());
    if (!getRegion(i).empty())
      visit(i, [&](unsigned at, bool &used) { unused[i][at] = !used; });
  }
  for (unsigned i = 0; i < 5; ++i)
    if (!getRegion(i).empty())
      getRegion(i).front().eraseArguments(unused[i]);

  SmallVector<Attribute> axes, stats, results;
  for (int64_t i = usedParam.size() - 1; i >= 0; --i)
    if (!usedParam[i])
      getParamsMutable().erase(i);
  for (auto [used, attr] : llvm::zip(usedParam, getParamAxes()))
    if (used)
      axes.push_back(attr);
  SmallVector<int64_t> newIndex;
  for (auto [used, attr] : llvm::zip(usedStat, getStats())) {
    newIndex.push_back(stats.size());
    if (used)
      stats.push_back(attr);
  }
  for (Attribute attr : getResultSpecs()) {
    auto spec = cast<ResultAttr>(attr);
    bool stat = spec.getKind() == ResultKind::Stat;
    results.push_back(
        ResultAttr::get(getContext(), spec.getKind(), spec.getOver(), stat ? newIndex[spec.getStat()] : 0));
  }
  setParamAxesAttr(ArrayAttr::get(getContext(), axes));
  setStatsAttr(ArrayAttr::get(getContext(), stats));
  setResultSpecsAttr(ArrayAttr::get(getContext(), results));
}

SmallVector<Type> TiledMvmOp::getRegionArgumentTypes(unsigned region) {
  Type f32 = Float32Type::get(getContext()), i1 = IntegerType::get(getContext(), 1);
  SmallVector<Type> types;
  auto elements = [&](OperandRange operands) {
    for (Value operand : operands)
      types.push_back(isBits(operand) ? i1 : f32);
  };
  SmallVector<Axis> axes = getVisibleAxes(region);
  auto visible = [&](std::optional<Side> side, bool stats = true) {
    types.append(getVisibleParams(axes).size(), f32);
    if (stats)
      types.append(getVisibleStats(axes, side).size(), f32);
  };
  switch (region) {
  case 0:
    elements(getLhs());
    visible(Side::Lhs);
    break;
  case 1:
    elements(getRhs());
    visible(Side::Rhs);
    break;
  case 2:
    types.append(getAccumulatorCount(), f32);
    visible(std::nullopt);
    break;
  case 3:
    types.push_back(f32);
    elements(getEpilogue());
    visible(std::nullopt);
    break;
  default: {
    types.append(getElementCount(region), f32);
    visible(std::nullopt, false);
  }
  }
  return types;
}

static LogicalResult verifyOperands(TiledMvmOp op, OperandRange operands, ArrayAttr axes, StringRef what) {
  if (operands.size() != axes.size()) // tiled_mvm_c1
    return op.emitOpError("expected axes for each of ")
           << operands.size() << " " << what << " operands, got " << axes.size();
  for (auto [operand, attr] : llvm::zip(operands, axes)) {
    auto over = cast<AxesAttr>(attr);
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    int64_t rank = type ? type.getRank() : 0;
    if (rank != int64_t(over.getAxes().size())) // tiled_mvm_c2
      return op.emitOpError("expected a ")
             << what << " operand of rank " << over.getAxes().size() << " over " << over.str() << ", got rank " << rank;
    if (TiledMvmOp::isBits(operand) && (over.getAxes().empty() || over.getAxes().back() != Axis::N)) // tiled_mvm_c3
      return op.emitOpError("expected packed bits to have n as their last axis, got ") << over.str();
  }
  return success();
}

/// Every static size of an axis is the same wherever it occurs; bits hold ceil(n / 32) words and take no part.
static LogicalResult verifySizes(TiledMvmOp op) {
  int64_t sizes[4] = {ShapedType::kDynamic, ShapedType::kDynamic, ShapedType::kDynamic, ShapedType::kDynamic};
  auto check = [&](Type type, AxesAttr over, bool bits) -> LogicalResult {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return success();
    for (auto [axis, size] : llvm::zip(over.getAxes(), tensor.getShape())) {
      int64_t &known = sizes[size_t(axis)];
      if (ShapedType::isDynamic(size) || (bits && axis == Axis::N))
        continue;
      if (!ShapedType::isDynamic(known) && known != size) // tiled_mvm_c4
        return op.emitOpError("expected one size of axis ")
               << stringifyAxis(axis) << ", got " << known << " and " << size;
      known = size;
    }
    return success();
  };
  auto all = [&](OperandRange operands, ArrayAttr axes) -> LogicalResult {
    for (auto [operand, attr] : llvm::zip(operands, axes))
      if (failed(check(operand.getType(), cast<AxesAttr>(attr), TiledMvmOp::isBits(operand))))
        return failure();
    return success();
  };
  if (failed(all(op.getLhs(), op.getLhsAxes())) || failed(all(op.getRhs(), op.getRhsAxes())) ||
      failed(all(op.getEpilogue(), op.getEpilogueAxes())) || failed(all(op.getParams(), op.getParamAxes())))
    return failure();
  for (auto [result, attr] : llvm::zip(op.getOutputs(), op.getResultSpecs())) {
    auto spec = cast<ResultAttr>(attr);
    if (failed(check(result.getType(), spec.getOver(), spec.getKind() == ResultKind::Bits)))
      return failure();
  }
  int64_t k = sizes[size_t(Axis::K)], t = sizes[size_t(Axis::T)];
  if (!ShapedType::isDynamic(k) && !ShapedType::isDynamic(t) && op.getTiling().getTileCount(k) != t) // tiled_mvm_c5
    return op.emitOpError("expected ") << op.getTiling().getTileCount(k) << " tiles for k = " << k << ", got " << t;
  return success();
}

/// Each side reads the contracted axis and its own output axis.
static LogicalResult verifySides(TiledMvmOp op) {
  if (op.getContract() == Axis::T) // tiled_mvm_c6
    return op.emitOpError("expected to contract m, n or k, got t");
  if (op.getLhs().empty() || op.getRhs().empty()) // tiled_mvm_c7
    return op.emitOpError("expected at least one lhs and one rhs operand");
  auto [row, column] = op.getOutputAxes();
  for (Side side : {Side::Lhs, Side::Rhs}) {
    Axis outer = side == Side::Lhs ? row : column;
    ArrayAttr axes = side == Side::Lhs ? op.getLhsAxes() : op.getRhsAxes();
    AxesAttr first = op.getAxesOf(axes, 0);
    if (!first.contains(op.getContract()) || !first.contains(outer) ||
        first.getAxes().size() - first.contains(Axis::T) != 2) // tiled_mvm_c8
      return op.emitOpError("expected the first ")
             << stringifySide(side) << " operand over " << stringifyAxis(op.getContract()) << " and "
             << stringifyAxis(outer) << ", got " << first.str();
    for (Attribute attr : axes)
      if (!cast<AxesAttr>(attr).within(op.getLoadAxes(side))) // tiled_mvm_c9
        return op.emitOpError("expected ")
               << stringifySide(side) << " axes among t, " << stringifyAxis(op.getContract()) << ", "
               << stringifyAxis(outer) << ", got " << cast<AxesAttr>(attr).str();
  }
  return success();
}

static LogicalResult verifyStats(TiledMvmOp op) {
  for (Attribute attr : op.getStats()) {
    auto stat = cast<StatAttr>(attr);
    OperandRange operands = stat.getSide() == Side::Lhs ? op.getLhs() : op.getRhs();
    if (stat.getOperand() < 0 || stat.getOperand() >= int64_t(operands.size())) // tiled_mvm_c10
      return op.emitOpError("expected a statistic of ") << stringifySide(stat.getSide()) << " operand 0 to "
                                                        << operands.size() - 1 << ", got " << stat.getOperand();
    auto [row, column] = op.getElementAxes(stat.getSide());
    ArrayRef<Axis> over = stat.getOver().getAxes();
    bool perRow = over.size() == 2 && over[0] == Axis::T && over[1] == row,
         perTile = over.size() == 1 && over[0] == Axis::T;
    if (column != Axis::K || !(perRow || perTile)) // tiled_mvm_c11
      return op.emitOpError("expected a statistic over (t) or (t, ")
             << stringifyAxis(row) << ") of an operand whose columns are k, got " << stat.getOver().str();
  }
  return success();
}

static LogicalResult verifyResults(TiledMvmOp op) {
  if (op.getOutputs().size() != op.getResultSpecs().size()) // tiled_mvm_c12
    return op.emitOpError("expected ") << op.getResultSpecs().size() << " results, got " << op.getOutputs().size();
  auto [row, column] = op.getOutputAxes();
  bool forward = op.getContract() == Axis::K;
  for (Attribute attr : op.getResultSpecs()) {
    auto spec = cast<ResultAttr>(attr);
    ArrayRef<Axis> over = spec.getOver().getAxes();
    switch (spec.getKind()) {
    case ResultKind::Value:
      if (over.size() != 2 || over[0] != row || over[1] != column) // tiled_mvm_c13
        return op.emitOpError("expected the value over (")
               << stringifyAxis(row) << ", " << stringifyAxis(column) << "), got " << spec.getOver().str();
      break;
    case ResultKind::Stat:
      if (spec.getStat() < 0 || spec.getStat() >= int64_t(op.getStats().size()) ||
          cast<StatAttr>(op.getStats()[spec.getStat()]).getOver() != spec.getOver()) // tiled_mvm_c14
        return op.emitOpError("expected an exported statistic from 0 to ")
               << int64_t(op.getStats().size()) - 1 << " with its axes, got " << spec.getStat() << " over "
               << spec.getOver().str();
      break;
    case ResultKind::Bits:
      if (!forward || over != ArrayRef<Axis>({Axis::T, Axis::M, Axis::N})) // tiled_mvm_c15
        return op.emitOpError("expected bits over (t, m, n) of a contraction over k, got ") << spec.getOver().str();
      break;
    default:
      if (!spec.getOver().within(op.getFinishAxes())) // tiled_mvm_c16
        return op.emitOpError("expected a reduction over axes of the finish region, got ") << spec.getOver().str();
    }
  }
  if (op.getResultsOf({ResultKind::Value}).size() > 1) // tiled_mvm_c17
    return op.emitOpError("expected at most one value result");
  return success();
}

static LogicalResult verifyYield(TiledMvmOp op, Region &region, StringRef name, std::optional<size_t> values,
                                 size_t bits, TypeRange reductions) {
  auto yield = dyn_cast<YieldOp>(region.front().getTerminator());
  if (!yield) // tiled_mvm_c18
    return op.emitOpError("expected region ") << name << " to end in analog.yield";
  if (values ? yield.getValues().size() != *values : yield.getValues().empty()) // tiled_mvm_c19
    return op.emitOpError("expected region ")
           << name << " to yield " << (values ? *values : 1) << (values ? "" : " or more") << " values, got "
           << yield.getValues().size();
  if (yield.getBits().size() != bits || TypeRange(yield.getReductions()) != reductions) // tiled_mvm_c20
    return op.emitOpError("expected region ")
           << name << " to yield " << bits << " bits and " << reductions.size() << " reductions, got "
           << yield.getBits().size() << " and " << yield.getReductions().size();
  return success();
}

static LogicalResult verifyRegionCode(TiledMvmOp op) {
  static constexpr StringLiteral names[] = {"load_lhs", "load_rhs", "end_tile", "finish", "tail"};
  bool forward = op.getContract() == Axis::K;
  if (op.getEndTile().empty() == forward) // tiled_mvm_c21
    return op.emitOpError("expected an end_tile region exactly where k is contracted");
  for (auto [i, region] : llvm::enumerate(op->getRegions())) {
    if (region.empty())
      continue;
    SmallVector<Type> expected = op.getRegionArgumentTypes(i);
    if (TypeRange(region.getArgumentTypes()) != TypeRange(expected)) // tiled_mvm_c22
      return op.emitOpError("expected region ") << names[i] << " to take " << expected.size() << " arguments ("
                                                << expected << "), got " << region.getArgumentTypes();
  }
  SmallVector<Type> reductions;
  for (int64_t i : op.getResultsOf({ResultKind::Sum, ResultKind::Count}))
    reductions.push_back(cast<ResultAttr>(op.getResultSpecs()[i]).getKind() == ResultKind::Sum
                             ? Type(Float32Type::get(op.getContext()))
                             : Type(IntegerType::get(op.getContext(), 1)));
  size_t values = op.getResultsOf({ResultKind::Value}).size(), bits = op.getResultsOf({ResultKind::Bits}).size();
  if (failed(verifyYield(op, op.getLoadLhs(), names[0], std::nullopt, 0, {})) ||
      failed(verifyYield(op, op.getLoadRhs(), names[1], std::nullopt, 0, {})) ||
      failed(verifyYield(op, op.getFinish(), names[3], values, 0, reductions)))
    return failure();
  if (forward && failed(verifyYield(op, op.getEndTile(), names[2], 1, bits, {})))
    return failure();
  if (!op.getTail().empty() && failed(verifyYield(op, op.getTail(), names[4], reductions.size(), 0, {})))
    return failure();
  auto count = [](Region &region) { return cast<YieldOp>(region.front().getTerminator()).getValues().size(); };
  ArrayRef<int64_t> pairs = op.getAccumulators();
  if (pairs.empty() || pairs.size() % 2) // tiled_mvm_c23
    return op.emitOpError("expected one or more accumulator pairs");
  for (size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i] < 0 || pairs[i] >= int64_t(count(i % 2 ? op.getLoadRhs() : op.getLoadLhs()))) // tiled_mvm_c24
      return op.emitOpError("expected accumulator ")
             << i / 2 << " to name a loaded " << (i % 2 ? "rhs" : "lhs") << " value, got " << pairs[i];
  if (!forward && pairs.size() != 2) // tiled_mvm_c25
    return op.emitOpError("expected one accumulator where there is no end_tile region, got ") << pairs.size() / 2;
  return success();
}

/// Two draws that are no redraws of each other may not share a key and a stream; every draw names a key.
static LogicalResult verifyDraws(TiledMvmOp op) {
  DenseMap<std::pair<int64_t, int64_t>, Region *> seen;
  WalkResult result = op->walk([&](Operation *inner) {
    std::optional<std::pair<int64_t, int64_t>> draw;
    if (auto normal = dyn_cast<NormalOp>(inner))
      draw = {normal.getKey(), normal.getStream()};
    else if (auto uniform = dyn_cast<UniformOp>(inner))
      draw = {uniform.getKey(), uniform.getStream()};
    if (!draw)
      return WalkResult::advance();
    if (draw->first < 0 || draw->first >= int64_t(op.getKeys().size())) { // tiled_mvm_c26
      inner->emitOpError("expected a key from 0 to ") << int64_t(op.getKeys().size()) - 1 << ", got " << draw->first;
      return WalkResult::interrupt();
    }
    if (!seen.try_emplace(*draw, inner->getParentRegion()).second) { // tiled_mvm_c27
      inner->emitOpError("expected two draws not to share stream ") << draw->second << " of key " << draw->first;
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult TiledMvmOp::verify() {
  if (failed(verifyOperands(*this, getLhs(), getLhsAxes(), "lhs")) ||
      failed(verifyOperands(*this, getRhs(), getRhsAxes(), "rhs")) ||
      failed(verifyOperands(*this, getEpilogue(), getEpilogueAxes(), "epilogue")) ||
      failed(verifyOperands(*this, getParams(), getParamAxes(), "params")))
    return failure();
  if (failed(verifySides(*this)) || failed(verifyStats(*this)) || failed(verifyResults(*this)) ||
      failed(verifySizes(*this)))
    return failure();
  if (failed(verifyRegionCode(*this)))
    return failure();
  return verifyDraws(*this);
}

// Inputs of a kernel: operands, statistics, load regions, contraction.
#include "dialect/Reference/KernelEvaluator.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

//===-- operands --------------------------------------------------------------------------------------------------===//

llvm::Error KernelEvaluator::bindGroup(OperandRange values, ArrayAttr axes, StringRef what,
                                       SmallVectorImpl<Operand> &group) {
  for (auto [value, attr] : llvm::zip_equal(values, axes)) {
    Operand operand{&env[value], cast<AxesAttr>(attr), TiledMvmOp::isBits(value)};
    if (llvm::Error error = unifySizes(sizes, *operand.tensor, operand.axes, what, operand.bits))
      return error;
    group.push_back(operand);
  }
  return llvm::Error::success();
}

llvm::Error KernelEvaluator::bindOperands() {
  if (llvm::Error error = bindGroup(op.getLhs(), op.getLhsAxes(), "lhs", lhs))
    return error;
  if (llvm::Error error = bindGroup(op.getRhs(), op.getRhsAxes(), "rhs", rhs))
    return error;
  int64_t cut = sizes[op.getTileAxis()];
  tiles.emplace(op.getTiling(), cut);
  if (sizes[Axis::T] != Sizes::kUnknown && sizes[Axis::T] != tiles->count())
    return fail("expected " + Twine(tiles->count()) + " tiles for " + Twine(cut) + " inputs, got " +
                Twine(sizes[Axis::T]));
  sizes[Axis::T] = tiles->count();
  if (llvm::Error error = bindGroup(op.getEpilogue(), op.getEpilogueAxes(), "epilogue", epilogue))
    return error;
  if (llvm::Error error = bindGroup(op.getParams(), op.getParamAxes(), "params", params))
    return error;
  for (auto [group, what] : {std::pair(&lhs, "lhs"), std::pair(&rhs, "rhs"), std::pair(&epilogue, "epilogue")})
    for (const Operand &operand : *group)
      if (llvm::Error error =
              operand.bits ? checkWords(sizes, *operand.tensor, operand.axes, what) : llvm::Error::success())
        return error;
  if (op.getInit()) {
    auto [rowAxis, columnAxis] = op.getOutputAxes();
    SmallVector<int64_t> expected{sizes[rowAxis], sizes[columnAxis]};
    if (env[op.getInit()].shape != expected)
      return fail("expected init to have the shape of the value result, got " + env[op.getInit()].shapeText());
  }
  return bindKeys();
}

llvm::Error KernelEvaluator::bindKeys() {
  for (Value key : op.getKeys()) {
    llvm::Expected<Key> read = readKey(env[key]);
    if (!read)
      return read.takeError();
    keys.push_back(*read);
  }
  return checkAddresses();
}

/// Every draw's greatest address lies within the fields of the counter.
llvm::Error KernelEvaluator::checkAddresses() {
  llvm::Error error = llvm::Error::success();
  op->walk([&](DrawOpInterface draw) {
    bool words = isa<UniformOp>(draw) || cast<NormalOp>(draw).getMap() == GaussianMap::Word;
    Region *region = draw->getParentRegion();
    while (region->getParentOp() != op)
      region = region->getParentOp()->getParentRegion();
    SmallVector<Axis> visible = op.getVisibleAxes(region->getRegionNumber());
    if (!error && visible.size() >= 2)
      error = checkDraws(sizes[visible[visible.size() - 2]], sizes[visible.back()], tiles->count(), words);
  });
  return error;
}

/// Coordinates and draw address of an element; a column on the tiled axis counts from the first of its tile.
Element KernelEvaluator::elementAt(Axis rowAxis, int64_t row, Axis columnAxis, int64_t column, int64_t tile) {
  Element e;
  e[rowAxis] = e.row = row;
  e[columnAxis] = e.column = column;
  e[Axis::T] = e.tile = tile;
  e.tileRows = tiles->physicalRows(tile);
  if (columnAxis == op.getTileAxis())
    e.column -= tiles->begin(tile);
  return e;
}

/// Runs a region for one element: its element values, then the parameters and statistics it sees.
llvm::Expected<ScalarInterpreter> KernelEvaluator::runRegion(unsigned region, const Element &element,
                                                             ArrayRef<double> elements) {
  SmallVector<double> arguments(elements);
  for (int64_t i : op.getVisibleParams(region))
    arguments.push_back(params[i].at(element));
  for (int64_t i : op.getVisibleStats(region))
    arguments.push_back(stats[i].at(element));
  Block &block = op->getRegion(region).front();
  ScalarInterpreter scalar(a, keys, element, env.options.draws);
  scalar.bind(block.getArguments(), arguments);
  if (llvm::Error error = scalar.run(block))
    return error;
  return scalar;
}

//===-- statistics ------------------------------------------------------------------------------------------------===//

/// The element that a statistic reduces: that of its operand, through its map if it has one.
llvm::Expected<double> KernelEvaluator::statElement(int64_t stat, const Element &element) {
  StatAttr attr = op.getStat(stat);
  double raw = (attr.getSide() == Side::Lhs ? lhs : rhs)[attr.getOperand()].at(element);
  Region &map = op.getStatMaps()[stat];
  if (map.empty())
    return raw;
  llvm::Expected<ScalarInterpreter> scalar = runRegion(TiledMvmOp::kFirstMap + stat, element, raw);
  if (!scalar)
    return scalar.takeError();
  return scalar->value(yieldOf(map).getValues()[0]);
}

/// In order: a map may use the statistics before it. A sum is taken in the order of a reduction.
llvm::Error KernelEvaluator::evalStats() {
  statValues.reserve(op.getStats().size()); // `stats` points into it
  for (int64_t i = 0; i < int64_t(op.getStats().size()); ++i) {
    StatAttr stat = op.getStat(i);
    auto [rowAxis, columnAxis] = op.getElementAxes(stat.getSide());
    std::vector<Patch> patches = patchesOfColumns(*tiles, sizes[rowAxis]);
    SmallVector<int64_t> shape;
    for (Axis axis : stat.getOver().getAxes())
      shape.push_back(sizes[axis]);
    Tensor largest = Tensor::zeros(shape);
    // Counts are exact whatever the precision.
    Arithmetic arithmetic = stat.getKind() == StatKind::Count ? Arithmetic{Precision::F64} : a;
    for (Patch &patch : patches)
      for (int64_t row = 0; row < sizes[rowAxis]; ++row)
        for (int64_t k = patch.columnBegin; k < patch.columnEnd; ++k) {
          Element e = elementAt(rowAxis, row, columnAxis, k, patch.tile);
          llvm::Expected<double> v = statElement(i, e);
          if (!v)
            return v.takeError();
          patch.at(row, k) = stat.getKind() == StatKind::Count ? 1 : *v;
          double &max = stat.getOver().getAxes().size() == 1 ? largest.at({patch.tile}) : largest.at({patch.tile, row});
          max = Arithmetic::max(max, std::fabs(*v));
        }
    bool isMax = stat.getKind() == StatKind::AbsMax;
    statValues.push_back(isMax ? largest : reduce(patches, stat.getOver(), rowAxis, columnAxis, sizes, arithmetic));
    stats.push_back({&statValues.back(), stat.getOver(), false});
  }
  return llvm::Error::success();
}

//===-- load regions and contraction ------------------------------------------------------------------------------===//

/// The load region of a side for every element and every tile it is used with: the tile that it lies in, or all tiles
/// where the side has no tiled axis.
llvm::Error KernelEvaluator::load(Side side) {
  Loaded &into = loaded[size_t(side)];
  into.axes = op.getElementAxes(side);
  auto [rowAxis, columnAxis] = into.axes;
  unsigned region = side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs;
  YieldOp yield = yieldOf(op->getRegion(region));
  int64_t count = yield.getValues().size(), rows = sizes[rowAxis], columns = sizes[columnAxis];
  Axis tiled = op.getTileAxis();
  into.values = Tensor::zeros({count, tiles->count(), rows, columns});
  for (int64_t t = 0; t < tiles->count(); ++t)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        if ((columnAxis == tiled && tiles->of(j) != t) || (rowAxis == tiled && tiles->of(i) != t))
          continue;
        Element e = elementAt(rowAxis, i, columnAxis, j, t);
        SmallVector<double> elements;
        for (const Operand &operand : side == Side::Lhs ? lhs : rhs)
          elements.push_back(operand.at(e));
        llvm::Expected<ScalarInterpreter> scalar = runRegion(region, e, elements);
        if (!scalar)
          return scalar.takeError();
        for (auto [v, value] : llvm::enumerate(yield.getValues()))
          into.values.at({int64_t(v), t, i, j}) = scalar->value(value);
      }
  return llvm::Error::success();
}

/// Sum of the products of accumulator pair `pair` over the contracted axis from `begin` to `end`, rounded once.
double KernelEvaluator::contraction(int64_t pair, const Element &output, int64_t begin, int64_t end) {
  auto factor = [&](Side side, int64_t c) {
    const Loaded &from = loaded[size_t(side)];
    Element e = output;
    e[op.getContract()] = c;
    int64_t value = op.getAccumulators()[2 * pair + (side == Side::Rhs)];
    return from.values.at({value, e[Axis::T], e[from.axes.first], e[from.axes.second]});
  };
  double sum = 0;
  for (int64_t c = begin; c < end; ++c)
    sum += factor(Side::Lhs, c) * factor(Side::Rhs, c);
  return a.round(sum);
}

llvm::Error KernelEvaluator::run() {
  if (llvm::Error error = bindOperands())
    return error;
  if (llvm::Error error = evalStats())
    return error;
  createResults();
  for (Side side : {Side::Lhs, Side::Rhs})
    if (llvm::Error error = load(side))
      return error;
  openSummands();
  if (llvm::Error error = op.isForward() ? evalForward() : evalGradient())
    return error;
  closeSummands();
  if (llvm::Error error = evalTail())
    return error;
  for (auto [value, result] : llvm::zip_equal(op.getOutputs(), results))
    env.values[value] = std::move(result);
  return llvm::Error::success();
}

llvm::Error mho::reference::evalTiledMvmOp(TiledMvmOp op, Environment &env) { return KernelEvaluator(op, env).run(); }

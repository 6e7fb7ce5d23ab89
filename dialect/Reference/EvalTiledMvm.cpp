// tiled_mvm, region by region: statistics, load, contraction, end_tile, finish, tail. Nothing here knows an effect.
#include "dialect/Reference/Environment.h"
#include "dialect/Reference/ScalarInterpreter.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

namespace {

/// An operand with the axes it varies over.
struct Operand {
  const Tensor *tensor;
  AxesAttr axes;
  bool bits;
  double at(const Element &e) const { return bits ? lookupBit(*tensor, axes, e) : lookup(*tensor, axes, e); }
};

/// What a load region yields, for every element: value v at (t, i, j) with i, j the coordinates on the side's element
/// axes.
struct Loaded {
  std::pair<Axis, Axis> axes;
  Tensor values; // [v, t, i, j]
};

class Kernel {
public:
  Kernel(TiledMvmOp op, Environment &env) : op(op), env(env), a(env.arithmetic) {}
  llvm::Error run();

private:
  llvm::Error bindOperands();
  llvm::Error bindGroup(OperandRange values, ArrayAttr axes, StringRef what, SmallVectorImpl<Operand> &group);
  Element elementAt(Axis rowAxis, int64_t row, Axis columnAxis, int64_t column, int64_t tile) const;
  void evalStats();
  void reduceStat(StatAttr stat, Tensor &result);
  llvm::Error load(Side side);
  double contraction(int64_t pair, const Element &output, int64_t begin, int64_t end);
  llvm::Error evalForward();
  llvm::Expected<double> evalEndTile(Element element);
  llvm::Error evalGradient();
  llvm::Error evalFinish(const Element &element, double sum);
  llvm::Error evalTail();
  void createResults();
  llvm::Expected<ScalarInterpreter> runRegion(unsigned region, const Element &element, ArrayRef<double> elements);

  TiledMvmOp op;
  Environment &env;
  Arithmetic a;
  Sizes sizes;
  std::optional<Tiles> tiles;
  SmallVector<Operand> lhs, rhs, epilogue, params;
  SmallVector<Operand> stats;
  std::vector<Tensor> statValues;
  SmallVector<Key> keys;
  Loaded loaded[2];
  std::vector<Tensor> results;
};

} // namespace

static YieldOp yieldOf(Region &region) { return cast<YieldOp>(region.front().getTerminator()); }

//===-- operands --------------------------------------------------------------------------------------------------===//

llvm::Error Kernel::bindGroup(OperandRange values, ArrayAttr axes, StringRef what, SmallVectorImpl<Operand> &group) {
  for (auto [value, attr] : llvm::zip_equal(values, axes)) {
    Operand operand{&env[value], cast<AxesAttr>(attr), TiledMvmOp::isBits(value)};
    if (llvm::Error error = unifySizes(sizes, *operand.tensor, operand.axes, what, operand.bits))
      return error;
    group.push_back(operand);
  }
  return llvm::Error::success();
}

llvm::Error Kernel::bindOperands() {
  if (llvm::Error error = bindGroup(op.getLhs(), op.getLhsAxes(), "lhs", lhs))
    return error;
  if (llvm::Error error = bindGroup(op.getRhs(), op.getRhsAxes(), "rhs", rhs))
    return error;
  tiles.emplace(op.getTiling(), sizes[Axis::K]);
  if (sizes[Axis::T] != Sizes::kUnknown && sizes[Axis::T] != tiles->count())
    return fail("expected " + Twine(tiles->count()) + " tiles for " + Twine(sizes[Axis::K]) + " inputs, got " +
                Twine(sizes[Axis::T]));
  sizes[Axis::T] = tiles->count();
  if (llvm::Error error = bindGroup(op.getEpilogue(), op.getEpilogueAxes(), "epilogue", epilogue))
    return error;
  if (llvm::Error error = bindGroup(op.getParams(), op.getParamAxes(), "params", params))
    return error;
  for (Value key : op.getKeys()) {
    llvm::Expected<Key> read = readKey(env[key]);
    if (!read)
      return read.takeError();
    keys.push_back(*read);
  }
  return llvm::Error::success();
}

/// Coordinates and draw address of an element; a column on k counts from the first row of its tile.
Element Kernel::elementAt(Axis rowAxis, int64_t row, Axis columnAxis, int64_t column, int64_t tile) const {
  Element e;
  e[rowAxis] = e.row = row;
  e[columnAxis] = e.column = column;
  e[Axis::T] = e.tile = tile;
  e.tileRows = tiles->physicalRows(tile);
  if (columnAxis == Axis::K)
    e.column -= tiles->begin(tile);
  return e;
}

//===-- statistics ------------------------------------------------------------------------------------------------===//

void Kernel::reduceStat(StatAttr stat, Tensor &result) {
  const Operand &operand = (stat.getSide() == Side::Lhs ? lhs : rhs)[stat.getOperand()];
  auto [rowAxis, columnAxis] = op.getElementAxes(stat.getSide());
  for (int64_t row = 0; row < sizes[rowAxis]; ++row)
    for (int64_t k = 0; k < sizes[Axis::K]; ++k) {
      Element e = elementAt(rowAxis, row, columnAxis, k, tiles->of(k));
      double &v = stat.getOver().getAxes().size() == 1 ? result.at({e.tile}) : result.at({e.tile, row});
      switch (stat.getKind()) {
      case StatKind::AbsMax:
        v = Arithmetic::max(v, std::fabs(operand.at(e)));
        break;
      case StatKind::Sum:
        v += operand.at(e);
        break;
      case StatKind::Count:
        v += 1;
        break;
      }
    }
  for (double &v : result.reals)
    v = a.round(v);
}

void Kernel::evalStats() {
  for (Attribute attr : op.getStats()) {
    auto stat = cast<StatAttr>(attr);
    SmallVector<int64_t> shape;
    for (Axis axis : stat.getOver().getAxes())
      shape.push_back(sizes[axis]);
    statValues.push_back(Tensor::zeros(shape));
    reduceStat(stat, statValues.back());
  }
  for (auto [value, attr] : llvm::zip_equal(statValues, op.getStats()))
    stats.push_back({&value, cast<StatAttr>(attr).getOver(), false});
}

//===-- regions ---------------------------------------------------------------------------------------------------===//

/// Runs a region for one element: its element values, then the parameters and statistics it sees.
llvm::Expected<ScalarInterpreter> Kernel::runRegion(unsigned index, const Element &element, ArrayRef<double> elements) {
  SmallVector<double> arguments(elements);
  SmallVector<Axis> visible = op.getVisibleAxes(index);
  for (int64_t i : op.getVisibleParams(visible))
    arguments.push_back(params[i].at(element));
  std::optional<Side> side;
  if (index < 2)
    side = index == 0 ? Side::Lhs : Side::Rhs;
  if (index < 4)
    for (int64_t i : op.getVisibleStats(visible, side))
      arguments.push_back(stats[i].at(element));
  Block &block = op->getRegion(index).front();
  ScalarInterpreter scalar(a, keys, element, env.options.draws);
  scalar.bind(block.getArguments(), arguments);
  if (llvm::Error error = scalar.run(block))
    return error;
  return scalar;
}

/// The load region of a side for every element and every tile it is used with: the tile of its k, or all tiles where it
/// has no k.
llvm::Error Kernel::load(Side side) {
  Loaded &into = loaded[size_t(side)];
  into.axes = op.getElementAxes(side);
  auto [rowAxis, columnAxis] = into.axes;
  unsigned region = side == Side::Lhs ? 0 : 1;
  int64_t count = yieldOf(op->getRegion(region)).getValues().size(), rows = sizes[rowAxis], columns = sizes[columnAxis];
  into.values = Tensor::zeros({count, tiles->count(), rows, columns});
  for (int64_t t = 0; t < tiles->count(); ++t)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        if ((columnAxis == Axis::K && tiles->of(j) != t) || (rowAxis == Axis::K && tiles->of(i) != t))
          continue;
        Element e = elementAt(rowAxis, i, columnAxis, j, t);
        SmallVector<double> elements;
        for (const Operand &operand : side == Side::Lhs ? lhs : rhs)
          elements.push_back(operand.at(e));
        llvm::Expected<ScalarInterpreter> scalar = runRegion(region, e, elements);
        if (!scalar)
          return scalar.takeError();
        for (auto [v, value] : llvm::enumerate(yieldOf(op->getRegion(region)).getValues()))
          into.values.at({int64_t(v), t, i, j}) = scalar->value(value);
      }
  return llvm::Error::success();
}

/// Sum of the products of accumulator pair `pair` over the contracted axis from `begin` to `end`, rounded once.
double Kernel::contraction(int64_t pair, const Element &output, int64_t begin, int64_t end) {
  auto factor = [&](Side side, int64_t c) {
    const Loaded &from = loaded[size_t(side)];
    Element e = output;
    e[op.getContract()] = c;
    int64_t value = op.getAccumulators()[2 * pair + (side == Side::Rhs)];
    return from.values.at({value, e.tile, e[from.axes.first], e[from.axes.second]});
  };
  double sum = 0;
  for (int64_t c = begin; c < end; ++c)
    sum += factor(Side::Lhs, c) * factor(Side::Rhs, c);
  return a.round(sum);
}

/// end_tile of one tile's accumulators; its bits go to the bits results.
llvm::Expected<double> Kernel::evalEndTile(Element e) {
  SmallVector<double> accumulators;
  for (int64_t pair = 0; pair < op.getAccumulatorCount(); ++pair)
    accumulators.push_back(contraction(pair, e, tiles->begin(e.tile), tiles->end(e.tile)));
  llvm::Expected<ScalarInterpreter> scalar = runRegion(2, e, accumulators);
  if (!scalar)
    return scalar.takeError();
  YieldOp yield = yieldOf(op.getEndTile());
  for (auto [index, bit] : llvm::zip_equal(op.getResultsOf({ResultKind::Bits}), yield.getBits()))
    if (scalar->value(bit) != 0) {
      int64_t n = e[Axis::N];
      int64_t &word = results[index].words[results[index].offset({e.tile, e[Axis::M], n / 32})];
      word = int32_t(uint32_t(word) | uint32_t(1) << n % 32);
    }
  return scalar->value(yield.getValues()[0]);
}

/// k is contracted: end_tile per tile, the digital sum over tiles in ascending order, finish.
llvm::Error Kernel::evalForward() {
  for (int64_t m = 0; m < sizes[Axis::M]; ++m)
    for (int64_t n = 0; n < sizes[Axis::N]; ++n) {
      double sum = 0;
      for (int64_t t = 0; t < tiles->count(); ++t) {
        llvm::Expected<double> value = evalEndTile(elementAt(Axis::M, m, Axis::N, n, t));
        if (!value)
          return value.takeError();
        sum = t == 0 ? *value : a.add(sum, *value);
      }
      Element output;
      output[Axis::M] = output.row = m;
      output[Axis::N] = output.column = n;
      if (llvm::Error error = evalFinish(output, sum))
        return error;
    }
  return llvm::Error::success();
}

/// k is an output axis: the whole contraction, then finish, once per element.
llvm::Error Kernel::evalGradient() {
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  for (int64_t row = 0; row < sizes[rowAxis]; ++row)
    for (int64_t k = 0; k < sizes[Axis::K]; ++k) {
      Element e = elementAt(rowAxis, row, columnAxis, k, tiles->of(k));
      if (llvm::Error error = evalFinish(e, contraction(0, e, 0, sizes[op.getContract()])))
        return error;
    }
  return llvm::Error::success();
}

llvm::Error Kernel::evalFinish(const Element &e, double sum) {
  SmallVector<double> elements{sum};
  for (const Operand &operand : epilogue)
    elements.push_back(operand.at(e));
  llvm::Expected<ScalarInterpreter> scalar = runRegion(3, e, elements);
  if (!scalar)
    return scalar.takeError();
  YieldOp yield = yieldOf(op.getFinish());
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  for (auto [index, value] : llvm::zip_equal(op.getResultsOf({ResultKind::Value}), yield.getValues())) {
    double &result = results[index].at({e[rowAxis], e[columnAxis]});
    result = op.getInit() ? a.add(result, scalar->value(value)) : scalar->value(value);
  }
  for (auto [index, value] :
       llvm::zip_equal(op.getResultsOf({ResultKind::Sum, ResultKind::Count}), yield.getReductions())) {
    SmallVector<int64_t> at;
    for (Axis axis : cast<ResultAttr>(op.getResultSpecs()[index]).getOver().getAxes())
      at.push_back(e[axis]);
    results[index].at(at) += scalar->value(value);
  }
  return llvm::Error::success();
}

//===-- results ---------------------------------------------------------------------------------------------------===//

void Kernel::createResults() {
  for (Attribute attr : op.getResultSpecs()) {
    auto spec = cast<ResultAttr>(attr);
    SmallVector<int64_t> shape;
    for (Axis axis : spec.getOver().getAxes())
      shape.push_back(sizes[axis]);
    if (spec.getKind() == ResultKind::Bits) {
      shape.back() = (shape.back() + 31) / 32;
      results.push_back(Tensor::integers(shape, std::vector<int64_t>(shape[0] * shape[1] * shape[2], 0)));
    } else if (spec.getKind() == ResultKind::Stat) {
      results.push_back(statValues[spec.getStat()]);
    } else if (spec.getKind() == ResultKind::Value && op.getInit()) {
      results.push_back(env[op.getInit()]);
    } else {
      results.push_back(Tensor::zeros(shape));
    }
  }
}

/// Rounds the sums; the tail turns sums and counts into the final results. Without one, counts are integers.
llvm::Error Kernel::evalTail() {
  SmallVector<int64_t> reduced = op.getResultsOf({ResultKind::Sum, ResultKind::Count});
  for (int64_t i : reduced)
    for (double &v : results[i].reals)
      v = a.round(v);
  if (reduced.empty())
    return llvm::Error::success();
  if (op.getTail().empty()) {
    for (int64_t i : op.getResultsOf({ResultKind::Count}))
      results[i] =
          Tensor::integers(results[i].shape, std::vector<int64_t>(results[i].reals.begin(), results[i].reals.end()));
    return llvm::Error::success();
  }
  AxesAttr over = cast<ResultAttr>(op.getResultSpecs()[reduced[0]]).getOver();
  const SmallVector<int64_t> shape = results[reduced[0]].shape;
  for (int64_t flat = 0, size = results[reduced[0]].size(); flat < size; ++flat) {
    Element e;
    int64_t rest = flat;
    for (int64_t d = shape.size() - 1; d >= 0; --d) {
      e[over.getAxes()[d]] = rest % shape[d];
      rest /= shape[d];
    }
    SmallVector<double> values;
    for (int64_t i : reduced)
      values.push_back(results[i].reals[flat]);
    llvm::Expected<ScalarInterpreter> scalar = runRegion(4, e, values);
    if (!scalar)
      return scalar.takeError();
    for (auto [i, value] : llvm::zip_equal(reduced, yieldOf(op.getTail()).getValues()))
      results[i].reals[flat] = scalar->value(value);
  }
  return llvm::Error::success();
}

llvm::Error Kernel::run() {
  if (llvm::Error error = bindOperands())
    return error;
  evalStats();
  createResults();
  for (Side side : {Side::Lhs, Side::Rhs})
    if (llvm::Error error = load(side))
      return error;
  if (op.getInit()) {
    auto [rowAxis, columnAxis] = op.getOutputAxes();
    SmallVector<int64_t> expected{sizes[rowAxis], sizes[columnAxis]};
    if (env[op.getInit()].shape != expected)
      return fail("expected init to have the shape of the value result, got " + env[op.getInit()].shapeText());
  }
  if (llvm::Error error = op.getContract() == Axis::K ? evalForward() : evalGradient())
    return error;
  if (llvm::Error error = evalTail())
    return error;
  for (auto [value, result] : llvm::zip_equal(op.getOutputs(), results))
    env.values[value] = std::move(result);
  return llvm::Error::success();
}

llvm::Error mho::reference::evalTiledMvmOp(TiledMvmOp op, Environment &env) { return Kernel(op, env).run(); }

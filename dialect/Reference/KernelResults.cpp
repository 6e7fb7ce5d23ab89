// Results of a kernel: end_tile, finish, reductions, tail.
#include "dialect/Numerics/Tiling.h"
#include "dialect/Reference/KernelEvaluator.h"

using namespace mlir;
using namespace mho::reference;
using namespace mho::analog;

void KernelEvaluator::createResults() {
  for (int64_t i = 0; i < int64_t(op.getOutputs().size()); ++i) {
    ResultAttr spec = op.getResultSpec(i);
    SmallVector<int64_t> shape;
    for (Axis axis : spec.getOver().getAxes())
      shape.push_back(sizes[axis]);
    if (spec.getKind() == ResultKind::Bits) {
      shape.back() = packedWords(shape.back());
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

//===-- summands of reductions ------------------------------------------------------------------------------------===//

static bool isOfTile(ResultKind kind) { return kind == ResultKind::TileSum || kind == ResultKind::TileCount; }

void KernelEvaluator::openSummands() {
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  int64_t rows = sizes[rowAxis], columns = sizes[columnAxis];
  summands.resize(results.size());
  for (int64_t i : op.getReductions()) {
    if (!isOfTile(op.getResultSpec(i).getKind()) && op.isForward()) {
      summands[i].emplace_back(0, 0, rows, 0, columns);
      continue;
    }
    for (int64_t t = 0; t < tiles->count(); ++t)
      if (op.isForward())
        summands[i].emplace_back(t, 0, rows, 0, columns);
      else if (columnAxis == op.getTileAxis())
        summands[i].emplace_back(t, 0, rows, tiles->begin(t), tiles->end(t));
      else
        summands[i].emplace_back(t, tiles->begin(t), tiles->end(t), 0, columns);
  }
}

/// Keeps what a region yields through `reduce` for one element.
void KernelEvaluator::keepSummands(const ScalarInterpreter &scalar, YieldOp yield, bool ofTile,
                                   const Element &element) {
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  SmallVector<int64_t> indices;
  for (int64_t i : op.getReductions())
    if (isOfTile(op.getResultSpec(i).getKind()) == ofTile)
      indices.push_back(i);
  for (auto [i, value] : llvm::zip_equal(indices, yield.getReductions())) {
    bool one = op.isForward() && !ofTile;
    summands[i][one ? 0 : element.tile].at(element[rowAxis], element[columnAxis]) = scalar.value(value);
  }
}

void KernelEvaluator::closeSummands() {
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  for (int64_t i : op.getReductions()) {
    ResultKind kind = op.getResultSpec(i).getKind();
    bool count = kind == ResultKind::Count || kind == ResultKind::TileCount;
    // Counts are exact whatever the precision.
    Arithmetic arithmetic = count ? Arithmetic{Precision::F64} : a;
    results[i] = reduce(summands[i], op.getResultSpec(i).getOver(), rowAxis, columnAxis, sizes, arithmetic);
  }
}

/// The tail turns sums and counts into the final results. Without one, counts are integers.
llvm::Error KernelEvaluator::evalTail() {
  SmallVector<int64_t> reductions = op.getReductions();
  if (reductions.empty())
    return llvm::Error::success();
  if (op.getTail().empty()) {
    for (int64_t i : op.getResultsOf({ResultKind::Count, ResultKind::TileCount}))
      results[i] =
          Tensor::integers(results[i].shape, std::vector<int64_t>(results[i].reals.begin(), results[i].reals.end()));
    return llvm::Error::success();
  }
  const std::vector<Tensor> sums = results;
  for (auto [number, i] : llvm::enumerate(reductions)) {
    AxesAttr over = op.getResultSpec(i).getOver();
    const SmallVector<int64_t> shape = results[i].shape;
    for (int64_t flat = 0, size = results[i].size(); flat < size; ++flat) {
      Element e;
      int64_t rest = flat;
      for (int64_t d = shape.size() - 1; d >= 0; --d) {
        e[over.getAxes()[d]] = rest % shape[d];
        rest /= shape[d];
      }
      llvm::Expected<double> value = tailAt(number, e, flat, sums);
      if (!value)
        return value.takeError();
      results[i].reals[flat] = *value;
    }
  }
  return llvm::Error::success();
}

/// What the tail makes of reduction `number` at element `flat` of it: of the others only those over the same axes are
/// known, and of the parameters those over these.
llvm::Expected<double> KernelEvaluator::tailAt(size_t number, const Element &e, int64_t flat, ArrayRef<Tensor> sums) {
  SmallVector<int64_t> reductions = op.getReductions();
  AxesAttr over = op.getResultSpec(reductions[number]).getOver();
  SmallVector<double> arguments;
  for (int64_t i : reductions)
    arguments.push_back(op.getResultSpec(i).getOver() == over ? a.round(sums[i].reals[flat]) : 0);
  for (int64_t i : op.getVisibleParams(TiledMvmOp::kTail))
    arguments.push_back(op.getAxesOf(op.getParamAxes(), i).within(over.getAxes()) ? params[i].at(e) : 0);
  Block &tail = op.getTail().front();
  ScalarInterpreter scalar(a, keys, e, env.options.draws);
  scalar.bind(tail.getArguments(), arguments);
  if (llvm::Error error = scalar.run(tail))
    return error;
  return scalar.value(yieldOf(op.getTail()).getValues()[number]);
}

//===-- output regions --------------------------------------------------------------------------------------------===//

void KernelEvaluator::appendEpilogue(unsigned region, const Element &element, SmallVectorImpl<double> &elements) {
  for (int64_t i : op.getVisibleEpilogue(region))
    elements.push_back(epilogue[i].at(element));
}

/// end_tile of one tile's accumulators: what is summed over t, planes, bits, summands.
llvm::Expected<SmallVector<double>> KernelEvaluator::evalEndTile(const Element &e) {
  SmallVector<double> elements;
  for (int64_t pair = 0; pair < op.getAccumulatorCount(); ++pair)
    elements.push_back(contraction(pair, e, tiles->begin(e.tile), tiles->end(e.tile)));
  appendEpilogue(TiledMvmOp::kEndTile, e, elements);
  llvm::Expected<ScalarInterpreter> scalar = runRegion(TiledMvmOp::kEndTile, e, elements);
  if (!scalar)
    return scalar.takeError();
  YieldOp yield = yieldOf(op.getEndTile());
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  unsigned sums = op.getSumCount();
  for (auto [index, value] : llvm::zip_equal(op.getResultsOf({ResultKind::Planes}), yield.getValues().drop_front(sums)))
    results[index].at({e.tile, e[rowAxis], e[columnAxis]}) = scalar->value(value);
  for (auto [index, bit] : llvm::zip_equal(op.getResultsOf({ResultKind::Bits}), yield.getBits()))
    if (scalar->value(bit) != 0) {
      int64_t c = e[columnAxis];
      int64_t &word = results[index].words[results[index].offset({e.tile, e[rowAxis], c / 32})];
      word = int32_t(uint32_t(word) | uint32_t(1) << c % 32);
    }
  keepSummands(*scalar, yield, /*ofTile=*/true, e);
  return scalar->valuesOf(yield.getValues().take_front(sums));
}

/// The tiled axis is contracted: end_tile per tile, the digital sum over tiles in ascending order, finish.
llvm::Error KernelEvaluator::evalForward() {
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  for (int64_t row = 0; row < sizes[rowAxis]; ++row)
    for (int64_t column = 0; column < sizes[columnAxis]; ++column) {
      SmallVector<double> sums(op.getSumCount());
      for (int64_t t = 0; t < tiles->count(); ++t) {
        llvm::Expected<SmallVector<double>> values = evalEndTile(elementAt(rowAxis, row, columnAxis, column, t));
        if (!values)
          return values.takeError();
        for (auto [sum, value] : llvm::zip_equal(sums, *values))
          sum = t == 0 ? value : a.add(sum, value);
      }
      Element output;
      output[rowAxis] = output.row = row;
      output[columnAxis] = output.column = column;
      if (llvm::Error error = op.getFinish().empty() ? llvm::Error::success() : evalFinish(output, sums))
        return error;
    }
  return llvm::Error::success();
}

/// The tiled axis is an output axis: the whole contractions, then finish, once per element.
llvm::Error KernelEvaluator::evalGradient() {
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  for (int64_t row = 0; row < sizes[rowAxis]; ++row)
    for (int64_t column = 0; column < sizes[columnAxis]; ++column) {
      int64_t tile = tiles->of(columnAxis == op.getTileAxis() ? column : row);
      Element e = elementAt(rowAxis, row, columnAxis, column, tile);
      SmallVector<double> sums;
      for (int64_t pair = 0; pair < op.getAccumulatorCount(); ++pair)
        sums.push_back(contraction(pair, e, 0, sizes[op.getContract()]));
      if (llvm::Error error = evalFinish(e, sums))
        return error;
    }
  return llvm::Error::success();
}

llvm::Error KernelEvaluator::evalFinish(const Element &e, ArrayRef<double> sums) {
  SmallVector<double> elements(sums);
  appendEpilogue(TiledMvmOp::kFinish, e, elements);
  llvm::Expected<ScalarInterpreter> scalar = runRegion(TiledMvmOp::kFinish, e, elements);
  if (!scalar)
    return scalar.takeError();
  YieldOp yield = yieldOf(op.getFinish());
  auto [rowAxis, columnAxis] = op.getOutputAxes();
  for (auto [index, value] : llvm::zip_equal(op.getResultsOf({ResultKind::Value}), yield.getValues())) {
    double &result = results[index].at({e[rowAxis], e[columnAxis]});
    double exact = op.getInit() ? a.add(result, scalar->value(value)) : scalar->value(value);
    result = a.stored(exact, op.getOutputs()[index].getType());
  }
  keepSummands(*scalar, yield, /*ofTile=*/false, e);
  return llvm::Error::success();
}

// The function of a gradient kernel: its signature, operands and results.
#include "dialect/Transforms/GradientKernel.h"

using namespace mlir;
using namespace mho::analog;

std::optional<int64_t> mho::analog::paramOf(TiledMvmOp kernel, unsigned region, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  SmallVector<int64_t> visible = kernel.getVisibleParams(region);
  int64_t at = argument ? int64_t(argument.getArgNumber()) - kernel.getElementCount(region) : -1;
  return at >= 0 && at < int64_t(visible.size()) ? std::optional<int64_t>(visible[at]) : std::nullopt;
}

bool mho::analog::isExported(TiledMvmOp kernel, int64_t stat) {
  return llvm::any_of(kernel.getResultsOf({ResultKind::Stat}),
                      [&](int64_t i) { return kernel.getResultSpec(i).getStat() == stat; });
}

std::string mho::analog::numbered(StringRef name, unsigned index) {
  return name.str() + (index ? "#" + std::to_string(index + 1) : "");
}

/// The sole operand of a side of the forward kernel, as an argument of the gradient function.
KernelOperand GradientKernel::operandOf(Side side) {
  bool isLhs = side == Side::Lhs;
  return {arguments.lookup(isLhs ? kernel.getLhs()[0] : kernel.getRhs()[0]),
          kernel.getAxesOf(isLhs ? kernel.getLhsAxes() : kernel.getRhsAxes(), 0)};
}

/// [T,B,O], as far as the operands' types say it.
RankedTensorType GradientKernel::planesType() {
  auto x = cast<RankedTensorType>(kernel.getLhs()[0].getType()),
       w = cast<RankedTensorType>(kernel.getRhs()[0].getType());
  int64_t inputs = x.isDynamicDim(1) ? w.getDimSize(1) : x.getDimSize(1);
  int64_t tiles = ShapedType::isDynamic(inputs) ? ShapedType::kDynamic : kernel.getTiling().getTileCount(inputs);
  return RankedTensorType::get({tiles, x.getDimSize(0), w.getDimSize(0)}, builder.getF32Type());
}

/// One value per tile, or per tile and row of its side, as far as the operands' types say it.
RankedTensorType GradientKernel::statisticType(StatAttr stat) {
  ArrayRef<int64_t> sizes = planesType().getShape(); // [T,B,O]
  SmallVector<int64_t> shape{sizes[0]};
  if (stat.getOver().getAxes().size() > 1)
    shape.push_back(sizes[stat.getSide() == Side::Lhs ? 1 : 2]);
  return RankedTensorType::get(shape, builder.getF32Type());
}

/// A function of what the gradient is mapped back from (none: of the forward arguments alone), the forward arguments,
/// what forward saved, and for @f_dw the statistics of the weight.
void GradientKernel::startFunction(StringRef suffix, From from, bool takesStatistics) {
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  auto add = [&](Type type, DictionaryAttr attribute) {
    types.push_back(type);
    attributes.push_back(attribute ? attribute : builder.getDictionaryAttr({}));
  };
  auto named = [&](const std::string &name) {
    return builder.getDictionaryAttr(builder.getNamedAttr(AnalogDialect::kNameAttr, builder.getStringAttr(name)));
  };
  if (from == From::Planes)
    for (unsigned i = 0; i < plan.gradients; ++i)
      add(planesType(), named(numbered("dz", i)));
  else if (from == From::Output)
    add(kernel.getOutputs()[0].getType(), named("grad"));
  unsigned first = types.size();
  for (unsigned i = 0; i < forward.getNumArguments(); ++i)
    add(forward.getArgument(i).getType(), forward.getArgAttrDict(i));
  unsigned firstSaved = types.size();
  for (unsigned i = 1; from != From::Nothing && i < kernel.getOutputs().size(); ++i)
    add(kernel.getOutputs()[i].getType(), forward.getResultAttrDict(i));
  unsigned firstStatistic = types.size();
  SmallVector<int64_t> ofWeight;
  for (int64_t i = 0; takesStatistics && i < int64_t(kernel.getStats().size()); ++i)
    if (kernel.getStat(i).getSide() == Side::Rhs && !isExported(kernel, i)) {
      add(statisticType(kernel.getStat(i)), named(numbered("weight_range", ofWeight.size())));
      ofWeight.push_back(i);
    }
  builder.setInsertionPointAfter(forward);
  function = builder.create<func::FuncOp>(loc, (forward.getName() + suffix).str(),
                                          FunctionType::get(builder.getContext(), types, {}));
  function.setAllArgAttrs(attributes);
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  if (from == From::Planes)
    llvm::append_range(planes, entry->getArguments().take_front(first));
  else if (from == From::Output)
    grad = entry->getArgument(0);
  arguments.map(forward.getArguments(), entry->getArguments().slice(first, forward.getNumArguments()));
  for (auto [i, param] : llvm::enumerate(kernel.getParams())) {
    params.push_back(arguments.lookup(param));
    paramAxes.push_back(kernel.getParamAxes()[i]);
  }
  for (unsigned i = firstSaved; i < firstStatistic; ++i)
    importSaved(kernel.getResultSpec(1 + i - firstSaved), entry->getArgument(i));
  for (auto [i, stat] : llvm::enumerate(ofWeight)) {
    importStatistic(stat, entry->getArgument(firstStatistic + i));
    statistics.emplace_back(stat, entry->getArgument(firstStatistic + i));
  }
}

/// A parameter of the gradient kernel in place of a statistic of forward.
void GradientKernel::importStatistic(int64_t stat, Value value) {
  importedStat[stat] = params.size();
  params.push_back(value);
  paramAxes.push_back(kernel.getStat(stat).getOver());
}

void GradientKernel::importSaved(ResultAttr spec, Value value) {
  if (spec.getKind() == ResultKind::Bits)
    bits.push_back(value);
  else
    importStatistic(spec.getStat(), value);
}

TiledMvmOp GradientKernel::createKernel(const KernelShape &shape) {
  SmallVector<Value> keys;
  for (Value key : kernel.getKeys())
    keys.push_back(arguments.lookup(key));
  for (auto [i, attr] : llvm::enumerate(kernel.getStats()))
    if (shape.takesStats && !importedStat.contains(i)) {
      recomputedStat[i] = stats.size();
      stats.push_back(attr);
    }
  auto values = [](ArrayRef<KernelOperand> operands) {
    return llvm::map_to_vector(operands, [](const KernelOperand &operand) { return operand.value; });
  };
  auto axesOf = [&](ArrayRef<KernelOperand> operands) {
    return builder.getArrayAttr(
        llvm::map_to_vector(operands, [](const KernelOperand &operand) -> Attribute { return operand.axes; }));
  };
  return builder.create<TiledMvmOp>(loc, shape.types, values(shape.lhs), values(shape.rhs), values(shape.epilogue),
                                    params, keys, Value(), AxisAttr::get(builder.getContext(), shape.contract),
                                    kernel.getTileAxisAttr(), kernel.getTiling(), axesOf(shape.lhs), axesOf(shape.rhs),
                                    axesOf(shape.epilogue), builder.getArrayAttr(paramAxes),
                                    builder.getArrayAttr(stats), builder.getDenseI64ArrayAttr(shape.accumulators),
                                    builder.getArrayAttr(shape.results), stats.size());
}

/// The parameter gradients that a region of the forward kernel asks for: their sums and counts, over the parameters'
/// axes, in the order in which a reverse sweep meets them.
LogicalResult GradientKernel::appendReductions(unsigned region, KernelShape &shape) {
  bool ofTile = region == TiledMvmOp::kEndTile;
  SmallVector<SurrogateOp> surrogates(kernel->getRegion(region).front().getOps<SurrogateOp>());
  for (SurrogateOp surrogate : llvm::reverse(surrogates)) {
    RankedTensorType type;
    AxesAttr all;
    for (int64_t input : surrogate.getWrt()) {
      std::optional<int64_t> param = paramOf(kernel, region, surrogate.getInputs()[input]);
      if (!param)
        return surrogate.emitOpError("not differentiated: expected 'wrt' to name parameters of the kernel");
      AxesAttr over = kernel.getAxesOf(kernel.getParamAxes(), *param);
      if (all && all != over)
        return surrogate.emitOpError("not differentiated: expected parameter gradients over the same axes, got ")
               << all.str() << " and " << over.str();
      all = over;
      type = dyn_cast<RankedTensorType>(kernel.getParams()[*param].getType());
    }
    for (Value value : cast<YieldOp>(surrogate.getDerivative().front().getTerminator()).getReductions()) {
      bool isSum = value.getType().isF32();
      ResultKind kind = ofTile ? (isSum ? ResultKind::TileSum : ResultKind::TileCount)
                               : (isSum ? ResultKind::Sum : ResultKind::Count);
      shape.results.push_back(ResultAttr::get(builder.getContext(), kind, all, 0));
      shape.types.push_back(type ? type : RankedTensorType::get({}, builder.getF32Type()));
    }
  }
  return success();
}

LogicalResult GradientKernel::buildTile() {
  startFunction("_dz", From::Output);
  KernelShape shape{Axis::K,
                    {operandOf(Side::Lhs)},
                    {operandOf(Side::Rhs)},
                    {{grad, axes({Axis::M, Axis::N})}},
                    llvm::to_vector(kernel.getAccumulators()),
                    true,
                    {},
                    {}};
  AxesAttr ofPlanes = axes({Axis::T, Axis::M, Axis::N});
  for (Value bit : bits)
    shape.epilogue.push_back({bit, ofPlanes});
  shape.results.assign(plan.gradients, ResultAttr::get(builder.getContext(), ResultKind::Planes, ofPlanes, 0));
  shape.types.assign(plan.gradients, planesType());
  if (failed(appendReductions(TiledMvmOp::kEndTile, shape)))
    return failure();
  TiledMvmOp gradient = createKernel(shape);
  copyMaps(gradient);
  for (unsigned region : {TiledMvmOp::kLoadLhs, TiledMvmOp::kLoadRhs}) {
    unsigned count = cast<YieldOp>(kernel->getRegion(region).front().getTerminator()).getValues().size();
    buildLoad(gradient, region, region, llvm::to_vector(llvm::seq(count)), false);
  }
  if (failed(buildEndTile(gradient)))
    return failure();
  finishFunction(gradient);
  for (unsigned i = 0; i < plan.gradients; ++i)
    function.setResultAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(numbered("dz", i)));
  return success();
}

LogicalResult GradientKernel::buildSide(Side side) {
  bool isInput = side == Side::Lhs;
  startFunction(isInput ? "_dx" : "_dw", plan.recompute ? From::Planes : From::Output, !isInput);
  Side other = isInput ? Side::Rhs : Side::Lhs;
  KernelOperand own = operandOf(side);
  SmallVector<Pair> pairs = choosePairs(side);
  // Values that the pairs are made of, each once.
  SmallVector<unsigned> gradients, factors;
  KernelShape shape{isInput ? Axis::N : Axis::M, {}, {operandOf(other)}, {own}, {}, isInput, {}, {}};
  auto indexIn = [](SmallVectorImpl<unsigned> &list, unsigned value) -> int64_t {
    if (!llvm::is_contained(list, value))
      list.push_back(value);
    return llvm::find(list, value) - list.begin();
  };
  for (const Pair &pair : pairs) {
    shape.accumulators.push_back(indexIn(gradients, pair.gradient));
    shape.accumulators.push_back(indexIn(factors, pair.factor));
  }
  if (plan.recompute) {
    for (unsigned i : gradients)
      shape.lhs.push_back({planes[i], axes({Axis::T, Axis::M, Axis::N})});
  } else {
    shape.lhs.push_back({grad, axes({Axis::M, Axis::N})});
    for (Value bit : bits)
      shape.lhs.push_back({bit, axes({Axis::T, Axis::M, Axis::N})});
  }
  shape.results.push_back(ResultAttr::get(builder.getContext(), ResultKind::Value, own.axes, 0));
  shape.types.push_back(own.value.getType());
  unsigned ownLoad = isInput ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs;
  if (failed(appendReductions(ownLoad, shape)))
    return failure();
  TiledMvmOp gradient = createKernel(shape);
  copyMaps(gradient);
  if (failed(buildGradientLoad(gradient, gradients)))
    return failure();
  // dX contracts with the noise-free weight unless the function wants the noisy one, dW with the input as forward saw
  // it.
  bool noiseFree = isInput && !forward->hasAttr(AnalogDialect::kNoisyBackwardAttr);
  buildLoad(gradient, TiledMvmOp::kLoadRhs, isInput ? TiledMvmOp::kLoadRhs : TiledMvmOp::kLoadLhs, factors, noiseFree);
  if (failed(buildFinish(gradient, side, pairs)))
    return failure();
  finishFunction(gradient);
  Value operand = isInput ? kernel.getLhs()[0] : kernel.getRhs()[0];
  nameResult(0, isInput ? "dx" : "dweight", cast<BlockArgument>(operand).getArgNumber());
  dropUnreadStatistics();
  return success();
}

/// Takes the arguments of statistics that no derivative reads off the function.
void GradientKernel::dropUnreadStatistics() {
  llvm::BitVector unread(function.getNumArguments());
  llvm::erase_if(statistics, [&](const std::pair<int64_t, BlockArgument> &statistic) {
    if (!statistic.second.use_empty())
      return false;
    unread.set(statistic.second.getArgNumber());
    return true;
  });
  function.eraseArguments(unread);
  for (auto [i, statistic] : llvm::enumerate(statistics))
    function.setArgAttr(statistic.second.getArgNumber(), AnalogDialect::kNameAttr,
                        builder.getStringAttr(numbered("weight_range", i)));
}

void GradientKernel::buildStatistics(ArrayRef<int64_t> wanted) {
  startFunction("_stats", From::Nothing);
  KernelShape shape{Axis::K, {operandOf(Side::Lhs)}, {operandOf(Side::Rhs)}, {}, {0, 0}, true, {}, {}};
  for (int64_t stat : wanted) {
    StatAttr attr = kernel.getStat(stat);
    shape.results.push_back(ResultAttr::get(builder.getContext(), ResultKind::Stat, attr.getOver(), stat));
    shape.types.push_back(statisticType(attr));
  }
  TiledMvmOp gradient = createKernel(shape);
  copyMaps(gradient);
  OpBuilder::InsertionGuard guard(builder);
  for (unsigned region : {TiledMvmOp::kLoadLhs, TiledMvmOp::kLoadRhs, TiledMvmOp::kEndTile}) {
    openRegion(gradient->getRegion(region));
    ValueRange element = builder.getBlock()->getArguments().take_front(region != TiledMvmOp::kEndTile);
    builder.create<YieldOp>(loc, element, ValueRange{}, ValueRange{});
  }
  builder.setInsertionPointAfter(gradient);
  finishFunction(gradient);
  for (unsigned i = 0; i < wanted.size(); ++i)
    function.setResultAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(numbered("weight_range", i)));
}

void GradientKernel::nameResult(unsigned result, StringRef name, unsigned argument) {
  function.setResultAttr(result, AnalogDialect::kNameAttr, builder.getStringAttr(name));
  function.setResultAttr(result, AnalogDialect::kGradientAttr, builder.getI64IntegerAttr(argument));
}

/// Erases what no derivative uses, returns the results and names the gradients of parameters; the counts beside them
/// have no name.
void GradientKernel::finishFunction(TiledMvmOp gradient) {
  builder.create<func::ReturnOp>(loc, gradient.getResults());
  function.setType(FunctionType::get(builder.getContext(), function.getArgumentTypes(), gradient.getResultTypes()));
  for (auto [argument, reduction] : parameterGradients) {
    auto name = forward.getArgAttrOfType<StringAttr>(argument, AnalogDialect::kNameAttr);
    nameResult(gradient.getReductions()[reduction], name ? "d" + name.str() : "dparam" + std::to_string(argument),
               argument);
  }
  for (Region &region : gradient->getRegions())
    if (!region.empty())
      eraseUnused(region.front());
  // Every number drawn in a gradient is one that forward drew.
  gradient->walk([](DrawOpInterface draw) { draw.setRedraw(true); });
  gradient.pruneUnused();
}

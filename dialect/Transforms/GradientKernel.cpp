#include "dialect/Transforms/GradientKernel.h"

using namespace mlir;
using namespace mho::analog;

std::optional<int64_t> mho::analog::paramOfLoad(TiledMvmOp kernel, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  SmallVector<int64_t> visible = kernel.getVisibleParams(TiledMvmOp::kLoadLhs);
  int64_t at = argument ? int64_t(argument.getArgNumber()) - kernel.getElementCount(TiledMvmOp::kLoadLhs) : -1;
  return at >= 0 && at < int64_t(visible.size()) ? std::optional<int64_t>(visible[at]) : std::nullopt;
}

/// A function of the output gradient, the forward arguments and what forward saved.
void GradientKernel::startFunction(StringRef suffix) {
  SmallVector<Type> types{kernel.getOutputs()[0].getType()};
  SmallVector<DictionaryAttr> attributes;
  auto named = [&](StringRef name) {
    return builder.getDictionaryAttr(builder.getNamedAttr(AnalogDialect::kNameAttr, builder.getStringAttr(name)));
  };
  attributes.push_back(named("grad"));
  for (unsigned i = 0; i < forward.getNumArguments(); ++i) {
    types.push_back(forward.getArgument(i).getType());
    attributes.push_back(forward.getArgAttrDict(i));
  }
  for (unsigned i = 1; i < kernel.getOutputs().size(); ++i) {
    types.push_back(kernel.getOutputs()[i].getType());
    attributes.push_back(forward.getResultAttrDict(i) ? forward.getResultAttrDict(i) : builder.getDictionaryAttr({}));
  }
  builder.setInsertionPointAfter(forward);
  function = builder.create<func::FuncOp>(loc, (forward.getName() + suffix).str(),
                                          FunctionType::get(builder.getContext(), types, {}));
  function.setAllArgAttrs(attributes);
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);
  grad = entry->getArgument(0);
  for (unsigned i = 0; i < forward.getNumArguments(); ++i)
    arguments.map(forward.getArgument(i), entry->getArgument(1 + i));
  for (auto [i, param] : llvm::enumerate(kernel.getParams())) {
    params.push_back(arguments.lookup(param));
    paramAxes.push_back(kernel.getParamAxes()[i]);
  }
  for (unsigned i = 1; i < kernel.getOutputs().size(); ++i) {
    auto spec = cast<ResultAttr>(kernel.getResultSpecs()[i]);
    Value argument = entry->getArgument(forward.getNumArguments() + i);
    if (spec.getKind() == ResultKind::Bits) {
      bits.push_back(argument);
    } else {
      importedStat[spec.getStat()] = params.size();
      params.push_back(argument);
      paramAxes.push_back(spec.getOver());
    }
  }
}

TiledMvmOp GradientKernel::createKernel(Axis contract, Value rhs, ArrayRef<Axis> rhsAxes, Value epilogue,
                                        ArrayRef<Axis> epilogueAxes, bool keepWeightStats, ArrayRef<Attribute> results,
                                        TypeRange types) {
  SmallVector<Value> lhs{grad}, keys;
  SmallVector<Attribute> lhsAxes{axes({Axis::M, Axis::N})};
  for (Value bit : bits) {
    lhs.push_back(bit);
    lhsAxes.push_back(axes({Axis::T, Axis::M, Axis::N}));
  }
  for (Value key : kernel.getKeys())
    keys.push_back(arguments.lookup(key));
  for (auto [i, attr] : llvm::enumerate(kernel.getStats()))
    if (auto stat = cast<StatAttr>(attr); keepWeightStats && stat.getSide() == Side::Rhs) {
      recomputedStat[i] = stats.size();
      stats.push_back(stat);
    }
  auto axesList = [&](ArrayRef<Attribute> list) { return builder.getArrayAttr(list); };
  return builder.create<TiledMvmOp>(loc, types, lhs, rhs, epilogue, params, keys, Value(),
                                    AxisAttr::get(builder.getContext(), contract), kernel.getTileAxisAttr(),
                                    kernel.getTiling(), axesList(lhsAxes), axesList({axes(rhsAxes)}),
                                    axesList({axes(epilogueAxes)}), axesList(paramAxes), axesList(stats),
                                    builder.getDenseI64ArrayAttr({0, 0}), axesList(results), stats.size());
}

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
    Region &source = kernel->getRegion(TiledMvmOp::kFirstMap + from),
           &region = gradient->getRegion(TiledMvmOp::kFirstMap + to);
    if (source.empty())
      continue;
    OpBuilder::InsertionGuard guard(builder);
    openRegion(region);
    IRMapping mapping = mapVisible(gradient, TiledMvmOp::kFirstMap + to, TiledMvmOp::kFirstMap + from);
    mapping.map(source.getArgument(0), region.getArgument(0));
    cloneYield(region, source, mapping);
  }
}

/// Ends `region` with the first value that `source` yields, its code copied: further ones have no part in a gradient.
void GradientKernel::cloneYield(Region &region, Region &source, IRMapping &mapping) {
  Value value = cloneRegionBody(builder, source, mapping).getValues()[0];
  builder.create<YieldOp>(loc, ValueRange{mapping.lookupOrDefault(value)}, ValueRange{}, ValueRange{});
}

/// load_lhs of both gradients: G = g * finish' * end_tile'.
LogicalResult GradientKernel::buildOutputGradient(TiledMvmOp gradient) {
  OpBuilder::InsertionGuard guard(builder);
  Region &region = gradient.getLoadLhs();
  openRegion(region);
  Region &finish = kernel.getFinish(), &endTile = kernel.getEndTile();
  IRMapping finishMap = mapVisible(gradient, TiledMvmOp::kLoadLhs, TiledMvmOp::kFinish);
  ScalarGradient throughFinish(builder, finishMap);
  if (failed(throughFinish.run(finish, 1, region.getArgument(0))))
    return failure();
  IRMapping tileMap = mapVisible(gradient, TiledMvmOp::kLoadLhs, TiledMvmOp::kEndTile);
  ScalarGradient throughTile(builder, tileMap);
  Value seed = throughFinish.of(finish.getArgument(0));
  ValueRange saved = region.getArguments().slice(1, bits.size());
  if (failed(throughTile.run(endTile, kernel.getAccumulatorCount(), {seed}, saved)))
    return failure();
  for (int64_t i = 1; i < kernel.getAccumulatorCount(); ++i)
    if (throughTile.reaches(endTile.getArgument(i)))
      return kernel.emitOpError("not differentiated: expected no gradient of accumulators after the first, got one of "
                                "accumulator ")
             << i << "; surrogate(straight_through) and surrogate(masked) of an effect need none";
  if (!throughTile.reductions().empty())
    return kernel.emitOpError("not differentiated: a parameter gradient at the end of a tile needs the accumulator, "
                              "which is not kept");
  Value result = throughTile.of(endTile.getArgument(0));
  builder.create<YieldOp>(loc, ValueRange{result}, ValueRange{}, ValueRange{});
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
    // Each once, though it may use the number twice.
    llvm::SetVector<Operation *> users(number.user_begin(), number.user_end());
    for (Operation *user : users)
      if (auto fma = dyn_cast<math::FmaOp>(user); fma && normal && fma.getC() != number) {
        fma.replaceAllUsesWith(fma.getC());
        fma.erase();
      }
    OpBuilder builder(draw);
    number.replaceAllUsesWith(ScalarBuilder{builder, draw.getLoc()}.constant(normal ? 0 : 1));
    draw.erase();
  }
}

/// load_rhs: the other factor as forward saw it.
void GradientKernel::buildLoad(TiledMvmOp gradient, Region &source, bool noiseFree) {
  OpBuilder::InsertionGuard guard(builder);
  Region &region = gradient.getLoadRhs();
  openRegion(region);
  IRMapping mapping = mapVisible(gradient, TiledMvmOp::kLoadRhs, source.getRegionNumber());
  mapping.map(source.getArgument(0), region.getArgument(0));
  cloneYield(region, source, mapping);
  if (!noiseFree)
    return;
  inlineSurrogates(region.front());
  removeDraws(region.front());
}

/// finish: the contraction times the derivative of the load region of `side` at the epilogue element.
LogicalResult GradientKernel::buildFinish(TiledMvmOp gradient, Side side, bool noiseFree) {
  OpBuilder::InsertionGuard guard(builder);
  Region &source = side == Side::Lhs ? kernel.getLoadLhs() : kernel.getLoadRhs(), &region = gradient.getFinish();
  openRegion(region);
  IRMapping mapping = mapVisible(gradient, TiledMvmOp::kFinish, source.getRegionNumber());
  mapping.map(source.getArgument(0), region.getArgument(1));
  ScalarGradient scalar(builder, mapping);
  if (failed(scalar.run(source, 1, region.getArgument(0))))
    return failure();
  SmallVector<Value> summands;
  for (const PendingReduction &reduction : scalar.reductions())
    llvm::append_range(summands, reduction.summands);
  builder.create<YieldOp>(loc, ValueRange{scalar.of(source.getArgument(0))}, ValueRange{}, summands);
  if (noiseFree)
    removeDraws(region.front());
  return summands.empty() ? success() : buildTail(gradient, scalar.reductions());
}

/// tail: each surrogate's own tail gives the parameter gradient in place of its first reduction; the rest is passed
/// through. A parameter of several surrogates has one gradient, their sum in the place of the first.
LogicalResult GradientKernel::buildTail(TiledMvmOp gradient, ArrayRef<PendingReduction> reductions) {
  Region &region = gradient.getTail();
  openRegion(region);
  SmallVector<int64_t> visible = gradient.getVisibleParams(TiledMvmOp::kTail);
  SmallVector<Value> yielded(region.getArguments().take_front(gradient.getOutputs().size() - 1));
  unsigned first = 0;
  for (const PendingReduction &reduction : reductions) {
    SurrogateOp surrogate = reduction.surrogate;
    Region &tail = surrogate.getTail();
    IRMapping mapping;
    for (size_t i = 0; i < reduction.summands.size(); ++i)
      mapping.map(tail.getArgument(i), region.getArgument(first + i));
    // The tail knows no element: the surrogate's other inputs must be parameters, which it sees by the same index.
    for (auto [i, input] : llvm::enumerate(surrogate.getInputs().drop_front())) {
      BlockArgument argument = tail.getArgument(reduction.summands.size() + i);
      std::optional<int64_t> param = paramOfLoad(kernel, input);
      auto *found = llvm::find(visible, param.value_or(-1));
      if (found != visible.end())
        mapping.map(argument, region.getArgument(yielded.size() + (found - visible.begin())));
      else if (!argument.use_empty())
        return surrogate.emitOpError("not differentiated: expected input ")
               << i + 1 << ", which its tail uses, to be a parameter over axes of its gradient";
    }
    Value value = mapping.lookupOrDefault(cloneRegionBody(builder, tail, mapping).getValues()[0]);
    Value param = kernel.getParams()[*paramOfLoad(kernel, surrogate.getInputs()[*surrogate.getWrt()])];
    unsigned argument = cast<BlockArgument>(param).getArgNumber();
    auto [it, isFirst] = parameterGradients.insert({argument, first});
    Value &total = yielded[it->second];
    total = isFirst ? value : ScalarBuilder{builder, loc}.add(total, value);
    first += reduction.summands.size();
  }
  builder.create<YieldOp>(loc, yielded, ValueRange{}, ValueRange{});
  return success();
}

/// Names the results after what they are gradients of: `value` first, then those of the parameters; the counts beside
/// them have no name.
void GradientKernel::nameResults(StringRef valueName, unsigned valueArgument) {
  auto setResult = [&](unsigned i, StringRef name, unsigned argument) {
    function.setResultAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(name));
    function.setResultAttr(i, AnalogDialect::kGradientAttr, builder.getI64IntegerAttr(argument));
  };
  setResult(0, valueName, valueArgument);
  for (auto [argument, reduction] : parameterGradients) {
    auto name = forward.getArgAttrOfType<StringAttr>(argument, AnalogDialect::kNameAttr);
    setResult(1 + reduction, name ? "d" + name.str() : "dparam" + std::to_string(argument), argument);
  }
}

/// Erases what no derivative uses, and returns the results.
void GradientKernel::finishFunction(TiledMvmOp gradient) {
  builder.create<func::ReturnOp>(loc, gradient.getResults());
  function.setType(FunctionType::get(builder.getContext(), function.getArgumentTypes(), gradient.getResultTypes()));
  for (Region &region : gradient->getRegions())
    if (!region.empty())
      eraseUnused(region.front());
  // Every number drawn in a gradient is one that forward drew.
  gradient->walk([](DrawOpInterface draw) { draw.setRedraw(true); });
  gradient.pruneUnused();
}

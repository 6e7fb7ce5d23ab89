// analog-differentiate: fused forward functions -> functions of their gradients. See Passes.td.
//
// Expects functions of one tiled_mvm that contracts k, with what backward needs among its results; others are left
// alone.
#include "dialect/Transforms/Passes.h"
#include "dialect/Transforms/ScalarGradient.h"

namespace mho::analog {
#define GEN_PASS_DEF_ANALOGDIFFERENTIATEPASS
#include "dialect/Transforms/Passes.h.inc"
} // namespace mho::analog

using namespace mlir;
using namespace mho::analog;

namespace {

/// One gradient function under construction.
class Gradient {
public:
  Gradient(func::FuncOp forward, TiledMvmOp kernel)
      : forward(forward), kernel(kernel), builder(forward.getContext()), loc(kernel.getLoc()) {}
  LogicalResult buildInput();
  LogicalResult buildWeight();

private:
  AxesAttr axes(ArrayRef<Axis> list) { return AxesAttr::get(builder.getContext(), list); }
  void startFunction(StringRef suffix);
  Value argumentOf(Value forwardValue) { return arguments.lookup(forwardValue); }
  TiledMvmOp createKernel(Axis contract, Value rhs, ArrayRef<Axis> rhsAxes, Value epilogue, ArrayRef<Axis> epilogueAxes,
                          bool keepWeightStats, ArrayRef<Attribute> results, TypeRange types);
  void openRegion(Region &region);
  void copyMaps(TiledMvmOp gradient);
  IRMapping mapVisible(TiledMvmOp gradient, unsigned region, unsigned source);
  LogicalResult buildOutputGradient(TiledMvmOp gradient);
  void buildLoad(TiledMvmOp gradient, Region &source, bool noiseFree);
  void cloneYield(Region &region, Region &source, IRMapping &mapping);
  LogicalResult buildFinish(TiledMvmOp gradient, Side side, bool noiseFree);
  void buildTail(TiledMvmOp gradient, ArrayRef<PendingReduction> reductions);
  void finishFunction(TiledMvmOp gradient, StringRef valueName);

  func::FuncOp forward, function;
  TiledMvmOp kernel;
  OpBuilder builder;
  Location loc;
  Value grad;
  SmallVector<Value> bits;                 // arguments of the saved bits
  IRMapping arguments;                     // values of the forward function -> arguments of the gradient function
  SmallVector<Value> params;               // of the gradient kernel
  SmallVector<Attribute> paramAxes;        // and their axes
  DenseMap<int64_t, int64_t> importedStat; // statistic of the forward kernel -> parameter of the gradient kernel
  SmallVector<Attribute> stats;            // recomputed statistics of the weight
  DenseMap<int64_t, int64_t> recomputedStat;
};

} // namespace

/// A function of the output gradient, the forward arguments and what forward saved.
void Gradient::startFunction(StringRef suffix) {
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

TiledMvmOp Gradient::createKernel(Axis contract, Value rhs, ArrayRef<Axis> rhsAxes, Value epilogue,
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

void Gradient::openRegion(Region &region) {
  auto owner = cast<TiledMvmOp>(region.getParentOp());
  SmallVector<Type> types = owner.getRegionArgumentTypes(region.getRegionNumber());
  builder.createBlock(&region, region.end(), types, SmallVector<Location>(types.size(), loc));
}

/// Maps the parameter and statistic arguments of a region of the forward kernel (by index) to those of a region of the
/// gradient kernel, where they are visible.
IRMapping Gradient::mapVisible(TiledMvmOp gradient, unsigned region, unsigned source) {
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
void Gradient::copyMaps(TiledMvmOp gradient) {
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

/// Ends `region` with the values that `source` yields, its code copied.
void Gradient::cloneYield(Region &region, Region &source, IRMapping &mapping) {
  SmallVector<Value> values;
  for (Value value : cloneRegionBody(builder, source, mapping).getValues())
    values.push_back(mapping.lookupOrDefault(value));
  builder.create<YieldOp>(loc, values, ValueRange{}, ValueRange{});
}

/// load_lhs of both gradients: G = g * finish' * end_tile'.
LogicalResult Gradient::buildOutputGradient(TiledMvmOp gradient) {
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
  if (failed(throughTile.run(endTile, 1, seed, region.getArguments().slice(1, bits.size()))))
    return failure();
  if (!throughTile.reductions().empty())
    return kernel.emitOpError("not differentiated: a parameter gradient at the end of a tile needs the accumulator, "
                              "which is not kept");
  Value result = throughTile.of(endTile.getArgument(0));
  builder.create<YieldOp>(loc, ValueRange{result}, ValueRange{}, ValueRange{});
  return success();
}

/// A draw becomes what leaves the element alone: a normal is 0 (so that a fused multiply-add of it is its addend), a
/// uniform 1.
static void removeDraws(Block &block) {
  for (auto normal : llvm::make_early_inc_range(block.getOps<NormalOp>()))
    for (Operation *user : llvm::make_early_inc_range(normal->getUsers()))
      if (auto fma = dyn_cast<math::FmaOp>(user)) {
        fma.replaceAllUsesWith(fma.getC());
        fma.erase();
      }
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!isa<NormalOp, UniformOp>(op))
      continue;
    OpBuilder builder(&op);
    op.getResult(0).replaceAllUsesWith(ScalarBuilder{builder, op.getLoc()}.constant(isa<NormalOp>(op) ? 0 : 1));
    op.erase();
  }
}

/// load_rhs: the other factor as forward saw it.
void Gradient::buildLoad(TiledMvmOp gradient, Region &source, bool noiseFree) {
  OpBuilder::InsertionGuard guard(builder);
  Region &region = gradient.getLoadRhs();
  openRegion(region);
  IRMapping mapping = mapVisible(gradient, TiledMvmOp::kLoadRhs, source.getRegionNumber());
  mapping.map(source.getArgument(0), region.getArgument(0));
  cloneYield(region, source, mapping);
  if (noiseFree)
    removeDraws(region.front());
}

/// finish: the contraction times the derivative of the load region of `side` at the epilogue element.
LogicalResult Gradient::buildFinish(TiledMvmOp gradient, Side side, bool noiseFree) {
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
  if (!summands.empty())
    buildTail(gradient, scalar.reductions());
  return success();
}

/// tail: each surrogate's own tail gives the parameter gradient in place of its first reduction; the rest is passed
/// through.
void Gradient::buildTail(TiledMvmOp gradient, ArrayRef<PendingReduction> reductions) {
  Region &region = gradient.getTail();
  openRegion(region);
  SmallVector<int64_t> visible = gradient.getVisibleParams(TiledMvmOp::kTail);
  SmallVector<Value> yielded(region.getArguments().take_front(gradient.getOutputs().size() - 1));
  unsigned first = 0;
  for (const PendingReduction &reduction : reductions) {
    Region &tail = const_cast<SurrogateOp &>(reduction.surrogate).getTail();
    IRMapping mapping;
    for (size_t i = 0; i < reduction.summands.size(); ++i)
      mapping.map(tail.getArgument(i), region.getArgument(first + i));
    // The surrogate's inputs are arguments of the load region: parameters, which the tail sees by the same index.
    Region &load = kernel.getLoadLhs();
    unsigned at = 1;
    DenseMap<Value, int64_t> paramOf;
    for (int64_t i : kernel.getVisibleParams(TiledMvmOp::kLoadLhs))
      paramOf[load.getArgument(at++)] = i;
    for (auto [i, input] : llvm::enumerate(const_cast<SurrogateOp &>(reduction.surrogate).getInputs().drop_front())) {
      auto *found = llvm::find(visible, paramOf.lookup(input));
      mapping.map(tail.getArgument(reduction.summands.size() + i),
                  region.getArgument(yielded.size() + (found - visible.begin())));
    }
    YieldOp yield = cloneRegionBody(builder, tail, mapping);
    yielded[first] = mapping.lookupOrDefault(yield.getValues()[0]);
    first += reduction.summands.size();
  }
  builder.create<YieldOp>(loc, yielded, ValueRange{}, ValueRange{});
}

/// Erases what no derivative uses, and returns the results by name: `value` first, then the gradients of parameters and
/// their counts.
void Gradient::finishFunction(TiledMvmOp gradient, StringRef valueName) {
  builder.create<func::ReturnOp>(loc, gradient.getResults());
  function.setType(FunctionType::get(builder.getContext(), function.getArgumentTypes(), gradient.getResultTypes()));
  // A second range has its own sum and counts: drange#2, ...
  constexpr StringLiteral names[] = {"drange", "unclipped", "inputs"};
  function.setResultAttr(0, AnalogDialect::kNameAttr, builder.getStringAttr(valueName));
  for (unsigned i = 1; i < gradient.getOutputs().size(); ++i) {
    unsigned number = (i - 1) / std::size(names) + 1;
    std::string name = names[(i - 1) % std::size(names)].str() + (number > 1 ? "#" + std::to_string(number) : "");
    function.setResultAttr(i, AnalogDialect::kNameAttr, builder.getStringAttr(name));
  }
  for (Region &region : gradient->getRegions())
    if (!region.empty())
      eraseUnused(region.front());
  // Every number drawn in a gradient is one that forward drew.
  gradient->walk([](DrawOpInterface draw) { draw.setRedraw(true); });
  gradient.pruneUnused();
}

/// The parameter of the kernel whose gradient a surrogate of load_lhs reduces to.
static int64_t reducedParam(TiledMvmOp kernel, SurrogateOp surrogate) {
  Value input = surrogate.getInputs()[*surrogate.getWrt()];
  auto argument = dyn_cast<BlockArgument>(input);
  SmallVector<int64_t> visible = kernel.getVisibleParams(TiledMvmOp::kLoadLhs);
  int64_t at = argument ? int64_t(argument.getArgNumber()) - kernel.getElementCount(TiledMvmOp::kLoadLhs) : -1;
  return at >= 0 && at < int64_t(visible.size()) ? visible[at] : -1;
}

/// The parameter gradients that load_lhs of the forward kernel asks for: their sums and counts, over the parameter's
/// axes.
static LogicalResult appendReductions(TiledMvmOp kernel, SmallVectorImpl<Attribute> &results,
                                      SmallVectorImpl<Type> &types) {
  MLIRContext *context = kernel.getContext();
  AxesAttr all;
  for (auto surrogate : kernel.getLoadLhs().front().getOps<SurrogateOp>()) {
    if (!surrogate.getWrt())
      continue;
    int64_t param = reducedParam(kernel, surrogate);
    if (param < 0)
      return surrogate.emitOpError("not differentiated: expected 'wrt' to name a parameter of the kernel");
    AxesAttr over = kernel.getAxesOf(kernel.getParamAxes(), param);
    if (all && all != over)
      return surrogate.emitOpError("not differentiated: expected parameter gradients over the same axes, got ")
             << all.str() << " and " << over.str();
    all = over;
    auto type = dyn_cast<RankedTensorType>(kernel.getParams()[param].getType());
    for (Value value : cast<YieldOp>(surrogate.getDerivative().front().getTerminator()).getReductions()) {
      results.push_back(
          ResultAttr::get(context, value.getType().isF32() ? ResultKind::Sum : ResultKind::Count, over, 0));
      types.push_back(type ? type : RankedTensorType::get({}, Float32Type::get(context)));
    }
  }
  return success();
}

/// Says why a forward kernel has no gradient yet.
static LogicalResult checkSupported(TiledMvmOp kernel) {
  auto refuse = [&](StringRef expected) { return kernel.emitOpError("not differentiated: expected ") << expected; };
  auto isOver = [&](ArrayAttr axes, ArrayRef<Axis> expected) {
    return axes.size() == 1 && kernel.getAxesOf(axes, 0).getAxes() == expected;
  };
  if (kernel.getContract() != Axis::K || !isOver(kernel.getLhsAxes(), {Axis::M, Axis::K}) ||
      !isOver(kernel.getRhsAxes(), {Axis::N, Axis::K}))
    return refuse("a contraction over k of one lhs operand over (m, k) and one rhs operand over (n, k)");
  if (kernel.getAccumulators() != ArrayRef<int64_t>({0, 0}))
    return refuse("one accumulator per tile, of the first loaded values");
  if (kernel.getResultSpec(0).getKind() != ResultKind::Value || !kernel.getReductions().empty() ||
      !kernel.getResultsOf({ResultKind::Planes}).empty())
    return refuse("the value as first result, and beside it bits and statistics only");
  if (!kernel.getEpilogue().empty() || kernel.getInit())
    return refuse("neither epilogue operands nor an initial value");
  return success();
}

LogicalResult Gradient::buildInput() {
  startFunction("_dx");
  Value x = arguments.lookup(kernel.getLhs()[0]), w = arguments.lookup(kernel.getRhs()[0]);
  SmallVector<Attribute> results{ResultAttr::get(builder.getContext(), ResultKind::Value, axes({Axis::M, Axis::K}), 0)};
  SmallVector<Type> types{x.getType()};
  if (failed(appendReductions(kernel, results, types)))
    return failure();
  TiledMvmOp gradient = createKernel(Axis::N, w, {Axis::N, Axis::K}, x, {Axis::M, Axis::K}, true, results, types);
  copyMaps(gradient);
  if (failed(buildOutputGradient(gradient)))
    return failure();
  buildLoad(gradient, kernel.getLoadRhs(), true);
  if (failed(buildFinish(gradient, Side::Lhs, false)))
    return failure();
  finishFunction(gradient, "dx");
  return success();
}

LogicalResult Gradient::buildWeight() {
  startFunction("_dw");
  Value x = arguments.lookup(kernel.getLhs()[0]), w = arguments.lookup(kernel.getRhs()[0]);
  SmallVector<Attribute> results{ResultAttr::get(builder.getContext(), ResultKind::Value, axes({Axis::N, Axis::K}), 0)};
  TiledMvmOp gradient =
      createKernel(Axis::M, x, {Axis::M, Axis::K}, w, {Axis::N, Axis::K}, false, results, {w.getType()});
  if (failed(buildOutputGradient(gradient)))
    return failure();
  buildLoad(gradient, kernel.getLoadLhs(), false);
  if (failed(buildFinish(gradient, Side::Rhs, true)))
    return failure();
  finishFunction(gradient, "dweight");
  return success();
}

namespace {
struct DifferentiatePass : mho::analog::impl::AnalogDifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    SmallVector<std::pair<func::FuncOp, TiledMvmOp>> kernels;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || function.front().getTerminator()->getNumOperands() == 0)
        continue;
      auto kernel = function.front().getTerminator()->getOperand(0).getDefiningOp<TiledMvmOp>();
      if (kernel && kernel.isForward())
        kernels.push_back({function, kernel});
    }
    for (auto [function, kernel] : kernels) {
      if (failed(checkSupported(kernel)) || failed(Gradient(function, kernel).buildWeight()) ||
          failed(Gradient(function, kernel).buildInput()))
        return signalPassFailure();
    }
  }
};
} // namespace

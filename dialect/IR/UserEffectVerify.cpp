// Verifiers of analog.effect and analog.apply. The labels are those of dialect/SPEC.md.
#include "dialect/IR/Scalar.h"
#include "dialect/IR/Verify.h"
#include "dialect/Numerics/EffectStream.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mho::analog;

//===-- effect: declarations --------------------------------------------------------------------------------------===//

static bool isIdentifier(StringRef name) {
  return !name.empty() && (llvm::isAlpha(name[0]) || name[0] == '_') &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

/// Where the text declares what becomes an argument of the code, `last` from the end: 1 is the last strength.
static Location locOfArgument(EffectOp op, size_t last) {
  Region &code = op.getCode();
  size_t count = code.empty() ? 0 : code.front().getNumArguments();
  return last <= count ? code.getArgument(count - last).getLoc() : op.getLoc();
}

static Location locOfStrength(EffectOp op, size_t i) { return locOfArgument(op, op.getStrengthNames().size() - i); }

static Location locOfParam(EffectOp op, size_t i) {
  return locOfArgument(op, op.getStrengthNames().size() + op.getParamNames().size() - i);
}

/// Names become names of kernel arguments and of values in what is printed: those of one region differ.
static LogicalResult verifyNames(EffectOp op, ArrayRef<Attribute> own) {
  llvm::StringSet<> seen;
  SmallVector<Attribute> names(own);
  llvm::append_range(names, op.getParamNames());
  llvm::append_range(names, op.getStrengthNames());
  for (Attribute attribute : names) {
    StringRef name = cast<StringAttr>(attribute).getValue();
    if (!isIdentifier(name)) // effect_c2
      return op.emitOpError("expected names of letters, digits and '_' that begin with a letter, got '") << name << "'";
    if (!seen.insert(name).second) // effect_c2
      return op.emitOpError("expected names that differ, got '") << name << "' twice";
  }
  return success();
}

/// The products that further accumulators are sums of.
static LogicalResult verifyAccumulators(EffectOp op) {
  bool onOutput = op.getSite() == EffectSite::Output;
  size_t count = onOutput ? 0 : op.getAccumulatorNames().size(); // those of the output are sums
  ArrayRef<int64_t> pairs = op.getAccumulators();
  bool none = count == 0 && pairs.empty() && op.getInputFactors().empty() && op.getWeightFactors().empty();
  if (op.getSite() != EffectSite::Tile && !none) // effect_c15
    return op.emitOpError(
               "expected further accumulators, inputs and weights of an effect on the tile only, got them on "
               "the ")
           << stringifyEffectSite(op.getSite());
  if (pairs.size() != 2 * count) // effect_c16
    return op.emitOpError("expected a pair of factors for each of ")
           << count << " further accumulators, got " << pairs.size() << " factors";
  for (auto [side, clause] : {std::pair(Side::Lhs, "inputs"), {Side::Rhs, "weights"}}) {
    ArrayAttr names = op.getFactorNames(side);
    SmallVector<bool> used(names.size());
    for (size_t i = size_t(side); i < pairs.size(); i += 2) {
      if (pairs[i] < 0 || pairs[i] >= int64_t(names.size())) // effect_c16
        return op.emitOpError("expected a factor of ")
               << clause << "(...), which has " << names.size() << ", got number " << pairs[i];
      used[pairs[i]] = true;
    }
    for (size_t i = 1; i < names.size(); ++i)
      if (!used[i]) // effect_c16
        return op.emitOpError("expected an accumulator of factor ") << names[i] << ", which " << clause << " yields";
  }
  return success();
}

/// Backward knows no sum over tiles.
static LogicalResult verifyOutput(EffectOp op) {
  if (op.getSite() != EffectSite::Output)
    return success();
  bool sums = !op.getAccumulatorNames().empty();
  if (!op.getLearnable().empty() || op.getSurrogate() == SurrogateKind::Masked ||
      (sums && op.getSurrogate() == SurrogateKind::Derived)) // effect_c19
    return op.emitOpError("expected no learnable parameter of an effect on the output, and surrogate(straight_through) "
                          "or (own), or (derived) without sums; got ")
           << op.getLearnable().size() << " learnable ones, surrogate(" << stringifySurrogateKind(op.getSurrogate())
           << ") and " << op.getAccumulatorNames().size() << " sums";
  return success();
}

LogicalResult EffectOp::verify() {
  SmallVector<Attribute> names{getElementNameAttr()};
  llvm::append_range(names, getAccumulatorNames());
  if (failed(verifyNames(*this, names)) || failed(verifyNames(*this, getInputFactors().getValue())) ||
      failed(verifyNames(*this, getWeightFactors().getValue())) || failed(verifyAccumulators(*this)))
    return failure();
  if (getParamNames().size() != getParamAxes().size() || getStrengthNames().size() != getStrengths().size())
    return emitOpError("expected axes for each of ") // effect_c3
           << getParamNames().size() << " parameters and values for each of " << getStrengthNames().size()
           << " strengths, got " << getParamAxes().size() << " and " << getStrengths().size();
  for (unsigned i = 0; i < getParamNames().size(); ++i)
    if (!getAxesOfParam(i).within(getSiteAxes())) // effect_c4
      return mlir::emitError(locOfParam(*this, i), "expected parameter '")
             << getNameOfParam(i) << "' of an effect on the " << stringifyEffectSite(getSite())
             << " to vary over axes among " << AxesAttr::get(getContext(), getSiteAxes()).str() << ", got "
             << getAxesOfParam(i).str();
  for (unsigned i = 0; i < getStrengths().size(); ++i)
    if (APFloat value = cast<FloatAttr>(getStrengths()[i]).getValue(); !value.isFinite()) // effect_c5
      return mlir::emitError(locOfStrength(*this, i), "expected strength '")
             << getNameOfStrength(i) << "' to be finite, got " << value.convertToFloat();
  ArrayRef<int64_t> learnable = getLearnable();
  bool exist = llvm::all_of(learnable, [&](int64_t i) { return i >= 0 && i < int64_t(getParamNames().size()); });
  bool ascends = std::adjacent_find(learnable.begin(), learnable.end(), std::greater_equal<>()) == learnable.end();
  if (!exist || !ascends) // effect_c6
    return emitOpError("expected learnable parameters to be among the ")
           << getParamNames().size() << " of the effect, each once and in their order";
  bool derived = getSurrogate() == SurrogateKind::Derived;
  if (!learnable.empty() && !derived && getSurrogate() != SurrogateKind::Own) // effect_c6
    return mlir::emitError(locOfParam(*this, learnable[0]),
                           "expected surrogate(derived) or surrogate(own) of an effect that learns the parameter '")
           << getNameOfParam(learnable[0]) << "', got surrogate(" << stringifySurrogateKind(getSurrogate())
           << "), which gives parameters no gradient";
  return verifyOutput(*this);
}

//===-- effect: code ----------------------------------------------------------------------------------------------===//

/// One block that takes `types` and yields `values` f32.
static LogicalResult verifyShape(EffectOp op, Region &region, StringRef name, TypeRange types, size_t values = 1) {
  if (!region.hasOneBlock() || region.front().empty() || !isa<YieldOp>(region.front().back())) // effect_c7
    return op.emitOpError("expected its ") << name << " to be one block that ends in analog.yield";
  if (TypeRange(region.getArgumentTypes()) != types) // effect_c7
    return op.emitOpError("expected its ")
           << name << " to take (" << types << "), got (" << region.getArgumentTypes() << ")";
  if (yieldOf(region).getValues().size() != values) // effect_c7
    return yieldOf(region).emitOpError("expected the ")
           << name << " of an effect to yield " << values << " f32, got " << yieldOf(region).getValues().size();
  return verifyScalarCode(region); // effect_c8
}

/// The code: further values only where they are summed over the tiles, and carry no gradient.
static LogicalResult verifyCode(EffectOp op, TypeRange taken) {
  Block *block = op.getCode().hasOneBlock() ? &op.getCode().front() : nullptr;
  auto yield = block && !block->empty() ? dyn_cast<YieldOp>(block->back()) : YieldOp();
  size_t values = yield ? yield.getValues().size() : 1;
  bool mayBeMore = op.getSite() == EffectSite::Tile && op.getSurrogate() != SurrogateKind::Derived;
  if (values > 1 && !mayBeMore) // effect_c18
    return yield.emitOpError("expected several values of an effect on the tile only, and not with surrogate(derived): "
                             "only the first carries a gradient; got ")
           << values << " on the " << stringifyEffectSite(op.getSite()) << " with surrogate("
           << stringifySurrogateKind(op.getSurrogate()) << ")";
  return verifyShape(op, op.getCode(), "code", taken, std::max<size_t>(1, values));
}

/// Bits where the surrogate uses them, and nothing to reduce.
static LogicalResult verifyBits(EffectOp op) {
  YieldOp yield = yieldOf(op.getCode());
  unsigned bits = yield.getBits().size();
  bool masked = op.getSurrogate() == SurrogateKind::Masked;
  bool mayYield = op.getSurrogate() == SurrogateKind::Own && op.getSite() == EffectSite::Tile;
  if (masked ? bits != 1 : bits != 0 && !mayYield) // effect_c9
    return yield.emitOpError("expected ")
           << (masked ? "one bit" : "no bits") << " of an effect on the " << stringifyEffectSite(op.getSite())
           << " with surrogate(" << stringifySurrogateKind(op.getSurrogate()) << "), got " << bits
           << "; surrogate(masked) takes one, surrogate(own) on the tile any number";
  if (!yield.getReductions().empty()) // effect_c9
    return yield.emitOpError("expected no summands of an effect's code, got ") << yield.getReductions().size();
  return success();
}

/// Draws are those of a use: they stand in the code itself, and neither in a derivative nor in a surrogate.
static LogicalResult verifyInside(EffectOp op) {
  WalkResult result = op->walk([&](Operation *inner) -> WalkResult {
    Region *drawing[] = {&op.getCode(), &op.getInputs(), &op.getWeights()};
    if (isa<DrawOpInterface>(inner) && !llvm::is_contained(drawing, inner->getParentRegion())) // effect_c10
      return inner->emitOpError(
          "expected to stand in the code of an effect itself or of its inputs or weights, neither "
          "in its derivative nor in analog.surrogate");
    if (isa<IndexOp>(inner) && op.getTail().isAncestor(inner->getParentRegion())) // effect_c10
      return inner->emitOpError("expected no index in the tail of an effect, which has no element");
    if (auto surrogate = dyn_cast<SurrogateOp>(inner);
        surrogate && (!surrogate.getWrt().empty() || !surrogate.getSaved().empty())) // effect_c11
      return inner->emitOpError("expected neither bits nor 'wrt' of analog.surrogate in an effect; the effect's own "
                                "surrogate has them");
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (size_t draws = op.getDraws().size(); draws > size_t(mho::kUserStreams)) // effect_c10
    return op.emitOpError("expected at most ") << mho::kUserStreams << " draws, got " << draws;
  return success();
}

static LogicalResult verifyTail(EffectOp op, size_t others) {
  size_t learnable = op.getLearnable().size();
  bool learns = learnable != 0;
  YieldOp yield = yieldOf(op.getDerivative());
  size_t summands = yield.getReductions().size();
  if (!yield.getBits().empty() || (learns ? summands < learnable : summands != 0)) // effect_c13
    return yield.emitOpError("expected no bits, and summands exactly where a parameter is learnable, ")
           << learnable << " or more for " << learnable << " of these, got " << yield.getBits().size() << " bits and "
           << summands << " summands";
  if (learns != !op.getTail().empty()) // effect_c14
    return op.emitOpError("expected a tail exactly where a parameter is learnable, got ") << (learns ? "none" : "one");
  if (!learns)
    return success();
  Type f32 = Float32Type::get(op.getContext());
  if (failed(verifyShape(op, op.getTail(), "tail", SmallVector<Type>(summands + others, f32),
                         learnable))) // effect_c14
    return failure();
  YieldOp end = yieldOf(op.getTail());
  if (!end.getBits().empty() || !end.getReductions().empty()) // effect_c14
    return end.emitOpError("expected the tail to yield f32 alone");
  return success();
}

/// The regions of the sides: of element, parameters and strengths, yielding the factors after the element.
static LogicalResult verifyFactors(EffectOp op) {
  Type f32 = Float32Type::get(op.getContext());
  for (auto [side, clause] : {std::pair(Side::Lhs, "inputs"), {Side::Rhs, "weights"}}) {
    Region &region = op.getFactorRegion(side);
    size_t factors = op.getFactorNames(side).size();
    if ((factors > 1) == region.empty()) // effect_c17
      return op.emitOpError("expected a region of ")
             << clause << " exactly where it yields factors, got " << (region.empty() ? "none" : "one");
    if (region.empty())
      continue;
    SmallVector<Type> types(1 + op.getFactorParams(side).size() + op.getStrengthNames().size(), f32);
    if (failed(verifyShape(op, region, clause, types, factors - 1)))
      return failure();
    YieldOp yield = yieldOf(region);
    if (!yield.getBits().empty() || !yield.getReductions().empty()) // effect_c17
      return yield.emitOpError("expected ") << clause << " to yield factors alone, got bits or summands";
    for (auto [i, param] : llvm::enumerate(op.getFactorParams(side)))
      if (Value argument = region.getArgument(1 + i); op.getSurrogate() == SurrogateKind::Derived &&
                                                      llvm::is_contained(op.getLearnable(), param) &&
                                                      !argument.use_empty()) // effect_c20
        return mlir::emitError(argument.getUsers().begin()->getLoc(), "expected ")
               << clause << " of an effect with surrogate(derived) to use no learnable parameter, got '"
               << op.getNameOfParam(param) << "', which has a gradient through the effect's code alone";
  }
  return success();
}

LogicalResult EffectOp::verifyRegions() {
  Type f32 = Float32Type::get(getContext()), i1 = IntegerType::get(getContext(), 1);
  size_t others = getParamNames().size() + getStrengthNames().size();
  SmallVector<Type> taken(1 + getAccumulatorNames().size() + others, f32);
  if (failed(verifyCode(*this, taken)) || failed(verifyBits(*this)) || failed(verifyFactors(*this)))
    return failure();
  bool own = getSurrogate() == SurrogateKind::Own;
  if (own != !getDerivative().empty()) // effect_c12
    return emitOpError("expected a derivative exactly with surrogate(own), got surrogate(")
           << stringifySurrogateKind(getSurrogate()) << (own ? ") without one" : ") with one");
  if (!own && !getTail().empty()) // effect_c14
    return emitOpError("expected a tail only with surrogate(own), got surrogate(")
           << stringifySurrogateKind(getSurrogate()) << ")";
  if (own) {
    unsigned bits = savesBits() ? getBitCount() : 0;
    SmallVector<Type> types(others, f32);
    types.append(bits ? bits : 1, bits ? i1 : f32);
    types.push_back(f32);
    if (failed(verifyShape(*this, getDerivative(), "derivative", types)) || failed(verifyTail(*this, others)))
      return failure();
  }
  return verifyInside(*this);
}

//===-- apply -----------------------------------------------------------------------------------------------------===//

LogicalResult ApplyOp::verify() {
  if (failed(verifySameType(*this))) // apply_c1
    return failure();
  for (Type type : getFurther().getTypes())
    if (type != getInput().getType()) // apply_c1
      return emitOpError("expected all results to have the input's type ") << getInput().getType() << ", got " << type;
  if (failed(verifyTiled(*this))) // apply_c2
    return failure();
  return verifyScales(*this, getParams(), getParamAxes(), visibleAxes(getInput())); // apply_c3
}

static InFlightDiagnostic refuse(ApplyOp op, EffectOp effect, const Twine &message) {
  InFlightDiagnostic diagnostic = op.emitOpError(message);
  diagnostic.attachNote(effect.getLoc()) << "the effect is defined here";
  return diagnostic;
}

static InFlightDiagnostic refuseParam(ApplyOp op, EffectOp effect, size_t param, const Twine &message) {
  InFlightDiagnostic diagnostic = op.emitOpError(message);
  diagnostic.attachNote(locOfParam(effect, param))
      << "parameter '" << effect.getNameOfParam(param) << "' is declared here";
  return diagnostic;
}

/// True if an mvm takes the values of an effect as its input (or its weight), directly or behind other effects.
static bool isUsedAs(EffectSite site, Value value) {
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    if (isa<MvmOp>(use.getOwner()))
      return (use.getOperandNumber() == 0) == (site == EffectSite::Input);
    return isa<EffectOpInterface>(use.getOwner()) && use.getOperandNumber() == 0 &&
           isUsedAs(site, use.getOwner()->getResult(0));
  });
}

/// What an effect on the output maps: the sum over the tiles, directly or behind other effects on the output.
static AccumulateOp sumBehind(Value value) {
  llvm::SmallPtrSet<Operation *, 8> seen; // code that is not reached may go in circles
  for (auto apply = value.getDefiningOp<ApplyOp>(); apply && seen.insert(apply).second;
       apply = value.getDefiningOp<ApplyOp>()) {
    EffectOp effect = apply.lookupEffect();
    if (!effect || effect.getSite() != EffectSite::Output)
      return {};
    value = apply.getInput();
  }
  return value.getDefiningOp<AccumulateOp>();
}

/// Results after the first, sums that are taken, and what the sums are of.
static LogicalResult verifySums(ApplyOp op, EffectOp effect) {
  size_t results = op.getFurther().size(), further = effect.getFurtherCount();
  if (results != further) // apply_c14
    return refuse(op, effect,
                  "expected " + Twine(1 + further) + " results of @" + effect.getSymName() + ", got " +
                      Twine(1 + results));
  bool onOutput = effect.getSite() == EffectSite::Output;
  size_t sums = onOutput ? effect.getAccumulatorNames().size() : 0;
  if (op.getSums().size() != sums) // apply_c15
    return refuse(op, effect,
                  "expected " + Twine(sums) + " sums of @" + effect.getSymName() + ", got " +
                      Twine(op.getSums().size()));
  if (onOutput && !sumBehind(op.getInput())) // apply_c15
    return refuse(op, effect,
                  "expected @" + effect.getSymName() +
                      ", an effect on the output, to map the result of an analog.accumulate, behind other effects");
  if (onOutput && sumBehind(op.getInput()).getBias() &&
      effect.getSurrogate() != SurrogateKind::StraightThrough) // apply_c16
    return refuse(op, effect,
                  "expected @" + effect.getSymName() +
                      ", an effect on the output without surrogate(straight_through), to map a sum without a bias, "
                      "whose gradient is that of the output");
  for (Value sum : op.getSums())
    if (auto accumulate = sum.getDefiningOp<AccumulateOp>();
        !accumulate || accumulate.getBias() || sum.getType() != op.getInput().getType()) // apply_c15
      return refuse(op, effect,
                    "expected the sums of @" + effect.getSymName() +
                        " to be results of analog.accumulate without a bias, of its input's type");
  return success();
}

static LogicalResult verifySite(ApplyOp op, EffectOp effect) {
  int64_t rank = op.getInput().getType().getRank(), expected = effect.getSite() == EffectSite::Tile ? 3 : 2;
  StringRef site = stringifyEffectSite(effect.getSite());
  if (rank != expected) // apply_c5
    return refuse(op, effect,
                  "expected @" + effect.getSymName() + ", an effect on the " + site + ", to map a tensor of rank " +
                      Twine(expected) + ", got rank " + Twine(rank));
  EffectSite other = effect.getSite() == EffectSite::Input ? EffectSite::Weight : EffectSite::Input;
  if (rank == 2 && effect.getSite() != EffectSite::Output && isUsedAs(other, op.getResult())) // apply_c5
    return refuse(op, effect,
                  "expected @" + effect.getSymName() + ", an effect on the " + site +
                      ", to map that of analog.mvm, got its " + stringifyEffectSite(other));
  if (!op.getFurtherAccumulators().empty() && !op.findMvm()) // apply_c12
    return refuse(op, effect,
                  "expected @" + effect.getSymName() +
                      ", which has further accumulators, to map planes of an "
                      "analog.mvm of the function, behind other effects");
  return success();
}

/// A tail runs once for each element of the learnable parameters: another parameter must have one value there.
static LogicalResult verifyTailParams(ApplyOp op, EffectOp effect) {
  if (effect.getTail().empty())
    return success();
  auto learnable = cast<AxesAttr>(op.getParamAxes()[effect.getLearnable()[0]]);
  size_t sums = yieldOf(effect.getDerivative()).getReductions().size();
  for (unsigned i = 0; i < op.getParams().size(); ++i)
    if (auto over = cast<AxesAttr>(op.getParamAxes()[i]);
        !effect.getTail().getArgument(sums + i).use_empty() && !over.within(learnable.getAxes())) // apply_c13
      return refuseParam(op, effect, i,
                         "expected parameter '" + effect.getNameOfParam(i) +
                             "', which the tail reads, over axes among those of the learnable ones, " +
                             learnable.str() + ", got " + over.str());
  return success();
}

static LogicalResult verifyParams(ApplyOp op, EffectOp effect) {
  size_t expected = effect.getParamNames().size(), given = op.getParams().size();
  if (given != expected) // apply_c6
    return refuse(op, effect,
                  "expected " + Twine(expected) + " parameters of @" + effect.getSymName() + ", got " + Twine(given));
  for (unsigned i = 0; i < expected; ++i)
    if (auto over = cast<AxesAttr>(op.getParamAxes()[i]); !over.within(effect.getAxesOfParam(i).getAxes())) // apply_c6
      return refuseParam(op, effect, i,
                         "expected parameter '" + effect.getNameOfParam(i) + "' over axes among " +
                             effect.getAxesOfParam(i).str() + ", got " + over.str());
  for (int64_t i : effect.getLearnable())
    if (Attribute first = op.getParamAxes()[effect.getLearnable()[0]];
        effect.getSurrogate() == SurrogateKind::Own && op.getParamAxes()[i] != first) // apply_c11
      return refuseParam(op, effect, i,
                         "expected the learnable parameters, whose gradients one tail makes, over the same axes, got " +
                             cast<AxesAttr>(first).str() + " and " + cast<AxesAttr>(op.getParamAxes()[i]).str());
  return verifyTailParams(op, effect);
}

static LogicalResult verifyStrengths(ApplyOp op, EffectOp effect) {
  for (NamedAttribute given : op.getStrengths().value_or(DictionaryAttr::get(op.getContext()))) {
    auto value = dyn_cast<FloatAttr>(given.getValue());
    if (!value || !value.getType().isF32() || !value.getValue().isFinite()) // apply_c7
      return op.emitOpError("expected strength '")
             << given.getName().getValue() << "' to be a finite f32, got " << given.getValue();
    if (llvm::is_contained(effect.getStrengthNames(), given.getName()))
      continue;
    std::string names;
    for (unsigned i = 0; i < effect.getStrengthNames().size(); ++i)
      names += (i ? "', '" : "'") + effect.getNameOfStrength(i).str();
    return refuse(op, effect,
                  "expected strengths of @" + effect.getSymName() + " (" + // apply_c7
                      (names.empty() ? "it has none" : names + "'") + "), got '" + given.getName().getValue() + "'");
  }
  return success();
}

/// A key and streams exactly where the effect draws.
static LogicalResult verifyKey(ApplyOp op, EffectOp effect) {
  size_t draws = effect.getDraws().size();
  if (bool(op.getKey()) != (draws != 0)) // apply_c8
    return refuse(op, effect,
                  "expected a key exactly where the effect draws, got " + Twine(op.getKey() ? "one" : "none") +
                      " for " + Twine(draws) + " draws");
  if (op.getRedraw() && draws == 0) // apply_c8
    return refuse(op, effect, "expected 'redraw' only where the effect draws");
  std::optional<ArrayRef<int64_t>> streams = op.getStreams();
  if (!streams)
    return success();
  if (streams->size() != draws) // apply_c9
    return refuse(op, effect,
                  "expected a stream for each of " + Twine(draws) + " draws, got " + Twine(streams->size()));
  for (auto [i, stream] : llvm::enumerate(*streams)) {
    if (stream < mho::kFirstUserStream || stream >= mho::kStreams) // apply_c9
      return op.emitOpError("expected streams from ")
             << mho::kFirstUserStream << " to " << mho::kStreams - 1 << ", got " << stream;
    if (llvm::is_contained(streams->take_front(i), stream)) // apply_c9
      return op.emitOpError("expected streams that differ, got ") << stream << " twice";
  }
  return success();
}

LogicalResult ApplyOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto effect = symbols.lookupNearestSymbolFrom<EffectOp>(*this, getEffectAttr());
  if (!effect) // apply_c4
    return emitOpError("expected @") << getEffect() << " to be an analog.effect of the module";
  if (failed(verifySite(*this, effect)) || failed(verifySums(*this, effect)) || failed(verifyParams(*this, effect)) ||
      failed(verifyStrengths(*this, effect)) || failed(verifyKey(*this, effect)))
    return failure();
  return verifyDraws(*this, "streams [...] gives this use streams of its own, 'redraw' repeats those"); // apply_c10
}

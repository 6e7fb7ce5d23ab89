// Assembly of analog.effect:
//   analog.effect @name on weight(%w) params(%a over (t, n) learnable) strengths(%s = 1.0) surrogate(own)
//       {...} derivative {...} tail {...}
//   analog.effect @name on tile(%y) accumulators(%q = square * w) surrogate(masked)
//       {...} inputs(%x) yields(square) {...} weights(%w)
//   analog.effect @name on output(%y) sums(%c0, %c1) surrogate(straight_through) {...}
#include "dialect/IR/AxesAssembly.h"

#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mho::analog;

using Argument = OpAsmParser::Argument;

/// `%name`, an f32 of the code; its name is part of the effect.
static ParseResult parseNamed(OpAsmParser &parser, SmallVectorImpl<Argument> &arguments,
                              SmallVectorImpl<Attribute> &names) {
  Argument &argument = arguments.emplace_back();
  if (parser.parseArgument(argument))
    return failure();
  Builder &builder = parser.getBuilder();
  argument.type = builder.getF32Type();
  names.push_back(builder.getStringAttr(argument.ssaName.name.drop_front()));
  return success();
}

static ParseResult parseParams(OpAsmParser &parser, SmallVectorImpl<Argument> &arguments,
                               EffectOp::Properties &properties) {
  SmallVector<Attribute> names, axes;
  SmallVector<int64_t> learnable;
  auto one = [&]() -> ParseResult {
    AxesAttr over;
    if (parseNamed(parser, arguments, names) || parseOver(parser, over))
      return failure();
    axes.push_back(over);
    if (succeeded(parser.parseOptionalKeyword("learnable")))
      learnable.push_back(names.size() - 1);
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword("params")) &&
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, one))
    return failure();
  Builder &builder = parser.getBuilder();
  properties.param_names = builder.getArrayAttr(names);
  properties.param_axes = builder.getArrayAttr(axes);
  properties.learnable = builder.getDenseI64ArrayAttr(learnable);
  return success();
}

static ParseResult parseStrengths(OpAsmParser &parser, SmallVectorImpl<Argument> &arguments,
                                  EffectOp::Properties &properties) {
  SmallVector<Attribute> names;
  SmallVector<Attribute> values;
  Builder &builder = parser.getBuilder();
  auto one = [&]() -> ParseResult {
    double value;
    if (parseNamed(parser, arguments, names) || parser.parseEqual() || parser.parseFloat(value))
      return failure();
    values.push_back(builder.getF32FloatAttr(float(value)));
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword("strengths")) &&
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, one))
    return failure();
  properties.strength_names = builder.getArrayAttr(names);
  properties.strengths = builder.getArrayAttr(values);
  return success();
}

/// In decimals that are read back as the same float: six as a rule, else nine.
static void printStrength(raw_ostream &stream, FloatAttr strength) {
  float value = strength.getValue().convertToFloat();
  for (const char *format : {"%.6e", "%.9e"}) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format(format, value);
    if (std::strtof(text.c_str(), nullptr) == value) {
      stream << text;
      return;
    }
  }
  llvm_unreachable("nine decimals after the point tell floats apart");
}

namespace {
/// `%name = left * right`, names of factors that the clauses of the sides declare later.
struct Product {
  SMLoc loc;
  std::string factors[2];
};
} // namespace

static ParseResult parseAccumulators(OpAsmParser &parser, SmallVectorImpl<Argument> &arguments,
                                     SmallVectorImpl<Product> &products, EffectOp::Properties &properties) {
  SmallVector<Attribute> names;
  auto one = [&]() -> ParseResult {
    Product &product = products.emplace_back();
    if (parseNamed(parser, arguments, names) || parser.parseEqual())
      return failure();
    product.loc = parser.getCurrentLocation();
    return failure(parser.parseKeywordOrString(&product.factors[0]) || parser.parseStar() ||
                   parser.parseKeywordOrString(&product.factors[1]));
  };
  if (succeeded(parser.parseOptionalKeyword("accumulators")) &&
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, one))
    return failure();
  auto sum = [&] { return parseNamed(parser, arguments, names); };
  if (names.empty() && succeeded(parser.parseOptionalKeyword("sums")) &&
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, sum))
    return failure();
  properties.accumulator_names = parser.getBuilder().getArrayAttr(names);
  return success();
}

/// `inputs(%x) yields(square) {...}`, or nothing. The region takes the element and those of `others` that it sees.
static ParseResult parseFactors(OpAsmParser &parser, StringRef keyword, ArrayRef<Argument> others, ArrayAttr &names,
                                Region &region) {
  SmallVector<Attribute> list;
  SmallVector<Argument> arguments;
  Builder &builder = parser.getBuilder();
  auto one = [&]() -> ParseResult {
    std::string name;
    if (parser.parseKeywordOrString(&name))
      return failure();
    list.push_back(builder.getStringAttr(name));
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword(keyword))) {
    if (parser.parseLParen() || parseNamed(parser, arguments, list) || parser.parseRParen())
      return failure();
    llvm::append_range(arguments, others);
    if (succeeded(parser.parseOptionalKeyword("yields")) &&
        (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, one) || parser.parseRegion(region, arguments)))
      return failure();
  }
  names = builder.getArrayAttr(list);
  return success();
}

/// The indices of the factors that accumulators are products of.
static ParseResult resolveFactors(OpAsmParser &parser, ArrayRef<Product> products, EffectOp::Properties &properties) {
  SmallVector<int64_t> pairs;
  for (const Product &product : products)
    for (auto [name, clause, known] : {std::tuple(product.factors[0], "inputs", properties.input_factors),
                                       {product.factors[1], "weights", properties.weight_factors}}) {
      auto *found = llvm::find_if(known, [&](Attribute a) { return cast<StringAttr>(a).getValue() == name; });
      if (found == known.end())
        return parser.emitError(product.loc, "expected a factor of ")
               << clause << "(...), its element or one that it yields, got '" << name << "'";
      pairs.push_back(found - known.begin());
    }
  properties.accumulators = parser.getBuilder().getDenseI64ArrayAttr(pairs);
  return success();
}

ParseResult EffectOp::parse(OpAsmParser &parser, OperationState &result) {
  Properties &properties = result.getOrAddProperties<Properties>();
  MLIRContext *context = parser.getContext();
  SmallVector<Argument> arguments, others, seen[2];
  SmallVector<Attribute> element;
  SmallVector<Product> products;
  EffectSite site;
  SurrogateKind surrogate;
  if (parser.parseSymbolName(properties.sym_name) || parser.parseKeyword("on") ||
      parseWord(parser, "what the effect acts on (input, weight, tile or output)", symbolizeEffectSite, site) ||
      parser.parseLParen() || parseNamed(parser, arguments, element) || parser.parseRParen() ||
      parseAccumulators(parser, arguments, products, properties) || parseParams(parser, others, properties) ||
      parseStrengths(parser, others, properties) || parser.parseKeyword("surrogate") || parser.parseLParen() ||
      parseWord(parser, "a surrogate (straight_through, masked, derived or own)", symbolizeSurrogateKind, surrogate) ||
      parser.parseRParen() || parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  properties.site = EffectSiteAttr::get(context, site);
  properties.element_name = cast<StringAttr>(element[0]);
  properties.surrogate = SurrogateKindAttr::get(context, surrogate);
  // What a side sees: parameters that do not vary over the axis of the other side, and strengths.
  for (auto [i, argument] : llvm::enumerate(others))
    for (auto [side, hidden] : {std::pair(0, Axis::N), {1, Axis::M}})
      if (i >= properties.param_axes.size() || !cast<AxesAttr>(properties.param_axes[i]).contains(hidden))
        seen[side].push_back(argument);
  llvm::append_range(arguments, others);
  Region *code = result.addRegion(), *derivative = result.addRegion(), *tail = result.addRegion(),
         *inputs = result.addRegion(), *weights = result.addRegion();
  if (parser.parseRegion(*code, arguments) ||
      parseFactors(parser, "inputs", seen[0], properties.input_factors, *inputs) ||
      parseFactors(parser, "weights", seen[1], properties.weight_factors, *weights) ||
      resolveFactors(parser, products, properties))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("derivative")) && parser.parseRegion(*derivative))
    return failure();
  return failure(succeeded(parser.parseOptionalKeyword("tail")) && parser.parseRegion(*tail));
}

void EffectOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  Block::BlockArgListType arguments = getCode().getArguments();
  printer << " on " << stringifyEffectSite(getSite()) << "(" << arguments[0] << ")";
  unsigned further = getAccumulatorNames().size(), params = getParamNames().size(),
           strengths = getStrengthNames().size();
  auto name = [](ArrayAttr names, unsigned i) { return cast<StringAttr>(names[i]).getValue(); };
  if (further && getAccumulators().empty()) {
    printer << " sums(";
    llvm::interleaveComma(arguments.slice(1, further), printer, [&](BlockArgument sum) { printer << sum; });
    printer << ")";
  } else if (further) {
    printer << " accumulators(";
    llvm::interleaveComma(llvm::seq(0u, further), printer, [&](unsigned i) {
      printer << arguments[1 + i] << " = " << name(getInputFactors(), getAccumulators()[2 * i]) << " * "
              << name(getWeightFactors(), getAccumulators()[2 * i + 1]);
    });
    printer << ")";
  }
  arguments = arguments.drop_front(further);
  if (params) {
    printer << " params(";
    llvm::interleaveComma(llvm::seq(0u, params), printer, [&](unsigned i) {
      printer << arguments[1 + i];
      printOver(printer, getAxesOfParam(i));
      if (llvm::is_contained(getLearnable(), i))
        printer << " learnable";
    });
    printer << ")";
  }
  if (strengths) {
    printer << " strengths(";
    llvm::interleaveComma(llvm::seq(0u, strengths), printer, [&](unsigned i) {
      printer << arguments[1 + params + i] << " = ";
      printStrength(printer.getStream(), cast<FloatAttr>(getStrengths()[i]));
    });
    printer << ")";
  }
  printer << " surrogate(" << stringifySurrogateKind(getSurrogate()) << ")";
  SmallVector<StringRef> written(getAttributeNames());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), written);
  printer << ' ';
  printer.printRegion(getCode(), /*printEntryBlockArgs=*/false);
  for (auto [keyword, side] : {std::pair("inputs", Side::Lhs), {"weights", Side::Rhs}}) {
    ArrayAttr names = getFactorNames(side);
    if (names.empty())
      continue;
    printer << ' ' << keyword << "(%" << name(names, 0) << ")";
    if (names.size() == 1)
      continue;
    printer << " yields(";
    llvm::interleaveComma(llvm::seq(size_t(1), names.size()), printer, [&](size_t i) { printer << name(names, i); });
    printer << ") ";
    printer.printRegion(getFactorRegion(side), /*printEntryBlockArgs=*/false);
  }
  for (auto [name, region] : {std::pair("derivative", &getDerivative()), {"tail", &getTail()}})
    if (!region->empty()) {
      printer << ' ' << name << ' ';
      printer.printRegion(*region);
    }
}

/// The arguments of the code and of the factors' regions are printed by the names that the user gave them.
void EffectOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  SmallVector<Attribute> names;
  if (&region == &getCode()) {
    names.push_back(getElementNameAttr());
    llvm::append_range(names, getAccumulatorNames());
    llvm::append_range(names, getParamNames());
  }
  for (Side side : {Side::Lhs, Side::Rhs})
    if (&region == &getFactorRegion(side) && !getFactorNames(side).empty()) {
      names.push_back(getFactorNames(side)[0]);
      for (int64_t i : getFactorParams(side))
        names.push_back(getParamNames()[i]);
    }
  llvm::append_range(names, getStrengthNames());
  if (region.getNumArguments() == names.size())
    for (auto [argument, name] : llvm::zip(region.getArguments(), names))
      setName(argument, cast<StringAttr>(name).getValue());
}

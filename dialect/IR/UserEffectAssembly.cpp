// Assembly of analog.effect:
//   analog.effect @name on weight(%w) params(%a over (t, n) learnable) strengths(%s = 1.0) surrogate(own)
//       {...} derivative {...} tail {...}
#include "dialect/IR/AxesAssembly.h"

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

ParseResult EffectOp::parse(OpAsmParser &parser, OperationState &result) {
  Properties &properties = result.getOrAddProperties<Properties>();
  MLIRContext *context = parser.getContext();
  SmallVector<Argument> arguments;
  SmallVector<Attribute> element;
  EffectSite site;
  SurrogateKind surrogate;
  if (parser.parseSymbolName(properties.sym_name) || parser.parseKeyword("on") ||
      parseWord(parser, "what the effect acts on (input, weight or tile)", symbolizeEffectSite, site) ||
      parser.parseLParen() || parseNamed(parser, arguments, element) || parser.parseRParen() ||
      parseParams(parser, arguments, properties) || parseStrengths(parser, arguments, properties) ||
      parser.parseKeyword("surrogate") || parser.parseLParen() ||
      parseWord(parser, "a surrogate (straight_through, masked, derived or own)", symbolizeSurrogateKind, surrogate) ||
      parser.parseRParen() || parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  properties.site = EffectSiteAttr::get(context, site);
  properties.element_name = cast<StringAttr>(element[0]);
  properties.surrogate = SurrogateKindAttr::get(context, surrogate);
  Region *code = result.addRegion(), *derivative = result.addRegion(), *tail = result.addRegion();
  if (parser.parseRegion(*code, arguments))
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
  unsigned params = getParamNames().size(), strengths = getStrengthNames().size();
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
      printer.printAttributeWithoutType(getStrengths()[i]);
    });
    printer << ")";
  }
  printer << " surrogate(" << stringifySurrogateKind(getSurrogate()) << ")";
  SmallVector<StringRef> written(getAttributeNames());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), written);
  printer << ' ';
  printer.printRegion(getCode(), /*printEntryBlockArgs=*/false);
  for (auto [name, region] : {std::pair("derivative", &getDerivative()), {"tail", &getTail()}})
    if (!region->empty()) {
      printer << ' ' << name << ' ';
      printer.printRegion(*region);
    }
}

/// The code's arguments are printed by the names that the user gave them.
void EffectOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  if (&region != &getCode() || region.getNumArguments() != 1 + getParamNames().size() + getStrengthNames().size())
    return;
  setName(region.getArgument(0), getElementName());
  for (auto [argument, name] : llvm::zip(region.getArguments().drop_front(), getParamNames()))
    setName(argument, cast<StringAttr>(name).getValue());
  for (auto [argument, name] :
       llvm::zip(region.getArguments().drop_front(1 + getParamNames().size()), getStrengthNames()))
    setName(argument, cast<StringAttr>(name).getValue());
}

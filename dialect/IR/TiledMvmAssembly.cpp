// Assembly of tiled_mvm; its form is in the op's description.
#include "dialect/IR/AxesAssembly.h"

using namespace mlir;
using namespace mho::analog;

namespace {
struct Group {
  SmallVector<Unresolved> operands;
  SmallVector<Type> types;
  SmallVector<Attribute> axes;
};
} // namespace

/// `keyword(%a over (m, k) : type, ...)`, or nothing.
static ParseResult parseGroup(OpAsmParser &parser, StringRef keyword, Group &group) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    AxesAttr axes;
    if (parser.parseOperand(group.operands.emplace_back()) || parseOver(parser, axes) ||
        parser.parseColonType(group.types.emplace_back()))
      return failure();
    group.axes.push_back(axes);
    return success();
  });
}

static void printGroup(OpAsmPrinter &printer, StringRef keyword, OperandRange operands, ArrayAttr axes) {
  if (operands.empty())
    return;
  printer.printNewline();
  printer << "    " << keyword << '(';
  for (size_t i = 0; i < operands.size(); ++i) {
    printer << (i ? ", " : "") << operands[i];
    if (axes)
      printOver(printer, cast<AxesAttr>(axes[i]));
    printer << " : " << operands[i].getType();
  }
  printer << ')';
}

template <class Attr>
static ParseResult parseList(OpAsmParser &parser, StringRef keyword, SmallVectorImpl<Attribute> &list) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    FailureOr<Attr> attr = Attr::parseBody(parser);
    if (failed(attr))
      return failure();
    list.push_back(*attr);
    return success();
  });
}

template <class Attr> static void printList(OpAsmPrinter &printer, StringRef keyword, ArrayAttr list) {
  if (list.empty())
    return;
  printer.printNewline();
  printer << "    " << keyword << '(';
  llvm::interleaveComma(list, printer, [&](Attribute attr) { cast<Attr>(attr).printBody(printer); });
  printer << ')';
}

/// `accumulate(0 * 0, 1 * 0)`
static ParseResult parsePairs(OpAsmParser &parser, SmallVectorImpl<int64_t> &pairs) {
  return failure(parser.parseKeyword("accumulate") ||
                 parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
                   int64_t lhs = 0, rhs = 0;
                   if (parser.parseInteger(lhs) || parser.parseStar() || parser.parseInteger(rhs))
                     return failure();
                   pairs.append({lhs, rhs});
                   return success();
                 }));
}

static ParseResult parseNamedRegion(OpAsmParser &parser, StringRef name, bool optional, Region &region) {
  if (optional ? failed(parser.parseOptionalKeyword(name)) : failed(parser.parseKeyword(name)))
    return optional ? success() : failure();
  return parser.parseRegion(region);
}

ParseResult TiledMvmOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  StringRef axisWord;
  TilingAttr tiling;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword("contract") || parser.parseLParen() || parser.parseKeyword(&axisWord) ||
      parser.parseRParen() || parser.parseKeyword("tile") || parser.parseLParen() || parser.parseAttribute(tiling) ||
      parser.parseRParen())
    return failure();
  std::optional<Axis> contract = symbolizeAxis(axisWord);
  if (!contract)
    return parser.emitError(loc, "expected to contract m, n or k, got '") << axisWord << "'";

  constexpr StringLiteral names[] = {"lhs", "rhs", "epilogue", "params", "keys", "init"};
  Group groups[6];
  for (auto [name, group] : llvm::zip(names, groups))
    if (parseGroup(parser, name, group))
      return failure();
  SmallVector<Attribute> stats, results;
  if (parseList<StatAttr>(parser, "stats", stats) || parseList<ResultAttr>(parser, "results", results))
    return failure();

  SmallVector<int64_t> pairs;
  Region *regions[5];
  for (Region *&region : regions)
    region = result.addRegion();
  SmallVector<Type> types;
  if (parseNamedRegion(parser, "load_lhs", false, *regions[0]) ||
      parseNamedRegion(parser, "load_rhs", false, *regions[1]) || parsePairs(parser, pairs) ||
      parseNamedRegion(parser, "end_tile", true, *regions[2]) ||
      parseNamedRegion(parser, "finish", false, *regions[3]) || parseNamedRegion(parser, "tail", true, *regions[4]) ||
      parser.parseOptionalAttrDict(result.attributes) || parser.parseColonTypeList(types))
    return failure();

  SmallVector<int32_t> segments;
  for (Group &group : groups) {
    segments.push_back(group.operands.size());
    if (parser.resolveOperands(group.operands, group.types, loc, result.operands))
      return failure();
  }
  auto &properties = result.getOrAddProperties<TiledMvmOp::Properties>();
  llvm::copy(segments, properties.operandSegmentSizes.begin());
  properties.contract = AxisAttr::get(parser.getContext(), *contract);
  properties.tiling = tiling;
  properties.lhs_axes = b.getArrayAttr(groups[0].axes);
  properties.rhs_axes = b.getArrayAttr(groups[1].axes);
  properties.epilogue_axes = b.getArrayAttr(groups[2].axes);
  properties.param_axes = b.getArrayAttr(groups[3].axes);
  properties.stats = b.getArrayAttr(stats);
  properties.accumulators = b.getDenseI64ArrayAttr(pairs);
  properties.result_specs = b.getArrayAttr(results);
  result.addTypes(types);
  return success();
}

void TiledMvmOp::print(OpAsmPrinter &printer) {
  printer << " contract(" << stringifyAxis(getContract()) << ") tile(";
  printer.printAttribute(getTiling());
  printer << ')';
  printGroup(printer, "lhs", getLhs(), getLhsAxes());
  printGroup(printer, "rhs", getRhs(), getRhsAxes());
  printGroup(printer, "epilogue", getEpilogue(), getEpilogueAxes());
  printGroup(printer, "params", getParams(), getParamAxes());
  printGroup(printer, "keys", getKeys(), {});
  printGroup(printer, "init", getODSOperands(5), {});
  printList<StatAttr>(printer, "stats", getStats());
  printList<ResultAttr>(printer, "results", getResultSpecs());
  auto region = [&](StringRef name, Region &body) {
    if (body.empty())
      return;
    printer.printNewline();
    printer << "  " << name << ' ';
    printer.printRegion(body);
  };
  region("load_lhs", getLoadLhs());
  region("load_rhs", getLoadRhs());
  printer.printNewline();
  printer << "  accumulate(";
  for (int64_t i = 0; i < getAccumulatorCount(); ++i)
    printer << (i ? ", " : "") << getAccumulators()[2 * i] << " * " << getAccumulators()[2 * i + 1];
  printer << ')';
  region("end_tile", getEndTile());
  region("finish", getFinish());
  region("tail", getTail());
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {"operandSegmentSizes", "contract", "tiling", "lhs_axes", "rhs_axes", "epilogue_axes",
                                 "param_axes", "stats", "accumulators", "result_specs"});
  printer.printNewline();
  printer << "  : ";
  llvm::interleaveComma(getResultTypes(), printer);
}

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

/// `keyword(%a over (m, k) : type, ...)`, or nothing; where there are no axes to name, `keyword(%a : type, ...)`.
static ParseResult parseGroup(OpAsmParser &parser, StringRef keyword, bool hasAxes, Group &group) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    AxesAttr axes;
    if (parser.parseOperand(group.operands.emplace_back()) || (hasAxes && parseOver(parser, axes)) ||
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
  printer << keyword << '(';
  for (size_t i = 0; i < operands.size(); ++i) {
    printer << (i ? ", " : "") << operands[i];
    if (axes)
      printOver(printer, cast<AxesAttr>(axes[i]));
    printer << " : " << operands[i].getType();
  }
  printer << ')';
}

/// `stats(absmax(rhs 0) over (t, n), sum(rhs 0) over (t, n) map {...})`
static ParseResult parseStats(OpAsmParser &parser, SmallVectorImpl<Attribute> &stats,
                              SmallVectorImpl<std::unique_ptr<Region>> &maps) {
  if (failed(parser.parseOptionalKeyword("stats")))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    FailureOr<StatAttr> attr = StatAttr::parseBody(parser);
    if (failed(attr))
      return failure();
    stats.push_back(*attr);
    maps.push_back(std::make_unique<Region>());
    return succeeded(parser.parseOptionalKeyword("map")) ? parser.parseRegion(*maps.back()) : success();
  });
}

static void printStats(OpAsmPrinter &printer, TiledMvmOp op) {
  if (op.getStats().empty())
    return;
  printer.printNewline();
  printer << "stats(";
  for (int64_t i = 0; i < int64_t(op.getStats().size()); ++i) {
    printer << (i ? ", " : "");
    op.getStat(i).printBody(printer);
    if (Region &map = op.getStatMaps()[i]; !map.empty()) {
      printer << " map ";
      printer.printRegion(map);
    }
  }
  printer << ')';
}

/// `results(value over (m, n), stat 0 over (t, n))`
static ParseResult parseResults(OpAsmParser &parser, SmallVectorImpl<Attribute> &results) {
  if (parser.parseKeyword("results"))
    return failure();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    FailureOr<ResultAttr> attr = ResultAttr::parseBody(parser);
    if (failed(attr))
      return failure();
    results.push_back(*attr);
    return success();
  });
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

/// An axis of the contraction by its letter.
static ParseResult parseAxisWord(OpAsmParser &parser, StringRef what, AxisAttr &axis) {
  Axis value;
  if (parseWord(parser, "to " + what + " m, n or k", symbolizeAxis, value))
    return failure();
  axis = AxisAttr::get(parser.getContext(), value);
  return success();
}

static ParseResult parseNamedRegion(OpAsmParser &parser, StringRef name, bool optional, Region &region) {
  if (optional ? failed(parser.parseOptionalKeyword(name)) : failed(parser.parseKeyword(name)))
    return optional ? success() : failure();
  return parser.parseRegion(region);
}

ParseResult TiledMvmOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &b = parser.getBuilder();
  AxisAttr contract, tileAxis;
  TilingAttr tiling;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword("contract") || parser.parseLParen() || parseAxisWord(parser, "contract", contract) ||
      parser.parseRParen() || parser.parseKeyword("tile") || parser.parseLParen() || parser.parseKeyword("t") ||
      parser.parseKeyword("of") || parseAxisWord(parser, "tile", tileAxis) || parser.parseColon() ||
      parser.parseAttribute(tiling) || parser.parseRParen())
    return failure();

  constexpr StringLiteral names[] = {"lhs", "rhs", "epilogue", "params", "keys", "init"};
  Group groups[6];
  for (auto [name, group] : llvm::zip(names, groups))
    if (parseGroup(parser, name, /*hasAxes=*/name != "keys" && name != "init", group))
      return failure();
  SmallVector<Attribute> stats, results;
  SmallVector<std::unique_ptr<Region>> maps;
  if (parseStats(parser, stats, maps) || parseResults(parser, results))
    return failure();

  SmallVector<int64_t> pairs;
  Region *regions[5];
  for (Region *&region : regions)
    region = result.addRegion();
  SmallVector<Type> types;
  if (parseNamedRegion(parser, "load_lhs", false, *regions[0]) ||
      parseNamedRegion(parser, "load_rhs", false, *regions[1]) || parsePairs(parser, pairs) ||
      parseNamedRegion(parser, "end_tile", true, *regions[2]) ||
      parseNamedRegion(parser, "finish", true, *regions[3]) || parseNamedRegion(parser, "tail", true, *regions[4]) ||
      parser.parseOptionalAttrDict(result.attributes) || parser.parseColonTypeList(types))
    return failure();

  result.addRegions(maps);
  SmallVector<int32_t> segments;
  for (Group &group : groups) {
    segments.push_back(group.operands.size());
    if (parser.resolveOperands(group.operands, group.types, loc, result.operands))
      return failure();
  }
  auto &properties = result.getOrAddProperties<TiledMvmOp::Properties>();
  llvm::copy(segments, properties.operandSegmentSizes.begin());
  properties.contract = contract;
  properties.tile_axis = tileAxis;
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
  printer << " contract(" << stringifyAxis(getContract()) << ") tile(t of " << stringifyAxis(getTileAxis()) << " : ";
  printer.printAttribute(getTiling());
  printer << ')';
  // Operands and results stand four columns in from the op, its regions two.
  printer.increaseIndent();
  printer.increaseIndent();
  printGroup(printer, "lhs", getLhs(), getLhsAxes());
  printGroup(printer, "rhs", getRhs(), getRhsAxes());
  printGroup(printer, "epilogue", getEpilogue(), getEpilogueAxes());
  printGroup(printer, "params", getParams(), getParamAxes());
  printGroup(printer, "keys", getKeys(), {});
  printGroup(printer, "init", getODSOperands(5), {});
  printStats(printer, *this);
  printer.printNewline();
  printer << "results(";
  llvm::interleaveComma(getResultSpecs(), printer, [&](Attribute attr) { cast<ResultAttr>(attr).printBody(printer); });
  printer << ')';
  printer.decreaseIndent();
  for (unsigned i = 0; i < kFirstMap; ++i) {
    if (i == kEndTile) {
      printer.printNewline();
      printer << "accumulate(";
      for (int64_t pair = 0; pair < getAccumulatorCount(); ++pair)
        printer << (pair ? ", " : "") << getAccumulators()[2 * pair] << " * " << getAccumulators()[2 * pair + 1];
      printer << ')';
    }
    Region &region = getOperation()->getRegion(i);
    if (region.empty())
      continue;
    printer.printNewline();
    printer << getRegionName(i) << ' ';
    printer.printRegion(region);
  }
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {"operandSegmentSizes", "contract", "tile_axis", "tiling", "lhs_axes", "rhs_axes",
                                 "epilogue_axes", "param_axes", "stats", "accumulators", "result_specs"});
  printer.printNewline();
  printer << ": ";
  llvm::interleaveComma(getResultTypes(), printer);
  printer.decreaseIndent();
}

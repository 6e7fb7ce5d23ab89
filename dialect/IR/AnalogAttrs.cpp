// Attributes: the tiling's arithmetic, and the assembly of axes, statistics and results.
#include "dialect/IR/AxesAssembly.h"
#include "dialect/Numerics/Tiling.h"

using namespace mlir;
using namespace mho::analog;

TilingAttr mho::analog::getTiling(Operation *op) {
  for (Operation *parent = op->getParentOp(); parent; parent = parent->getParentOp())
    if (auto tiling = parent->getAttrOfType<TilingAttr>(AnalogDialect::kTilingAttr))
      return tiling;
  return {};
}

int64_t TilingAttr::getTileCount(int64_t inputs) const { return tileCount(inputs, getRows()); }

int64_t TilingAttr::getTileBegin(int64_t inputs, int64_t tile) const {
  return tileBegin(inputs, getRows(), getKind() == TilingKind::Fixed, tile);
}

int64_t TilingAttr::getPhysicalRows(int64_t inputs, int64_t tile) const {
  if (getKind() == TilingKind::Fixed && getRows() > 0)
    return getRows();
  return getTileBegin(inputs, tile + 1) - getTileBegin(inputs, tile);
}

Value TilingAttr::buildTileCount(OpBuilder &builder, Location loc, Value inputs) const {
  auto constant = [&](int64_t v) -> Value { return builder.create<arith::ConstantIndexOp>(loc, v); };
  // No rows given: one tile, unless there is no input at all.
  if (getRows() <= 0)
    return builder.create<arith::MinUIOp>(loc, inputs, constant(1));
  // Rounded up without an intermediate beyond `inputs`, whatever the rows.
  Value rows = constant(getRows()), whole = builder.create<arith::DivUIOp>(loc, inputs, rows);
  Value rest = builder.create<arith::RemUIOp>(loc, inputs, rows);
  return builder.create<arith::AddIOp>(loc, whole, builder.create<arith::MinUIOp>(loc, rest, constant(1)));
}

Value TilingAttr::buildTileBegin(OpBuilder &builder, Location loc, Value inputs, Value tile) const {
  if (getRows() <= 0)
    return builder.create<arith::MulIOp>(loc, tile, inputs);
  if (getKind() == TilingKind::Fixed) {
    Value rows = builder.create<arith::ConstantIndexOp>(loc, getRows());
    Value begin = builder.create<arith::MulIOp>(loc, tile, rows);
    return builder.create<arith::MinUIOp>(loc, begin, inputs);
  }
  // Without inputs there is no tile, and nobody uses what this gives; but a division must not trap.
  Value one = builder.create<arith::ConstantIndexOp>(loc, 1);
  Value count = builder.create<arith::MaxUIOp>(loc, buildTileCount(builder, loc, inputs), one);
  Value base = builder.create<arith::DivUIOp>(loc, inputs, count);
  Value extra = builder.create<arith::RemUIOp>(loc, inputs, count);
  Value begin = builder.create<arith::MulIOp>(loc, tile, base);
  Value longer = builder.create<arith::MinUIOp>(loc, tile, extra);
  return builder.create<arith::AddIOp>(loc, begin, longer);
}

Value TilingAttr::buildPhysicalRows(OpBuilder &builder, Location loc, Value inputs, Value tile) const {
  if (getKind() == TilingKind::Fixed && getRows() > 0)
    return builder.create<arith::ConstantIndexOp>(loc, getRows());
  Value next = builder.create<arith::AddIOp>(loc, tile, builder.create<arith::ConstantIndexOp>(loc, 1));
  Value begin = buildTileBegin(builder, loc, inputs, tile), end = buildTileBegin(builder, loc, inputs, next);
  return builder.create<arith::SubIOp>(loc, end, begin);
}

bool AxesAttr::within(ArrayRef<Axis> visible) const {
  return llvm::all_of(getAxes(), [&](Axis axis) { return llvm::is_contained(visible, axis); });
}

std::string AxesAttr::str() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '(';
  llvm::interleaveComma(getAxes(), os, [&](Axis axis) { os << stringifyAxis(axis); });
  os << ')';
  return os.str();
}

Attribute AxesAttr::parse(AsmParser &parser, Type) {
  AxesAttr axes;
  return failed(parseAxes(parser, AsmParser::Delimiter::LessGreater, axes)) ? Attribute() : axes;
}

void AxesAttr::print(AsmPrinter &printer) const {
  printer << '<';
  llvm::interleaveComma(getAxes(), printer, [&](Axis axis) { printer << stringifyAxis(axis); });
  printer << '>';
}

/// `<` body `>`
template <class Attr> static Attribute parseBracketed(AsmParser &parser) {
  if (parser.parseLess())
    return {};
  FailureOr<Attr> attr = Attr::parseBody(parser);
  if (failed(attr) || parser.parseGreater())
    return {};
  return *attr;
}

template <class Attr> static void printBracketed(Attr attr, AsmPrinter &printer) {
  printer << '<';
  attr.printBody(printer);
  printer << '>';
}

Attribute StatAttr::parse(AsmParser &parser, Type) { return parseBracketed<StatAttr>(parser); }
void StatAttr::print(AsmPrinter &printer) const { printBracketed(*this, printer); }
Attribute ResultAttr::parse(AsmParser &parser, Type) { return parseBracketed<ResultAttr>(parser); }
void ResultAttr::print(AsmPrinter &printer) const { printBracketed(*this, printer); }

// absmax(rhs 0) over (t, n)
FailureOr<StatAttr> StatAttr::parseBody(AsmParser &parser) {
  StatKind kind{};
  Side side{};
  int64_t operand;
  if (parseWord(parser, "a statistic (absmax, sum or count)", symbolizeStatKind, kind) || parser.parseLParen() ||
      parseWord(parser, "a side (lhs or rhs)", symbolizeSide, side) || parser.parseInteger(operand) ||
      parser.parseRParen() || parser.parseKeyword("over"))
    return failure();
  AxesAttr over;
  if (parseAxes(parser, AsmParser::Delimiter::Paren, over))
    return failure();
  return StatAttr::get(parser.getContext(), kind, side, operand, over);
}

void StatAttr::printBody(AsmPrinter &printer) const {
  printer << stringifyStatKind(getKind()) << '(' << stringifySide(getSide()) << ' ' << getOperand() << ") over "
          << getOver().str();
}

// value over (m, n); stat 0 over (t, n)
FailureOr<ResultAttr> ResultAttr::parseBody(AsmParser &parser) {
  ResultKind kind{};
  int64_t stat = 0;
  if (parseWord(parser, "a kind of result", symbolizeResultKind, kind) ||
      (kind == ResultKind::Stat && parser.parseInteger(stat)) || parser.parseKeyword("over"))
    return failure();
  AxesAttr over;
  if (parseAxes(parser, AsmParser::Delimiter::Paren, over))
    return failure();
  return ResultAttr::get(parser.getContext(), kind, over, stat);
}

void ResultAttr::printBody(AsmPrinter &printer) const {
  printer << stringifyResultKind(getKind());
  if (getKind() == ResultKind::Stat)
    printer << ' ' << getStat();
  printer << " over " << getOver().str();
}

// Assembly directives and verifiers of the algebra ops that are no effects: absmax, mvm, accumulate. Effects:
// AnalogEffects.cpp.
#include "dialect/IR/AxesAssembly.h"
#include "dialect/IR/Verify.h"

using namespace mlir;
using namespace mho::analog;

static ParseResult parseOverAxes(OpAsmParser &parser, Unresolved &operand, AxesAttr &axes) {
  return failure(parser.parseOperand(operand) || parseOver(parser, axes));
}

static void printOverAxes(OpAsmPrinter &printer, Operation *, Value operand, AxesAttr axes) {
  printer << operand;
  printOver(printer, axes);
}

static ParseResult parseOverAxesList(OpAsmParser &parser, SmallVectorImpl<Unresolved> &operands, ArrayAttr &axes) {
  SmallVector<Attribute> list;
  // An empty list is written as nothing between the parentheses.
  OptionalParseResult first = parser.parseOptionalOperand(operands.emplace_back());
  if (!first.has_value()) {
    operands.pop_back();
    axes = ArrayAttr::get(parser.getContext(), {});
    return success();
  }
  AxesAttr over;
  if (failed(*first) || parseOver(parser, over))
    return failure();
  list.push_back(over);
  while (succeeded(parser.parseOptionalComma())) {
    if (parser.parseOperand(operands.emplace_back()) || parseOver(parser, over))
      return failure();
    list.push_back(over);
  }
  axes = ArrayAttr::get(parser.getContext(), list);
  return success();
}

static void printOverAxesList(OpAsmPrinter &printer, Operation *, OperandRange operands, ArrayAttr axes) {
  llvm::interleaveComma(llvm::zip(operands, axes), printer, [&](auto pair) {
    printer << std::get<0>(pair);
    printOver(printer, cast<AxesAttr>(std::get<1>(pair)));
  });
}

/// ` params(...)`, or nothing where there are none.
static ParseResult parseOptionalParams(OpAsmParser &parser, SmallVectorImpl<Unresolved> &operands, ArrayAttr &axes) {
  if (failed(parser.parseOptionalKeyword("params"))) {
    axes = ArrayAttr::get(parser.getContext(), {});
    return success();
  }
  return failure(parser.parseLParen() || parseOverAxesList(parser, operands, axes) || parser.parseRParen());
}

static void printOptionalParams(OpAsmPrinter &printer, Operation *op, OperandRange operands, ArrayAttr axes) {
  if (operands.empty())
    return;
  printer << " params(";
  printOverAxesList(printer, op, operands, axes);
  printer << ")";
}

/// ` wrt(1, 2)`, or nothing.
static ParseResult parseWrt(OpAsmParser &parser, DenseI64ArrayAttr &wrt) {
  SmallVector<int64_t> inputs;
  auto one = [&] { return parser.parseInteger(inputs.emplace_back()); };
  if (succeeded(parser.parseOptionalKeyword("wrt")) &&
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, one))
    return failure();
  wrt = parser.getBuilder().getDenseI64ArrayAttr(inputs);
  return success();
}

static void printWrt(OpAsmPrinter &printer, SurrogateOp, DenseI64ArrayAttr wrt) {
  if (!wrt || wrt.empty())
    return;
  printer << " wrt(";
  llvm::interleaveComma(wrt.asArrayRef(), printer);
  printer << ")";
}

#define GET_OP_CLASSES
#include "dialect/IR/AnalogOps.cpp.inc"

LogicalResult mho::analog::verifyTiling(Operation *op) {
  if (getTiling(op))
    return success();
  return op->emitOpError("expected the enclosing function to have a crossbar tiling (attribute 'analog.tiling')");
}

bool mho::analog::sizesAgree(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

int64_t mho::analog::tilesOf(Operation *op, int64_t inputs) {
  TilingAttr tiling = getTiling(op);
  return ShapedType::isDynamic(inputs) || !tiling ? ShapedType::kDynamic : tiling.getTileCount(inputs);
}

LogicalResult AbsMaxOp::verify() {
  if (failed(verifyTiling(*this))) // absmax_c1
    return failure();
  RankedTensorType in = getInput().getType(), out = getResult().getType();
  int64_t rank = getPer() == Granularity::Tensor ? 1 : 2;
  if (out.getRank() != rank) // absmax_c2
    return emitOpError("expected a result of rank ")
           << rank << " per " << stringifyGranularity(getPer()) << ", got rank " << out.getRank();
  int64_t tiles = tilesOf(*this, in.getDimSize(1));
  if (!sizesAgree(out.getDimSize(0), tiles)) // absmax_c3
    return emitOpError("expected ") << tiles << " tiles for " << in.getDimSize(1) << " inputs, got "
                                    << out.getDimSize(0);
  if (rank == 2 && !sizesAgree(out.getDimSize(1), in.getDimSize(0))) // absmax_c4
    return emitOpError("expected result rows (")
           << out.getDimSize(1) << ") to match input rows (" << in.getDimSize(0) << ")";
  return success();
}

LogicalResult MvmOp::verify() {
  if (failed(verifyTiling(*this))) // mvm_c1
    return failure();
  RankedTensorType x = getInput().getType(), w = getWeight().getType(), y = getResult().getType();
  if (!sizesAgree(x.getDimSize(1), w.getDimSize(1))) // mvm_c2
    return emitOpError("expected inputs of the input (")
           << x.getDimSize(1) << ") to match inputs of the weight (" << w.getDimSize(1) << ")";
  int64_t tiles = tilesOf(*this, x.getDimSize(1));
  if (!sizesAgree(y.getDimSize(0), tiles)) // mvm_c3
    return emitOpError("expected ") << tiles << " accumulator planes for " << x.getDimSize(1) << " inputs, got "
                                    << y.getDimSize(0);
  if (!sizesAgree(y.getDimSize(1), x.getDimSize(0)) || !sizesAgree(y.getDimSize(2), w.getDimSize(0))) // mvm_c4
    return emitOpError("expected planes of ")
           << x.getDimSize(0) << "x" << w.getDimSize(0) << ", got " << y.getDimSize(1) << "x" << y.getDimSize(2);
  return success();
}

LogicalResult AccumulateOp::verify() {
  RankedTensorType in = getInput().getType(), out = getResult().getType();
  if (!sizesAgree(in.getDimSize(1), out.getDimSize(0)) ||
      !sizesAgree(in.getDimSize(2), out.getDimSize(1))) // accumulate_c1
    return emitOpError("expected a result of ")
           << in.getDimSize(1) << "x" << in.getDimSize(2) << ", got " << out.getDimSize(0) << "x" << out.getDimSize(1);
  if (getBias() && !sizesAgree(getBias().getType().getDimSize(0), in.getDimSize(2))) // accumulate_c2
    return emitOpError("expected bias length (")
           << getBias().getType().getDimSize(0) << ") to match outputs (" << in.getDimSize(2) << ")";
  return success();
}

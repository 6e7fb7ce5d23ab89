// tiled_mvm: the verifier of its operands, statistics and results. The labels are those of dialect/SPEC.md; its regions
// are in TiledMvmRegions.cpp.
#include "dialect/IR/AnalogDialect.h"
#include "dialect/Numerics/Tiling.h"

using namespace mlir;
using namespace mho::analog;

static bool areDistinct(AxesAttr axes) {
  for (auto [i, axis] : llvm::enumerate(axes.getAxes()))
    if (llvm::is_contained(axes.getAxes().drop_front(i + 1), axis))
      return false;
  return true;
}

/// `isMatrix`: operands of elements, which may be packed bits or stored in 16 bits.
static LogicalResult verifyOperands(TiledMvmOp op, OperandRange operands, ArrayAttr axes, StringRef what,
                                    bool isMatrix) {
  if (operands.size() != axes.size()) // tiled_mvm_c1
    return op.emitOpError("expected axes for each of ")
           << operands.size() << " " << what << " operands, got " << axes.size();
  for (auto [operand, attr] : llvm::zip(operands, axes)) {
    auto over = cast<AxesAttr>(attr);
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    int64_t rank = type ? type.getRank() : 0;
    if (rank != int64_t(over.getAxes().size())) // tiled_mvm_c2
      return op.emitOpError("expected a ")
             << what << " operand of rank " << over.getAxes().size() << " over " << over.str() << ", got rank " << rank;
    if (!areDistinct(over)) // tiled_mvm_c28
      return op.emitOpError("expected a ") << what << " operand over distinct axes, got " << over.str();
    if (TiledMvmOp::isBits(operand) && (!isMatrix || rank == 0 || over.getAxes().back() == Axis::T)) // tiled_mvm_c3
      return op.emitOpError("expected packed bits to be an lhs, rhs or epilogue operand with its words along an axis "
                            "other than t, got a ")
             << what << " operand over " << over.str();
    if (isSixteenBits(operand.getType()) && !isMatrix) // tiled_mvm_c40
      return op.emitOpError("expected a ") << what << " operand of f32, got " << operand.getType()
                                           << "; 16 bits are for the elements of lhs, rhs, epilogue and value";
  }
  return success();
}

namespace {
/// Static sizes of the axes, each the same wherever it occurs.
class StaticSizes {
public:
  explicit StaticSizes(TiledMvmOp op) : op(op) {}
  LogicalResult check(Type type, AxesAttr over, bool bits);
  LogicalResult checkWords();
  int64_t operator[](Axis axis) const { return sizes[size_t(axis)]; }

private:
  TiledMvmOp op;
  int64_t sizes[4] = {ShapedType::kDynamic, ShapedType::kDynamic, ShapedType::kDynamic, ShapedType::kDynamic};
  SmallVector<std::pair<Axis, int64_t>> words; // number of words along an axis
};
} // namespace

LogicalResult StaticSizes::check(Type type, AxesAttr over, bool bits) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return success();
  for (auto [i, axis] : llvm::enumerate(over.getAxes())) {
    int64_t &known = sizes[size_t(axis)], size = tensor.getDimSize(i);
    if (ShapedType::isDynamic(size))
      continue;
    if (bits && i + 1 == over.getAxes().size()) {
      words.push_back({axis, size});
      continue;
    }
    if (!ShapedType::isDynamic(known) && known != size) // tiled_mvm_c4
      return op.emitOpError("expected one size of axis ")
             << stringifyAxis(axis) << ", got " << known << " and " << size;
    known = size;
  }
  return success();
}

LogicalResult StaticSizes::checkWords() {
  for (auto [axis, count] : words)
    if (int64_t size = (*this)[axis]; !ShapedType::isDynamic(size) && count != mho::packedWords(size)) // tiled_mvm_c29
      return op.emitOpError("expected ") << mho::packedWords(size) << " words for " << size << " bits along "
                                         << stringifyAxis(axis) << ", got " << count;
  return success();
}

static LogicalResult verifySizes(TiledMvmOp op) {
  StaticSizes sizes(op);
  for (auto [operands, axes] :
       {std::pair(op.getLhs(), op.getLhsAxes()), std::pair(op.getRhs(), op.getRhsAxes()),
        std::pair(op.getEpilogue(), op.getEpilogueAxes()), std::pair(op.getParams(), op.getParamAxes())})
    for (auto [operand, attr] : llvm::zip(operands, axes))
      if (failed(sizes.check(operand.getType(), cast<AxesAttr>(attr), TiledMvmOp::isBits(operand))))
        return failure();
  for (auto [i, result] : llvm::enumerate(op.getOutputs())) {
    ResultAttr spec = op.getResultSpec(i);
    if (failed(sizes.check(result.getType(), spec.getOver(), spec.getKind() == ResultKind::Bits)))
      return failure();
  }
  if (failed(sizes.checkWords()))
    return failure();
  int64_t cut = sizes[op.getTileAxis()], t = sizes[Axis::T];
  if (!ShapedType::isDynamic(cut) && !ShapedType::isDynamic(t) && op.getTiling().getTileCount(cut) != t) // tiled_mvm_c5
    return op.emitOpError("expected ") << op.getTiling().getTileCount(cut) << " tiles for "
                                       << stringifyAxis(op.getTileAxis()) << " = " << cut << ", got " << t;
  return success();
}

/// Each side reads the contracted axis and its own output axis.
static LogicalResult verifySides(TiledMvmOp op) {
  if (op.getContract() == Axis::T || op.getTileAxis() == Axis::T) // tiled_mvm_c6
    return op.emitOpError("expected to contract and to tile m, n or k, got ")
           << stringifyAxis(op.getContract()) << " and " << stringifyAxis(op.getTileAxis());
  if (op.getLhs().empty() || op.getRhs().empty()) // tiled_mvm_c7
    return op.emitOpError("expected at least one lhs and one rhs operand, got ")
           << op.getLhs().size() << " and " << op.getRhs().size();
  auto [row, column] = op.getOutputAxes();
  for (Side side : {Side::Lhs, Side::Rhs}) {
    Axis outer = side == Side::Lhs ? row : column;
    bool lhs = side == Side::Lhs;
    ArrayAttr axes = lhs ? op.getLhsAxes() : op.getRhsAxes();
    AxesAttr first = op.getAxesOf(axes, 0);
    if (!first.contains(op.getContract()) || !first.contains(outer) ||
        first.getAxes().size() - first.contains(Axis::T) != 2) // tiled_mvm_c8
      return op.emitOpError("expected the first ")
             << stringifySide(side) << " operand over " << stringifyAxis(op.getContract()) << " and "
             << stringifyAxis(outer) << ", got " << first.str();
    for (Attribute attr : axes)
      if (!cast<AxesAttr>(attr).within(
              op.getVisibleAxes(lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs))) // tiled_mvm_c9
        return op.emitOpError("expected ")
               << stringifySide(side) << " axes among t, " << stringifyAxis(op.getContract()) << ", "
               << stringifyAxis(outer) << ", got " << cast<AxesAttr>(attr).str();
  }
  for (Attribute attr : op.getEpilogueAxes())
    if (!cast<AxesAttr>(attr).within({Axis::T, row, column}) ||
        (!op.isForward() && !cast<AxesAttr>(attr).within(op.getVisibleAxes(TiledMvmOp::kFinish)))) // tiled_mvm_c30
      return op.emitOpError("expected epilogue axes among t, ")
             << stringifyAxis(row) << ", " << stringifyAxis(column) << ", got " << cast<AxesAttr>(attr).str();
  return success();
}

static LogicalResult verifyStats(TiledMvmOp op) {
  if (op.getStatMaps().size() != op.getStats().size()) // tiled_mvm_c31
    return op.emitOpError("expected a map, empty or not, for each of ")
           << op.getStats().size() << " statistics, got " << op.getStatMaps().size();
  for (int64_t i = 0; i < int64_t(op.getStats().size()); ++i) {
    StatAttr stat = op.getStat(i);
    OperandRange operands = stat.getSide() == Side::Lhs ? op.getLhs() : op.getRhs();
    if (stat.getOperand() < 0 || stat.getOperand() >= int64_t(operands.size()) ||
        TiledMvmOp::isBits(operands[stat.getOperand()])) // tiled_mvm_c10
      return op.emitOpError("expected a statistic of ")
             << stringifySide(stat.getSide()) << " operand 0 to " << operands.size() - 1 << " that is no bits, got "
             << stat.getOperand();
    auto [row, column] = op.getElementAxes(stat.getSide());
    ArrayRef<Axis> over = stat.getOver().getAxes();
    bool perRow = over.size() == 2 && over[0] == Axis::T && over[1] == row,
         perTile = over.size() == 1 && over[0] == Axis::T;
    if (column != op.getTileAxis() || !(perRow || perTile)) // tiled_mvm_c11
      return op.emitOpError("expected a statistic over (t) or (t, ")
             << stringifyAxis(row) << ") of an operand whose columns are " << stringifyAxis(op.getTileAxis())
             << ", got " << stat.getOver().str();
  }
  return success();
}

/// The element type that a result of a kind has.
static Type elementTypeOf(TiledMvmOp op, ResultKind kind) {
  bool count = kind == ResultKind::Count || kind == ResultKind::TileCount;
  if (kind == ResultKind::Bits)
    return IntegerType::get(op.getContext(), 32);
  if (count && op.getTail().empty())
    return IntegerType::get(op.getContext(), 64);
  return Float32Type::get(op.getContext());
}

/// The axes of one result, by its kind.
static LogicalResult verifyResultAxes(TiledMvmOp op, ResultAttr spec) {
  auto [row, column] = op.getOutputAxes();
  ArrayRef<Axis> over = spec.getOver().getAxes();
  switch (spec.getKind()) {
  case ResultKind::Value:
    if (over != ArrayRef<Axis>({row, column})) // tiled_mvm_c13
      return op.emitOpError("expected the value over (")
             << stringifyAxis(row) << ", " << stringifyAxis(column) << "), got " << spec.getOver().str();
    return success();
  case ResultKind::Stat:
    if (spec.getStat() < 0 || spec.getStat() >= int64_t(op.getStats().size()) ||
        op.getStat(spec.getStat()).getOver() != spec.getOver()) // tiled_mvm_c14
      return op.emitOpError("expected an exported statistic from 0 to ")
             << int64_t(op.getStats().size()) - 1 << " with its axes, got " << spec.getStat() << " over "
             << spec.getOver().str();
    return success();
  case ResultKind::Bits:
  case ResultKind::Planes:
    if (!op.isForward() || over != ArrayRef<Axis>({Axis::T, row, column})) // tiled_mvm_c15
      return op.emitOpError("expected ") << stringifyResultKind(spec.getKind()) << " over (t, " << stringifyAxis(row)
                                         << ", " << stringifyAxis(column)
                                         << ") of a kernel that contracts the tiled axis, got " << spec.getOver().str();
    return success();
  default:
    bool ofTile = spec.getKind() == ResultKind::TileSum || spec.getKind() == ResultKind::TileCount;
    if ((ofTile && !op.isForward()) || !areDistinct(spec.getOver()) ||
        !spec.getOver().within(op.getVisibleAxes(ofTile ? TiledMvmOp::kEndTile : TiledMvmOp::kFinish))) // tiled_mvm_c16
      return op.emitOpError("expected ") << stringifyResultKind(spec.getKind()) << " over distinct axes of the "
                                         << (ofTile ? "end_tile" : "finish") << " region, got " << spec.getOver().str();
    return success();
  }
}

static LogicalResult verifyResults(TiledMvmOp op) {
  if (op.getOutputs().size() != op.getResultSpecs().size()) // tiled_mvm_c12
    return op.emitOpError("expected ") << op.getResultSpecs().size() << " results, got " << op.getOutputs().size();
  if (op.getOutputs().empty()) // tiled_mvm_c32
    return op.emitOpError("expected at least one result, got none");
  for (auto [i, result] : llvm::enumerate(op.getOutputs())) {
    ResultAttr spec = op.getResultSpec(i);
    if (failed(verifyResultAxes(op, spec)))
      return failure();
    auto type = cast<RankedTensorType>(result.getType());
    Type element = elementTypeOf(op, spec.getKind());
    if (spec.getKind() == ResultKind::Value && isSixteenBits(type))
      element = type.getElementType();
    if (type.getElementType() != element || type.getRank() != int64_t(spec.getOver().getAxes().size())) // tiled_mvm_c33
      return op.emitOpError("expected ") << stringifyResultKind(spec.getKind()) << " over " << spec.getOver().str()
                                         << " to be of " << element << " and rank " << spec.getOver().getAxes().size()
                                         << ", got " << type;
  }
  SmallVector<int64_t> values = op.getResultsOf({ResultKind::Value});
  if (values.size() > 1) // tiled_mvm_c17
    return op.emitOpError("expected at most one value result, got ") << values.size();
  if (op.getInit() &&
      (values.empty() || op.getInit().getType() != op.getOutputs()[values[0]].getType())) { // tiled_mvm_c34
    InFlightDiagnostic diagnostic = op.emitOpError("expected init to have the type of the value result");
    if (values.empty())
      return diagnostic << ", of which there is none";
    return diagnostic << " " << op.getOutputs()[values[0]].getType() << ", got " << op.getInit().getType();
  }
  return success();
}

LogicalResult TiledMvmOp::verify() {
  if (failed(verifyOperands(*this, getLhs(), getLhsAxes(), "lhs", true)) ||
      failed(verifyOperands(*this, getRhs(), getRhsAxes(), "rhs", true)) ||
      failed(verifyOperands(*this, getEpilogue(), getEpilogueAxes(), "epilogue", true)) ||
      failed(verifyOperands(*this, getParams(), getParamAxes(), "params", false)))
    return failure();
  for (auto [i, key] : llvm::enumerate(getKeys()))
    if (llvm::is_contained(getKeys().take_front(i), key)) // tiled_mvm_c36
      return emitOpError("expected keys that differ, got one of them twice, again as key ") << i;
  if (failed(verifySides(*this)) || failed(verifyStats(*this)) || failed(verifyResults(*this)))
    return failure();
  return verifySizes(*this);
}

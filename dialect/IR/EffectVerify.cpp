// Verifiers of the built-in effects. The labels are those of dialect/SPEC.md.
#include "dialect/IR/Verify.h"

#include <cmath>

using namespace mlir;
using namespace mho::analog;

//===-- what effects share ----------------------------------------------------------------------------------------===//

/// True for an effect that is text and maps an output. Nothing is known of one that is missing.
static bool isOnOutput(EffectOpInterface op) {
  auto apply = dyn_cast<ApplyOp>(op.getOperation());
  EffectOp effect = apply ? apply.lookupEffect() : EffectOp();
  return effect && effect.getSite() == EffectSite::Output;
}

/// Static size of an axis for the elements that an effect maps: planes [T, B, O], or a matrix, an input, a weight or an
/// output [B, O].
static int64_t sizeOf(EffectOpInterface op, Axis axis) {
  auto type = cast<RankedTensorType>(op.getElementSource().getType());
  if (type.getRank() == 3)
    return axis == Axis::K ? ShapedType::kDynamic : type.getDimSize(size_t(axis));
  switch (axis) {
  case Axis::T:
    return tilesOf(op, type.getDimSize(1));
  case Axis::K:
    return type.getDimSize(1);
  case Axis::N:
    return type.getDimSize(isOnOutput(op));
  default:
    return type.getDimSize(0);
  }
}

SmallVector<Axis> mho::analog::visibleAxes(Value tensor) {
  if (cast<RankedTensorType>(tensor.getType()).getRank() == 3)
    return {Axis::T, Axis::M, Axis::N};
  return {Axis::T, Axis::M, Axis::N, Axis::K};
}

LogicalResult mho::analog::verifyScales(EffectOpInterface op, ValueRange values, ArrayAttr axes,
                                        ArrayRef<Axis> visible) {
  if (values.size() != axes.size())
    return op->emitOpError("expected axes for each of ") << values.size() << " scales, got " << axes.size();
  for (auto [value, attr] : llvm::zip(values, axes)) {
    auto over = cast<AxesAttr>(attr);
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() != int64_t(over.getAxes().size()))
      return op->emitOpError("expected an operand of rank ")
             << over.getAxes().size() << " over " << over.str() << ", got rank " << type.getRank();
    if (!over.within(visible))
      return op->emitOpError("expected axes among ")
             << AxesAttr::get(op->getContext(), visible).str() << ", got " << over.str();
    for (auto [axis, size] : llvm::zip(over.getAxes(), type.getShape()))
      if (!sizesAgree(size, sizeOf(op, axis)))
        return op->emitOpError("expected a scale over ")
               << over.str() << " to have " << sizeOf(op, axis) << " elements along " << stringifyAxis(axis) << ", got "
               << size;
  }
  return success();
}

static LogicalResult verifyScale(EffectOpInterface op, Value value, AxesAttr over, ArrayRef<Axis> visible) {
  return verifyScales(op, value, ArrayAttr::get(op->getContext(), {over}), visible);
}

LogicalResult mho::analog::verifySameType(EffectOpInterface op) {
  Type in = op.getElementSource().getType(), out = op->getResult(0).getType();
  if (in == out)
    return success();
  return op->emitOpError("expected the result to have the input's type ") << in << ", got " << out;
}

LogicalResult mho::analog::verifyTiled(EffectOpInterface op) {
  bool matrix = cast<RankedTensorType>(op.getElementSource().getType()).getRank() == 2;
  return matrix ? verifyTiling(op) : success();
}

static LogicalResult verifyLevels(Operation *op, APFloat levels) {
  double value = levels.convertToFloat();
  if (value >= 1 && value == std::floor(value) && value <= 8388607)
    return success();
  return op->emitOpError("expected half_levels to be a whole number from 1 to 8388607, got ") << value;
}

/// A strength lies between two bounds, both allowed; never NaN.
static LogicalResult verifyStrength(Operation *op, StringRef name, APFloat strength, double low, double high) {
  double value = strength.convertToFloat();
  if (value >= low && value <= high)
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError("expected ") << name << " to be ";
  if (high == std::numeric_limits<float>::max())
    diagnostic << "finite and at least " << low;
  else
    diagnostic << "from " << low << " to " << high;
  return diagnostic << ", got " << value;
}

static constexpr double kLargest = std::numeric_limits<float>::max();

LogicalResult mho::analog::verifyDraws(EffectOpInterface op, StringRef remedy) {
  for (const EffectDraw &draw : op.getEffectDraws()) {
    if (draw.stream < 0 || draw.stream > 255)
      return op->emitOpError("expected stream to be from 0 to 255, got ") << draw.stream;
    Operation *same = nullptr;
    NumberKind kind = draw.kind;
    for (Operation *user : draw.key.getUsers()) {
      auto other = dyn_cast<EffectOpInterface>(user);
      if (!other || user->getBlock() != op->getBlock() || !user->isBeforeInBlock(op))
        continue;
      for (const EffectDraw &before : other.getEffectDraws())
        if (before.key == draw.key && before.stream == draw.stream && !before.redraw) {
          same = user;
          kind = before.kind;
        }
    }
    if (same && !draw.redraw) {
      InFlightDiagnostic diagnostic = op->emitOpError("expected a stream of its own, got ");
      diagnostic << draw.stream << "; " << remedy;
      diagnostic.attachNote(same->getLoc()) << "the stream is drawn from here";
      return diagnostic;
    }
    if (draw.redraw && (!same || kind != draw.kind))
      return op->emitOpError("expected a redraw to repeat a draw of its kind before it, got stream ")
             << draw.stream << (same ? ", from which another kind is drawn" : ", from which nothing is drawn");
  }
  return success();
}

//===-- effects ---------------------------------------------------------------------------------------------------===//

LogicalResult QuantizeInputOp::verify() {
  if (failed(verifyScale(*this, getRange(), getRangeAxes(), {Axis::T, Axis::M}))) // quantize_input_c1
    return failure();
  if (failed(verifySameType(*this))) // quantize_input_c2
    return failure();
  if (failed(verifyLevels(*this, getHalfLevels()))) // quantize_input_c3
    return failure();
  if (failed(verifyTiled(*this))) // quantize_input_c4
    return failure();
  if (failed(verifyStrength(*this, "decay", getDecay(), 0, kLargest))) // quantize_input_c5
    return failure();
  return verifyStrength(*this, "share", getShare(), 0, 1); // quantize_input_c5
}

LogicalResult QuantizeWeightOp::verify() {
  if (failed(verifyScale(*this, getScale(), getScaleAxes(), {Axis::T, Axis::N}))) // quantize_weight_c1
    return failure();
  if (failed(verifySameType(*this))) // quantize_weight_c2
    return failure();
  if (failed(verifyLevels(*this, getHalfLevels()))) // quantize_weight_c3
    return failure();
  return verifyTiled(*this); // quantize_weight_c4
}

LogicalResult InjectNoiseOp::verify() {
  int64_t rank = getInput().getType().getRank();
  if (rank != 2 && rank != 3) // inject_noise_c3
    return emitOpError("expected an input, a weight or accumulator planes (rank 2 or 3), got rank ") << rank;
  if (failed(verifyScales(*this, getScales(), getScaleAxes(), visibleAxes(getInput())))) // inject_noise_c1
    return failure();
  if (failed(verifySameType(*this))) // inject_noise_c2
    return failure();
  if (failed(verifyTiled(*this))) // inject_noise_c6
    return failure();
  if (failed(verifyStrength(*this, "sigma", getSigma(), 0, kLargest))) // inject_noise_c7
    return failure();
  return verifyDraws(*this); // inject_noise_c4, inject_noise_c5
}

LogicalResult DropConnectOp::verify() {
  if (failed(verifyStrength(*this, "probability", getProbability(), 0, 1))) // drop_connect_c1
    return failure();
  if (failed(verifySameType(*this))) // drop_connect_c2
    return failure();
  if (failed(verifyTiled(*this))) // drop_connect_c5
    return failure();
  return verifyDraws(*this); // drop_connect_c3, drop_connect_c4
}

LogicalResult RescaleOp::verify() {
  if (failed(verifyScale(*this, getRange(), getRangeAxes(), {Axis::T, Axis::M}))) // rescale_c1
    return failure();
  if (failed(verifySameType(*this))) // rescale_c2
    return failure();
  return verifyLevels(*this, getHalfLevels()); // rescale_c3
}

LogicalResult AdcOp::verify() {
  if (failed(verifyScales(*this, getScales(), getScaleAxes(), visibleAxes(getInput())))) // adc_c1
    return failure();
  if (failed(verifySameType(*this))) // adc_c2
    return failure();
  double lambda = getLambda().convertToFloat();
  if (!(lambda > 0 && lambda <= kLargest)) // adc_c3
    return emitOpError("expected lambda to be finite and above 0, got ") << lambda;
  return verifyLevels(*this, getHalfLevels()); // adc_c4
}

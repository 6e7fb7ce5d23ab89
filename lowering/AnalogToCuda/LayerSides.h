// Of a layer's text, the struct of a side: where its blocks lie, and how they come there.
#pragma once

#include "lowering/AnalogToCuda/LayerCode.h"

namespace mho::lowering {

class LayerSides : public LayerCode {
protected:
  using LayerCode::LayerCode;
  void writeSide(analog::Side side);

private:
  /// Operands whose elements for neighbouring columns of the side lie side by side.
  bool isFetched(mlir::Value operand, analog::AxesAttr over, analog::Side side);
  /// The load region: what it reads of two neighbours, and what it makes of one.
  void writeLoad(analog::Side side);
};

} // namespace mho::lowering

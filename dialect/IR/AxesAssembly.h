// Assembly shared by ops that name the axes of an operand: `%a over (t, n)`.
#pragma once

#include "dialect/IR/AnalogDialect.h"

namespace mho::analog {

using Unresolved = mlir::OpAsmParser::UnresolvedOperand;

/// `over (t, n)`, or nothing for a scalar.
inline mlir::ParseResult parseOver(mlir::OpAsmParser &parser, AxesAttr &axes) {
  llvm::SmallVector<Axis> list;
  if (mlir::succeeded(parser.parseOptionalKeyword("over"))) {
    auto one = [&]() -> mlir::ParseResult {
      llvm::StringRef word;
      mlir::SMLoc loc = parser.getCurrentLocation();
      if (parser.parseKeyword(&word))
        return mlir::failure();
      std::optional<Axis> axis = symbolizeAxis(word);
      if (!axis)
        return parser.emitError(loc, "expected an axis (t, m, n or k), got '") << word << "'";
      list.push_back(*axis);
      return mlir::success();
    };
    if (parser.parseCommaSeparatedList(mlir::OpAsmParser::Delimiter::Paren, one))
      return mlir::failure();
  }
  axes = AxesAttr::get(parser.getContext(), list);
  return mlir::success();
}

inline void printOver(mlir::OpAsmPrinter &printer, AxesAttr axes) {
  if (!axes.getAxes().empty())
    printer << " over " << axes.str();
}

} // namespace mho::analog

// Assembly shared by attributes and ops: words of enums, and the axes of an operand, `%a over (t, n)`.
#pragma once

#include "dialect/IR/AnalogDialect.h"

namespace mho::analog {

using Unresolved = mlir::OpAsmParser::UnresolvedOperand;

/// A word of an enum; the error says what was expected: "expected <what>, got 'word'".
template <class Enum>
mlir::ParseResult parseWord(mlir::AsmParser &parser, const llvm::Twine &what,
                            std::optional<Enum> (*symbolize)(llvm::StringRef), Enum &value) {
  llvm::StringRef word;
  mlir::SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return mlir::failure();
  std::optional<Enum> known = symbolize(word);
  if (!known)
    return parser.emitError(loc, "expected ") << what << ", got '" << word << "'";
  value = *known;
  return mlir::success();
}

/// "t, n" between the given delimiters.
inline mlir::ParseResult parseAxes(mlir::AsmParser &parser, mlir::AsmParser::Delimiter delimiter, AxesAttr &axes) {
  llvm::SmallVector<Axis> list;
  auto one = [&] { return parseWord(parser, "an axis (t, m, n or k)", symbolizeAxis, list.emplace_back()); };
  if (parser.parseCommaSeparatedList(delimiter, one))
    return mlir::failure();
  axes = AxesAttr::get(parser.getContext(), list);
  return mlir::success();
}

/// `over (t, n)`, or nothing for a scalar.
inline mlir::ParseResult parseOver(mlir::AsmParser &parser, AxesAttr &axes) {
  axes = AxesAttr::get(parser.getContext(), {});
  if (mlir::failed(parser.parseOptionalKeyword("over")))
    return mlir::success();
  return parseAxes(parser, mlir::AsmParser::Delimiter::Paren, axes);
}

inline void printOver(mlir::OpAsmPrinter &printer, AxesAttr axes) {
  if (!axes.getAxes().empty())
    printer << " over " << axes.str();
}

} // namespace mho::analog

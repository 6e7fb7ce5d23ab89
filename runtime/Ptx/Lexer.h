// PTX text as tokens with their lines.
#pragma once

#include "runtime/Status.h"

#include <string>
#include <string_view>
#include <vector>

namespace mho::ptx {

struct Token {
  enum Kind { Word, Number, String, Symbol, End };
  Kind kind = End;
  std::string_view text; ///< of the module's text, which must outlive it; a string is without its quotes
  int line = 0;
  size_t offset = 0; ///< in the module's text

  bool is(std::string_view expected) const { return kind != String && text == expected; }
};

/// A word is a name, a directive or a whole opcode: "%tid.x", ".visible", "ld.global.L2::128B.v4.u32". Comments are
/// dropped. Errors name the line.
Expected<std::vector<Token>> tokenize(std::string_view text);

} // namespace mho::ptx

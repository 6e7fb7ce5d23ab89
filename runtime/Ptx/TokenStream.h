// A cursor over the tokens of a module, with the first error.
#pragma once

#include "runtime/Ptx/Lexer.h"

#include <cstdint>
#include <optional>

namespace mho::ptx {

/// After the first failure every request fails: callers return at their own pace.
class TokenStream {
public:
  explicit TokenStream(std::vector<Token> tokens) : tokens(std::move(tokens)) {}

  const Token &peek(size_t ahead = 0) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  Token take() {
    Token token = peek();
    at += at + 1 < tokens.size();
    return token;
  }
  /// Takes the token if it is that text.
  bool accept(std::string_view text) {
    if (failed() || !peek().is(text))
      return false;
    take();
    return true;
  }
  bool expect(std::string_view text) { return accept(text) || fail("expected '" + std::string(text) + "'"); }
  std::string word(const char *what);
  /// An integer with its sign: decimal, hexadecimal, octal or binary; values of 64 bits wrap.
  int64_t integer(const char *what);
  /// The number that a token is; nothing if it is none.
  static std::optional<int64_t> integerOf(std::string_view text);

  /// Skips to the end of the current token's line.
  void skipLine();
  /// Skips from a '{' to behind its '}'.
  void skipBraces();

  bool fail(const std::string &message);
  bool failAt(int line, const std::string &message);
  bool failed() const { return problem.has_value(); }
  bool atEnd() const { return failed() || peek().kind == Token::End; }
  Status status() const { return problem ? Status::error(*problem) : Status::ok(); }

private:
  std::vector<Token> tokens;
  size_t at = 0;
  std::optional<std::string> problem;
};

} // namespace mho::ptx

#include "runtime/Ptx/TokenStream.h"

namespace mho::ptx {

bool TokenStream::failAt(int line, const std::string &message) {
  if (!problem)
    problem = "line " + std::to_string(line) + ": " + message;
  return false;
}

bool TokenStream::fail(const std::string &message) {
  const Token &token = peek();
  return failAt(token.line, message + (token.kind == Token::End ? std::string(", at the end of the text")
                                                                : ", near '" + std::string(token.text) + "'"));
}

std::string TokenStream::word(const char *what) {
  if (failed() || peek().kind != Token::Word) {
    fail(std::string("expected ") + what);
    return "";
  }
  return std::string(take().text);
}

std::optional<int64_t> TokenStream::integerOf(std::string_view text) {
  if (!text.empty() && (text.back() == 'U' || text.back() == 'u'))
    text.remove_suffix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    char kind = text[1];
    base = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : 8;
    text.remove_prefix(base == 8 ? 1 : 2);
  }
  uint64_t value = 0;
  if (text.empty())
    return std::nullopt;
  for (char c : text) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    uint64_t next;
    if (digit >= base || __builtin_mul_overflow(value, uint64_t(base), &next) ||
        __builtin_add_overflow(next, uint64_t(digit), &value))
      return std::nullopt;
  }
  return int64_t(value);
}

int64_t TokenStream::integer(const char *what) {
  bool negative = accept("-");
  std::optional<int64_t> value;
  if (!failed() && peek().kind == Token::Number)
    value = integerOf(peek().text);
  if (!value) {
    fail(std::string("expected ") + what);
    return 0;
  }
  take();
  return negative ? int64_t(-uint64_t(*value)) : *value;
}

void TokenStream::skipLine() {
  for (int line = peek().line; !atEnd() && peek().line == line;)
    take();
}

void TokenStream::skipBraces() {
  int line = peek().line;
  if (!expect("{"))
    return;
  for (int depth = 1; depth > 0;) {
    if (atEnd()) {
      failAt(line, "'{' without its '}'");
      return;
    }
    Token token = take();
    depth += token.is("{") ? 1 : token.is("}") ? -1 : 0;
  }
}

} // namespace mho::ptx

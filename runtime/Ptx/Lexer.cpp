#include "runtime/Ptx/Lexer.h"

#include <cctype>

namespace mho::ptx {
namespace {

bool startsWord(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.';
}
bool continuesWord(char c) { return startsWord(c) || std::isdigit(static_cast<unsigned char>(c)); }

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}

  Expected<std::vector<Token>> run() {
    for (;;) {
      if (Status status = skipBlank(); !status)
        return status;
      if (at == text.size())
        break;
      Status status = next();
      if (!status)
        return status;
    }
    tokens.push_back({Token::End, "", line, text.size()});
    return std::move(tokens);
  }

private:
  Status skipBlank() {
    while (at < text.size()) {
      if (text[at] == '\n') {
        ++line;
        ++at;
      } else if (std::isspace(static_cast<unsigned char>(text[at]))) {
        ++at;
      } else if (text.substr(at, 2) == "//") {
        while (at < text.size() && text[at] != '\n')
          ++at;
      } else if (text.substr(at, 2) == "/*") {
        size_t end = text.find("*/", at + 2);
        if (end == std::string_view::npos)
          return Status::error("line " + std::to_string(line) + ": a comment that does not end");
        for (; at < end + 2; ++at)
          line += text[at] == '\n';
      } else {
        break;
      }
    }
    return Status::ok();
  }

  void add(Token::Kind kind, size_t begin) { tokens.push_back({kind, text.substr(begin, at - begin), line, begin}); }

  Status next() {
    size_t begin = at;
    char c = text[at];
    bool decimal = c == '.' && at + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[at + 1]));
    if (startsWord(c) && !decimal) {
      while (at < text.size() &&
             (continuesWord(text[at]) || (text[at] == ':' && at + 1 < text.size() && text[at + 1] == ':')))
        at += text[at] == ':' ? 2 : 1;
      add(Token::Word, begin);
    } else if (std::isdigit(static_cast<unsigned char>(c)) || decimal) {
      bool plain = text.substr(at, 2) != "0x" && text.substr(at, 2) != "0X";
      while (at < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '.' ||
              (plain && (text[at] == '+' || text[at] == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E') &&
               text.substr(begin, 2) != "0f" && text.substr(begin, 2) != "0d")))
        ++at;
      add(Token::Number, begin);
    } else if (c == '"') {
      size_t end = text.find_first_of("\"\n", at + 1);
      if (end == std::string_view::npos || text[end] == '\n')
        return Status::error("line " + std::to_string(line) + ": a string that does not end");
      at = end;
      add(Token::String, begin + 1);
      ++at;
    } else if (std::string_view("{}[]()<>,;:|@!+-=*").find(c) != std::string_view::npos) {
      ++at;
      add(Token::Symbol, begin);
    } else {
      return Status::error("line " + std::to_string(line) + ": unexpected character '" + std::string(1, c) + "'");
    }
    return Status::ok();
  }

  std::string_view text;
  size_t at = 0;
  int line = 1;
  std::vector<Token> tokens;
};

} // namespace

Expected<std::vector<Token>> tokenize(std::string_view text) { return Lexer(text).run(); }

} // namespace mho::ptx

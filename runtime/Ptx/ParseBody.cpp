#include "runtime/Ptx/ParseBody.h"

#include "runtime/Ptx/Parser.h"

#include <cstring>

namespace mho::ptx {
namespace {

constexpr int kMostRegisters = 1 << 20;

int64_t bitsOfDouble(double value) {
  int64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

bool isControlWord(const Token &token) { return token.kind == Token::Word && token.text[0] == '.'; }

} // namespace

void BodyParser::parse() {
  if (!tokens.expect("{"))
    return;
  scopes.emplace_back();
  collectLabels();
  while (!scopes.empty() && !tokens.failed()) {
    if (tokens.atEnd()) {
      tokens.failAt(entry.line, "the body of '" + entry.name + "' does not end");
      return;
    }
    statement();
  }
}

void BodyParser::statement() {
  const Token &token = tokens.peek();
  if (tokens.accept(";"))
    return;
  if (tokens.accept("{")) {
    scopes.emplace_back();
    ++scopeCount;
    collectLabels();
  } else if (tokens.accept("}")) {
    scopes.pop_back();
  } else if (token.kind == Token::Word && tokens.peek(1).is(":")) {
    label();
  } else if (isControlWord(token)) {
    directive();
  } else {
    instruction();
  }
}

/// The labels of a scope are known before its first instruction: a branch may lead forward.
void BodyParser::collectLabels() {
  int depth = 0;
  for (size_t i = 0; tokens.peek(i).kind != Token::End; ++i) {
    const Token &token = tokens.peek(i);
    if (token.is("}") && depth-- == 0)
      return;
    depth += token.is("{");
    if (depth == 0 && token.kind == Token::Word && tokens.peek(i + 1).is(":")) {
      std::string name(token.text);
      scopes.back().names[name] = scopes.size() == 1 ? name : name + "#" + std::to_string(scopeCount);
    }
  }
}

void BodyParser::label() {
  int line = tokens.peek().line;
  std::string name = resolve(std::string(tokens.take().text));
  tokens.take();
  if (!entry.labels.emplace(name, entry.instructions.size()).second)
    tokens.failAt(line, "label '" + name + "' occurs twice");
}

void BodyParser::directive() {
  if (tokens.accept(".reg"))
    return declareRegisters();
  if (tokens.accept(".loc")) {
    int line = tokens.peek().line;
    sourceFile = int(tokens.integer("the number of a file"));
    sourceLine = int(tokens.integer("a line"));
    while (!tokens.atEnd() && tokens.peek().line == line)
      tokens.take();
    return;
  }
  if (tokens.accept(".pragma")) {
    tokens.take();
    tokens.expect(";");
    return;
  }
  for (Space space : {Space::Shared, Space::Local})
    if (tokens.accept(std::string(".") + nameOf(space)))
      return declareVariables(space);
  tokens.fail("a directive that is not known here");
}

void BodyParser::declareRegisters() {
  std::string word = tokens.word("a type");
  Type type = typeNamed(word.empty() ? word : word.substr(1));
  if (type == Type::None || bitsOf(type) == 8) {
    tokens.fail("a type that no register has");
    return;
  }
  do {
    int line = tokens.peek().line;
    std::string name = tokens.word("a register's name");
    int64_t count = -1;
    if (tokens.accept("<")) {
      count = tokens.integer("a number of registers");
      tokens.expect(">");
      if (count < 0 || count > kMostRegisters) {
        tokens.failAt(line, std::to_string(count) + " registers; expected 0 to " + std::to_string(kMostRegisters));
        return;
      }
    }
    for (int64_t i = 0; i < std::max<int64_t>(count, 1) && count != 0; ++i) {
      std::string each = count < 0 ? name : name + std::to_string(i);
      if (!scopes.back().registers.emplace(each, int(entry.registers.size())).second)
        tokens.failAt(line, "register '" + each + "' is declared twice");
      entry.registers.push_back({each, type});
    }
  } while (tokens.accept(","));
  tokens.expect(";");
}

void BodyParser::declareVariables(Space space) {
  size_t first = entry.variables.size();
  parseVariables(tokens, space, false, entry.variables);
  for (size_t i = first; i < entry.variables.size(); ++i) {
    std::string &name = entry.variables[i].name;
    std::string unique = scopes.size() == 1 ? name : name + "#" + std::to_string(scopeCount);
    scopes.back().names[name] = unique;
    name = unique;
  }
}

int BodyParser::findRegister(const std::string &name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto it = scope->registers.find(name); it != scope->registers.end())
      return it->second;
  return -1;
}

std::string BodyParser::resolve(const std::string &name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto it = scope->names.find(name); it != scope->names.end())
      return it->second;
  return name;
}

/// The statement from the current token on, for messages.
std::string BodyParser::textFrom(size_t count) const {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const Token &token = tokens.peek(i), &next = tokens.peek(i + 1);
    text += token.text;
    bool glued = token.is("@") || token.is("!") || token.is("[") || token.is("{") || token.is("-") || token.is("+") ||
                 token.is("|");
    bool closes = next.is(",") || next.is(";") || next.is("]") || next.is("}") || next.is("+") || next.is("|");
    if (i + 1 < count && !glued && !closes)
      text += ' ';
  }
  return text;
}

void BodyParser::instruction() {
  size_t length = 0;
  while (tokens.peek(length).kind != Token::End && !tokens.peek(length).is(";"))
    ++length;
  InstructionSyntax result;
  result.line = tokens.peek().line;
  result.begin = tokens.peek().offset;
  result.end = tokens.peek(length).offset + 1;
  result.text = textFrom(length) + ";";
  result.sourceFile = sourceFile;
  result.sourceLine = sourceLine;
  if (tokens.accept("@")) {
    result.guardNegated = tokens.accept("!");
    std::string name = tokens.word("a predicate");
    result.guard = findRegister(name);
    if (!tokens.failed() && (result.guard < 0 || entry.registers[result.guard].type != Type::Pred))
      tokens.failAt(result.line, "'" + name + "' is no predicate, in '" + result.text + "'");
  }
  std::string word = tokens.word("an instruction");
  for (size_t begin = 0, dot; begin <= word.size(); begin = dot + 1) {
    dot = std::min(word.find('.', begin), word.size());
    std::string part = word.substr(begin, dot - begin);
    if (begin == 0)
      result.opcode = part;
    else
      result.modifiers.push_back(part);
  }
  if (!tokens.failed() && !isKnownOpcode(result.opcode))
    tokens.failAt(result.line, "unknown instruction '" + result.opcode + "', in '" + result.text + "'");
  if (!tokens.peek().is(";"))
    do
      result.operands.push_back(operand());
    while (tokens.accept(","));
  if (!tokens.failed() && !tokens.peek().is(";"))
    tokens.failAt(result.line,
                  "expected ',' or ';' before '" + std::string(tokens.peek().text) + "', in '" + result.text + "'");
  tokens.expect(";");
  entry.instructions.push_back(std::move(result));
}

Operand BodyParser::operand() {
  Operand first = plainOperand();
  if (!tokens.accept("|"))
    return first;
  Operand pair;
  pair.kind = Operand::Pair;
  pair.elements.push_back(std::move(first));
  pair.elements.push_back(plainOperand());
  return pair;
}

Operand BodyParser::plainOperand() {
  Operand result;
  if (tokens.accept("[")) {
    result = address();
  } else if (tokens.accept("{")) {
    result.kind = Operand::Vector;
    do
      result.elements.push_back(plainOperand());
    while (tokens.accept(","));
    tokens.expect("}");
    if (result.elements.size() == 1) // "{%r1}" is %r1
      result = Operand(result.elements[0]);
  } else if (tokens.accept("!")) {
    result = plainOperand();
    result.negated = true;
  } else if (tokens.accept("-")) {
    result = number(true);
  } else if (tokens.peek().kind == Token::Number) {
    result = number(false);
  } else if (tokens.accept("_")) {
    result.kind = Operand::Sink;
  } else {
    std::string name = tokens.word("an operand");
    result.reg = findRegister(name);
    result.kind = result.reg >= 0 ? Operand::Register : Operand::Name;
    result.name = result.reg >= 0 ? name : resolve(name);
    if (result.kind == Operand::Name && tokens.accept("+"))
      result.value = tokens.integer("an offset");
  }
  return result;
}

Operand BodyParser::number(bool negative) {
  Operand result;
  std::string text(tokens.peek().text);
  bool single = text.size() == 10 && (text.rfind("0f", 0) == 0 || text.rfind("0F", 0) == 0);
  bool whole = text.size() == 18 && (text.rfind("0d", 0) == 0 || text.rfind("0D", 0) == 0);
  if (single || whole) {
    result.kind = single ? Operand::Float32 : Operand::Float64;
    std::optional<int64_t> bits = TokenStream::integerOf("0x" + text.substr(2));
    if (!bits)
      tokens.fail("not a floating-point constant");
    else
      result.value = *bits ^ (negative ? int64_t(uint64_t(1) << (single ? 31 : 63)) : 0);
    tokens.take();
    return result;
  }
  bool hexadecimal = text.rfind("0x", 0) == 0 || text.rfind("0X", 0) == 0;
  if (!hexadecimal && text.find_first_of(".eE") != std::string::npos) {
    char *end = nullptr;
    double value = std::strtod(text.c_str(), &end);
    if (*end)
      tokens.fail("not a number");
    result.kind = Operand::Float64;
    result.value = bitsOfDouble(negative ? -value : value);
    tokens.take();
    return result;
  }
  result.kind = Operand::Integer;
  result.value = tokens.integer("a number");
  if (negative)
    result.value = int64_t(-uint64_t(result.value));
  return result;
}

Operand BodyParser::address() {
  Operand result;
  result.kind = Operand::Address;
  if (tokens.peek().kind == Token::Number || tokens.peek().is("-")) {
    result.value = tokens.integer("an address");
  } else {
    std::string name = tokens.word("an address");
    result.reg = findRegister(name);
    result.name = result.reg >= 0 ? name : resolve(name);
    if (tokens.accept("+"))
      result.value = tokens.integer("an offset");
    else if (tokens.peek().is("-"))
      result.value = tokens.integer("an offset");
  }
  tokens.expect("]");
  return result;
}

} // namespace mho::ptx

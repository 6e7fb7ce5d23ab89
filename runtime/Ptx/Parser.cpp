#include "runtime/Ptx/Parser.h"

#include "runtime/Ptx/ParseBody.h"

#include <cstring>

namespace mho::ptx {
namespace {

constexpr int64_t kMostVariableBytes = int64_t(1) << 30;

/// A value of an initialiser as the bytes of the type.
bool appendInitial(TokenStream &tokens, Type type, std::vector<uint8_t> &bytes) {
  bool negative = tokens.accept("-");
  if (tokens.peek().kind != Token::Number)
    return tokens.fail("an initialiser that is no number");
  std::string text(tokens.take().text);
  uint64_t bits;
  bool single = text.rfind("0f", 0) == 0 || text.rfind("0F", 0) == 0,
       whole = text.rfind("0d", 0) == 0 || text.rfind("0D", 0) == 0;
  if (single || whole) {
    bits = uint64_t(TokenStream::integerOf("0x" + text.substr(2)).value_or(0));
    if (negative)
      bits ^= uint64_t(1) << (single ? 31 : 63);
  } else if (isFloat(type)) {
    double value = std::strtod(text.c_str(), nullptr) * (negative ? -1 : 1);
    float narrow = float(value);
    bits = 0;
    if (type == Type::F32)
      std::memcpy(&bits, &narrow, sizeof narrow);
    else if (type == Type::F64)
      std::memcpy(&bits, &value, sizeof value);
    else
      return tokens.fail("an initialiser of type " + std::string(nameOf(type)));
  } else {
    std::optional<int64_t> value = TokenStream::integerOf(text);
    if (!value)
      return tokens.fail("'" + text + "' is no integer");
    bits = negative ? -uint64_t(*value) : uint64_t(*value);
  }
  for (int i = 0; i < bytesOf(type); ++i)
    bytes.push_back(uint8_t(bits >> (8 * i)));
  return true;
}

class ModuleParser {
public:
  explicit ModuleParser(std::vector<Token> list) : tokens(std::move(list)) {}

  Expected<ModuleSyntax> run() {
    while (!tokens.atEnd())
      topLevel();
    if (tokens.status() && module.version.empty())
      tokens.failAt(1, "no .version: this is no PTX");
    if (Status status = tokens.status(); !status)
      return status;
    return std::move(module);
  }

private:
  void topLevel();
  void entry();
  void function();
  void parameters(EntrySyntax &entry);
  void performanceDirectives(EntrySyntax &entry);

  TokenStream tokens;
  ModuleSyntax module;
};

void ModuleParser::topLevel() {
  if (tokens.accept(";"))
    return;
  if (tokens.accept(".version")) {
    module.version = std::string(tokens.take().text);
  } else if (tokens.accept(".target")) {
    module.target = tokens.word("a target");
    while (tokens.accept(","))
      tokens.word("a target's option");
  } else if (tokens.accept(".address_size")) {
    int line = tokens.peek().line;
    if (tokens.integer("a size") != 64)
      tokens.failAt(line, "addresses of another size than 64 bits");
  } else if (tokens.accept(".file")) {
    int64_t number = tokens.integer("a number of a file");
    module.files[int(number)] = std::string(tokens.peek().text);
    tokens.skipLine();
  } else if (tokens.accept(".section")) {
    while (!tokens.atEnd() && !tokens.peek().is("{"))
      tokens.take();
    tokens.skipBraces();
  } else {
    bool external = false;
    while (tokens.peek().is(".visible") || tokens.peek().is(".extern") || tokens.peek().is(".weak") ||
           tokens.peek().is(".common"))
      external |= tokens.take().is(".extern");
    if (tokens.accept(".entry"))
      return entry();
    if (tokens.accept(".func"))
      return function();
    for (Space space : {Space::Global, Space::Shared, Space::Const})
      if (tokens.accept(std::string(".") + nameOf(space))) {
        parseVariables(tokens, space, external, module.variables);
        return;
      }
    tokens.fail("a directive that is not known");
  }
}

/// Skips a function: its calls are refused where they stand.
void ModuleParser::function() {
  while (!tokens.atEnd() && !tokens.peek().is("{") && !tokens.peek().is(";"))
    tokens.take();
  if (!tokens.accept(";"))
    tokens.skipBraces();
}

void ModuleParser::parameters(EntrySyntax &entry) {
  if (!tokens.accept("(") || tokens.accept(")"))
    return;
  do {
    tokens.expect(".param");
    ParameterSyntax parameter;
    int64_t alignment = 0;
    while (!tokens.failed() && tokens.peek().kind == Token::Word && tokens.peek().text[0] == '.') {
      std::string word = tokens.word("a type");
      if (word == ".align") { // of the parameter, or of what a .ptr points to: then there is no array
        int64_t value = tokens.integer("an alignment");
        alignment = alignment == 0 && parameter.type == Type::None ? value : alignment;
      } else if (Type type = typeNamed(word.substr(1)); type != Type::None && type != Type::Pred) {
        parameter.type = type;
      } else if (word != ".ptr" && word != ".global" && word != ".shared" && word != ".const" && word != ".local") {
        tokens.fail("'" + word + "' is not known in a parameter");
      }
    }
    parameter.name = tokens.word("a parameter's name");
    parameter.bytes = bytesOf(parameter.type);
    parameter.alignment = std::max<int64_t>(alignment, parameter.bytes);
    if (tokens.accept("[")) {
      parameter.array = true;
      parameter.bytes *= tokens.integer("a size");
      tokens.expect("]");
    }
    if (parameter.bytes <= 0 || parameter.bytes > 32764 || (parameter.alignment & (parameter.alignment - 1)))
      tokens.fail("parameter '" + parameter.name + "' of an impossible type, size or alignment");
    if (tokens.failed())
      return;
    parameter.offset = (entry.parameterBytes + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
    entry.parameterBytes = parameter.offset + parameter.bytes;
    entry.parameters.push_back(parameter);
  } while (!tokens.failed() && tokens.accept(","));
  tokens.expect(")");
}

void ModuleParser::performanceDirectives(EntrySyntax &entry) {
  while (!tokens.atEnd() && !tokens.peek().is("{") && !tokens.peek().is(";")) {
    std::string word = tokens.word("a directive or the body");
    int64_t sizes[3] = {1, 1, 1};
    auto readSizes = [&] {
      for (int i = 0; i < 3; ++i) {
        sizes[i] = tokens.integer("a number of threads");
        if (!tokens.accept(","))
          break;
      }
    };
    if (word == ".maxntid") {
      readSizes();
      entry.mostThreads = sizes[0] * sizes[1] * sizes[2];
    } else if (word == ".reqntid") {
      readSizes();
      for (int i = 0; i < 3; ++i)
        entry.requiredThreads[i] = int(sizes[i]);
    } else if (word == ".minnctapersm" || word == ".maxnreg") {
      tokens.integer("a number");
    } else if (!tokens.failed()) {
      tokens.fail("'" + word + "' is not known for an entry");
    }
  }
}

void ModuleParser::entry() {
  EntrySyntax entry;
  entry.line = tokens.peek().line;
  entry.name = tokens.word("the entry's name");
  parameters(entry);
  performanceDirectives(entry);
  if (tokens.accept(";"))
    return; // a declaration
  BodyParser(tokens, entry).parse();
  for (const EntrySyntax &other : module.entries)
    if (other.name == entry.name)
      tokens.failAt(entry.line, "entry '" + entry.name + "' occurs twice");
  module.entries.push_back(std::move(entry));
}

} // namespace

void parseVariables(TokenStream &tokens, Space space, bool external, std::vector<VariableSyntax> &variables) {
  VariableSyntax common;
  common.space = space;
  common.external = external;
  common.alignment = tokens.accept(".align") ? tokens.integer("an alignment") : 0;
  common.type = typeNamed(tokens.peek().kind == Token::Word ? tokens.peek().text.substr(1) : "");
  if (bytesOf(common.type) == 0) {
    tokens.fail("expected the type of a variable");
    return;
  }
  tokens.take();
  if (!common.alignment)
    common.alignment = bytesOf(common.type);
  do {
    VariableSyntax variable = common;
    variable.line = tokens.peek().line;
    variable.name = tokens.word("a variable's name");
    variable.bytes = bytesOf(common.type);
    while (tokens.accept("[")) {
      int64_t count = tokens.peek().is("]") ? 0 : tokens.integer("a size");
      if (__builtin_mul_overflow(variable.bytes, count, &variable.bytes) || variable.bytes > kMostVariableBytes ||
          count < 0)
        tokens.fail("a variable that is too large");
      tokens.expect("]");
    }
    if (tokens.accept("=")) {
      bool list = tokens.accept("{");
      do
        if (!appendInitial(tokens, common.type, variable.initial))
          return;
      while (list && tokens.accept(","));
      if (list)
        tokens.expect("}");
      if (int64_t(variable.initial.size()) > variable.bytes)
        tokens.failAt(variable.line, "'" + variable.name + "' has more initial values than room");
    }
    bool power = variable.alignment > 0 && !(variable.alignment & (variable.alignment - 1));
    if (!power || (variable.bytes == 0 && !(external && space == Space::Shared)))
      tokens.failAt(variable.line, "'" + variable.name + "' of an impossible size or alignment");
    variables.push_back(std::move(variable));
  } while (!tokens.failed() && tokens.accept(","));
  tokens.expect(";");
}

Expected<ModuleSyntax> parseModule(std::string_view text) {
  Expected<std::vector<Token>> tokens = tokenize(text);
  if (!tokens)
    return tokens.error();
  return ModuleParser(std::move(*tokens)).run();
}

} // namespace mho::ptx

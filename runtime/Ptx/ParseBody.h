// Parses the body of an entry: scopes of registers, variables, labels, instructions.
#pragma once

#include "runtime/Ptx/Syntax.h"
#include "runtime/Ptx/TokenStream.h"

namespace mho::ptx {

/// A declaration of a variable behind its space: ".align 16 .b8 name[64] = {1, 2};", one or several names.
void parseVariables(TokenStream &tokens, Space space, bool external, std::vector<VariableSyntax> &variables);

class BodyParser {
public:
  BodyParser(TokenStream &tokens, EntrySyntax &entry) : tokens(tokens), entry(entry) {}
  /// From the '{' of the entry to its '}'.
  void parse();

private:
  /// What a nested {...} declares is its own; the same name may occur again.
  struct Scope {
    std::map<std::string, int> registers;
    std::map<std::string, std::string> names; ///< labels and variables by what they are called in the entry
  };

  void statement();
  void directive();
  void declareRegisters();
  void declareVariables(Space space);
  void label();
  void collectLabels();
  void instruction();
  Operand operand();
  Operand plainOperand();
  Operand number(bool negative);
  Operand address();
  int findRegister(const std::string &name) const;
  std::string resolve(const std::string &name) const;
  std::string textFrom(size_t count) const;

  TokenStream &tokens;
  EntrySyntax &entry;
  std::vector<Scope> scopes;
  int scopeCount = 0;
  int sourceFile = 0, sourceLine = 0;
};

} // namespace mho::ptx

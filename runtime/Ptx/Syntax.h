// A PTX module as it is written: what the parser makes and the decoder reads.
#pragma once

#include "runtime/Ptx/Types.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mho::ptx {

struct Operand {
  enum Kind {
    Register, ///< reg
    Integer,  ///< value
    Float32,  ///< value holds the bits
    Float64,  ///< value holds the bits
    Name,     ///< a variable, parameter, label or special register
    Address,  ///< [reg or name + value]
    Vector,   ///< {elements}
    Pair,     ///< first|second
    Sink,     ///< _
  };
  Kind kind = Sink;
  bool negated = false; ///< !%p
  int reg = -1;
  std::string name;
  int64_t value = 0;
  std::vector<Operand> elements;
};

struct InstructionSyntax {
  std::string opcode;                 ///< "mad"
  std::vector<std::string> modifiers; ///< "lo", "s32"
  std::vector<Operand> operands;
  int guard = -1; ///< predicate register
  bool guardNegated = false;
  int line = 0;                       ///< of the PTX
  size_t begin = 0, end = 0;          ///< its place in the module's text, the ';' included
  int sourceFile = 0, sourceLine = 0; ///< of the last .loc
  std::string text;                   ///< as written, blanks made single
};

struct RegisterSyntax {
  std::string name;
  Type type = Type::None;
};

struct VariableSyntax {
  std::string name;
  Space space = Space::Global;
  Type type = Type::None;
  int64_t alignment = 1;
  int64_t bytes = 0; ///< 0 for one of open size, which is .extern .shared
  bool external = false;
  std::vector<uint8_t> initial; ///< empty: zeros
  int line = 0;
};

struct ParameterSyntax {
  std::string name;
  Type type = Type::None;
  int64_t alignment = 1, bytes = 0, offset = 0;
  bool array = false;
};

struct EntrySyntax {
  std::string name;
  int line = 0;
  std::vector<ParameterSyntax> parameters;
  int64_t parameterBytes = 0;
  std::vector<RegisterSyntax> registers;
  std::vector<VariableSyntax> variables; ///< .shared and .local of the body
  std::vector<InstructionSyntax> instructions;
  std::map<std::string, size_t> labels; ///< index of the instruction that follows
  int requiredThreads[3] = {0, 0, 0};   ///< .reqntid
  int64_t mostThreads = 0;              ///< .maxntid
};

struct ModuleSyntax {
  std::string version, target;
  std::map<int, std::string> files; ///< .file
  std::vector<VariableSyntax> variables;
  std::vector<EntrySyntax> entries;
};

} // namespace mho::ptx

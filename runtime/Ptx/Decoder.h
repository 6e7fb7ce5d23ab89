// Turns the instructions of an entry into functions and places.
//
// Each family of instructions has a function that looks at the opcode's modifiers in the order the PTX manual gives
// them. A modifier that nobody takes is an error: what is not understood is never run.
#pragma once

#include "runtime/Ptx/Program.h"
#include "runtime/Status.h"

#include <initializer_list>
#include <map>
#include <optional>
#include <string>

namespace mho::ptx {

class Decoder {
public:
  Decoder(const ModuleSyntax &module, const VariableLayout &layout, const EntrySyntax &entry);
  /// Errors: "line N: what is wrong, in 'text'".
  Expected<Program> run();

  // What the families use. After a failure everything fails; `in` is the instruction being made.
  Instr in;
  const std::string &opcode() const { return syntax->opcode; }
  size_t operandCount() const { return syntax->operands.size(); }
  const Operand &operand(size_t i) const;

  /// Takes the next modifier if it is that one.
  bool take(const char *modifier);
  /// Takes the next modifier if it is one of them; its position.
  std::optional<int> takeOneOf(std::initializer_list<const char *> modifiers);
  /// Takes the next modifier if it is one of the types.
  Type takeType(std::initializer_list<Type> allowed);
  /// As takeType, but fails where there is none.
  Type needType(std::initializer_list<Type> allowed);
  /// The type that the last modifier names; None where it names none.
  Type lastType() const;
  /// Fails unless the instruction has that many operands.
  bool operands(size_t least, size_t most);
  bool operands(size_t count) { return operands(count, count); }

  /// Adds operand i as the next source or destination, a value of that type. `wider`: the register may be larger.
  void source(size_t i, Type type, bool wider = false) { sourceOf(operand(i), type, wider); }
  void sourceOf(const Operand &operand, Type type, bool wider = false);
  void destination(size_t i, Type type, bool wider = false) { destinationOf(operand(i), type, wider); }
  void destinationOf(const Operand &operand, Type type, bool wider = false);
  void predicateSource(size_t i);
  void predicateDestinationOf(const Operand &operand);
  void predicateDestination(size_t i) { predicateDestinationOf(operand(i)); }
  /// The elements of operand i as sources or destinations: a vector of `count`.
  void vectorSource(size_t i, Type type, size_t count);
  void vectorDestination(size_t i, Type type, size_t count, bool wider = false);
  /// Adds the address operand i as the next source; its constant part becomes the immediate.
  void address(size_t i, Space space);
  /// The whole number that operand i is.
  int64_t immediate(size_t i, int64_t least, int64_t most);
  /// The bits of a register of an operand: 0 for a constant.
  int registerBits(const Operand &operand) const;
  uint32_t constant(uint64_t bits, bool wide);

  bool fail(const std::string &message);
  bool failed() const { return problem.has_value(); }

private:
  bool instruction(const InstructionSyntax &next);
  uint32_t valueOf(const Operand &operand, Type type, bool wider);
  std::optional<uint64_t> literal(const Operand &operand, Type type);
  std::optional<uint32_t> special(const std::string &name, Type type);
  uint32_t predicateOf(const Operand &operand);
  std::optional<uint64_t> symbolAddress(const std::string &name, Space &space) const;
  uint32_t placeOf(int reg);
  void placeVariables();

  const ModuleSyntax &module;
  VariableLayout layout;
  const EntrySyntax &entry;
  const InstructionSyntax *syntax = nullptr;
  size_t modifier = 0; ///< the next one
  Program program;
  std::vector<uint32_t> places; ///< of registers: word offset, or number of the predicate; kNone: not used yet
  std::map<std::pair<uint64_t, bool>, uint32_t> constants;
  std::map<std::pair<int, bool>, uint32_t> specials;
  uint32_t sink = kNone, predicateSink = kNone;
  std::optional<std::string> problem;
};

/// A family: makes decoder.in, taking modifiers and operands.
using Family = void (*)(Decoder &decoder);

void decodeArithmetic(Decoder &d);
void decodeExtended(Decoder &d);
void decodeMultiply(Decoder &d);
void decodeBits(Decoder &d);
void decodeShift(Decoder &d);
void decodeFloat(Decoder &d);
void decodeFloatUnary(Decoder &d);
void decodeApproximate(Decoder &d);
void decodeCompare(Decoder &d);
void decodeSelect(Decoder &d);
void decodeMove(Decoder &d);
void decodeConvert(Decoder &d);
void decodeAddress(Decoder &d);
void decodeLoadStore(Decoder &d);
void decodeAtomic(Decoder &d);
void decodeAsync(Decoder &d);
void decodeMatrixMove(Decoder &d);
void decodeMma(Decoder &d);
void decodeWarp(Decoder &d);
void decodeControl(Decoder &d);

/// Null for an opcode that is not known.
Family familyOf(const std::string &opcode);

} // namespace mho::ptx

#include "runtime/Ptx/Decoder.h"

#include "runtime/Ptx/Parser.h"

namespace mho::ptx {

constexpr int64_t kMostLocal = 512 << 10; ///< bytes per thread, of any GPU

Decoder::Decoder(const ModuleSyntax &module, const VariableLayout &layout, const EntrySyntax &entry)
    : module(module), layout(layout), entry(entry) {}

bool Decoder::fail(const std::string &message) {
  if (!problem)
    problem = syntax ? "line " + std::to_string(syntax->line) + ": " + message + ", in '" + syntax->text + "'"
                     : "line " + std::to_string(entry.line) + ": " + message;
  return false;
}

Expected<Program> Decoder::run() {
  program.syntax = &entry;
  places.assign(entry.registers.size(), kNone);
  placeVariables();
  for (const InstructionSyntax &next : entry.instructions)
    if (!instruction(next))
      return Status::error(*problem);
  syntax = nullptr;
  if (problem)
    return Status::error(*problem);
  Instr last; // running off the end is a return
  last.control = Control::Exit;
  program.code.push_back(last);
  return std::move(program);
}

/// The place of a register, which it gets at its first use: declared ones are many more.
uint32_t Decoder::placeOf(int reg) {
  uint32_t &place = places[size_t(reg)];
  if (place != kNone)
    return place;
  Type type = entry.registers[size_t(reg)].type;
  if (type == Type::Pred)
    return place = program.predicates++;
  place = program.slots * kLanes;
  program.slots += bitsOf(type) == 64 ? 2 : 1;
  return place;
}

void Decoder::placeVariables() {
  program.sharedBytes = layout.sharedBytes;
  auto align = [](int64_t &end, int64_t alignment) { end = (end + alignment - 1) / alignment * alignment; };
  for (const VariableSyntax &variable : entry.variables) {
    if (variable.bytes == 0) {
      fail("'" + variable.name + "' has no size");
      return;
    }
    int64_t &end = variable.space == Space::Shared ? program.sharedBytes : program.localBytes;
    align(end, variable.alignment);
    layout.places[variable.name] = {variable.space, uint64_t(end)};
    end += variable.bytes;
  }
  align(program.localBytes, 16);
  if (program.localBytes > kMostLocal)
    fail(std::to_string(program.localBytes) + " bytes of local memory per thread, more than a GPU has");
  program.dynamicOffset = program.sharedBytes;
  align(program.dynamicOffset, std::max<int64_t>(layout.dynamicAlignment, 16));
  for (const std::string &name : layout.dynamicNames)
    layout.places[name] = {Space::Shared, uint64_t(program.dynamicOffset)};
}

bool Decoder::instruction(const InstructionSyntax &next) {
  syntax = &next;
  modifier = 0;
  in = Instr();
  if (next.guard >= 0) {
    in.guard = placeOf(next.guard);
    in.guardNegated = next.guardNegated;
  }
  familyOf(next.opcode)(*this);
  if (problem)
    return false;
  if (modifier < next.modifiers.size())
    return fail("unknown or misplaced modifier '." + next.modifiers[modifier] + "'");
  if (in.control == Control::Branch) {
    auto label = operandCount() == 1 ? entry.labels.find(operand(0).name) : entry.labels.end();
    if (label == entry.labels.end())
      return fail("no such label");
    in.target = uint32_t(label->second);
  }
  if (in.accessBytes && (in.space == Space::Shared || in.space == Space::Generic))
    program.granule = std::min<int>(program.granule, in.accessBytes);
  program.code.push_back(in);
  return true;
}

const Operand &Decoder::operand(size_t i) const {
  static const Operand none;
  return i < syntax->operands.size() ? syntax->operands[i] : none;
}

bool Decoder::take(const char *name) {
  if (modifier >= syntax->modifiers.size() || syntax->modifiers[modifier] != name)
    return false;
  ++modifier;
  return true;
}

std::optional<int> Decoder::takeOneOf(std::initializer_list<const char *> names) {
  int position = 0;
  for (const char *name : names) {
    if (take(name))
      return position;
    ++position;
  }
  return std::nullopt;
}

Type Decoder::takeType(std::initializer_list<Type> allowed) {
  for (Type type : allowed)
    if (take(nameOf(type)))
      return type;
  return Type::None;
}

Type Decoder::needType(std::initializer_list<Type> allowed) {
  Type type = takeType(allowed);
  if (type == Type::None && !failed()) {
    std::string found = modifier < syntax->modifiers.size() ? "'." + syntax->modifiers[modifier] + "'" : "no modifier";
    std::string expected;
    for (Type each : allowed)
      expected += std::string(" .") + nameOf(each);
    fail("unknown modifier or form: " + found + " where one of" + expected + " is known");
  }
  return type;
}

Type Decoder::lastType() const { return syntax->modifiers.empty() ? Type::None : typeNamed(syntax->modifiers.back()); }

bool Decoder::operands(size_t least, size_t most) {
  if (operandCount() >= least && operandCount() <= most)
    return true;
  return fail(std::to_string(operandCount()) + " operands where " + std::to_string(least) +
              (most > least ? " to " + std::to_string(most) : "") + " are known");
}

} // namespace mho::ptx

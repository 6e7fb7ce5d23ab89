#include "runtime/Ptx/Exactness.h"

#include <algorithm>

namespace mho::ptx {
namespace {

bool has(const InstructionSyntax &instruction, std::initializer_list<const char *> modifiers) {
  return std::any_of(modifiers.begin(), modifiers.end(), [&](const char *each) {
    return std::find(instruction.modifiers.begin(), instruction.modifiers.end(), each) != instruction.modifiers.end();
  });
}

/// Empty for an instruction that has one result.
std::string reasonOf(const InstructionSyntax &instruction) {
  Type type = instruction.modifiers.empty() ? Type::None : typeNamed(instruction.modifiers.back());
  bool real = isFloat(type) || isPacked(type);
  const std::string &op = instruction.opcode;
  if (has(instruction, {"approx", "full"}))
    return "its result is an approximation";
  if (has(instruction, {"ftz"}))
    return "it flushes subnormal numbers";
  if ((op == "add" || op == "sub" || op == "mul") && real && !has(instruction, {"rn", "rz", "rm", "rp"}))
    return "without a rounding modifier ptxas may fuse it with another instruction";
  if ((op == "atom" || op == "red") && real && has(instruction, {"add"}))
    return "the order of its sums is open";
  if (op == "mma" && instruction.modifiers.size() > 5 && type == Type::F16)
    return "the rounding of f16 accumulators is open";
  return "";
}

} // namespace

std::string InexactInstruction::text() const {
  return kernel + ", line " + std::to_string(place.line) + (place.source.empty() ? "" : " (" + place.source + ")") +
         ": " + place.text + " - " + reason;
}

std::vector<InexactInstruction> lintExact(const Module &module) {
  std::vector<InexactInstruction> found;
  for (const EntrySyntax &entry : module.syntax().entries)
    for (const InstructionSyntax &instruction : entry.instructions)
      if (std::string reason = reasonOf(instruction); !reason.empty())
        found.push_back({entry.name, placeOf(module.syntax(), instruction), reason});
  return found;
}

} // namespace mho::ptx

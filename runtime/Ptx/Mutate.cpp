#include "runtime/Ptx/Mutate.h"

#include <algorithm>

namespace mho::ptx {
namespace {

using Edits = std::vector<std::pair<std::string, std::string>>; ///< kind, text

/// The opcode with its modifiers, and what stands before (the guard) and behind it.
struct Parts {
  std::string guard, opcode, rest;
};
Parts partsOf(const InstructionSyntax &instruction) {
  const std::string &text = instruction.text;
  size_t begin = text[0] == '@' ? text.find(' ') + 1 : 0, end = text.find_first_of(" ;", begin);
  return {text.substr(0, begin), text.substr(begin, end - begin), text.substr(end)};
}

/// One modifier for another, or the opcode's name.
void replaceWords(const InstructionSyntax &instruction, Edits &edits) {
  struct Change {
    const char *kind, *from, *to;
  };
  static const Change changes[] = {
      {"condition", ".lt", ".le"},  {"condition", ".le", ".lt"},     {"condition", ".gt", ".ge"},
      {"condition", ".ge", ".gt"},  {"condition", ".eq", ".ne"},     {"condition", ".ne", ".eq"},
      {"operation", "add", "sub"},  {"operation", "sub", "add"},     {"operation", "min", "max"},
      {"operation", "max", "min"},  {"operation", "and", "or"},      {"operation", "or", "xor"},
      {"operation", "xor", "or"},   {"operation", "shl", "shr"},     {"operation", "shr", "shl"},
      {"operation", "mul", "add"},  {"rounding", ".rn", ".rz"},      {"rounding", ".rni", ".rzi"},
      {"rounding", ".rmi", ".rpi"}, {"transposition", ".trans", ""}, {"shuffle", ".up", ".down"},
      {"shuffle", ".down", ".up"},  {"shuffle", ".bfly", ".idx"},
  };
  Parts parts = partsOf(instruction);
  for (const Change &change : changes) {
    std::string from = change.from, opcode = parts.opcode;
    size_t at = from[0] == '.' ? opcode.find(from) : opcode.rfind(from + ".", 0) == 0 ? 0 : std::string::npos;
    size_t after = at + from.size();
    if (at == std::string::npos || (after < opcode.size() && opcode[after] != '.'))
      continue;
    edits.emplace_back(change.kind, parts.guard + opcode.replace(at, from.size(), change.to) + parts.rest);
  }
  if (instruction.opcode == "ldmatrix" && parts.opcode.find(".trans") == std::string::npos) {
    size_t at = parts.opcode.find(".shared");
    if (at != std::string::npos)
      edits.emplace_back("transposition", parts.guard + std::string(parts.opcode).insert(at, ".trans") + parts.rest);
  }
}

void changeGuard(const InstructionSyntax &instruction, Edits &edits) {
  if (instruction.guard < 0)
    return;
  std::string text = instruction.text;
  edits.emplace_back("guard", instruction.guardNegated ? text.erase(1, 1) : text.insert(1, "!"));
}

void drop(const InstructionSyntax &instruction, Edits &edits) {
  Parts parts = partsOf(instruction);
  const std::string &op = instruction.opcode;
  bool dropped = op == "st" || op == "bar" || op == "barrier" || op == "red" || parts.opcode.rfind("cp.async", 0) == 0;
  if (dropped)
    edits.emplace_back("dropped", "");
  if (parts.opcode == "cp.async.wait_group")
    edits.emplace_back("wait",
                       parts.guard + "cp.async.wait_group " + std::to_string(instruction.operands[0].value + 1) + ";");
}

/// The operands of the text: what commas outside of brackets part.
std::vector<std::pair<size_t, size_t>> operandRanges(const std::string &text, size_t begin) {
  std::vector<std::pair<size_t, size_t>> ranges;
  int depth = 0;
  size_t start = text.find_first_not_of(' ', begin);
  for (size_t i = begin; i < text.size(); ++i) {
    depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
    if ((text[i] == ',' && !depth) || text[i] == ';') {
      if (i > start)
        ranges.emplace_back(start, i - start);
      start = text.find_first_not_of(' ', i + 1);
    }
  }
  return ranges;
}

void exchangeSources(const InstructionSyntax &instruction, Edits &edits) {
  static const char *const ordered[] = {"sub", "div", "rem", "shl", "shr", "setp", "selp", "prmt", "fma", "mad", "mma"};
  if (std::none_of(std::begin(ordered), std::end(ordered),
                   [&](const char *each) { return instruction.opcode == each; }))
    return;
  Parts parts = partsOf(instruction);
  if (parts.opcode.find(".eq") != std::string::npos || parts.opcode.find(".ne") != std::string::npos)
    return; // the same either way
  const std::string &text = instruction.text;
  auto ranges = operandRanges(text, parts.guard.size() + parts.opcode.size());
  if (ranges.size() < 3)
    return;
  auto [first, firstSize] = ranges[instruction.opcode == "fma" || instruction.opcode == "mad" ? 2 : 1];
  auto [second, secondSize] = ranges[instruction.opcode == "fma" || instruction.opcode == "mad" ? 3 : 2];
  std::string a = text.substr(first, firstSize), b = text.substr(second, secondSize);
  if (a != b)
    edits.emplace_back("exchange", text.substr(0, first) + b +
                                       text.substr(first + firstSize, second - first - firstSize) + a +
                                       text.substr(second + secondSize));
}

/// The first two registers of each fragment of an mma or ldmatrix, exchanged.
void exchangeElements(const InstructionSyntax &instruction, Edits &edits) {
  if (instruction.opcode != "mma" && instruction.opcode != "ldmatrix")
    return;
  const std::string &text = instruction.text;
  for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    size_t comma = text.find(',', open), close = text.find_first_of(",}", comma + 1);
    if (comma > text.find('}', open))
      continue;
    std::string first = text.substr(open + 1, comma - open - 1), second = text.substr(comma + 1, close - comma - 1);
    second.erase(0, second.find_first_not_of(' '));
    if (first != second)
      edits.emplace_back("exchange", text.substr(0, open + 1) + second + ", " + first + text.substr(close));
  }
}

void changeConstants(const InstructionSyntax &instruction, Edits &edits) {
  const std::string &text = instruction.text;
  Parts parts = partsOf(instruction);
  for (auto [begin, size] : operandRanges(text, parts.guard.size() + parts.opcode.size())) {
    std::string operand = text.substr(begin, size);
    auto with = [&](const std::string &changed) { return text.substr(0, begin) + changed + text.substr(begin + size); };
    bool number = operand.find_first_not_of("-0123456789") == std::string::npos;
    bool membership = parts.opcode.find(".sync") != std::string::npos || parts.opcode.rfind("cp.async", 0) == 0;
    if (number && !membership)
      edits.emplace_back("constant", with(std::to_string(std::atoll(operand.c_str()) + 1)));
    if (operand.rfind("0f", 0) == 0 && operand.size() == 10) { // the last bit of the fraction
      char digit = operand.back();
      operand.back() = digit == '0' ? '1' : '0';
      edits.emplace_back("constant", with(operand));
    }
    if (size_t plus = operand.find('+'); operand[0] == '[' && instruction.opcode != "prefetch") {
      std::string offset = plus == std::string::npos ? "0" : operand.substr(plus + 1, operand.size() - plus - 2);
      std::string base = operand.substr(1, (plus == std::string::npos ? operand.size() - 1 : plus) - 1);
      if (base.find_first_not_of("0123456789-") != std::string::npos)
        edits.emplace_back("offset", with("[" + base + "+" + std::to_string(std::atoll(offset.c_str()) + 16) + "]"));
    }
  }
}

} // namespace

std::vector<Mutant> mutantsOf(const Module &module, const std::string &ptx, const std::string &kernel) {
  std::vector<Mutant> mutants;
  const EntrySyntax *entry = module.entry(kernel);
  if (!entry)
    return mutants;
  for (const InstructionSyntax &instruction : entry->instructions) {
    Edits edits;
    drop(instruction, edits);
    changeGuard(instruction, edits);
    replaceWords(instruction, edits);
    exchangeSources(instruction, edits);
    exchangeElements(instruction, edits);
    changeConstants(instruction, edits);
    for (const auto &[kind, after] : edits) {
      Mutant mutant{instruction.line, kind, instruction.text, after, ptx};
      mutant.ptx.replace(instruction.begin, instruction.end - instruction.begin, after);
      mutants.push_back(std::move(mutant));
    }
  }
  return mutants;
}

} // namespace mho::ptx

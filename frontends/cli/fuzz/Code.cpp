#include "frontends/cli/fuzz/Code.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace mho::cli::fuzz {
namespace {

enum class Detail { None, FloatPredicate, IntPredicate, Float, Int, Bool, Map, Index, Special };

/// An op of the vocabulary on operands of certain types.
struct Form {
  const char *name;
  const char *operands; ///< f, i, b
  char result;
  const char *types; ///< behind the colon
  Detail detail = Detail::None;
  int weight = 1; ///< how often it is taken
};

// The bits of a NaN are not defined: "bits" and "copysign" below take 0 for one. What special values tell apart is
// taken more often.
constexpr Form kForms[] = {
    {"arith.constant", "", 'f', "f32", Detail::Float},
    {"arith.constant", "", 'i', "i32", Detail::Int},
    {"arith.constant", "", 'b', "", Detail::Bool},
    {"analog.normal", "", 'f', "f32", Detail::Map},
    {"analog.uniform", "", 'f', "f32"},
    {"analog.index", "", 'i', "i32", Detail::Index},
    {"arith.addf", "ff", 'f', "f32"},
    {"arith.subf", "ff", 'f', "f32"},
    {"arith.mulf", "ff", 'f', "f32"},
    {"arith.divf", "ff", 'f', "f32"},
    {"arith.negf", "f", 'f', "f32"},
    {"arith.minimumf", "ff", 'f', "f32", Detail::None, 4},
    {"arith.maximumf", "ff", 'f', "f32", Detail::None, 4},
    {"arith.cmpf", "ff", 'b', "f32", Detail::FloatPredicate, 2},
    {"arith.select", "bff", 'f', "f32"},
    {"arith.select", "bii", 'i', "i32"},
    {"arith.select", "bbb", 'b', "i1"},
    {"arith.addi", "ii", 'i', "i32"},
    {"arith.subi", "ii", 'i', "i32"},
    {"arith.muli", "ii", 'i', "i32"},
    {"arith.andi", "ii", 'i', "i32"},
    {"arith.andi", "bb", 'b', "i1"},
    {"arith.ori", "ii", 'i', "i32"},
    {"arith.ori", "bb", 'b', "i1"},
    {"arith.xori", "ii", 'i', "i32"},
    {"arith.xori", "bb", 'b', "i1"},
    {"arith.shli", "ii", 'i', "i32"},
    {"arith.shrui", "ii", 'i', "i32"},
    {"arith.shrsi", "ii", 'i', "i32"},
    {"arith.cmpi", "ii", 'b', "i32", Detail::IntPredicate},
    {"arith.sitofp", "i", 'f', "i32 to f32"},
    {"arith.uitofp", "i", 'f', "i32 to f32"},
    {"arith.uitofp", "b", 'f', "i1 to f32"},
    {"arith.fptosi", "f", 'i', "f32 to i32", Detail::None, 5},
    {"arith.extui", "b", 'i', "i1 to i32"},
    {"arith.bitcast", "i", 'f', "i32 to f32"},
    {"bits", "f", 'i', "f32 to i32"},
    {"small", "f", 'f', "i32 to f32"}, // three bits that depend on all bits, as a number
    {"clamp", "f", 'f', "f32"},        // the nearest integer from -8 to 8, 0 of a NaN
    {"number", "f", 'f', "f32"},       // 0 where it is NaN
    // where the first two are in order, else the special value that the detail is
    {"special", "fff", 'f', "f32", Detail::Special, 6},
    {"math.fma", "fff", 'f', "f32"},
    {"math.absf", "f", 'f', "f32"},
    {"math.roundeven", "f", 'f', "f32"},
    {"math.floor", "f", 'f', "f32"},
    {"math.ceil", "f", 'f', "f32"},
    {"math.trunc", "f", 'f', "f32"},
    {"copysign", "ff", 'f', "f32"},
    {"math.sqrt", "f", 'f', "f32"},
    {"math.exp", "f", 'f', "f32"},
    {"math.log", "f", 'f', "f32"},
    {"math.powf", "ff", 'f', "f32"},
    {"math.tanh", "f", 'f', "f32"},
};

Scalar typeNamed(char letter) { return letter == 'f' ? Scalar::F32 : letter == 'i' ? Scalar::I32 : Scalar::I1; }

bool isDraw(const Form &form) {
  return !std::strcmp(form.name, "analog.normal") || !std::strcmp(form.name, "analog.uniform");
}

std::string randomDetail(Detail detail, Random &random) {
  using Names = std::vector<std::string>;
  switch (detail) {
  case Detail::None:
    return "";
  case Detail::FloatPredicate:
    return random.oneOf(
        Names{"oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno"});
  case Detail::IntPredicate:
    return random.oneOf(Names{"eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"});
  case Detail::Float: // infinity and the smallest number are written by their bits
    return random.oneOf(Names{"0.0", "-0.0", "0.5", "1.0", "-1.0", "2.0", "3.0", "-0.75", "0.3", "7.0e-3", "1.0e+20",
                              "-1.0e-30", "0x7F800000", "0x00000001"});
  case Detail::Int:
    return random.oneOf(Names{"0", "1", "-1", "2", "3", "7", "31", "33", "255", "65535", "2147483647", "-2147483648"});
  case Detail::Bool:
    return random.oneOf(Names{"true", "false"});
  case Detail::Map:
    return random.oneOf(Names{"", "map word"});
  case Detail::Index:
    return random.oneOf(Names{"tile", "row", "column", "tile_rows"});
  case Detail::Special:
    return random.oneOf(Names(std::begin(kSpecialValues), std::end(kSpecialValues)));
  }
  return "";
}

/// `result`: the value, 0 where it is NaN.
std::string withoutNaN(const std::string &name, const std::string &prefix, const std::string &result) {
  return "  " + prefix + "o = arith.cmpf ord, " + name + ", " + name + " : f32\n  " + prefix +
         "z = arith.constant 0.0 : f32\n  " + result + " = arith.select " + prefix + "o, " + name + ", " + prefix +
         "z : f32\n";
}
std::string withoutNaN(const std::string &name, const std::string &prefix) {
  return withoutNaN(name, prefix, prefix + "n");
}

/// `result`: the highest three bits of a product, which tell of all bits of `name`.
std::string threeBits(const std::string &name, const std::string &prefix, const std::string &result) {
  return withoutNaN(name, prefix) + "  " + prefix + "b = arith.bitcast " + prefix + "n : f32 to i32\n  " + prefix +
         "m = arith.constant -1640531535 : i32\n  " + prefix + "p = arith.muli " + prefix + "b, " + prefix +
         "m : i32\n  " + prefix + "c = arith.constant 29 : i32\n  " + prefix + "l = arith.shrui " + prefix + "p, " +
         prefix + "c : i32\n  " + result + " = arith.sitofp " + prefix + "l : i32 to f32\n";
}

/// `result`: the nearest integer from -8 to 8.
std::string clamped(const std::string &name, const std::string &prefix, const std::string &result) {
  return withoutNaN(name, prefix) + "  " + prefix + "low = arith.constant -8.0 : f32\n  " + prefix +
         "high = arith.constant 8.0 : f32\n  " + prefix + "above = arith.maximumf " + prefix + "n, " + prefix +
         "low : f32\n  " + prefix + "within = arith.minimumf " + prefix + "above, " + prefix + "high : f32\n  " +
         result + " = math.roundeven " + prefix + "within : f32\n";
}

std::string printLine(const Code &code, int number) {
  const Line &line = code.lines[number - int(code.arguments.size())];
  const Form &form = kForms[line.form];
  std::string name = code.nameOf(number);
  if (!std::strcmp(form.name, "bits"))
    return withoutNaN(code.nameOf(line.operands[0]), name) + "  " + name + " = arith.bitcast " + name +
           "n : f32 to i32\n";
  if (!std::strcmp(form.name, "small"))
    return threeBits(code.nameOf(line.operands[0]), name, name);
  if (!std::strcmp(form.name, "clamp"))
    return clamped(code.nameOf(line.operands[0]), name, name);
  if (!std::strcmp(form.name, "number"))
    return withoutNaN(code.nameOf(line.operands[0]), name, name);
  if (!std::strcmp(form.name, "special"))
    return "  " + name + "c = arith.cmpf ole, " + code.nameOf(line.operands[0]) + ", " + code.nameOf(line.operands[1]) +
           " : f32\n  " + name + "s = arith.constant " + line.detail + " : f32\n  " + name + " = arith.select " + name +
           "c, " + code.nameOf(line.operands[2]) + ", " + name + "s : f32\n";
  if (!std::strcmp(form.name, "copysign"))
    return withoutNaN(code.nameOf(line.operands[1]), name) + "  " + name + " = math.copysign " +
           code.nameOf(line.operands[0]) + ", " + name + "n : f32\n";
  std::string text = "  " + name + " = " + form.name;
  const char *separator = " ";
  if (!line.detail.empty()) {
    text += " " + line.detail;
    separator = ", ";
  }
  for (int operand : line.operands) {
    text += separator + code.nameOf(operand);
    separator = ", ";
  }
  return text + (*form.types ? std::string(" : ") + form.types : "") + "\n";
}

} // namespace

Scalar Code::typeOf(int value) const {
  int first = arguments.size();
  return value < first ? arguments[value].type : typeNamed(kForms[lines[value - first].form].result);
}

std::string Code::nameOf(int value) const {
  int first = arguments.size();
  return value < first ? "%" + arguments[value].name : "%v" + std::to_string(value - first);
}

template <class Renumber> static void forOperands(Code &code, Renumber renumber) {
  for (Line &line : code.lines)
    std::for_each(line.operands.begin(), line.operands.end(), renumber);
  std::for_each(code.results.begin(), code.results.end(), renumber);
}

void insertArgument(Code &code, int before, Argument argument) {
  code.arguments.insert(code.arguments.begin() + before, std::move(argument));
  forOperands(code, [&](int &operand) { operand += operand >= before; });
}

void removeArgument(Code &code, int argument) {
  code.arguments.erase(code.arguments.begin() + argument);
  forOperands(code, [&](int &operand) {
    operand = operand == argument ? 0 : operand > argument ? operand - 1 : operand;
  });
}

/// What a detail given as text is, but for predicates and names, of which forms have one kind each.
static Detail detailOf(const std::string &text) {
  if (text == "true" || text == "false")
    return Detail::Bool;
  if (std::isalpha(uint8_t(text[0])))
    return Detail::FloatPredicate;
  return text.find('.') == std::string::npos ? Detail::Int : Detail::Float;
}

int append(Code &code, const std::string &name, std::vector<int> operands, const std::string &detail) {
  for (int form = 0; form < int(std::size(kForms)); ++form) {
    const Form &f = kForms[form];
    bool fits = name == f.name && std::strlen(f.operands) == operands.size();
    for (size_t i = 0; fits && i < operands.size(); ++i)
      fits = code.typeOf(operands[i]) == typeNamed(f.operands[i]);
    if (fits && (detail.empty() || f.detail == detailOf(detail))) {
      code.lines.push_back({form, detail, std::move(operands)});
      return code.size() - 1;
    }
  }
  return -1;
}

bool isConstant(const Line &line) { return !std::strcmp(kForms[line.form].name, "arith.constant"); }

bool isWhole(const Line &line) {
  const char *name = kForms[line.form].name;
  return !std::strcmp(name, "small") || !std::strcmp(name, "clamp");
}

int anyOf(Code &code, Scalar type, Random &random, int firstValue) {
  std::vector<int> found;
  for (int value = firstValue; value < code.size(); ++value)
    if (code.typeOf(value) == type)
      found.push_back(value);
  if (!found.empty()) // the later of two: long chains
    return std::max(random.oneOf(found), random.oneOf(found));
  const Form *form = std::find_if(std::begin(kForms), std::end(kForms),
                                  [&](const Form &f) { return !*f.operands && typeNamed(f.result) == type; });
  code.lines.push_back({int(form - kForms), randomDetail(form->detail, random), {}});
  return code.size() - 1;
}

int dependent(Code &code, int value, int on, Random &random) {
  std::vector<bool> depends(code.size());
  depends[on] = true;
  int first = code.arguments.size();
  for (int each = std::max(first, on + 1); each < code.size(); ++each)
    for (int operand : code.lines[each - first].operands)
      depends[each] = depends[each] || depends[operand];
  return depends[value] ? value : append(code, random.oneOf({"arith.addf", "arith.subf"}), {value, on});
}

int folded(Code &code, int value, Snap snap) {
  std::vector<bool> used(code.size());
  for (const Line &line : code.lines)
    for (int operand : line.operands)
      used[operand] = true;
  used[value] = true;
  int factor = append(code, "arith.constant", {}, "31"), all = append(code, "bits", {value});
  for (int each = code.arguments.size(); each < int(used.size()); ++each) {
    if (used[each])
      continue;
    int word = code.typeOf(each) == Scalar::I32  ? each
               : code.typeOf(each) == Scalar::I1 ? append(code, "arith.extui", {each})
                                                 : append(code, "bits", {each});
    all = append(code, "arith.xori", {append(code, "arith.muli", {all, factor}), word});
  }
  int number = append(code, "arith.sitofp", {all});
  if (snap == Snap::Bits)
    return number;
  return append(code, "arith.addf", {value, append(code, "small", {number})});
}

int powerOfTwo(Code &code, Random &random) {
  return append(code, "arith.constant", {}, random.oneOf({"0.5", "-0.5", "1.0", "-1.0", "2.0", "-2.0"}));
}

void extend(Code &code, int lines, Vocabulary vocabulary, Random &random) {
  static const std::vector<int> kWeighted = [] {
    std::vector<int> numbers;
    for (int i = 0; i < int(std::size(kForms)); ++i)
      numbers.insert(numbers.end(), kForms[i].weight, i);
    return numbers;
  }();
  while (lines > 0) {
    int number = random.oneOf(kWeighted);
    const Form &form = kForms[number];
    if ((isDraw(form) && !vocabulary.draws) || (form.detail == Detail::Index && !vocabulary.indices))
      continue;
    std::vector<int> operands;
    for (const char *letter = form.operands; *letter; ++letter)
      operands.push_back(anyOf(code, typeNamed(*letter), random, vocabulary.firstValue));
    code.lines.push_back({number, randomDetail(form.detail, random), operands});
    --lines;
  }
}

std::string print(const Code &code, Snap snap, std::string &result) {
  std::string text;
  for (int value = code.arguments.size(); value < code.size(); ++value)
    text += printLine(code, value);
  result = code.nameOf(code.results[0]);
  if (snap == Snap::Clamp)
    text += clamped(result, "%s", "%snapped");
  else if (snap == Snap::Bits)
    text += threeBits(result, "%s", "%snapped");
  if (snap != Snap::None)
    result = "%snapped";
  return text;
}

int draws(const Code &code) {
  return std::count_if(code.lines.begin(), code.lines.end(),
                       [](const Line &line) { return isDraw(kForms[line.form]); });
}

bool removeLine(Code &code, int line) {
  int first = code.arguments.size(), value = first + line, instead = -1;
  for (int earlier = 0; earlier < value; ++earlier)
    if (code.typeOf(earlier) == code.typeOf(value))
      instead = earlier;
  // Of the operands, which the line was made of, rather than of anything.
  const std::vector<int> &operands = code.lines[line].operands;
  auto fits = [&](int operand) { return code.typeOf(operand) == code.typeOf(value); };
  if (auto found = std::find_if(operands.begin(), operands.end(), fits); found != operands.end())
    instead = *found;
  auto uses = [&](int operand) { return operand == value; };
  bool used = std::any_of(code.results.begin(), code.results.end(), uses);
  for (const Line &other : code.lines)
    used |= std::any_of(other.operands.begin(), other.operands.end(), uses);
  if (used && instead < 0)
    return false;
  code.lines.erase(code.lines.begin() + line);
  forOperands(code, [&](int &operand) {
    operand = operand == value ? instead : operand > value ? operand - 1 : operand;
  });
  return true;
}

void removeUnused(Code &code) {
  std::vector<bool> needed(code.size());
  for (int result : code.results)
    needed[result] = true;
  int first = code.arguments.size();
  for (int value = code.size() - 1; value >= first; --value)
    if (const Line &line = code.lines[value - first]; needed[value] || isDraw(kForms[line.form])) {
      needed[value] = true;
      for (int operand : line.operands)
        needed[operand] = true;
    }
  for (int value = code.size() - 1; value >= first; --value)
    if (!needed[value])
      removeLine(code, value - first);
}

} // namespace mho::cli::fuzz

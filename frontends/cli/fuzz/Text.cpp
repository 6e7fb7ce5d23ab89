// Effects that are text, as text.
#include "frontends/cli/fuzz/Text.h"

namespace mho::cli::fuzz {

std::string joined(const std::vector<std::string> &parts, const std::string &separator) {
  std::string text;
  for (const std::string &part : parts)
    text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string over(const std::string &axes) {
  std::vector<std::string> letters;
  for (char axis : axes)
    letters.push_back(std::string(1, axis));
  return axes.empty() ? "" : " over (" + joined(letters) + ")";
}

/// The factors of a side that no accumulator takes go, the others move up.
static void removeUnusedFactors(Text &text, Code &code, int std::pair<int, int>::*side) {
  for (int factor = int(code.results.size()); factor > 0; --factor) {
    if (std::any_of(text.accumulators.begin(), text.accumulators.end(),
                    [&](const auto &pair) { return pair.*side == factor; }))
      continue;
    code.results.erase(code.results.begin() + factor - 1);
    for (auto &pair : text.accumulators)
      pair.*side -= pair.*side > factor;
  }
  if (code.results.empty())
    code = {};
}

void removeAccumulator(Text &text, int accumulator) {
  text.accumulators.erase(text.accumulators.begin() + accumulator);
  removeArgument(text.code, 1 + accumulator);
  removeUnusedFactors(text, text.inputs, &std::pair<int, int>::first);
  removeUnusedFactors(text, text.weights, &std::pair<int, int>::second);
}

void removeSum(Text &text) { removeArgument(text.code, text.taken--); }

static std::string codeText(const Code &code, Snap snap, int further, int bits, int sums, int counts) {
  std::string result, text = print(code, snap, result), type = "f32";
  for (int i = 1; i <= further; ++i) {
    result += ", " + code.nameOf(code.results[i]);
    type += ", f32";
  }
  text += "  analog.yield " + result + " : " + type;
  std::vector<std::string> values, types;
  for (int i = 1 + further; i < int(code.results.size()); ++i)
    values.push_back(code.nameOf(code.results[i]));
  for (int i = 0; i < sums + counts; ++i)
    types.push_back(i < sums ? "f32" : "i1");
  if (bits)
    text += " bits(" + joined(values) + ")";
  if (sums + counts)
    text += " reduce(" + joined(values) + " : " + joined(types) + ")";
  return text + "\n";
}

/// The zero of a gradient through derived code has a sign that SPEC.md leaves open: code of one's own sees +0.
static std::string blockText(const Code &code) {
  std::vector<std::string> arguments;
  std::string gradient;
  for (const Argument &argument : code.arguments) {
    bool isGradient = argument.name == "g";
    arguments.push_back("%" + argument.name + (isGradient ? "s" : "") +
                        (argument.type == Scalar::F32 ? ": f32" : ": i1"));
    if (isGradient)
      gradient = "  %g0 = arith.constant 0.0 : f32\n  %g = arith.addf %gs, %g0 : f32\n";
  }
  return "^bb0(" + joined(arguments) + "):\n" + gradient;
}

/// " inputs(%x) yields(l1, l2) { ... }"
static std::string sideText(const Code &code, const std::string &clause, const std::string &element,
                            const std::string &factor) {
  std::string text = " " + clause + "(%" + element + ")", first;
  if (code.results.empty())
    return text;
  std::vector<std::string> names, values, types;
  for (int i = 0; i < int(code.results.size()); ++i) {
    names.push_back(factor + std::to_string(1 + i));
    values.push_back(code.nameOf(code.results[i]));
    types.push_back("f32");
  }
  return text + " yields(" + joined(names) + ") {\n" + print(code, Snap::None, first) + "  analog.yield " +
         joined(values) + " : " + joined(types) + "\n}";
}

static std::string headText(const Text &text, int number) {
  std::string out = "analog.effect @e" + std::to_string(number) + " on " + nameOf(text.site) + "(%e)";
  std::vector<std::string> accumulators, params, strengths;
  auto factor = [](int factor, const char *element, const char *name) {
    return factor ? name + std::to_string(factor) : std::string(element);
  };
  for (int i = 0; i < int(text.accumulators.size()); ++i)
    accumulators.push_back("%a" + std::to_string(i) + " = " + factor(text.accumulators[i].first, "x", "l") + " * " +
                           factor(text.accumulators[i].second, "w", "r"));
  for (int i = 0; i < int(text.params.size()); ++i)
    params.push_back("%p" + std::to_string(i) + over(text.params[i]) + (i == text.learnable ? " learnable" : ""));
  for (int i = 0; i < int(text.strengths.size()); ++i)
    strengths.push_back("%q" + std::to_string(i) + " = " + text.strengths[i]);
  std::vector<std::string> sums;
  for (int i = 0; i < text.taken; ++i)
    sums.push_back("%s" + std::to_string(i));
  if (!sums.empty())
    out += " sums(" + joined(sums) + ")";
  if (!accumulators.empty())
    out += " accumulators(" + joined(accumulators) + ")";
  if (!params.empty())
    out += " params(" + joined(params) + ")";
  if (!strengths.empty())
    out += " strengths(" + joined(strengths) + ")";
  return out + " surrogate(" + text.surrogate + ")";
}

std::string print(const Text &text, int number) {
  std::string out =
      headText(text, number) + " {\n" + codeText(text.code, text.snap, text.further, text.bits, 0, 0) + "}";
  if (!text.accumulators.empty())
    out += sideText(text.inputs, "inputs", "x", "l") + sideText(text.weights, "weights", "w", "r");
  if (text.surrogate == "own") {
    Snap snap =
        text.site == Site::Tile || text.site == Site::Output ? Snap::Clamp : Snap::None; // products with it are summed
    out += " derivative {\n" + blockText(text.derivative) +
           codeText(text.derivative, snap, 0, 0, text.sums, text.counts) + "}";
    if (text.learnable >= 0)
      out += " tail {\n" + blockText(text.tail) + codeText(text.tail, Snap::None, 0, 0, 0, 0) + "}";
  }
  return out + "\n";
}

} // namespace mho::cli::fuzz

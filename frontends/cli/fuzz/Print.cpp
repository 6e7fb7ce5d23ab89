// A case as a .mlir file and as a command line.
#include "frontends/cli/fuzz/Case.h"

#include "dialect/Numerics/Tiling.h"

#include <set>

namespace mho::cli::fuzz {
namespace {

class Printer {
public:
  explicit Printer(const Case &layer) : layer(layer) {}
  std::string file();
  std::vector<std::string> options();

private:
  int64_t size(char axis) const {
    return axis == 't' ? layer.tiles() : axis == 'm' ? layer.rows : axis == 'n' ? layer.outputs : layer.inputs;
  }
  std::string type(const std::string &axes, const std::string &element = "f32") const;
  void argument(const std::string &name, const std::string &axes, const std::optional<std::string> &value,
                const std::string &element = "f32");
  void matrix(const std::string &name, const std::string &axes);
  std::string scale(const Scale &scale, std::string &types);
  std::string effect(const Effect &effect, const std::string &value, const std::string &result);
  std::string keyName(const Effect &effect) const { return "%key" + std::to_string(effect.key); }
  void body();

  const Case &layer;
  std::vector<std::string> arguments, flags;
  std::string lines;
  std::set<std::string> known; ///< names of scales that are arguments
  int maxima = 0;
  std::vector<std::string> further; ///< values of tiles to be summed
  size_t nextSum = 0;               ///< of these
};

std::string Printer::type(const std::string &axes, const std::string &element) const {
  std::string text = "tensor<";
  for (char axis : axes)
    text += (layer.staticTypes ? std::to_string(size(axis)) : "?") + std::string("x");
  return text + element + ">";
}

/// An argument that is stored as the layer's matrices are, read as `name`.
void Printer::matrix(const std::string &name, const std::string &axes) {
  bool isWide = layer.storage == "f32";
  argument(isWide ? name : name + "_stored", axes, std::nullopt, layer.storage);
  if (!isWide)
    lines +=
        "  " + name + " = arith.extf " + name + "_stored : " + type(axes, layer.storage) + " to " + type(axes) + "\n";
}

void Printer::argument(const std::string &name, const std::string &axes, const std::optional<std::string> &value,
                       const std::string &element) {
  std::string position = std::to_string(arguments.size());
  arguments.push_back(name + ": " + type(axes, element));
  if (!axes.empty()) {
    std::vector<std::string> sizes;
    for (char axis : axes)
      sizes.push_back(std::to_string(size(axis)));
    flags.push_back("--size " + position + "=" + joined(sizes, "x"));
  }
  if (value)
    flags.push_back("--arg " + position + "=" + *value);
}

/// The operand with its axes; its type is added to `types`.
std::string Printer::scale(const Scale &scale, std::string &types) {
  types += ", " + type(scale.axes);
  std::string name;
  if (scale.source == Scale::Source::Argument) {
    name = "%p" + std::to_string(scale.id) + scale.axes;
    if (known.insert(name).second)
      argument(name, scale.axes, scale.value);
    return name + over(scale.axes);
  }
  name = "%max" + std::to_string(maxima++);
  bool row = scale.source == Scale::Source::Row;
  std::string of = type(row ? "mk" : "nk");
  lines += "  " + name + " = analog.absmax " +
           (row                                      ? "%x per row"
            : scale.source == Scale::Source::Channel ? "%w per channel"
                                                     : "%w per tensor") +
           " : " + of + " -> " + type(scale.axes) + "\n";
  return name + over(scale.axes);
}

std::string Printer::effect(const Effect &effect, const std::string &value, const std::string &result) {
  static constexpr const char *kAxes[] = {"mk", "nk", "tmn", "mn"};
  std::string own = type(kAxes[int(effect.site)]);
  std::string types = own, scales, sums;
  if (effect.op == "apply")
    for (int i = 0; i < layer.texts[effect.text].taken; ++i, ++nextSum) {
      std::string sum = "%sum" + std::to_string(nextSum);
      sums += (sums.empty() ? "" : ", ") + sum;
      types += ", " + own;
      lines += "  " + sum + " = analog.accumulate " + further[nextSum] + " : (" + type("tmn") + ") -> " + own + "\n";
    }
  for (const Scale &each : effect.scales)
    scales += (scales.empty() ? "" : ", ") + scale(each, types);
  std::string head = "  " + result + " = analog." + effect.op + " ",
              levels = "half_levels = " + effect.levels + " : f32";
  std::string redraw = effect.redraw ? " redraw" : "";
  if (effect.op == "quantize_input")
    return head + value + " range(" + scales + ") gradient " + effect.rangeGradient + " {" + levels +
           ", decay = " + effect.decay + " : f32, share = " + effect.share + " : f32} : " + types + " -> " + own;
  if (effect.op == "quantize_weight")
    return head + value + " scale(" + scales + ") {" + levels + "} : " + types + " -> " + own;
  if (effect.op == "rescale")
    return head + value + " range(" + scales + ") {" + levels + "} : " + types + " -> " + own;
  if (effect.op == "adc")
    return head + value + " bound(" + scales + ")" + (effect.straight ? " gradient straight_through" : "") +
           " {lambda = " + effect.strength + " : f32, " + levels + "} : (" + types + ") -> " + own;
  if (effect.op == "inject_noise")
    return head + value + " scale(" + scales + ") key(" + keyName(effect) +
           ", stream = " + std::to_string(effect.streams[0]) + ")" + (effect.word ? " map word" : "") + redraw +
           " {sigma = " + effect.strength + " : f32} : (" + types + ", tensor<2xi64>) -> " + own;
  if (effect.op == "drop_connect")
    return head + value + " key(" + keyName(effect) + ", stream = " + std::to_string(effect.streams[0]) + ")" + redraw +
           " {probability = " + effect.strength + " : f32} : (" + types + ", tensor<2xi64>) -> " + own;
  std::string text = head + "@e" + std::to_string(effect.text) + " " + value;
  if (!sums.empty())
    text += " sums(" + sums + ")";
  if (!scales.empty())
    text += " params(" + scales + ")";
  if (draws(layer.texts[effect.text])) {
    text += " key(" + keyName(effect) + ")";
    types += ", tensor<2xi64>";
    std::vector<std::string> streams;
    for (int stream : effect.streams)
      streams.push_back(std::to_string(stream));
    if (!streams.empty())
      text += " streams [" + joined(streams) + "]";
    text += redraw;
  }
  int more = layer.texts[effect.text].further;
  if (!more)
    return text + " : (" + types + ") -> " + own;
  std::string results = own;
  for (int i = 1; i <= more; ++i) {
    further.push_back(result + "#" + std::to_string(i));
    results += ", " + own;
  }
  text.replace(text.find(result), result.size(), result + ":" + std::to_string(1 + more));
  return text + " : (" + types + ") -> (" + results + ")";
}

void Printer::body() {
  std::string names[4] = {"%x", "%w", "%planes", "%y"};
  bool multiplied = false, accumulated = false;
  auto multiply = [&] {
    if (!multiplied)
      lines += "  %planes = analog.mvm " + names[0] + ", " + names[1] + " : " + type("mk") + ", " + type("nk") +
               " -> " + type("tmn") + "\n";
    multiplied = true;
  };
  auto accumulate = [&] {
    multiply();
    if (!accumulated)
      lines += "  %y = analog.accumulate " + names[2] +
               (layer.bias ? " bias(%bias) : (" + type("tmn") + ", " + type("n") + ")" : " : (" + type("tmn") + ")") +
               " -> " + type("mn") + "\n";
    accumulated = true;
  };
  for (size_t i = 0; i < layer.effects.size(); ++i) {
    const Effect &each = layer.effects[i];
    if (each.site == Site::Tile)
      multiply();
    if (each.site == Site::Output)
      accumulate();
    std::string result = "%r" + std::to_string(i), line = effect(each, names[int(each.site)], result);
    lines += line + "\n"; // behind the maxima that it reads
    names[int(each.site)] = result + (each.op == "apply" && layer.texts[each.text].further ? "#0" : "");
  }
  accumulate();
  const std::string &y = names[3];
  bool isWide = layer.storage == "f32";
  std::string stored = type("mn", layer.storage);
  if (!isWide)
    lines += "  %stored = arith.truncf " + y + " : " + type("mn") + " to " + stored + "\n";
  lines += "  return " + std::string(isWide ? y : "%stored") + " : " + stored + "\n";
}

std::string Printer::file() {
  matrix("%x", "mk");
  matrix("%w", "nk");
  if (layer.bias)
    argument("%bias", "n", std::nullopt);
  body();
  bool keys[2] = {false, false};
  for (const Effect &effect : layer.effects)
    keys[effect.key] |= effect.op == "inject_noise" || effect.op == "drop_connect" ||
                        (effect.op == "apply" && draws(layer.texts[effect.text]));
  for (int i = 0; i < 2; ++i)
    if (keys[i])
      arguments.push_back("%key" + std::to_string(i) + ": tensor<2xi64>");
  std::string text;
  std::set<int> used;
  for (const Effect &effect : layer.effects)
    used.insert(effect.text);
  for (int i = 0; i < int(layer.texts.size()); ++i)
    if (used.count(i))
      text += print(layer.texts[i], i);
  return text + "func.func @layer(" + joined(arguments) + ") -> " + type("mn", layer.storage) +
         " attributes {analog.tiling = #analog.tiling<" + (layer.fixedTiles ? "fixed" : "balanced") +
         ", rows = " + std::to_string(layer.tileRows) + ">" + (layer.noisyBackward ? ", analog.noisy_backward" : "") +
         "} {\n" + lines + "}\n";
}

std::vector<std::string> Printer::options() {
  file();
  return flags;
}

} // namespace

int64_t Case::tiles() const { return tileCount(inputs, tileRows); }

int Case::furtherValues() const {
  int count = 0;
  for (const Effect &effect : effects)
    if (effect.op == "apply")
      count += texts[effect.text].further;
  return count;
}

std::string print(const Case &layer) { return Printer(layer).file(); }

std::vector<std::string> runArguments(const Case &layer, double tolerance) {
  std::vector<std::string> words{"layer"};
  auto add = [&](const std::string &option) { // "--size 0=1x2" is two words
    size_t space = option.find(' ');
    words.push_back(option.substr(0, space));
    if (space != std::string::npos)
      words.push_back(option.substr(space + 1));
  };
  for (const std::string &option : Printer(layer).options())
    add(option);
  for (int i = 0; i < 2; ++i)
    if (!layer.strides[i].empty())
      add("--stride " + std::to_string(i) + "=" + std::to_string(layer.strides[i][0]) + "x" +
          std::to_string(layer.strides[i][1]));
  std::vector<std::string> numbers;
  for (const auto &[key, value] : layer.schedule)
    numbers.push_back(key + " = " + std::to_string(value) + " : i64");
  if (!numbers.empty())
    add("--schedule " + joined(numbers));
  if (layer.threads > 1)
    add("--parallel=" + std::to_string(layer.threads));
  if (layer.normal)
    add("--normal");
  if (layer.gradient)
    add("--gradient");
  add("--seed=" + std::to_string(uint32_t(layer.seed * 1000003 + layer.number)));
  if (!layer.backend.empty())
    add("--backend=" + layer.backend);
  add("--check");
  if (tolerance > 0) {
    char text[32];
    std::snprintf(text, sizeof text, "--tolerance=%.3g", tolerance);
    add(text);
  }
  return words;
}

std::string summary(const Case &layer) {
  std::string text = std::to_string(layer.rows) + "x" + std::to_string(layer.inputs) + "x" +
                     std::to_string(layer.outputs) + ", tiles of " + std::to_string(layer.tileRows);
  if (layer.storage != "f32")
    text += ", " + layer.storage;
  for (const Effect &effect : layer.effects)
    text += ", " + std::string(nameOf(effect.site)) + " " + effect.op;
  return text;
}

} // namespace mho::cli::fuzz

// Random effects that are text.
#include "frontends/cli/fuzz/Text.h"

namespace mho::cli::fuzz {
namespace {

class TextGenerator {
public:
  TextGenerator(Site site, Snap snap, Random &random) : random(random) { text.site = site, text.snap = snap; }
  Text make();
  Text makeOutput(int sums, bool identity);

private:
  void declare();
  void chooseParameters();
  void declareParameters();
  void accumulators();
  void factors(Site side, int count);
  int derivative(Code &code, int steps, bool again, Slope &slope);
  int derivativeStep(Code &code, int value, bool again, Slope &slope);
  void derivedCode();
  void ownCode();
  void ownTail(const std::vector<Argument> &constants);
  void code();

  Random &random;
  Text text;
};

/// One step of a chain whose derivative is a power of two, a small whole number or 0. `again`: also steps whose
/// derivative needs the value.
int TextGenerator::derivativeStep(Code &code, int value, bool again, Slope &slope) {
  auto whole = [&] { return append(code, "small", {anyOf(code, Scalar::F32, random)}); };
  auto scale = [&] {
    ++slope.gain, ++slope.fraction;
    return powerOfTwo(code, random);
  };
  int further = &code == &text.code ? int(text.accumulators.size()) : 0;
  if (further && random.chance(35)) { // behind the element, which is argument 0
    ++slope.fraction, slope.gain += 2;
    return append(code, "math.fma", {int(random.between(1, further)), powerOfTwo(code, random), value});
  }
  if (&code == &text.code && text.learnable >= 0 && random.chance(25))
    return append(code, "math.fma", {1 + further + text.learnable, powerOfTwo(code, random), value});
  switch (random.below(again ? 11 : 6)) {
  case 0:
    return append(code, random.oneOf({"arith.addf", "arith.subf"}), {value, whole()});
  case 1:
    return append(code, "arith.subf", {whole(), value});
  case 2:
    return append(code, "arith.mulf", {value, scale()});
  case 3:
    return append(code, "arith.negf", {value});
  case 4: {
    int factor = scale();
    return append(code, "math.fma", {value, factor, whole()});
  }
  case 5:
    return append(code, random.oneOf({"math.roundeven", "math.floor", "math.ceil", "math.trunc"}), {value});
  case 6: // the sign of a NaN is not defined
    return append(code, "math.absf", {append(code, "number", {value})});
  case 7:
    return append(code, random.oneOf({"arith.minimumf", "arith.maximumf"}), {value, whole()});
  case 8: {
    int other = whole();
    return append(code, "arith.select",
                  {append(code, "arith.cmpf", {value, other}, random.oneOf({"olt", "oge", "une"})), value, other});
  }
  case 9: {
    int number = append(code, "number", {value});
    return append(code, "copysign", {number, whole()});
  }
  default:
    slope.gain += 3;
    return append(code, "arith.mulf", {value, whole()});
  }
}

/// A chain of steps from the first argument on: exact in any order, and of small whole numbers beside it.
int TextGenerator::derivative(Code &code, int steps, bool again, Slope &slope) {
  int value = 0;
  for (Slope most; steps > 0; --steps) {
    value = derivativeStep(code, value, again, most);
    slope.gain = std::max(slope.gain, most.gain), slope.fraction = std::max(slope.fraction, most.fraction);
  }
  return value;
}

/// The names, and the arguments of the code.
void TextGenerator::declare() {
  const Site site = text.site;
  text.surrogate = random.oneOf({"straight_through", "straight_through", "masked", "derived", "derived", "own", "own"});
  chooseParameters();
  bool mayLearn = text.surrogate == "own" || text.surrogate == "derived";
  if (mayLearn && !text.params.empty() && random.chance(50)) {
    text.learnable = 0;
    if (text.surrogate == "own")
      text.params.assign(text.params.size(), randomAxes(axesOf(site), random)); // the tail sees them all
  }
  text.code.arguments.push_back({"e", Scalar::F32});
  if (site == Site::Tile && random.chance(45))
    accumulators();
  for (int i = 0; i < int(text.accumulators.size()); ++i)
    text.code.arguments.push_back({"a" + std::to_string(i), Scalar::F32});
  declareParameters();
}

void TextGenerator::chooseParameters() {
  for (int i = random.below(3); i > 0; --i)
    text.params.push_back(randomAxes(axesOf(text.site), random));
  for (int i = random.below(3); i > 0; --i)
    text.strengths.push_back(random.oneOf({"0.5", "2.0", "-1.0", "0.3", "0.0", "-0.0", "3.0e+09", "1.0e-40"}));
}

/// As arguments of the code.
void TextGenerator::declareParameters() {
  for (int i = 0; i < int(text.params.size()); ++i)
    text.code.arguments.push_back({"p" + std::to_string(i), Scalar::F32});
  for (int i = 0; i < int(text.strengths.size()); ++i)
    text.code.arguments.push_back({"q" + std::to_string(i), Scalar::F32});
}

/// One to three sums of other products, of elements and of up to two factors of each side.
void TextGenerator::accumulators() {
  int counts[2] = {0, 0};
  for (int i = random.between(1, 3); i > 0; --i) {
    int pair[2];
    for (int side : {0, 1}) {
      pair[side] = random.chance(30) ? 0 : random.between(1, std::min(2, counts[side] + 1));
      counts[side] = std::max(counts[side], pair[side]);
    }
    text.accumulators.push_back({pair[0], pair[1]});
  }
  factors(Site::Input, counts[0]);
  factors(Site::Weight, counts[1]);
}

/// The region of a side: code that ends in small whole numbers, so that sums of products are exact.
void TextGenerator::factors(Site side, int count) {
  if (!count)
    return;
  Code &code = side == Site::Input ? text.inputs : text.weights;
  code.arguments.push_back({side == Site::Input ? "x" : "w", Scalar::F32});
  bool learns = text.surrogate == "derived" && text.learnable >= 0; // what no factor may use
  bool seesLearned = false;
  for (int i = 0; i < int(text.params.size()); ++i)
    if (text.params[i].find(side == Site::Input ? 'n' : 'm') == std::string::npos) {
      if (learns && i == text.learnable)
        seesLearned = true;
      else
        code.arguments.push_back({"p" + std::to_string(i), Scalar::F32});
    }
  for (int i = 0; i < int(text.strengths.size()); ++i)
    code.arguments.push_back({"q" + std::to_string(i), Scalar::F32});
  extend(code, random.between(1, 6), {/*draws=*/random.chance(50), /*indices=*/true}, random);
  for (int i = 0; i < count; ++i)
    if (text.surrogate == "derived" && random.chance(80)) {
      code.results.push_back(append(code, "clamp", {derivative(code, random.between(0, 3), true, text.factorSlope)}));
    } else {
      int value = dependent(code, anyOf(code, Scalar::F32, random), 0, random);
      code.results.push_back(append(code, "small", {i ? value : folded(code, value, Snap::Bits)}));
    }
  if (seesLearned) // the first of the parameters
    insertArgument(code, 1, {"p" + std::to_string(text.learnable), Scalar::F32});
}

/// On a tile mostly without what needs the accumulators again.
void TextGenerator::derivedCode() {
  Code &code = text.code;
  extend(code, random.between(0, 8), {/*draws=*/true, /*indices=*/true}, random);
  bool again = text.site != Site::Tile || random.chance(50);
  code.results = {derivative(code, random.between(1, 5), again, text.slope)};
}

/// The derivative and, of a learnable parameter, the tail.
void TextGenerator::ownCode() {
  Code &code = text.derivative;
  code.arguments.assign(text.code.arguments.begin() + 1 + text.accumulators.size() + text.taken,
                        text.code.arguments.end());
  std::vector<Argument> constants = code.arguments;
  for (int i = 0; i < text.bits; ++i)
    code.arguments.push_back({"b" + std::to_string(i), Scalar::I1});
  bool takesElement = !text.bits, mayUseIt = text.site != Site::Output;
  if (takesElement && mayUseIt)
    code.arguments.push_back({"e", Scalar::F32});
  code.arguments.push_back({"g", Scalar::F32});
  extend(code, random.between(1, 8), {/*draws=*/false, /*indices=*/true}, random);
  int g = code.arguments.size() - 1;
  code.results = {dependent(code, anyOf(code, Scalar::F32, random), g, random)};
  if (takesElement && !mayUseIt)
    insertArgument(code, g, {"e", Scalar::F32});
  if (text.learnable >= 0)
    ownTail(constants);
}

void TextGenerator::ownTail(const std::vector<Argument> &constants) {
  Code &code = text.derivative;
  int g = code.arguments.size() - 1;
  text.sums = random.between(1, 2);
  text.counts = random.below(2);
  for (int i = 0; i < text.sums; ++i)
    code.results.push_back(dependent(code, anyOf(code, Scalar::F32, random), g, random));
  for (int i = 0; i < text.counts; ++i)
    code.results.push_back(anyOf(code, Scalar::I1, random));
  for (int i = 0; i < text.sums + text.counts; ++i)
    text.tail.arguments.push_back({"r" + std::to_string(i), Scalar::F32});
  text.tail.arguments.insert(text.tail.arguments.end(), constants.begin(), constants.end());
  extend(text.tail, random.below(5), {}, random);
  text.tail.results = {anyOf(text.tail, Scalar::F32, random)};
}

/// Code of any kind, whose derivative the surrogate replaces.
void TextGenerator::code() {
  Code &code = text.code;
  extend(code, random.between(1, 14), {/*draws=*/random.chance(60), /*indices=*/true}, random);
  int result = dependent(code, anyOf(code, Scalar::F32, random), 0, random);
  code.results = {folded(code, result, text.snap)};
  if (text.surrogate == "own") {
    text.bits = text.site == Site::Tile ? random.below(3) : 0; // none: the derivative sees the accumulator again
    ownCode();
  } else if (text.surrogate == "masked") {
    text.bits = 1;
  }
  if (text.site == Site::Tile && random.chance(25))
    text.further = random.between(1, 3);
  for (int i = 0; i < text.further; ++i)
    code.results.push_back(dependent(code, anyOf(code, Scalar::F32, random), 0, random));
  for (int i = 0; i < text.bits; ++i)
    code.results.push_back(append(code, "arith.cmpf",
                                  {anyOf(code, Scalar::F32, random), anyOf(code, Scalar::F32, random)},
                                  random.oneOf({"olt", "oge", "une"})));
}

Text TextGenerator::make() {
  declare();
  if (text.surrogate == "derived") {
    derivedCode();
    text.snap = text.site == Site::Tile ? Snap::None : Snap::Clamp;
  } else {
    code();
  }
  return std::move(text);
}

/// Backward knows no sum over tiles: a derivative that needs none is all that may be.
Text TextGenerator::makeOutput(int sums, bool identity) {
  text.taken = sums;
  text.surrogate = identity ? "straight_through"
                   : sums   ? random.oneOf({"straight_through", "own"})
                            : random.oneOf({"straight_through", "derived", "own"});
  Code &code = text.code;
  code.arguments.push_back({"e", Scalar::F32});
  for (int i = 0; i < sums; ++i)
    code.arguments.push_back({"s" + std::to_string(i), Scalar::F32});
  chooseParameters();
  declareParameters();
  if (text.surrogate == "derived") {
    extend(code, random.between(0, 6), {/*draws=*/true, /*indices=*/true}, random);
    code.results = {derivative(code, random.between(1, 5), /*again=*/false, text.slope)};
    return std::move(text);
  }
  extend(code, random.between(1, 12), {/*draws=*/random.chance(60), /*indices=*/true}, random);
  int result = anyOf(code, Scalar::F32, random);
  for (int i = 0; i <= sums; ++i)
    result = dependent(code, result, i, random);
  code.results = {folded(code, result, Snap::None)};
  if (text.surrogate == "own")
    ownCode();
  return std::move(text);
}

} // namespace

std::string randomAxes(const std::string &among, Random &random) {
  std::string chosen;
  for (char axis : among)
    if (random.chance(40))
      chosen += axis;
  return chosen;
}

Text randomText(Site site, Snap snap, Random &random) { return TextGenerator(site, snap, random).make(); }

Text randomOutputText(int sums, bool identity, Random &random) {
  return TextGenerator(Site::Output, Snap::None, random).makeOutput(sums, identity);
}

} // namespace mho::cli::fuzz

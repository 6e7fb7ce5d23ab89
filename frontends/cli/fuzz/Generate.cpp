// Random layers: legal by the rules of SPEC.md, and mostly such that every bit is determined.
#include "frontends/cli/fuzz/Case.h"

#include "dialect/Numerics/EffectStream.h"

#include <algorithm>
#include <set>

namespace mho::cli::fuzz {
namespace {

class Generator {
public:
  Generator(uint64_t seed, uint64_t number) : random(seed, number) {
    layer.seed = seed;
    layer.number = number;
  }
  Case make();

private:
  void sizes();
  void call();
  Scale scale(const std::string &among, bool ofWeight);
  Effect builtin(Site site);
  Effect apply(Site site, Text text);
  void output();
  void draw(Effect &effect, int streams, int64_t lowest);
  void site(Site site);

  Random random;
  Case layer;
  std::set<std::pair<int, int>> used; ///< keys and streams
  int scales = 0;
};

void Generator::sizes() {
  const std::vector<int64_t> common{1,  1,  2,  3,  5,  7,  13,  15,  16,  17,  31,  32, 33,
                                    47, 63, 64, 65, 66, 97, 127, 128, 129, 200, 257, 300};
  layer.tileRows = random.oneOf({0, 1, 2, 3, 7, 15, 16, 17, 32, 64, 65, 100, 128, 512});
  layer.fixedTiles = random.chance(40);
  do {
    layer.rows = random.oneOf(common);
    layer.outputs = random.oneOf(common);
    layer.inputs = random.oneOf(common);
    if (layer.tileRows && random.chance(50))
      layer.inputs = std::max<int64_t>(1, layer.tileRows * random.between(1, 4) + random.between(-1, 1));
    if (random.chance(5))
      layer.*random.oneOf({&Case::rows, &Case::inputs, &Case::outputs}) = 0;
    // The evaluator interprets text element by element.
  } while (layer.rows * layer.inputs + layer.outputs * layer.inputs + layer.tiles() * layer.rows * layer.outputs >
           20000);
}

/// How it is called: schedule, threads, strides.
void Generator::call() {
  auto maybe = [&](const char *key, int64_t value) {
    if (random.chance(30))
      layer.schedule.push_back({key, value});
  };
  maybe("mc", 64 * random.between(1, 4));
  maybe("kc", 64 * random.between(1, 4));
  maybe("nc", 64 * random.between(1, 4));
  maybe("mr", random.oneOf({1, 2, 4, 8, 16}));
  maybe("unroll", random.oneOf({1, 2, 4, 8, 16}));
  maybe("prefetch_rows", random.oneOf({0, 1, 256}));
  layer.threads = random.oneOf({1, 1, 2, 3, 5});
  layer.isa = random.oneOf({"", "", "avx2", "generic"});
  for (int i = 0; i < 2; ++i) {
    int64_t rows = i ? layer.outputs : layer.rows;
    if (random.chance(20)) // padded rows
      layer.strides[i] = {layer.inputs + random.between(1, 5), 1};
    else if (random.chance(20)) // every second or third element
      layer.strides[i] = {layer.inputs * 3 + random.between(0, 2), random.between(2, 3)};
    else if (random.chance(10)) // transposed
      layer.strides[i] = {1, std::max<int64_t>(1, rows) + random.between(0, 2)};
  }
}

Scale Generator::scale(const std::string &among, bool ofWeight) {
  Scale scale;
  if (ofWeight && random.chance(50)) {
    scale.source = random.chance(95) ? Scale::Source::Channel : Scale::Source::Tensor;
    scale.axes = scale.source == Scale::Source::Channel ? "tn" : "t";
    return scale;
  }
  scale.id = scales++;
  scale.axes = randomAxes(among, random);
  if (random.chance(75))
    scale.value = random.oneOf({"1", "2", "4", "0.5", "3", "0.25", "1", "2", "4", "0.5", "3", "0.25", "-1", "0"});
  return scale;
}

/// Streams that no other draw has.
void Generator::draw(Effect &effect, int streams, int64_t lowest) {
  effect.key = random.chance(80) ? 0 : 1;
  effect.streams.clear();
  while (int(effect.streams.size()) < streams) {
    int stream = random.between(lowest, kStreams - 1);
    if (used.insert({effect.key, stream}).second)
      effect.streams.push_back(stream);
  }
}

Effect Generator::builtin(Site site) {
  Effect effect;
  effect.site = site;
  effect.levels = random.oneOf({"1.0", "2.0", "4.0", "8.0", "64.0", "128.0", "7.0", "127.0"});
  std::string all = axesOf(site);
  int kind = random.below(3);
  if (kind == 0 || (site == Site::Weight && kind == 1 && random.chance(50))) {
    effect.op = site == Site::Weight && kind == 1 ? "drop_connect" : "inject_noise";
    effect.word = random.chance(40);
    effect.strength = effect.op == "drop_connect"
                          ? random.oneOf({"0.25", "0.5", "0.1", "0.25", "0.5", "0.1", "0.0", "1.0"})
                          : random.oneOf({"0.25", "0.1", "0.0", "1.5"});
    if (effect.op == "inject_noise")
      for (int i = random.below(3); i > 0; --i)
        effect.scales.push_back(scale(all, site != Site::Input));
    draw(effect, 1, 0);
  } else if (site == Site::Input) {
    effect.op = "quantize_input";
    effect.rangeGradient = random.oneOf({"sign_filtered", "sign_filtered", "paper", "lsq"});
    effect.decay = random.oneOf({"0.0", "0.125"});
    effect.share = random.oneOf({"0.95", "0.5", "0.0"});
    Scale range = scale("tm", false);
    if (random.chance(30)) {
      range.source = Scale::Source::Row;
      range.axes = "tm";
    } else if (range.axes.find('m') != std::string::npos && random.chance(70)) {
      range.axes = "t";
    }
    effect.scales = {range};
  } else if (site == Site::Weight) {
    effect.op = "quantize_weight";
    effect.scales = {scale("tn", true)};
  } else if (kind == 1) {
    effect.op = "rescale";
    effect.scales = {scale("tm", false)};
    for (const Effect &other : layer.effects) // the range of the DAC, mostly
      if (other.op == "quantize_input" && random.chance(80)) {
        effect.scales = other.scales;
        effect.levels = other.levels;
      }
  } else {
    effect.op = "adc";
    effect.straight = random.chance(30);
    effect.strength = random.oneOf({"3.0", "12.0", "0.3"});
    for (int i = random.below(3); i > 0; --i)
      effect.scales.push_back(scale(all, true));
  }
  return effect;
}

Effect Generator::apply(Site site, Text made) {
  Effect effect;
  effect.op = "apply";
  effect.site = site;
  effect.text = layer.texts.size();
  const Text &text = layer.texts.emplace_back(std::move(made));
  for (int i = 0; i < int(text.params.size()); ++i) {
    const std::string &axes = text.params[i];
    Scale param = scale("", site != Site::Input && axes == "tn" && i != text.learnable);
    if (param.source == Scale::Source::Argument)
      param.axes = axes;
    if (param.axes != axes)
      param = {Scale::Source::Argument, scales++, axes, std::nullopt};
    if (param.source == Scale::Source::Argument && random.chance(30))
      param.value = random.oneOf({"nan", "nan", "inf", "-inf", "-0.0", "3e9", "-3e9", "2147483648", "1e20", "1e-40"});
    effect.scales.push_back(param);
  }
  int count = draws(text);
  std::set<std::pair<int, int>> own;
  for (int i = 0; i < count; ++i)
    own.insert({0, int(effectStream("e" + std::to_string(effect.text), i))});
  bool meets = std::any_of(own.begin(), own.end(), [&](auto stream) { return used.count(stream); });
  if (count && (meets || random.chance(30)))
    draw(effect, count, kFirstUserStream);
  else
    used.insert(own.begin(), own.end());
  return effect;
}

void Generator::site(Site site) {
  static const std::vector<int> kCounts{0, 1, 1, 1, 2, 2, 3};
  bool exact = true;
  for (int i = random.oneOf(kCounts); i > 0; --i) {
    bool asText = random.chance(45);
    Snap snap = site == Site::Tile ? Snap::None : random.chance(30) ? Snap::Clamp : Snap::Bits;
    layer.effects.push_back(asText ? apply(site, randomText(site, snap, random)) : builtin(site));
    exact = asText ||
            (layer.effects.back().op == "inject_noise" ? false : exact || layer.effects.back().op != "drop_connect");
    const Effect &last = layer.effects.back();
    bool drew =
        last.op == "inject_noise" || last.op == "drop_connect" || (last.op == "apply" && draws(layer.texts[last.text]));
    if (drew && random.chance(12)) {
      Effect again = last;
      again.redraw = true;
      layer.effects.push_back(again);
    }
  }
  if (!exact && site != Site::Tile && !layer.normal)
    layer.effects.push_back(apply(site, randomText(site, Snap::Clamp, random)));
}

/// Effects on the output, which take between them what the tiles give to be summed.
void Generator::output() {
  int given = layer.furtherValues();
  for (int i = random.oneOf({0, 0, 1, 2}) + (given && random.chance(80)); i > 0; --i) {
    int sums = i == 1 ? given : random.between(0, given);
    given -= sums;
    layer.effects.push_back(apply(Site::Output, randomOutputText(sums, layer.bias, random)));
  }
}

Case Generator::make() {
  layer.normal = random.chance(8);
  layer.gradient = random.chance(75);
  layer.bias = random.chance(40);
  layer.staticTypes = random.chance(20);
  sizes();
  call();
  for (Site each : {Site::Input, Site::Weight, Site::Tile})
    site(each);
  output();
  layer.noisyBackward = random.chance(25);
  layer.storage = random.oneOf({"f32", "f32", "f32", "f16", "bf16"});
  return layer;
}

} // namespace

Case randomCase(uint64_t seed, uint64_t number) {
  for (uint64_t attempt = 0;; ++attempt) {
    Case layer = Generator(seed + (attempt << 40), number).make();
    layer.seed = seed;
    std::optional<double> tolerance = toleranceOf(layer);
    if (tolerance > 0)
      layer.storage = "f32";
    if (tolerance)
      return layer;
  }
}

} // namespace mho::cli::fuzz

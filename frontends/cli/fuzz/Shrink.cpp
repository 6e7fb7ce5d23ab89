// What is smaller than a case.
#include "frontends/cli/fuzz/Case.h"

#include <algorithm>

namespace mho::cli::fuzz {
namespace {

/// Sums are of values that the tiles still give.
void tidySums(Case &layer) {
  int given = layer.furtherValues();
  for (const Effect &effect : layer.effects)
    if (effect.op == "apply") {
      Text &text = layer.texts[effect.text];
      while (text.taken > given)
        removeSum(text);
      given -= text.taken;
    }
}

/// A redraw repeats the effect before it, and an effect that is used no more goes.
void tidy(Case &layer) {
  tidySums(layer);
  for (size_t i = 0; i < layer.effects.size(); ++i) {
    Effect &effect = layer.effects[i];
    auto repeats = [&](const Effect &other) {
      return other.op == effect.op && other.key == effect.key && other.streams == effect.streams &&
             other.word == effect.word && other.text == effect.text;
    };
    effect.redraw &= std::any_of(layer.effects.begin(), layer.effects.begin() + i, repeats);
    if (effect.op == "apply") {
      int count = draws(layer.texts[effect.text]);
      effect.streams.resize(std::min<size_t>(effect.streams.size(), count));
      effect.redraw &= count > 0;
    }
  }
  for (int text = int(layer.texts.size()) - 1; text >= 0; --text) {
    if (std::any_of(layer.effects.begin(), layer.effects.end(),
                    [&](const Effect &effect) { return effect.text == text; }))
      continue;
    if (text + 1 < int(layer.texts.size())) // streams follow from names, so the others keep theirs
      continue;
    layer.texts.erase(layer.texts.begin() + text);
  }
}

class Shrinker {
public:
  explicit Shrinker(const Case &layer) : layer(layer) {}
  std::vector<Case> all() {
    effects();
    sizes();
    call();
    texts();
    return std::move(found);
  }

private:
  template <class Change> void add(Change change) {
    Case smaller = layer;
    change(smaller);
    tidy(smaller);
    found.push_back(std::move(smaller));
  }
  void effects();
  void sizes();
  void call();
  void texts();
  void code(int text, Code Text::*code);

  const Case &layer;
  std::vector<Case> found;
};

void Shrinker::effects() {
  if (layer.gradient) // first of all, for it saves most of the time
    add([](Case &c) { c.gradient = false; });
  if (layer.effects.size() > 1)
    add([](Case &c) { c.effects.clear(); });
  for (size_t i = 0; i < layer.effects.size(); ++i)
    add([i](Case &c) { c.effects.erase(c.effects.begin() + i); });
  if (layer.bias)
    add([](Case &c) { c.bias = false; });
}

void Shrinker::sizes() {
  for (int64_t Case::*size : {&Case::rows, &Case::inputs, &Case::outputs, &Case::tileRows})
    for (int64_t to : {int64_t(0), int64_t(1), layer.*size / 2, layer.*size - layer.*size / 8, layer.*size - 1})
      if (to >= 0 && to < layer.*size)
        add([size, to](Case &c) {
          c.*size = to;
          for (std::vector<int64_t> &strides : c.strides) // of the old sizes: they still fit
            if (!strides.empty() && strides[0] < strides[1])
              strides = {1, std::max<int64_t>({1, c.rows, c.outputs})};
        });
  if (layer.storage != "f32")
    add([](Case &c) { c.storage = "f32"; });
  if (layer.staticTypes)
    add([](Case &c) { c.staticTypes = false; });
  if (layer.fixedTiles)
    add([](Case &c) { c.fixedTiles = false; });
}

void Shrinker::call() {
  if (!layer.schedule.empty())
    add([](Case &c) { c.schedule.clear(); });
  for (size_t i = 0; i < layer.schedule.size() && layer.schedule.size() > 1; ++i)
    add([i](Case &c) { c.schedule.erase(c.schedule.begin() + i); });
  for (int i = 0; i < 2; ++i)
    if (!layer.strides[i].empty())
      add([i](Case &c) { c.strides[i].clear(); });
  if (layer.threads > 1)
    add([](Case &c) { c.threads = 1; });
  if (!layer.isa.empty())
    add([](Case &c) { c.isa.clear(); });
  for (size_t i = 0; i < layer.effects.size(); ++i) {
    for (size_t s = 0; s < layer.effects[i].scales.size(); ++s) {
      const Scale &scale = layer.effects[i].scales[s];
      if (layer.effects[i].op == "inject_noise" || layer.effects[i].op == "adc")
        add([i, s](Case &c) { c.effects[i].scales.erase(c.effects[i].scales.begin() + s); });
      if (scale.source == Scale::Source::Argument && scale.value != "1")
        add([id = scale.id](Case &c) {
          for (Effect &effect : c.effects)
            for (Scale &each : effect.scales)
              if (each.id == id && each.source == Scale::Source::Argument)
                each.value = "1";
        });
    }
  }
}

void Shrinker::code(int text, Code Text::*code) {
  const Code &old = layer.texts[text].*code;
  Case unused = layer;
  removeUnused(unused.texts[text].*code);
  if ((unused.texts[text].*code).lines.size() < old.lines.size())
    add([&](Case &c) { c = unused; });
  for (int line = int(old.lines.size()) - 1; line >= 0; --line) {
    Case without = layer;
    // A derivative that is determined in every bit needs its powers of two and its whole numbers; so do factors, of
    // which products are summed.
    bool ofFactors = code == &Text::inputs || code == &Text::weights;
    bool derived = layer.texts[text].surrogate == "derived";
    bool needed = (derived && isConstant(old.lines[line])) || ((derived || ofFactors) && isWhole(old.lines[line]));
    if (!needed && removeLine(without.texts[text].*code, line))
      add([&](Case &c) { c = without; });
  }
}

void Shrinker::texts() {
  for (int i = 0; i < int(layer.texts.size()); ++i) {
    if (std::none_of(layer.effects.begin(), layer.effects.end(),
                     [&](const Effect &effect) { return effect.text == i; }))
      continue;
    if (layer.texts[i].surrogate != "straight_through")
      add([i](Case &c) {
        Text &text = c.texts[i];
        text.surrogate = "straight_through";
        text.learnable = -1;
        text.bits = text.sums = text.counts = 0;
        text.code.results.resize(1 + text.further);
      });
    if (layer.texts[i].further)
      add([i](Case &c) {
        Text &text = c.texts[i];
        text.code.results.erase(text.code.results.begin() + text.further--);
      });
    if (layer.texts[i].taken)
      add([i](Case &c) { removeSum(c.texts[i]); });
    for (int a = int(layer.texts[i].accumulators.size()) - 1; a >= 0; --a)
      add([i, a](Case &c) { removeAccumulator(c.texts[i], a); });
    if (layer.texts[i].learnable >= 0)
      add([i](Case &c) {
        Text &text = c.texts[i];
        text.learnable = -1;
        text.sums = text.counts = 0;
        text.derivative.results.resize(std::min<size_t>(1, text.derivative.results.size()));
      });
    for (Code Text::*part : {&Text::code, &Text::derivative, &Text::tail, &Text::inputs, &Text::weights})
      code(i, part);
  }
}

} // namespace

std::vector<Case> smallerCases(const Case &layer) { return Shrinker(layer).all(); }

} // namespace mho::cli::fuzz

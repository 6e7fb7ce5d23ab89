#include "frontends/cli/ExplainEffects.h"

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace mho::cli {
namespace {

/// An effect and which of its parameters the command line has bound.
struct Reading {
  LinearSpec &spec;
  std::vector<std::vector<bool>> bound;

  Status effect(StringRef file) {
    // A name after the last colon.
    auto [path, name] = file.rsplit(':');
    auto text = EffectText::load(path.str(), name.str());
    if (!text)
      return text.error();
    spec.effects.emplace_back(*text);
    bound.emplace_back((*text)->params.size());
    return Status::ok();
  }
  Status bind(StringRef value) {
    auto [parameter, source] = value.split('=');
    EffectUse &use = spec.effects.back();
    auto found = llvm::find_if(use.effect->params, [&](const EffectParam &p) { return p.name == parameter; });
    if (found == use.effect->params.end())
      return Status::error("the effect '" + use.name + "' has no parameter '" + parameter.str() + "'");
    std::optional<ParamSource> named = sourceNamed(source.str());
    if (!named)
      return Status::error("expected " + parameter.str() + "=largest_weight, input_range or tensor, got '" +
                           source.str() + "'");
    size_t place = found - use.effect->params.begin();
    use.sources[place] = *named;
    bound.back()[place] = true;
    return Status::ok();
  }
  Status at(StringRef value) {
    auto [side, word] = value.split(':');
    if (side != "before" && side != "after")
      return Status::error("expected --at=before:WORD or --at=after:WORD, got '" + value.str() + "'");
    std::string problem = placeAt(spec.effects.back(), word.str(), side == "after");
    return problem.empty() ? Status::ok() : Status::error(problem);
  }
  Status checkBound() const {
    for (auto [use, isBound] : llvm::zip(spec.effects, bound))
      for (auto [param, given] : llvm::zip(use.effect->params, isBound))
        if (!given)
          return Status::error("the parameter '" + param.name + "' of the effect '" + use.name + "' is bound to " +
                               "nothing; add --bind=" + param.name + "=largest_weight, input_range or tensor");
    return Status::ok();
  }
};

/// The built-in effects that a spec has, by their words.
bool has(const LinearSpec &spec, StringRef word) {
  const llvm::StringMap<bool> flags{{"dac", spec.quantizeInput},
                                    {"weight_codes", spec.quantizeWeight},
                                    {"weight_noise", spec.weightNoise},
                                    {"drop_connect", spec.dropConnect},
                                    {"output_noise", spec.outputNoise},
                                    {"adc", spec.adc},
                                    {"bias", spec.bias}};
  return flags.lookup(word);
}

void printChain(const LinearSpec &spec, EffectSite site) {
  std::vector<std::string> chain;
  const std::vector<std::string> &order = usualOrder(site);
  for (int place = 0; place <= int(order.size()); ++place) {
    for (const EffectUse &use : spec.effects)
      if (use.effect->site == site && use.place == place)
        chain.push_back("@" + use.name);
    if (place < int(order.size()) && has(spec, order[place]))
      chain.push_back(order[place]);
  }
  llvm::outs() << "// " << siteName(site) << ": " << (chain.empty() ? "nothing" : llvm::join(chain, ", ")) << "\n";
}

/// Where a name stands among the arguments or results of the module's functions: "argument 4 of @linear".
std::string places(ModuleOp module, StringRef name, bool results) {
  std::string text;
  for (auto function : module.getOps<func::FuncOp>()) {
    unsigned count = results ? function.getNumResults() : function.getNumArguments();
    for (unsigned i = 0; i < count; ++i) {
      auto given = results ? function.getResultAttrOfType<StringAttr>(i, analog::AnalogDialect::kNameAttr)
                           : function.getArgAttrOfType<StringAttr>(i, analog::AnalogDialect::kNameAttr);
      if (given && given.getValue() == name)
        text += (text.empty() ? "" : ", ") + std::string(results ? "result " : "argument ") + std::to_string(i) +
                " of @" + function.getName().str();
    }
  }
  return text.empty() ? "of no kernel" : text;
}

void printParam(const EffectUse &use, size_t i, ModuleOp module) {
  const EffectParam &param = use.effect->params[i];
  llvm::outs() << "//   parameter " << param.name << " over ("
               << llvm::join(llvm::map_range(param.axes, [](char axis) { return std::string(1, axis); }), ", ")
               << ") = " << sourceName(use.sources[i]);
  if (use.sources[i] != ParamSource::Tensor) {
    llvm::outs() << "\n";
    return;
  }
  std::string name = tensorName(use, param);
  llvm::outs() << " " << name << ": " << places(module, name, /*results=*/false) << "\n";
  if (param.learnable)
    llvm::outs() << "//     learnable, gradient d" << name << ": " << places(module, "d" + name, /*results=*/true)
                 << "\n";
}

void printUse(const EffectUse &use, ModuleOp module) {
  llvm::outs() << "// @" << use.name << " on the " << siteName(use.effect->site) << ", from " << use.effect->source
               << "\n";
  if (use.effect->draws) {
    llvm::outs() << "//   draws from stream";
    for (int64_t stream : use.drawStreams())
      llvm::outs() << " " << stream;
    llvm::outs() << "\n";
  }
  for (const EffectStrength &strength : use.effect->strengths) {
    std::string name = siteName(use.effect->site) + "." + use.name + "." + strength.name;
    llvm::outs() << "//   strength " << strength.name << " = " << llvm::format("%g", strength.value) << ", " << name
                 << ": " << places(module, name, /*results=*/false) << "\n";
  }
  for (size_t i = 0; i < use.sources.size(); ++i)
    printParam(use, i, module);
}

} // namespace

Status readEffects(const std::vector<std::string> &words, LinearSpec &spec) {
  Reading reading{spec, {}};
  for (StringRef word : words) {
    Status status = Status::ok();
    if (StringRef value = word; value.consume_front("--effect="))
      status = reading.effect(value);
    else if (spec.effects.empty())
      status = Status::error("unexpected word '" + word.str() + "'; expected --effect=FILE[:NAME]");
    else if (value.consume_front("--bind="))
      status = reading.bind(value);
    else if (value.consume_front("--at="))
      status = reading.at(value);
    else
      status = Status::error("unexpected word '" + word.str() + "'; see mho explain --help");
    if (!status)
      return status;
  }
  return reading.checkBound();
}

void printEffects(const LinearSpec &spec, ModuleOp module, const std::vector<std::string> &recomputing) {
  llvm::outs() << "// ---- effects, in the order in which they act ----\n";
  for (EffectSite site : {EffectSite::Input, EffectSite::Weight, EffectSite::Tile, EffectSite::Output})
    printChain(spec, site);
  for (const EffectUse &use : spec.effects) {
    printUse(use, module);
    if (llvm::is_contained(recomputing, use.name))
      llvm::outs() << "//   @" << use.name << " needs its accumulators again: one contraction more in backward\n";
  }
}

} // namespace mho::cli

#include "runtime/EffectText.h"

#include "runtime/EffectModule.h"
#include "runtime/ModuleArtifact.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace mho {

Expected<OwningOpRef<ModuleOp>> parseEffects(MLIRContext &context, const std::string &text, const std::string &source) {
  OwningOpRef<ModuleOp> module;
  Status status = withDiagnosticsOf(context, [&] {
    module = parseSourceString<ModuleOp>(text, &context, source);
    return bool(module);
  });
  if (!status)
    return status;
  return module;
}

Expected<analog::EffectOp> findEffect(ModuleOp module, const std::string &name, const std::string &source) {
  analog::EffectOp found;
  std::string names;
  int count = 0;
  for (auto effect : module.getOps<analog::EffectOp>()) {
    names += (count++ ? ", @" : "@") + effect.getSymName().str();
    if (name.empty() || effect.getSymName() == name)
      found = effect;
  }
  if (count == 0)
    return Status::error(source + ": expected an analog.effect, found none");
  if (name.empty() && count > 1)
    return Status::error(source + ": expected the name of one of its effects: " + names);
  if (!found)
    return Status::error(source + ": expected one of its effects (" + names + "), got '" + name + "'");
  return found;
}

static EffectSite siteOf(analog::EffectOp effect) {
  switch (effect.getSite()) {
  case analog::EffectSite::Input:
    return EffectSite::Input;
  case analog::EffectSite::Weight:
    return EffectSite::Weight;
  case analog::EffectSite::Tile:
    return EffectSite::Tile;
  case analog::EffectSite::Output:
    return EffectSite::Output;
  }
  llvm_unreachable("all sites are listed");
}

Expected<std::shared_ptr<const EffectText>> EffectText::parse(const std::string &text, const std::string &source,
                                                              const std::string &name) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<analog::AnalogDialect, func::FuncDialect>();
  Expected<OwningOpRef<ModuleOp>> module = parseEffects(context, text, source);
  if (!module)
    return module.error();
  Expected<analog::EffectOp> found = findEffect(**module, name, source);
  if (!found)
    return found.error();
  analog::EffectOp effect = *found;
  auto result = std::make_shared<EffectText>();
  result->text = text, result->source = source, result->name = effect.getSymName().str();
  result->site = siteOf(effect);
  for (unsigned i = 0; i < effect.getParamNames().size(); ++i) {
    std::string axes;
    for (analog::Axis axis : effect.getAxesOfParam(i).getAxes())
      axes += analog::stringifyAxis(axis).str();
    result->params.push_back({effect.getNameOfParam(i).str(), axes, llvm::is_contained(effect.getLearnable(), i)});
  }
  for (unsigned i = 0; i < effect.getStrengths().size(); ++i)
    result->strengths.push_back(
        {effect.getNameOfStrength(i).str(), cast<FloatAttr>(effect.getStrengths()[i]).getValue().convertToFloat()});
  result->draws = int64_t(effect.getDraws().size());
  result->savedBits = effect.savesBits() ? effect.getBitCount() : 0;
  result->straightThrough = effect.getSurrogate() == analog::SurrogateKind::StraightThrough;
  result->further = effect.getFurtherCount();
  result->sums = result->site == EffectSite::Output ? int64_t(effect.getAccumulatorNames().size()) : 0;
  return std::shared_ptr<const EffectText>(result);
}

Expected<std::shared_ptr<const EffectText>> EffectText::load(const std::string &path, const std::string &name) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return Status::error("cannot read the effect's file '" + path + "': " + file.getError().message());
  return parse((*file)->getBuffer().str(), path, name);
}

} // namespace mho

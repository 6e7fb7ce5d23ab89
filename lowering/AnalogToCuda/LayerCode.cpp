#include "lowering/AnalogToCuda/LayerCode.h"

#include "lowering/AnalogToVector/VectorRegion.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

using llvm::Twine;

StringRef generatorOf(DrawOpInterface draw) {
  if (isa<UniformOp>(draw))
    return "mho::Uniform";
  return cast<NormalOp>(draw).getMap() == GaussianMap::Word ? "mho::WordNormal" : "mho::HalfNormal";
}

static StringRef indexText(IndexKind kind) {
  switch (kind) {
  case IndexKind::Tile:
    return "p.t";
  case IndexKind::Row:
    return "p.row";
  case IndexKind::Column:
    return "p.column";
  case IndexKind::TileRows:
    return "p.tile_rows";
  }
  llvm_unreachable("an IndexKind");
}

void LayerCode::constant(StringRef type, StringRef which, const Twine &value) {
  out << "  static constexpr " << type << " " << which << " = " << value << ";\n";
}

std::string LayerCode::sizeOf(Axis axis) {
  for (auto [operand, axes] : {std::pair(kernel.getLhs()[0], kernel.getAxesOf(kernel.getLhsAxes(), 0)),
                               std::pair(kernel.getRhs()[0], kernel.getAxesOf(kernel.getRhsAxes(), 0))})
    for (auto [i, a] : llvm::enumerate(axes.getAxes()))
      if (a == axis)
        return "int(a." + names.of(operand) + ".size[" + std::to_string(i) + "])";
  llvm_unreachable("first operands have the contracted and an output axis each");
}

LayerCode::Texts LayerCode::textsOf(unsigned region, SmallVector<std::string> elements,
                                    llvm::function_ref<std::string(DrawOpInterface, size_t)> drawn) {
  for (int64_t i : kernel.getVisibleParams(region))
    elements.push_back(names.element(kernel.getParams()[i], kernel.getAxesOf(kernel.getParamAxes(), i)));
  for (int64_t i : kernel.getVisibleStats(region))
    elements.push_back("mho::load(a." + CudaNames::statistic(i) + ", " +
                       CudaNames::coordinates(kernel.getStat(i).getOver()) + ")");
  Texts texts;
  Region &code = kernel->getRegion(region);
  for (auto [argument, text] : llvm::zip(code.getArguments(), elements))
    texts[argument] = text;
  for (auto [i, draw] : llvm::enumerate(drawsOf(code)))
    texts[draw->getResult(0)] = drawn(draw, i);
  for (IndexOp index : indicesIn(code))
    texts[index.getResult()] = indexText(index.getKind()).str();
  return texts;
}

std::string LayerCode::callOf(unsigned region, const Texts &texts, StringRef results, SliceKind kind) {
  RegionSlices slices = slicesOf(kernel, region);
  std::string list;
  for (Value leaf : slices[kind].leaves)
    list += texts.lookup(leaf) + ", ";
  for (auto [of, number] : slices[kind].inputs)
    list += StringRef("trc").substr(of, 1).str() + "[" + std::to_string(number) + "], ";
  return codeName(name, kernel, region) + suffixOf(kind) + "(" + list + results.str() + ");";
}

void LayerCode::writeSlices(unsigned region, const Texts &texts) {
  RegionSlices slices = slicesOf(kernel, region);
  out << "    static constexpr int kTileValues = " << slices[kOfTile].outputs.size()
      << ", kRowValues = " << slices[kOfRow].outputs.size() << ", kColumnValues = " << slices[kOfColumn].outputs.size()
      << ";\n";
  for (auto [kind, what, arguments, to] :
       {std::tuple(kOfTile, "of_tile", "", "t"), std::tuple(kOfRow, "of_row", "const float *t, ", "r"),
        std::tuple(kOfColumn, "of_column", "const float *t, ", "c")}) {
    out << "    " << kDevice << "void " << what << "(const Arguments &a, const mho::Place &p, " << arguments
        << "float *" << to << ") {\n";
    if (!slices[kind].outputs.empty())
      out << "      " << callOf(region, texts, to, kind) << "\n";
    out << "    }\n";
  }
}

std::string LayerCode::keyAndStream(DrawOpInterface draw) {
  return "mho::key_of(a." + names.of(kernel.getKeys()[draw.getKey()]) + "), " + std::to_string(draw.getStream()) + "u";
}

void LayerCode::writeDraws(unsigned region) {
  SmallVector<DrawOpInterface> draws = drawsOf(kernel->getRegion(region));
  out << "    static constexpr int kDraws = " << draws.size() << ";\n    " << kDevice
      << "void draws(const Arguments &a, const mho::Noise<kKeys> &noise, mho::DrawRow at, int columns, int call,\n"
         "        float (*out)[8]) {\n";
  for (auto [i, draw] : llvm::enumerate(draws))
    out << "      " << generatorOf(draw) << "::eight(noise.keys[" << draw.getKey() << "], noise.table, "
        << draw.getStream() << "u, at, columns, call, out[" << i << "]);\n";
  out << "    }\n";
}

std::string codeName(StringRef layer, TiledMvmOp kernel, unsigned region) {
  std::string suffix = TiledMvmOp::getRegionName(region);
  for (char &c : suffix)
    c = llvm::isAlnum(c) ? c : '_';
  return (layer + "_" + suffix).str();
}

std::string suffixOf(SliceKind kind) {
  return kind == kOfTile ? "_of_tile" : kind == kOfRow ? "_of_row" : kind == kOfColumn ? "_of_column" : "";
}

} // namespace mho::lowering

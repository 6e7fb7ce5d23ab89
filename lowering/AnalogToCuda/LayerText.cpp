#include "lowering/AnalogToCuda/LayerText.h"

#include "dialect/IR/Scalar.h"
#include "lowering/AnalogToCuda/ScalarToEmitC.h"
#include "lowering/AnalogToCuda/SharedLayout.h"
#include "lowering/AnalogToVector/VectorRegion.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

using llvm::Twine;

constexpr const char *kDevice = "static __device__ __forceinline__ ";

/// The generator of the prelude that draws like `draw`.
StringRef generatorOf(DrawOpInterface draw) {
  if (isa<UniformOp>(draw))
    return "mho::Uniform";
  return cast<NormalOp>(draw).getMap() == GaussianMap::Word ? "mho::WordNormal" : "mho::HalfNormal";
}

StringRef mathType(CudaMath math) {
  switch (math) {
  case CudaMath::Fma:
    return "FmaMath";
  case CudaMath::Tf32:
    return "Tf32Math";
  case CudaMath::F16:
    return "F16Math";
  case CudaMath::BF16:
    return "BF16Math";
  }
  llvm_unreachable("a CudaMath");
}

StringRef indexText(IndexKind kind) {
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

class LayerWriter {
public:
  LayerWriter(func::FuncOp function, TiledMvmOp kernel, const CudaSchedule &schedule)
      : function(function), kernel(kernel), schedule(schedule), names(function, kernel),
        layout(sharedLayout(kernel, schedule)), name(cudaName(function.getName())), out(text) {}

  std::string write() {
    std::tie(rowAxis, columnAxis) = kernel.getOutputAxes();
    writeHeader();
    out << "\nstruct " << name << "_Arguments {\n" << names.fields() << "};\n\n";
    out << "struct " << name << "_Layer {\n  typedef " << name << "_Arguments Arguments;\n";
    writeShape();
    writeSide(Side::Lhs);
    writeSide(Side::Rhs);
    writeStores();
    for (bool ofTile : {true, false})
      writeOutputRegion(ofTile);
    for (int64_t i : kernel.getReductions())
      writeReduction(i);
    for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i)
      writeStatistic(i);
    out << "};\n";
    writeKernels();
    return text;
  }

private:
  std::string axis(Axis a) { return "mho::" + StringRef(stringifyAxis(a)).upper(); }
  void constant(StringRef type, StringRef which, const Twine &value) {
    out << "  static constexpr " << type << " " << which << " = " << value << ";\n";
  }

  /// What a person wants to know first.
  void writeHeader() {
    StringRef what = kernel.isForward()                ? "forward"
                     : kernel.getContract() == Axis::N ? "gradient of the input"
                                                       : "gradient of the weight";
    out << "\n// @" << function.getName() << ", " << what << ": contraction over "
        << stringifyAxis(kernel.getContract()) << ", tiles of " << stringifyTilingKind(kernel.getTiling().getKind())
        << " " << kernel.getTiling().getRows() << ", " << kernel.getAccumulatorCount()
        << " accumulator(s).\n// A CTA of " << schedule.threads() << " threads has " << schedule.rows() << " x "
        << schedule.columns() << " of the output, stages " << schedule.depth
        << " of the contraction at a time and multiplies by " << nameOf(schedule.math)
        << ".\n// Scalar code of a region stands in " << name << "_<region>; what its arguments are is said where "
        << name << "_Layer calls it.\n";
  }

  /// Size of an axis, of the first operands.
  std::string sizeOf(Axis axis) {
    for (auto [operand, axes] : {std::pair(kernel.getLhs()[0], kernel.getAxesOf(kernel.getLhsAxes(), 0)),
                                 std::pair(kernel.getRhs()[0], kernel.getAxesOf(kernel.getRhsAxes(), 0))})
      for (auto [i, a] : llvm::enumerate(axes.getAxes()))
        if (a == axis)
          return "int(a." + names.of(operand) + ".size[" + std::to_string(i) + "])";
    llvm_unreachable("first operands have the contracted and an output axis each");
  }

  void writeShape() {
    auto list = [&](int side) {
      std::string choice;
      ArrayRef<int64_t> pairs = kernel.getAccumulators();
      for (size_t i = 0; i + 2 < pairs.size(); i += 2)
        choice += "pair == " + std::to_string(i / 2) + " ? " + std::to_string(pairs[i + side]) + " : ";
      return choice + std::to_string(pairs[pairs.size() - 2 + side]);
    };
    constant("bool", "kForward", kernel.isForward() ? "true" : "false");
    constant("mho::Axis", "contract_axis", axis(kernel.getContract()));
    constant("mho::Axis", "row_axis", axis(rowAxis));
    constant("mho::Axis", "column_axis", axis(columnAxis));
    for (auto [what, value] : {std::pair("kRowGroups", schedule.rowGroups), std::pair("kWarpRows", schedule.warpRows),
                               std::pair("kRowBlock", schedule.rows()), std::pair("kColumnBlock", schedule.columns()),
                               std::pair("kThreads", schedule.threads()), std::pair("kDepth", schedule.depth),
                               std::pair("kStages", schedule.stages)})
      constant("int", what, Twine(value));
    out << "  typedef mho::" << mathType(schedule.math) << " Math;\n";
    constant("int", "kPairs", Twine(kernel.getAccumulatorCount()));
    out << "  " << kDevice << "constexpr int lhs_of(int pair) { return " << list(0) << "; }\n";
    out << "  " << kDevice << "constexpr int rhs_of(int pair) { return " << list(1) << "; }\n";
    constant("int", "kSums", Twine(kernel.isForward() ? kernel.getSumCount() : 0));
    constant("int", "kBits", Twine(kernel.getResultsOf({ResultKind::Bits}).size()));
    constant("bool", "kHasFinish", kernel.getFinish().empty() ? "false" : "true");
    constant("int", "kStepsOfTile", Twine(unrolledSteps()));
    constant("bool", "kUsesHalfTable", layout.halfTable ? "true" : "false");
    constant("int", "kSharedBytes", Twine(layout.bytes));
    for (auto [what, value] :
         {std::pair("kTileScratch", layout.tileScratch), std::pair("kFinishScratch", layout.finishScratch),
          std::pair("kTileSlices", layout.tileSlices), std::pair("kFinishSlices", layout.finishSlices)})
      constant("int", what, Twine(value));
    constant("int", "kKeys", Twine(kernel.getKeys().size()));
    out << "  " << kDevice << "void keys(const Arguments &a, mho::Key *out) {\n";
    for (auto [i, key] : llvm::enumerate(kernel.getKeys()))
      out << "    out[" << i << "] = mho::key_of(a." << names.of(key) << ");\n";
    out << "  }\n";
    TilingAttr tiling = kernel.getTiling();
    bool fixed = tiling.getKind() == TilingKind::Fixed;
    std::string type = "mho::Tiling<" + std::to_string(tiling.getRows()) + ", " + (fixed ? "true" : "false") + ">";
    out << "  " << kDevice << type << " tiling(const Arguments &a) { return {" << sizeOf(Axis::K) << "}; }\n";
    out << "  " << kDevice << "int physical_rows(const " << type << " &tiling, int tile) { return "
        << (fixed && tiling.getRows() > 0 ? "int(" + std::to_string(tiling.getRows()) + "LL)" : "tiling.width(tile)")
        << "; }\n";
    for (auto [what, a] : {std::pair("output_rows", rowAxis), std::pair("output_columns", columnAxis),
                           std::pair("contraction", kernel.getContract())})
      out << "  " << kDevice << "int " << what << "(const Arguments &a) { return " << sizeOf(a) << "; }\n";
  }

  using Texts = llvm::DenseMap<Value, std::string>;

  /// What stands for a region's leaves where its code is called: `elements` for its first arguments, then parameters,
  /// statistics, draws, indices.
  Texts textsOf(unsigned region, SmallVector<std::string> elements,
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

  /// A call of a slice's code; values of other slices lie in t, r and c.
  std::string callOf(unsigned region, const Texts &texts, StringRef results, SliceKind kind = kOfElement) {
    RegionSlices slices = slicesOf(kernel, region);
    std::string list;
    for (Value leaf : slices[kind].leaves)
      list += texts.lookup(leaf) + ", ";
    for (auto [of, number] : slices[kind].inputs)
      list += StringRef("trc").substr(of, 1).str() + "[" + std::to_string(number) + "], ";
    return codeName(name, kernel, region) + suffixOf(kind) + "(" + list + results.str() + ");";
  }

  /// The slices of a region that are not of an element: how many values each has, and its code.
  void writeSlices(unsigned region, const Texts &texts) {
    RegionSlices slices = slicesOf(kernel, region);
    out << "    static constexpr int kTileValues = " << slices[kOfTile].outputs.size()
        << ", kRowValues = " << slices[kOfRow].outputs.size()
        << ", kColumnValues = " << slices[kOfColumn].outputs.size() << ";\n";
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
  static std::string drawnBefore(DrawOpInterface, size_t i) { return "d[" + std::to_string(i) + "]"; }

  std::string keyAndStream(DrawOpInterface draw) {
    return "mho::key_of(a." + names.of(kernel.getKeys()[draw.getKey()]) + "), " + std::to_string(draw.getStream()) +
           "u";
  }

  void writeDraws(unsigned region) {
    SmallVector<DrawOpInterface> draws = drawsOf(kernel->getRegion(region));
    out << "    static constexpr int kDraws = " << draws.size() << ";\n    " << kDevice
        << "void draws(const Arguments &a, const mho::Noise<kKeys> &noise, mho::DrawRow at, int columns, int call,\n"
           "        float (*out)[8]) {\n";
    for (auto [i, draw] : llvm::enumerate(draws))
      out << "      " << generatorOf(draw) << "::eight(noise.keys[" << draw.getKey() << "], noise.table, "
          << draw.getStream() << "u, at, columns, call, out[" << i << "]);\n";
    out << "    }\n";
  }

  /// Steps of a tile of the forward contraction where their number is known and code for each may stand, else 0.
  int64_t unrolledSteps() {
    bool copies = isCopy(Side::Lhs) && isCopy(Side::Rhs);
    int64_t most = copies ? 8 : schedule.stages; // a step that runs load regions is long
    TilingAttr tiling = kernel.getTiling();
    int64_t depth = schedule.depth * schedule.stages;
    int64_t steps = (tiling.getRows() + depth - 1) / depth * schedule.stages;
    bool known = kernel.isForward() && tiling.getKind() == TilingKind::Fixed && tiling.getRows() > 0;
    return known && steps <= most && isHalf(schedule.math) ? steps : 0;
  }

  /// What the products read is memory as it is: an operand's elements, stored as they are multiplied.
  bool isCopy(Side side) {
    Region &region = kernel->getRegion(side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs);
    OperandRange yielded = yieldOf(region).getValues();
    Value operand = side == Side::Lhs ? kernel.getLhs()[0] : kernel.getRhs()[0];
    AxesAttr over = kernel.getAxesOf(side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes(), 0);
    auto [row, column] = kernel.getElementAxes(side);
    Type element = getElementTypeOrSelf(operand.getType());
    bool stored = schedule.math == CudaMath::F16    ? element.isF16()
                  : schedule.math == CudaMath::BF16 ? element.isBF16()
                                                    : element.isF32();
    return yielded.size() == 1 && yielded[0] == region.getArgument(0) && stored && names.isContiguous(operand) &&
           over.getAxes() == ArrayRef<Axis>({row, column});
  }

  /// Operands whose elements for neighbouring columns of the side lie side by side.
  bool isFetched(Value operand, AxesAttr over, Side side) {
    Axis column = kernel.getElementAxes(side).second;
    if (TiledMvmOp::isBits(operand)) // a pair of neighbours along n is in one word: parts of n begin at even positions
      return column == Axis::N && over.getAxes().back() == column;
    return isa<RankedTensorType>(operand.getType()) && names.isContiguous(operand) && !over.getAxes().empty() &&
           over.getAxes().back() == column;
  }

  void writeSide(Side side) {
    const SharedLayout::Block &block = side == Side::Lhs ? layout.lhs : layout.rhs;
    auto [row, column] = kernel.getElementAxes(side);
    out << "\n  struct " << (side == Side::Lhs ? "Lhs" : "Rhs")
        << " {\n    static constexpr bool kIsLhs = " << (side == Side::Lhs ? "true" : "false")
        << ", kIsCopy = " << (isCopy(side) ? "true" : "false")
        << ";\n    static constexpr mho::Axis row_axis = " << axis(row) << ", column_axis = " << axis(column)
        << ";\n    static constexpr int kRows = " << block.rows << ", kColumns = " << block.columns
        << ", kStride = " << block.stride << ";\n    " << kDevice << "constexpr int at(int stage) { return ";
    for (size_t i = 0; i + 1 < block.at.size(); ++i)
      out << "stage == " << i << " ? " << block.at[i] << " : ";
    out << block.at.back() << "; }\n";
    if (isCopy(side))
      out << "    typedef mho::Nothing Raw;\n    " << kDevice
          << "const mho::Tensor &source(const Arguments &a) { return a."
          << names.of(side == Side::Lhs ? kernel.getLhs()[0] : kernel.getRhs()[0]) << "; }\n  };\n";
    else
      writeLoad(side);
  }

  /// The load region: what it reads of two neighbours, and what it makes of one.
  void writeLoad(Side side) {
    unsigned region = side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs;
    ArrayAttr axes = side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes();
    std::string raw, whole, some, pairs;
    SmallVector<std::string> arguments;
    for (auto [i, operand, over] : llvm::enumerate(side == Side::Lhs ? kernel.getLhs() : kernel.getRhs(), axes)) {
      auto at = cast<AxesAttr>(over);
      if (!isFetched(operand, at, side)) {
        arguments.push_back(names.element(operand, at));
        continue;
      }
      std::string storage = CudaNames::storage(operand.getType()), field = "of" + std::to_string(i);
      std::string place = "a." + names.of(operand) + ", " + CudaNames::coordinates(at);
      if (TiledMvmOp::isBits(operand)) {
        raw += "      unsigned " + field + ";\n";
        whole += "      raw." + field + " = mho::load_word(behind, " + place + ");\n";
        some += "      raw." + field + " = count > 0 ? mho::load_word(0, " + place + ") : 0u;\n";
        arguments.push_back("mho::bit_of(raw." + field + ", p.n)");
        continue;
      }
      raw += "      mho::Pair" + (storage.empty() ? "<mho::kFloat>" : storage) + " " + field + ";\n";
      whole += "      raw." + field + " = mho::load_pair" + storage + "(behind, " + place + ");\n";
      some += "      raw." + field + " = mho::load_some" + storage + "(count, " + place + ");\n";
      pairs += " && mho::has_pairs" + (storage.empty() ? "<mho::kFloat>" : storage) + "(a." + names.of(operand) + ", " +
               std::to_string(at.getAxes().size()) + ")";
      arguments.push_back("raw." + field + ".get(which)");
    }
    Texts texts = textsOf(region, arguments, drawnBefore);
    out << "    static constexpr int kValues = " << yieldOf(kernel->getRegion(region)).getValues().size()
        << ";\n    struct Raw {\n"
        << raw << "    };\n";
    out << "    " << kDevice << "bool pairs(const Arguments &a) { return true" << pairs << "; }\n";
    out << "    " << kDevice << "void fetch(const Arguments &a, const mho::Place &p, int behind, Raw &raw) {\n"
        << whole << "    }\n";
    out << "    " << kDevice << "void fetch_some(const Arguments &a, const mho::Place &p, int count, Raw &raw) {\n"
        << some << "    }\n";
    writeDraws(region);
    writeSlices(region, texts);
    out << "    " << kDevice
        << "void load(const Arguments &a, const mho::Place &p, const Raw &raw, int which, const float *d, const float "
           "*t,\n"
           "        const float *r, float *out) {\n      "
        << callOf(region, texts, "out, nullptr, nullptr") << "\n    }\n  };\n";
  }

  void writeStores() {
    std::string one, two, pairs;
    for (int64_t i : kernel.getResultsOf({ResultKind::Value})) {
      std::string field = "a." + names.ofResult(i), storage = CudaNames::storage(kernel.getOutputs()[i].getType());
      AxesAttr over = kernel.getResultSpec(i).getOver();
      auto at = [&](StringRef behind) {
        std::string text;
        for (Axis each : over.getAxes())
          text += (text.empty() ? "p." : ", p.") + stringifyAxis(each).str() + (each == columnAxis ? behind.str() : "");
        return text;
      };
      auto initially = [&](StringRef behind) {
        Value init = kernel.getInit();
        return init ? "mho::read" + CudaNames::storage(init.getType()) + "(a." + names.of(init) + ", " + at(behind) +
                          ") + "
                    : "";
      };
      std::string begin = "    if (" + field + ".data)\n      mho::store";
      one += begin + storage + "(" + field + ", " + initially(" + behind") + "value, " + at(" + behind") + ");\n";
      two += begin + "_pair" + storage + "(behind, " + field + ", " + initially(" + behind") + "first, " +
             initially(" + behind + 1") + "second, " + at("") + ");\n";
      pairs += " && mho::has_pairs" + (storage.empty() ? "<mho::kFloat>" : storage) + "(" + field + ", " +
               std::to_string(over.getAxes().size()) + ")";
    }
    out << "\n  " << kDevice << "bool stores_pairs(const Arguments &a) { return true" << pairs << "; }\n  " << kDevice
        << "void store_value(const Arguments &a, const mho::Place &p, int behind, float value) {\n"
        << one << "  }\n  " << kDevice
        << "void store_values(const Arguments &a, const mho::Place &p, int behind, float first, float second) {\n"
        << two;
    out << "  }\n  " << kDevice
        << "void store_planes(const Arguments &a, const mho::Place &p, const float *values) {\n";
    for (auto [number, i] : llvm::enumerate(kernel.getResultsOf({ResultKind::Planes})))
      out << "    mho::store(a." << names.ofResult(i) << ", values[" << number << "], "
          << CudaNames::coordinates(kernel.getResultSpec(i).getOver()) << ");\n";
    out << "  }\n  " << kDevice
        << "void store_bits(const Arguments &a, int which, int tile, int row, int at, unsigned word) {\n";
    for (auto [number, i] : llvm::enumerate(kernel.getResultsOf({ResultKind::Bits})))
      out << "    if (which == " << number << ")\n      static_cast<unsigned *>(a." << names.ofResult(i)
          << ".data)[mho::offset(a." << names.ofResult(i) << ", tile, row, at)] = word;\n";
    out << "  }\n";
  }

  static bool isOfTile(ResultKind kind) { return kind == ResultKind::TileSum || kind == ResultKind::TileCount; }
  bool keeps(int64_t result, Axis axis) { return kernel.getResultSpec(result).getOver().contains(axis); }
  std::string keepText(int64_t result, Axis axis) {
    return keeps(result, axis) ? "mho::Keep::All" : "mho::Keep::Blocks";
  }

  /// end_tile or finish; a kernel without one still names it.
  void writeOutputRegion(bool ofTile) {
    unsigned region = ofTile ? TiledMvmOp::kEndTile : TiledMvmOp::kFinish;
    SmallVector<int64_t> reductions;
    for (int64_t i : kernel.getReductions())
      if (isOfTile(kernel.getResultSpec(i).getKind()) == ofTile)
        reductions.push_back(i);
    out << "\n  struct " << (ofTile ? "EndTile" : "Finish") << " {\n";
    if (kernel->getRegion(region).empty()) {
      out << "    static constexpr int kReductions = 0;\n  };\n";
      return;
    }
    out << "    static constexpr int kValues = " << yieldOf(kernel->getRegion(region)).getValues().size()
        << ", kReductions = " << reductions.size() << ";\n";
    writeDraws(region);
    SmallVector<std::string> arguments;
    size_t inputs = ofTile || !kernel.isForward() ? kernel.getAccumulatorCount() : kernel.getSumCount();
    for (size_t i = 0; i < inputs; ++i)
      arguments.push_back("in[" + std::to_string(i) + "]");
    for (int64_t i : kernel.getVisibleEpilogue(region))
      arguments.push_back(names.element(kernel.getEpilogue()[i], kernel.getAxesOf(kernel.getEpilogueAxes(), i)));
    Texts texts = textsOf(region, arguments, drawnBefore);
    writeSlices(region, texts);
    out << "    " << kDevice
        << "void run(const Arguments &a, const mho::Place &p, const float *in, const float *d, const float *t, const "
           "float "
           "*r,\n        const float *c, float *values, bool *bits, float *reductions) {\n      "
        << callOf(region, texts, "values, bits, reductions") << "\n    }\n    " << kDevice
        << "void reduce(const Arguments &a, const float *scratch, int tile, int row, int column, int rows, int "
           "columns) {\n";
    for (auto [number, i] : llvm::enumerate(reductions))
      out << "      mho::reduce_blocks<" << name << "_Layer, " << keepText(i, rowAxis) << ", "
          << keepText(i, columnAxis) << ">(a." << CudaNames::partials(i) << ", scratch + " << number
          << " * mho::scratch_size<" << name << "_Layer>(), tile, row, column, rows, columns);\n";
    out << "    }\n  };\n";
  }

  void writeReduction(int64_t i) {
    ResultKind kind = kernel.getResultSpec(i).getKind();
    bool count = kind == ResultKind::Count || kind == ResultKind::TileCount;
    out << "\n  struct Reduction" << i << " {\n    typedef " << (count ? "mho::i64" : "float") << " Number;\n"
        << "    static constexpr mho::Keep kRows = " << keepText(i, rowAxis)
        << ", kColumns = " << keepText(i, columnAxis)
        << ";\n    static constexpr bool kKeepsTile = " << (keeps(i, Axis::T) ? "true" : "false")
        << ", kOfTile = " << (isOfTile(kind) ? "true" : "false") << ";\n  };\n";
  }

  void writeStatistic(int64_t i) {
    StatAttr stat = kernel.getStat(i);
    Side side = stat.getSide();
    Axis row = kernel.getElementAxes(side).first;
    Value operand = (side == Side::Lhs ? kernel.getLhs() : kernel.getRhs())[stat.getOperand()];
    std::string raw = names.element(
        operand, kernel.getAxesOf(side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes(), stat.getOperand()));
    StringRef kind = stat.getKind() == StatKind::AbsMax ? "AbsMax" : stat.getKind() == StatKind::Sum ? "Sum" : "Count";
    out << "\n  struct Statistic" << i << " {\n    static constexpr mho::Statistic kKind = mho::Statistic::" << kind
        << ";\n    static constexpr mho::Axis row_axis = " << axis(row) << ";\n    " << kDevice
        << "int rows(const Arguments &a) { return " << sizeOf(row) << "; }\n    " << kDevice
        << "float element(const Arguments &a, const mho::Place &p) {\n";
    unsigned region = TiledMvmOp::kFirstMap + i;
    if (kernel->getRegion(region).empty()) {
      out << "      return " << raw << ";\n    }\n  };\n";
      return;
    }
    Texts texts = textsOf(region, {raw}, [&](DrawOpInterface draw, size_t) {
      return generatorOf(draw).str() + "::one(" + keyAndStream(draw) +
             ", mho::DrawRow{unsigned(p.row), unsigned(p.t)}, p.column)";
    });
    out << "      float value;\n      " << callOf(region, texts, "&value, nullptr, nullptr")
        << "\n      return value;\n    }\n  };\n";
  }

  void beginKernel(const Twine &suffix, int64_t threads = kCudaThreads) {
    out << "\nextern \"C\" __global__ void __launch_bounds__(" << threads << ", 1) " << name << suffix
        << "(const __grid_constant__ " << name << "_Arguments a) {\n";
  }

  void writeKernels() {
    beginKernel("", schedule.threads());
    out << "  extern __shared__ __align__(16) unsigned char shared[];\n  mho::"
        << (kernel.isForward() ? "forward" : "gradient") << "<" << name << "_Layer>(a, shared);\n}\n";
    for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i) {
      bool ofTile = kernel.getStat(i).getOver().getAxes().size() == 1;
      std::string layer = name + "_Layer, " + name + "_Layer::Statistic" + std::to_string(i);
      std::string whole = "a." + CudaNames::statistic(i), parts = "a." + CudaNames::statisticParts(i);
      beginKernel("_statistic" + Twine(i));
      out << "  mho::statistic<" << layer << ", " << (ofTile ? "mho::kBlock" : "1") << ">(a, "
          << (ofTile ? parts : whole) << ");\n}\n";
      if (!ofTile)
        continue;
      beginKernel("_statistic" + Twine(i) + "_total");
      out << "  mho::statistic_total<" << layer << ">(a, " << parts << ", " << whole << ");\n}\n";
    }
    for (auto [number, i] : llvm::enumerate(kernel.getReductions()))
      writeResultKernel(number, i);
  }

  /// A thread for each element of the result.
  void writeResultKernel(size_t number, int64_t i) {
    AxesAttr over = kernel.getResultSpec(i).getOver();
    std::string field = "a." + names.ofResult(i), at = CudaNames::coordinates(over);
    auto combined = [&](int64_t r) {
      return "mho::combined<" + name + "_Layer, " + name + "_Layer::Reduction" + std::to_string(r) + ">(a, a." +
             CudaNames::partials(r) + ", p)";
    };
    beginKernel("_result" + Twine(i));
    out << "  mho::i64 flat = mho::i64(blockIdx.x) * " << kCudaThreads << " + threadIdx.x;\n  mho::Place p;\n";
    size_t rank = over.getAxes().size();
    for (size_t d = rank; d-- > 0;)
      out << "  p." << stringifyAxis(over.getAxes()[d]) << " = int(flat % " << field << ".size[" << d << "]);\n"
          << "  flat /= " << field << ".size[" << d << "];\n";
    out << "  if (flat > 0)\n    return;\n"; // beyond the last element
    std::string offset = "[mho::offset(" + field + (at.empty() ? "" : ", " + at) + ")] = ";
    if (kernel.getTail().empty()) {
      ResultKind kind = kernel.getResultSpec(i).getKind();
      bool count = kind == ResultKind::Count || kind == ResultKind::TileCount;
      out << "  static_cast<" << (count ? "mho::i64" : "float") << " *>(" << field << ".data)" << offset << combined(i)
          << ";\n}\n";
      return;
    }
    SmallVector<std::string> arguments;
    for (int64_t r : kernel.getReductions())
      arguments.push_back(kernel.getResultSpec(r).getOver() == over ? "float(" + combined(r) + ")" : "0.0f");
    Texts texts = textsOf(TiledMvmOp::kTail, arguments, drawnBefore);
    // Of a parameter over other axes this result has no place, and what the tail makes of it is not its own.
    Block &tail = kernel.getTail().front();
    for (auto [argument, param] :
         llvm::zip(tail.getArguments().drop_front(arguments.size()), kernel.getVisibleParams(TiledMvmOp::kTail)))
      if (!kernel.getAxesOf(kernel.getParamAxes(), param).within(over.getAxes()))
        texts[argument] = "0.0f";
    out << "  float values[" << kernel.getReductions().size() << "];\n  "
        << callOf(TiledMvmOp::kTail, texts, "values, nullptr, nullptr") << "\n  static_cast<float *>(" << field
        << ".data)" << offset << "values[" << number << "];\n}\n";
  }

  func::FuncOp function;
  TiledMvmOp kernel;
  CudaSchedule schedule;
  CudaNames names;
  SharedLayout layout;
  std::string name, text;
  llvm::raw_string_ostream out;
  Axis rowAxis = Axis::M, columnAxis = Axis::N;
};

} // namespace

std::string codeName(StringRef layer, TiledMvmOp kernel, unsigned region) {
  std::string suffix = TiledMvmOp::getRegionName(region);
  for (char &c : suffix)
    c = llvm::isAlnum(c) ? c : '_';
  return (layer + "_" + suffix).str();
}

std::string suffixOf(SliceKind kind) {
  return kind == kOfTile ? "_of_tile" : kind == kOfRow ? "_of_row" : kind == kOfColumn ? "_of_column" : "";
}

std::string layerText(func::FuncOp function, TiledMvmOp kernel, const CudaSchedule &schedule) {
  return LayerWriter(function, kernel, schedule).write();
}

} // namespace mho::lowering

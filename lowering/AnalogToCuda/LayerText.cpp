#include "lowering/AnalogToCuda/LayerText.h"

#include "dialect/IR/Scalar.h"
#include "lowering/AnalogToCuda/ScalarToEmitC.h"
#include "lowering/AnalogToVector/VectorRegion.h"

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
        name(cudaName(function.getName())), out(text) {}

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
                               std::pair("kThreads", schedule.threads()), std::pair("kDepth", schedule.depth)})
      constant("int", what, Twine(value));
    out << "  typedef mho::" << mathType(schedule.math) << " Math;\n";
    constant("int", "kPairs", Twine(kernel.getAccumulatorCount()));
    out << "  " << kDevice << "constexpr int lhs_of(int pair) { return " << list(0) << "; }\n";
    out << "  " << kDevice << "constexpr int rhs_of(int pair) { return " << list(1) << "; }\n";
    constant("int", "kSums", Twine(kernel.isForward() ? kernel.getSumCount() : 0));
    constant("int", "kBits", Twine(kernel.getResultsOf({ResultKind::Bits}).size()));
    constant("bool", "kHasFinish", kernel.getFinish().empty() ? "false" : "true");
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

  /// What a region's code reads besides its elements: parameters, statistics, draws, indices.
  void appendVisible(SmallVectorImpl<std::string> &arguments, unsigned region,
                     llvm::function_ref<std::string(DrawOpInterface, size_t)> drawn) {
    for (int64_t i : kernel.getVisibleParams(region))
      arguments.push_back(names.element(kernel.getParams()[i], kernel.getAxesOf(kernel.getParamAxes(), i)));
    for (int64_t i : kernel.getVisibleStats(region))
      arguments.push_back("mho::load(a." + CudaNames::statistic(i) + ", " +
                          CudaNames::coordinates(kernel.getStat(i).getOver()) + ")");
    for (auto [i, draw] : llvm::enumerate(drawsOf(kernel->getRegion(region))))
      arguments.push_back(drawn(draw, i));
    for (IndexOp index : indicesIn(kernel->getRegion(region)))
      arguments.push_back(indexText(index.getKind()).str());
  }

  /// `arguments`: those of the region, then draws and indices.
  std::string callOf(unsigned region, ArrayRef<std::string> arguments, StringRef results) {
    std::string list;
    Region &code = kernel->getRegion(region);
    for (auto [i, argument] : llvm::enumerate(arguments))
      if (i >= code.getNumArguments() || !code.getArgument(i).use_empty())
        list += argument + ", ";
    return codeName(name, kernel, region) + "(" + list + results.str() + ");";
  }
  static std::string drawnBefore(DrawOpInterface, size_t i) { return "d[" + std::to_string(i) + "]"; }

  std::string keyAndStream(DrawOpInterface draw) {
    return "mho::key_of(a." + names.of(kernel.getKeys()[draw.getKey()]) + "), " + std::to_string(draw.getStream()) +
           "u";
  }

  void writeDraws(unsigned region) {
    SmallVector<DrawOpInterface> draws = drawsOf(kernel->getRegion(region));
    out << "    static constexpr int kDraws = " << draws.size() << ";\n    " << kDevice
        << "void draws(const Arguments &a, mho::DrawRow at, int columns, int call, float (*out)[8]) {\n";
    for (auto [i, draw] : llvm::enumerate(draws))
      out << "      " << generatorOf(draw) << "::eight(" << keyAndStream(draw) << ", at, columns, call, out[" << i
          << "]);\n";
    out << "    }\n";
  }

  void writeSide(Side side) {
    unsigned region = side == Side::Lhs ? TiledMvmOp::kLoadLhs : TiledMvmOp::kLoadRhs;
    ArrayAttr axes = side == Side::Lhs ? kernel.getLhsAxes() : kernel.getRhsAxes();
    auto [row, column] = kernel.getElementAxes(side);
    out << "\n  struct " << (side == Side::Lhs ? "Lhs" : "Rhs") << " {\n  ";
    constant("int", "kValues", Twine(yieldOf(kernel->getRegion(region)).getValues().size()));
    out << "  ";
    constant("mho::Axis", "row_axis", axis(row));
    out << "  ";
    constant("mho::Axis", "column_axis", axis(column));
    writeDraws(region);
    SmallVector<std::string> arguments;
    for (auto [operand, over] : llvm::zip(side == Side::Lhs ? kernel.getLhs() : kernel.getRhs(), axes))
      arguments.push_back(names.element(operand, cast<AxesAttr>(over)));
    appendVisible(arguments, region, drawnBefore);
    out << "    " << kDevice
        << "void load(const Arguments &a, const mho::Place &p, const float *d, float *out) {\n      "
        << callOf(region, arguments, "out, nullptr, nullptr") << "\n    }\n  };\n";
  }

  void writeStores() {
    out << "\n  " << kDevice << "void store_value(const Arguments &a, const mho::Place &p, float value) {\n";
    for (int64_t i : kernel.getResultsOf({ResultKind::Value})) {
      std::string at = CudaNames::coordinates(kernel.getResultSpec(i).getOver()), field = "a." + names.ofResult(i);
      std::string storage = CudaNames::storage(kernel.getOutputs()[i].getType());
      out << "    if (" << field << ".data)\n      mho::store" << storage << "(" << field << ", ";
      if (Value init = kernel.getInit())
        out << "mho::read" << storage << "(a." << names.of(init) << ", " << at << ") + ";
      out << "value, " << at << ");\n";
    }
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
    appendVisible(arguments, region, drawnBefore);
    out << "    " << kDevice
        << "void run(const Arguments &a, const mho::Place &p, const float *in, const float *d, float *values, bool "
           "*bits,\n        float *reductions) {\n      "
        << callOf(region, arguments, "values, bits, reductions") << "\n    }\n    " << kDevice
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
    SmallVector<std::string> arguments{raw};
    appendVisible(arguments, region, [&](DrawOpInterface draw, size_t) {
      return generatorOf(draw).str() + "::one(" + keyAndStream(draw) +
             ", mho::DrawRow{unsigned(p.row), unsigned(p.t)}, p.column)";
    });
    out << "      float value;\n      " << callOf(region, arguments, "&value, nullptr, nullptr")
        << "\n      return value;\n    }\n  };\n";
  }

  void beginKernel(const Twine &suffix, int64_t threads = kCudaThreads) {
    out << "\nextern \"C\" __global__ void __launch_bounds__(" << threads << ", 1) " << name << suffix
        << "(const __grid_constant__ " << name << "_Arguments a) {\n";
  }

  void writeKernels() {
    beginKernel("", schedule.threads());
    out << "  extern __shared__ float shared[];\n  mho::" << (kernel.isForward() ? "forward" : "gradient") << "<"
        << name << "_Layer>(a, shared);\n}\n";
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
    for (int64_t param : kernel.getVisibleParams(TiledMvmOp::kTail)) {
      AxesAttr axes = kernel.getAxesOf(kernel.getParamAxes(), param);
      arguments.push_back(axes.within(over.getAxes()) ? names.element(kernel.getParams()[param], axes) : "0.0f");
    }
    out << "  float values[" << kernel.getReductions().size() << "];\n  "
        << callOf(TiledMvmOp::kTail, arguments, "values, nullptr, nullptr") << "\n  static_cast<float *>(" << field
        << ".data)" << offset << "values[" << number << "];\n}\n";
  }

  func::FuncOp function;
  TiledMvmOp kernel;
  CudaSchedule schedule;
  CudaNames names;
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

std::string layerText(func::FuncOp function, TiledMvmOp kernel, const CudaSchedule &schedule) {
  return LayerWriter(function, kernel, schedule).write();
}

} // namespace mho::lowering

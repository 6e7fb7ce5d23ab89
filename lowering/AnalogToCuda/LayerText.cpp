#include "lowering/AnalogToCuda/LayerText.h"

#include "dialect/IR/Scalar.h"
#include "lowering/AnalogToCuda/LayerSides.h"
#include "lowering/AnalogToVector/VectorRegion.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

using llvm::Twine;

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

class LayerWriter : LayerSides {
public:
  LayerWriter(func::FuncOp function, TiledMvmOp kernel, const CudaSchedule &schedule)
      : LayerSides(function, kernel, schedule) {}

  std::string write() {
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
  /// What a person wants to know first.
  void writeHeader() {
    StringRef what = kernel.isForward()                ? "forward"
                     : kernel.getContract() == Axis::N ? "gradient of the input"
                                                       : "gradient of the weight";
    out << "\n// @" << function.getName() << ", " << what << ": contraction over "
        << stringifyAxis(kernel.getContract()) << ", tiles of " << stringifyTilingKind(kernel.getTiling().getKind())
        << " " << kernel.getTiling().getRows() << ", " << kernel.getAccumulatorCount()
        << " accumulator(s).\n// A CTA of " << schedule.threads() << " threads has " << schedule.rows() << " x "
        << schedule.columns() << " of the output, takes " << schedule.depth << " of the contraction at a time, in "
        << schedule.stages << " stages, and multiplies by " << nameOf(schedule.math)
        << ".\n// Scalar code of a region stands in " << name << "_<region>; what its arguments are is said where "
        << name << "_Layer calls it.\n";
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
    constant("mho::i64", "kTileRows",
             Twine(kernel.getTiling().getKind() == TilingKind::Fixed ? kernel.getTiling().getRows() : 0));
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

  /// Steps of a tile of the forward contraction where their number is known and code for each may stand, else 0.
  int64_t unrolledSteps() {
    bool copies = isCopied(kernel, Side::Lhs, schedule.math) && isCopied(kernel, Side::Rhs, schedule.math);
    int64_t most = copies ? 8 : schedule.stages; // a step that runs load regions is long
    TilingAttr tiling = kernel.getTiling();
    if (tiling.getRows() > most * schedule.depth)
      return 0;
    int64_t depth = schedule.depth * schedule.stages;
    int64_t steps = (tiling.getRows() + depth - 1) / depth * schedule.stages;
    bool known = kernel.isForward() && tiling.getKind() == TilingKind::Fixed && tiling.getRows() > 0;
    return known && steps <= most && isHalf(schedule.math) ? steps : 0;
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
};

} // namespace

std::string layerText(func::FuncOp function, TiledMvmOp kernel, const CudaSchedule &schedule) {
  return LayerWriter(function, kernel, schedule).write();
}

} // namespace mho::lowering

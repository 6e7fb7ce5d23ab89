#include "lowering/AnalogToCuda/LayerSides.h"

#include "dialect/IR/Scalar.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {

bool LayerSides::isFetched(Value operand, AxesAttr over, Side side) {
  Axis column = kernel.getElementAxes(side).second;
  if (TiledMvmOp::isBits(operand)) // a pair of neighbours along n is in one word: parts of n begin at even positions
    return column == Axis::N && over.getAxes().back() == column;
  return isa<RankedTensorType>(operand.getType()) && names.isContiguous(operand) && !over.getAxes().empty() &&
         over.getAxes().back() == column;
}

void LayerSides::writeSide(Side side) {
  const SharedLayout::Block &block = side == Side::Lhs ? layout.lhs : layout.rhs;
  auto [row, column] = kernel.getElementAxes(side);
  out << "\n  struct " << (side == Side::Lhs ? "Lhs" : "Rhs")
      << " {\n    static constexpr bool kIsLhs = " << (side == Side::Lhs ? "true" : "false")
      << ", kIsCopy = " << (isCopied(kernel, side, schedule.math) ? "true" : "false")
      << ";\n    static constexpr mho::Axis row_axis = " << axis(row) << ", column_axis = " << axis(column)
      << ";\n    static constexpr int kRows = " << block.rows << ", kColumns = " << block.columns
      << ", kStride = " << block.stride << ";\n    " << kDevice << "constexpr int at(int stage) { return ";
  for (size_t i = 0; i + 1 < block.at.size(); ++i)
    out << "stage == " << i << " ? " << block.at[i] << " : ";
  out << block.at.back() << "; }\n";
  if (isCopied(kernel, side, schedule.math))
    out << "    typedef mho::Nothing Raw;\n    " << kDevice
        << "const mho::Tensor &source(const Arguments &a) { return a."
        << names.of(side == Side::Lhs ? kernel.getLhs()[0] : kernel.getRhs()[0]) << "; }\n  };\n";
  else
    writeLoad(side);
}

void LayerSides::writeLoad(Side side) {
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

} // namespace mho::lowering

#include "lowering/AnalogToCuda/CudaNames.h"

#include "lowering/AnalogToVector/AnalogToVector.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

/// An identifier that no other of `taken` is: letters, digits and '_' of the name, and a number where it is taken.
std::string uniqueName(StringRef wanted, StringRef fallback, llvm::StringSet<> &taken) {
  std::string base;
  for (char c : wanted)
    base += llvm::isAlnum(c) ? c : '_';
  if (base.empty() || llvm::isDigit(base[0]))
    base = (fallback + base).str();
  base += "_"; // no keyword and no name of the workspace's ends so
  std::string name = base;
  for (int i = 2; !taken.insert(name).second; ++i)
    name = base + std::to_string(i);
  return name;
}

} // namespace

std::string cudaName(StringRef function) {
  std::string name = "mho_";
  for (char c : function)
    name += llvm::isAlnum(c) || c == '_' ? std::string(1, c) : "_x" + llvm::utohexstr(uint8_t(c), true, 2);
  return name;
}

CudaNames::CudaNames(func::FuncOp function, TiledMvmOp kernel) : function(function), kernel(kernel) {
  llvm::StringSet<> taken;
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), AnalogDialect::kNameAttr);
    arguments[argument] = uniqueName(name ? name.getValue() : "", "argument", taken);
  }
  for (unsigned i = 0; i < kernel.getNumResults(); ++i) {
    auto name = function.getResultAttrOfType<StringAttr>(i, AnalogDialect::kNameAttr);
    results.push_back(uniqueName(name ? name.getValue() : "", "result", taken));
  }
}

std::string CudaNames::coordinates(AxesAttr over) {
  std::string text;
  for (Axis axis : over.getAxes())
    text += (text.empty() ? "p." : ", p.") + stringifyAxis(axis).str();
  return text;
}

std::string CudaNames::storage(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() ? "<mho::kHalf>" : element.isBF16() ? "<mho::kBFloat>" : "";
}

bool CudaNames::isContiguous(Value operand) const {
  func::FuncOp source = function; // a handle, whose reading methods are not const
  return !source.getArgAttr(cast<BlockArgument>(operand).getArgNumber(), kStridedAttr);
}

std::string CudaNames::element(Value operand, AxesAttr over) const {
  std::string field = "a." + of(operand);
  if (!isa<RankedTensorType>(operand.getType()))
    return field;
  std::string at = coordinates(over);
  std::string load = TiledMvmOp::isBits(operand)
                         ? "mho::load_bit"
                         : (isContiguous(operand) ? "mho::load" : "mho::gather") + storage(operand.getType());
  return load + "(" + field + (at.empty() ? "" : ", " + at) + ")";
}

std::string CudaNames::fields() {
  std::string text;
  for (BlockArgument argument : function.getArguments())
    text += (isa<RankedTensorType>(argument.getType()) ? "  mho::Tensor " : "  float ") + arguments.lookup(argument) +
            ";\n";
  for (const std::string &result : results)
    text += "  mho::Tensor " + result + ";\n";
  for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i)
    text += "  mho::Tensor " + statistic(i) + ", " + statisticParts(i) + ";\n";
  for (int64_t i : kernel.getReductions())
    text += "  mho::Partials " + partials(i) + ";\n";
  return text;
}

} // namespace mho::lowering

// Names of a kernel's arguments in CUDA C++, and how its code reads them.
#pragma once

#include "dialect/IR/AnalogDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mho::lowering {

/// What a function of this name is called in CUDA C++: "mho_" and the name, characters that no identifier has as _x and
/// two hexadecimal digits.
std::string cudaName(llvm::StringRef function);

class CudaNames {
public:
  CudaNames(mlir::func::FuncOp function, analog::TiledMvmOp kernel);
  /// Field of an argument or of result `i`.
  const std::string &of(mlir::Value argument) const { return arguments.find(argument)->second; }
  const std::string &ofResult(int64_t i) const { return results[i]; }
  /// "mho::load(a.x, p.m, p.k)": an element of an operand at the place p.
  std::string element(mlir::Value operand, analog::AxesAttr over) const;
  /// Whether neighbours along the last of an operand's axes lie side by side.
  bool isContiguous(mlir::Value operand) const;
  /// "<mho::kHalf>", "<mho::kBFloat>" or nothing: how the prelude loads and stores elements of a type.
  static std::string storage(mlir::Type type);
  /// "p.m, p.k"
  static std::string coordinates(analog::AxesAttr over);
  /// Fields of what lies in the workspace.
  static std::string statistic(int64_t i) { return "statistic" + std::to_string(i); }
  static std::string statisticParts(int64_t i) { return statistic(i) + "_parts"; }
  static std::string partials(int64_t result) { return "partials" + std::to_string(result); }
  /// The struct's fields, in order.
  std::string fields();

private:
  mlir::func::FuncOp function;
  analog::TiledMvmOp kernel;
  llvm::DenseMap<mlir::Value, std::string> arguments;
  llvm::SmallVector<std::string> results;
};

} // namespace mho::lowering

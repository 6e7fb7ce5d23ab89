// The inputs that mho-run gives to a function: from the command line, from files, or random.
#pragma once

#include "dialect/Reference/Tensor.h"
#include "runtime/Status.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace mho::cli {

/// How inputs are made; options of the command line.
struct InputOptions {
  std::vector<std::string> sizes;  ///< "<argument>=<size>x<size>"
  std::vector<std::string> values; ///< "<argument>=<number>" or "<argument>=<file.npy>"
  std::string outputGradient;      ///< a number or a file.npy; empty: random
  unsigned seed = 1;
  bool normal = false; ///< random reals are normal numbers, not integers from -4 to 4
};

class InputMaker {
public:
  explicit InputMaker(const InputOptions &options) : options(options), engine(options.seed) {}
  /// One tensor per argument of the function, those that carry `analog.value` left out. A key is (seed, 0) unless
  /// given. Errors: a type that the tool does not make, an option that is no <argument>=<value> or is given twice, a
  /// size that neither type nor option nor file tells, more elements than checkSizes() allows, a file that cannot be
  /// read or does not fit the argument's type, an integer out of range.
  Expected<std::vector<reference::Tensor>> arguments(mlir::func::FuncOp function);
  /// A gradient for a result of that shape and type.
  Expected<reference::Tensor> outputGradient(llvm::ArrayRef<int64_t> shape, mlir::Type type);

private:
  /// One argument before it is made.
  struct Planned {
    llvm::SmallVector<int64_t> shape;
    std::string value; ///< of --arg; empty: random
    std::optional<reference::Tensor> file;
  };
  reference::Tensor random(llvm::ArrayRef<int64_t> shape);
  static Expected<Planned> plan(mlir::Type type, unsigned position, const std::string &size, const std::string &value);
  Expected<reference::Tensor> made(const Planned &plan, mlir::Type type, unsigned position);

  const InputOptions &options;
  std::mt19937 engine;
};

} // namespace mho::cli

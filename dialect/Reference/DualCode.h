// Forward-mode derivative of scalar code at one element: the oracle of effects with surrogate(derived).
//
//   ScalarInterpreter scalar(...);                        // has run the block: all values are known
//   std::optional<double> slope = differentiate(block, scalar, block.getArgument(0), yielded);
//
// The derivative is taken in double from the rounded values; a rounding to integers passes straight through, draws and
// comparisons are constants.
#pragma once

#include "dialect/Reference/ScalarInterpreter.h"

namespace mho::reference {

/// d result / d active, both values of `block`; nothing where the code takes no gradient from the one to the other,
/// whatever the numbers. Fails at an op without a derivative.
llvm::Expected<std::optional<double>> differentiate(mlir::Block &block, const ScalarInterpreter &scalar,
                                                    mlir::Value active, mlir::Value result);

} // namespace mho::reference

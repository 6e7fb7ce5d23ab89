// The partial sums that a kernel's code makes, for who calls it.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "lowering/AnalogToVector/PartialShape.h"

namespace mho::lowering {

/// How the partial sums of result `result`, a reduction, are laid out. Those of one reduction follow those of the one
/// before, in the order of the results.
PartialShape partialShape(analog::TiledMvmOp kernel, int64_t result);

} // namespace mho::lowering

// Effects that are text in `mho explain`: the command line's words for them, and what became of them. Private.
#pragma once

#include "runtime/LinearSpec.h"

#include "mlir/IR/BuiltinOps.h"

namespace mho::cli {

/// Takes --effect=FILE[:NAME], --bind=PARAMETER=SOURCE, --at=before|after:WORD (both of the effect before them) into
/// the spec. Errors: an unknown word or file, what is wrong with a text, a parameter that is not bound.
Status readEffects(const std::vector<std::string> &words, LinearSpec &spec);

/// The order in which effects act at each site, and what the streams, strengths and parameters of those that are text
/// are to the kernels of a fused and differentiated module; of the effects named in `recomputing`, what that costs.
void printEffects(const LinearSpec &spec, mlir::ModuleOp module, const std::vector<std::string> &recomputing);

} // namespace mho::cli

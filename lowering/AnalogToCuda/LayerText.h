// The generated struct that the prelude's loop nests take as `L`: what a layer's kernel is, apart from its loops.
#pragma once

#include "lowering/AnalogToCuda/AnalogToCuda.h"
#include "lowering/AnalogToCuda/CudaNames.h"
#include "lowering/AnalogToCuda/CudaSchedule.h"
#include "lowering/AnalogToCuda/RegionSlices.h"

namespace mho::lowering {

/// Name of the function of a region's scalar code; `layer`: cudaName of the kernel's function.
std::string codeName(llvm::StringRef layer, analog::TiledMvmOp kernel, unsigned region);

/// What it ends in for a slice: nothing for an element's code.
std::string suffixOf(SliceKind kind);

/// struct <layer>_Arguments, struct <layer>_Layer and the kernels.
std::string layerText(mlir::func::FuncOp function, analog::TiledMvmOp kernel, const CudaSchedule &schedule);

} // namespace mho::lowering

// The generated struct that the prelude's loop nests take as `L`: what a layer's kernel is, apart from its loops.
#pragma once

#include "lowering/AnalogToCuda/AnalogToCuda.h"
#include "lowering/AnalogToCuda/CudaSchedule.h"

namespace mho::lowering {

/// struct <layer>_Arguments, struct <layer>_Layer and the kernels.
std::string layerText(mlir::func::FuncOp function, analog::TiledMvmOp kernel, const CudaSchedule &schedule);

} // namespace mho::lowering

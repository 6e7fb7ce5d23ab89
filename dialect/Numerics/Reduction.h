// How sums over many elements are cut (SPEC.md, "Reductions"): for emitters and for code without MLIR.
#pragma once

#include <cstdint>

namespace mho {

/// Rows and columns of the block that one fp32 partial sum covers; partials are combined in ascending order.
inline constexpr int64_t kReductionBlock = 64;

/// Interleaved running sums within a block: column j goes to sum j mod kReductionLanes.
inline constexpr int64_t kReductionLanes = 16;

} // namespace mho

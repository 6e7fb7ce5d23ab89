// What all parts of a layer's text are written with: names, constants, calls of scalar code.
#pragma once

#include "lowering/AnalogToCuda/CudaNames.h"
#include "lowering/AnalogToCuda/RegionSlices.h"
#include "lowering/AnalogToCuda/SharedLayout.h"

namespace mho::lowering {

/// Name of the function of a region's scalar code; `layer`: cudaName of the kernel's function.
std::string codeName(llvm::StringRef layer, analog::TiledMvmOp kernel, unsigned region);
/// What it ends in for a slice: nothing for an element's code.
std::string suffixOf(SliceKind kind);
/// The generator of the prelude that draws like `draw`.
llvm::StringRef generatorOf(analog::DrawOpInterface draw);

class LayerCode {
protected:
  static constexpr const char *kDevice = "static __device__ __forceinline__ ";
  /// What stands for a value of a region where its code is called.
  using Texts = llvm::DenseMap<mlir::Value, std::string>;

  LayerCode(mlir::func::FuncOp function, analog::TiledMvmOp kernel, const CudaSchedule &schedule)
      : function(function), kernel(kernel), schedule(schedule), names(function, kernel),
        layout(sharedLayout(kernel, schedule)), name(cudaName(function.getName())), out(text) {
    std::tie(rowAxis, columnAxis) = kernel.getOutputAxes();
  }

  static std::string axis(analog::Axis a) { return "mho::" + llvm::StringRef(stringifyAxis(a)).upper(); }
  void constant(llvm::StringRef type, llvm::StringRef which, const llvm::Twine &value);
  /// Size of an axis, of the first operands.
  std::string sizeOf(analog::Axis axis);

  /// Texts of a region's leaves: `elements` for its first arguments, then parameters, statistics, draws, indices.
  Texts textsOf(unsigned region, llvm::SmallVector<std::string> elements,
                llvm::function_ref<std::string(analog::DrawOpInterface, size_t)> drawn);
  static std::string drawnBefore(analog::DrawOpInterface, size_t i) { return "d[" + std::to_string(i) + "]"; }
  std::string keyAndStream(analog::DrawOpInterface draw);

  /// A call of a slice's code; values of other slices lie in t, r and c.
  std::string callOf(unsigned region, const Texts &texts, llvm::StringRef results, SliceKind kind = kOfElement);
  /// The slices of a region that are not of an element: how many values each has, and its code.
  void writeSlices(unsigned region, const Texts &texts);
  /// What a region draws.
  void writeDraws(unsigned region);

  mlir::func::FuncOp function;
  analog::TiledMvmOp kernel;
  CudaSchedule schedule;
  CudaNames names;
  SharedLayout layout;
  std::string name, text;
  llvm::raw_string_ostream out;
  analog::Axis rowAxis = analog::Axis::M, columnAxis = analog::Axis::N;
};

} // namespace mho::lowering

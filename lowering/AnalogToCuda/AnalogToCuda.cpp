#include "lowering/AnalogToCuda/AnalogToCuda.h"

#include "dialect/IR/Scalar.h"
#include "dialect/Transforms/SoleKernel.h"
#include "lowering/AnalogToCuda/LayerCode.h"
#include "lowering/AnalogToCuda/LayerText.h"
#include "lowering/AnalogToCuda/ScalarToEmitC.h"
#include "lowering/AnalogToCuda/SharedLayout.h"
#include "lowering/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/EmitC/IR/EmitC.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Target/Cpp/CppEmitter.h"

namespace mho::lowering {
#define GEN_PASS_DEF_CONVERTANALOGTOCUDAPASS
#include "lowering/Passes.h.inc"
} // namespace mho::lowering

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

LogicalResult checkSupported(func::FuncOp function, TiledMvmOp kernel) {
  auto refuse = [&] { return kernel.emitOpError("not lowered to CUDA: expected "); };
  std::string why;
  if (!soleKernel(function, why))
    return refuse() << "@" << function.getName() << " to be one fused kernel, but " << why;
  if (kernel.getTileAxis() != Axis::K)
    return refuse() << "tiles of k, got tiles of " << stringifyAxis(kernel.getTileAxis());
  for (OperandRange side : {kernel.getLhs(), kernel.getRhs()})
    if (TiledMvmOp::isBits(side[0]))
      return refuse() << "the first operand of a side to be no packed bits";
  SmallVector<int64_t> exported;
  for (int64_t i : kernel.getResultsOf({ResultKind::Stat}))
    exported.push_back(kernel.getResultSpec(i).getStat());
  for (int64_t stat : exported)
    if (llvm::count(exported, stat) > 1)
      return refuse() << "a statistic to be exported once, got statistic " << stat << " as "
                      << llvm::count(exported, stat) << " results";
  WalkResult elementary = kernel->walk([](Operation *op) -> WalkResult {
    if (isa<math::ExpOp, math::LogOp, math::PowFOp, math::TanhOp>(op))
      return op->emitOpError(
          "not lowered to CUDA: expected analog-expand-elementary to have replaced it by its sequence");
    return WalkResult::advance();
  });
  return failure(elementary.wasInterrupted());
}

LogicalResult convert(func::FuncOp function, TiledMvmOp kernel) {
  if (failed(checkSupported(function, kernel)))
    return failure();
  FailureOr<CudaSchedule> schedule = readCudaSchedule(kernel);
  if (failed(schedule))
    return failure();
  OpBuilder builder(function);
  for (unsigned region = 0; region < kernel->getNumRegions(); ++region) {
    RegionSlices slices = slicesOf(kernel, region);
    std::string name = codeName(cudaName(function.getName()), kernel, region);
    for (SliceKind kind : {kOfTile, kOfRow, kOfColumn, kOfElement})
      if ((kind == kOfElement ? !kernel->getRegion(region).empty() : !slices[kind].outputs.empty()) &&
          failed(scalarFunction(builder, name + suffixOf(kind), kernel->getRegion(region), slices, kind)))
        return failure();
  }
  std::string text = layerText(function, kernel, *schedule);
  for (StringRef line : llvm::split(StringRef(text).rtrim(), '\n'))
    builder.create<emitc::VerbatimOp>(kernel.getLoc(), line);
  function.erase();
  return success();
}

struct ConvertPass : impl::ConvertAnalogToCudaPassBase<ConvertPass> {
  void runOnOperation() override {
    bool any = false;
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal() || function.front().getTerminator()->getNumOperands() == 0)
        continue;
      auto kernel = function.front().getTerminator()->getOperand(0).getDefiningOp<TiledMvmOp>();
      if (!kernel)
        continue;
      any = true;
      if (failed(convert(function, kernel)))
        return signalPassFailure();
    }
    if (!any)
      return;
    for (auto effect : llvm::make_early_inc_range(getOperation().getOps<EffectOp>()))
      if (SymbolTable::symbolKnownUseEmpty(effect, getOperation()))
        effect.erase(); // its code is in the kernels
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    builder.create<emitc::IncludeOp>(getOperation().getLoc(), kCudaPreludeName, /*is_standard_include=*/false);
  }
};

} // namespace

FailureOr<CudaKernel> describeCuda(func::FuncOp function, TiledMvmOp kernel) {
  FailureOr<CudaSchedule> schedule = readCudaSchedule(kernel);
  if (failed(schedule))
    return failure();
  CudaKernel description;
  description.schedule = *schedule;
  description.name = cudaName(function.getName());
  description.forward = kernel.isForward();
  description.sharedBytes = sharedLayout(kernel, *schedule).bytes;
  unsigned arguments = function.getNumArguments();
  for (int64_t i = 0; i < int64_t(kernel.getStats().size()); ++i) {
    StatAttr stat = kernel.getStat(i);
    bool ofLhs = stat.getSide() == Side::Lhs;
    Value source = ofLhs ? kernel.getLhs()[0] : kernel.getRhs()[0];
    ArrayRef<Axis> axes = kernel.getAxesOf(ofLhs ? kernel.getLhsAxes() : kernel.getRhsAxes(), 0).getAxes();
    unsigned axis = llvm::find(axes, kernel.getElementAxes(stat.getSide()).first) - axes.begin();
    int resultSlot = -1;
    for (int64_t r : kernel.getResultsOf({ResultKind::Stat}))
      if (kernel.getResultSpec(r).getStat() == i)
        resultSlot = int(arguments + r);
    description.statistics.push_back(
        {i, stat.getOver().getAxes().size() == 1, cast<BlockArgument>(source).getArgNumber(), axis, resultSlot});
  }
  auto [rowAxis, columnAxis] = kernel.getOutputAxes();
  for (int64_t i : kernel.getReductions()) {
    ResultAttr spec = kernel.getResultSpec(i);
    bool ofTile = spec.getKind() == ResultKind::TileSum || spec.getKind() == ResultKind::TileCount;
    description.reductions.push_back({i, unsigned(arguments + i), spec.getOver().contains(rowAxis),
                                      spec.getOver().contains(columnAxis), ofTile || !kernel.isForward()});
  }
  return description;
}

FailureOr<std::string> printCuda(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (failed(emitc::translateToCpp(module, stream)))
    return failure();
  return text;
}

} // namespace mho::lowering

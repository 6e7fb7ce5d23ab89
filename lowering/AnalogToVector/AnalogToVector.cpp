#include "lowering/AnalogToVector/AnalogToVector.h"

#include "lowering/AnalogToVector/KernelEmitter.h"
#include "lowering/AnalogToVector/Storage.h"
#include "lowering/AnalogToVector/Supported.h"
#include "lowering/Passes.h"

namespace mho::lowering {
#define GEN_PASS_DEF_CONVERTANALOGTOVECTORPASS
#include "lowering/Passes.h.inc"
} // namespace mho::lowering

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

/// A tensor as a memref of any strides but the last, which is 1 unless the tensor is marked as strided; a key, an
/// argument of words, is two adjacent ones.
Type memrefOf(Type type, bool strided, bool isResult) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type;
  int64_t rank = tensor.getRank();
  if (!isResult && tensor.getElementType().isInteger(64))
    return MemRefType::get({2}, tensor.getElementType());
  SmallVector<int64_t> sizes(rank, ShapedType::kDynamic), strides(rank, ShapedType::kDynamic);
  if (!strided && rank > 0)
    strides.back() = 1;
  auto layout = StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, strides);
  return MemRefType::get(sizes, memoryTypeOf(tensor), layout);
}

class FunctionConverter {
public:
  FunctionConverter(func::FuncOp source, TiledMvmOp kernel)
      : source(source), kernel(kernel), builder(source.getContext()) {}

  LogicalResult run() {
    FailureOr<Schedule> schedule = readSchedule(kernel);
    if (failed(schedule))
      return failure();
    FailureOr<func::FuncOp> body = emit("_body", true, *schedule, &KernelEmitter::emitBody);
    if (failed(body))
      return failure();
    if (!kernel.getReductions().empty() && failed(emit(kTailSuffix, false, *schedule, &KernelEmitter::emitTail)))
      return failure();
    for (int64_t stat : statisticsOfTiles(kernel)) {
      std::string suffix = (kStatisticSuffix + Twine(stat)).str(), total = suffix + kTotalSuffix.str();
      auto emitBlocks = [stat](KernelEmitter &emitter) { return emitter.emitTileStatistic(stat); };
      auto emitTotal = [stat](KernelEmitter &emitter) { return emitter.emitStatisticTotal(stat); };
      if (failed(emit(suffix, true, *schedule, emitBlocks)) || failed(emit(total, false, *schedule, emitTotal)))
        return failure();
    }
    (*body)->setAttr(kWorkspaceAttr, builder.getI64IntegerAttr(workspaceBytes));
    std::string name = source.getName().str();
    source.erase();
    body->setName(name);
    return success();
  }

private:
  /// A function of the kernel; one of part of the output has workspace and bounds.
  FailureOr<func::FuncOp> emit(StringRef suffix, bool ofPart, const Schedule &schedule,
                               const std::function<LogicalResult(KernelEmitter &)> &emitCode) {
    SmallVector<Type> types;
    for (BlockArgument argument : source.getArguments())
      types.push_back(
          memrefOf(argument.getType(), bool(source.getArgAttr(argument.getArgNumber(), kStridedAttr)), false));
    for (Type type : kernel.getResultTypes())
      types.push_back(memrefOf(type, false, true));
    types.push_back(MemRefType::get({ShapedType::kDynamic}, builder.getF64Type()));
    if (ofPart) {
      types.push_back(MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()));
      types.append(4, builder.getIndexType());
    }
    builder.setInsertionPoint(source);
    std::string name = (source.getName() + suffix).str();
    auto function = builder.create<func::FuncOp>(source.getLoc(), name, builder.getFunctionType(types, {}));
    Block *entry = function.addEntryBlock();
    builder.setInsertionPointToEnd(entry);
    Emit e{builder, kernel.getLoc()};
    KernelEmitter emitter(e, kernel, schedule, source, entry->getArguments());
    if (failed(emitCode(emitter)))
      return failure();
    builder.setInsertionPointToEnd(entry);
    builder.create<func::ReturnOp>(kernel.getLoc());
    workspaceBytes = std::max(workspaceBytes, emitter.workspaceBytes());
    return function;
  }

  func::FuncOp source;
  TiledMvmOp kernel;
  OpBuilder builder;
  int64_t workspaceBytes = 0;
};

struct ConvertPass : impl::ConvertAnalogToVectorPassBase<ConvertPass> {
  void runOnOperation() override {
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal() || function.front().getTerminator()->getNumOperands() == 0)
        continue;
      auto kernel = function.front().getTerminator()->getOperand(0).getDefiningOp<TiledMvmOp>();
      if (!kernel)
        continue;
      if (failed(checkSupported(function, kernel)) || failed(FunctionConverter(function, kernel).run()))
        return signalPassFailure();
    }
    for (auto effect : llvm::make_early_inc_range(getOperation().getOps<EffectOp>()))
      if (SymbolTable::symbolKnownUseEmpty(effect, getOperation()))
        effect.erase(); // its code is in the kernels
  }
};

} // namespace
} // namespace mho::lowering

#include "lowering/AnalogToCuda/CudaSchedule.h"

#include "lowering/AnalogToCuda/SharedLayout.h"
#include "lowering/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace mho::lowering {
#define GEN_PASS_DEF_ANALOGCUDASCHEDULEPASS
#include "lowering/Passes.h.inc"
} // namespace mho::lowering

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

/// Shared memory that a CTA may have on every GPU from sm_80 on (sm_86 and sm_89 have the least): the table stages no
/// more. What reductions need is the kernel's; with it, and by a schedule of one's own, a CTA may have what sm_80 has.
constexpr int64_t kScheduleBytes = 99 << 10, kMostBytes = 163 << 10;
/// Eight warps leave each thread all the registers it can name.
constexpr int64_t kMostWarps = 8;

struct MathName {
  CudaMath math;
  StringLiteral name;
};
constexpr MathName kMathNames[] = {
    {CudaMath::Fma, "fma"}, {CudaMath::Tf32, "tf32"}, {CudaMath::F16, "f16"}, {CudaMath::BF16, "bf16"}};

/// A number of the schedule: where it is kept, and what it may be.
struct Key {
  StringLiteral name;
  int64_t CudaSchedule::*field;
  int64_t smallest, largest;
  bool powerOfTwo;
};
constexpr Key kKeys[] = {
    {"row_groups", &CudaSchedule::rowGroups, 1, 4, false},
    {"warp_rows", &CudaSchedule::warpRows, 1, 8, false},
    {"warp_columns", &CudaSchedule::warpColumns, 1, 4, false},
    {"depth", &CudaSchedule::depth, 16, 128, true},
    {"stages", &CudaSchedule::stages, 2, 4, false},
};

constexpr StringLiteral kMathKey = "math";

std::string printed(Attribute value) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  value.print(stream, /*elideType=*/true);
  return text;
}

int64_t reductionsOf(TiledMvmOp kernel) {
  auto count = [&](std::initializer_list<ResultKind> kinds) { return int64_t(kernel.getResultsOf(kinds).size()); };
  return std::max(count({ResultKind::Sum, ResultKind::Count}), count({ResultKind::TileSum, ResultKind::TileCount}));
}

InFlightDiagnostic refuse(TiledMvmOp kernel) { return kernel.emitOpError() << kCudaScheduleAttr << ": "; }

LogicalResult readEntry(TiledMvmOp kernel, NamedAttribute entry, CudaSchedule &schedule) {
  for (const Key &key : kKeys) {
    if (entry.getName() != key.name)
      continue;
    auto number = dyn_cast<IntegerAttr>(entry.getValue());
    int64_t value = number ? number.getInt() : -1;
    if (value < key.smallest || value > key.largest || (key.powerOfTwo && !llvm::isPowerOf2_64(value)))
      return refuse(kernel) << key.name << " = " << printed(entry.getValue())
                            << "; allowed: " << (key.powerOfTwo ? "powers of two " : "") << "from " << key.smallest
                            << " to " << key.largest;
    schedule.*key.field = value;
    return success();
  }
  return refuse(kernel) << "unknown key " << entry.getName();
}

/// What several values must be together.
LogicalResult checkSchedule(TiledMvmOp kernel, const CudaSchedule &schedule) {
  if (schedule.rows() % 64 != 0)
    return refuse(kernel) << "expected a CTA to have a multiple of 64 rows, got 16 * row_groups * warp_rows = "
                          << schedule.rows();
  if (schedule.threads() > 32 * kMostWarps)
    return refuse(kernel) << "expected at most " << kMostWarps << " warps, got " << schedule.threads() / 32;
  if (int64_t bytes = sharedLayout(kernel, schedule).bytes; bytes > kMostBytes)
    return refuse(kernel) << "expected at most " << kMostBytes
                          << " bytes of shared memory for loaded values and reductions, got " << bytes;
  return success();
}

struct SchedulePass : impl::AnalogCudaSchedulePassBase<SchedulePass> {
  using AnalogCudaSchedulePassBase::AnalogCudaSchedulePassBase;
  void runOnOperation() override {
    std::optional<CudaMath> chosen = cudaMathNamed(math);
    if (!chosen) {
      getOperation().emitError("unknown math '") << math << "'; there are: " << cudaMathNames();
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](TiledMvmOp kernel) -> WalkResult {
      auto given = kernel->getAttrOfType<DictionaryAttr>(kCudaScheduleAttr);
      if (!kernel->hasAttr(kCudaScheduleAttr) || (given && !given.get(kMathKey)))
        kernel->setAttr(kCudaScheduleAttr, withMath(given, *chosen));
      FailureOr<CudaSchedule> schedule = readCudaSchedule(kernel);
      if (failed(schedule))
        return failure();
      kernel->setAttr(kCudaScheduleAttr, cudaScheduleAttr(&getContext(), *schedule));
      return success();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  DictionaryAttr withMath(DictionaryAttr given, CudaMath chosen) {
    Builder b(&getContext());
    SmallVector<NamedAttribute> entries(given ? given.getValue() : ArrayRef<NamedAttribute>());
    entries.push_back(b.getNamedAttr(kMathKey, b.getStringAttr(nameOf(chosen))));
    return b.getDictionaryAttr(entries);
  }
};

} // namespace

StringRef nameOf(CudaMath math) {
  for (const MathName &each : kMathNames)
    if (each.math == math)
      return each.name;
  llvm_unreachable("a CudaMath");
}

std::optional<CudaMath> cudaMathNamed(StringRef name) {
  for (const MathName &each : kMathNames)
    if (each.name == name)
      return each.math;
  return std::nullopt;
}

std::string cudaMathNames() {
  return llvm::join(llvm::map_range(kMathNames, [](const MathName &each) { return each.name.str(); }), ", ");
}

bool isHalf(CudaMath math) { return math == CudaMath::F16 || math == CudaMath::BF16; }

CudaSchedule cudaScheduleFor(TiledMvmOp kernel, CudaMath math) {
  bool isPlain = kernel.getAccumulatorCount() == 1 && reductionsOf(kernel) == 0 && kernel.getSumCount() <= 1;
  // A thread that runs load regions on both sides has no registers for 64 outputs.
  bool loadsBoth = !isCopied(kernel, Side::Lhs, math) && !isCopied(kernel, Side::Rhs, math);
  CudaSchedule schedule = !isPlain        ? CudaSchedule{math, 1, 4, 1, 64, 2}
                          : !isHalf(math) ? CudaSchedule{math, loadsBoth ? 1 : 2, loadsBoth ? 4 : 2, 2, 64, 2}
                          : loadsBoth     ? CudaSchedule{math, 1, 8, 1, 64, 2}
                                          : CudaSchedule{math, 2, 4, 2, 64, 2};
  auto bytes = [&] { return sharedLayout(kernel, schedule).bytes; };
  while (schedule.depth > 16 && bytes() > kScheduleBytes) {
    int64_t before = bytes();
    schedule.depth /= 2;
    if (bytes() == before) { // it is not the stages that need it
      schedule.depth *= 2;
      break;
    }
  }
  return schedule;
}

DictionaryAttr cudaScheduleAttr(MLIRContext *context, const CudaSchedule &schedule) {
  Builder b(context);
  SmallVector<NamedAttribute> entries{b.getNamedAttr(kMathKey, b.getStringAttr(nameOf(schedule.math)))};
  for (const Key &key : kKeys)
    entries.push_back(b.getNamedAttr(key.name, b.getI64IntegerAttr(schedule.*key.field)));
  return b.getDictionaryAttr(entries);
}

FailureOr<CudaSchedule> readCudaSchedule(TiledMvmOp kernel) {
  Attribute attribute = kernel->getAttr(kCudaScheduleAttr);
  auto given = dyn_cast_or_null<DictionaryAttr>(attribute);
  if (attribute && !given)
    return refuse(kernel) << printed(attribute) << "; allowed: a dictionary";
  CudaMath math = CudaMath::Fma;
  if (Attribute value = given ? given.get(kMathKey) : Attribute()) {
    auto name = dyn_cast<StringAttr>(value);
    std::optional<CudaMath> named = name ? cudaMathNamed(name) : std::nullopt;
    if (!named)
      return refuse(kernel) << kMathKey << " = " << printed(value) << "; allowed: " << cudaMathNames();
    math = *named;
  }
  CudaSchedule schedule = cudaScheduleFor(kernel, math);
  for (NamedAttribute entry : given ? given.getValue() : ArrayRef<NamedAttribute>())
    if (entry.getName() != kMathKey && failed(readEntry(kernel, entry, schedule)))
      return failure();
  if (failed(checkSchedule(kernel, schedule)))
    return failure();
  return schedule;
}

} // namespace mho::lowering

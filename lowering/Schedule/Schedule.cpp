#include "lowering/Schedule/Schedule.h"

#include "lowering/AnalogToVector/AnalogToVector.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mho::analog;

namespace mho::lowering {
namespace {

constexpr llvm::StringLiteral kIsaKey = "isa";

struct Row {
  Isa isa;
  Axis contract;
  int64_t mc, kc, nc, mr, unroll, prefetchRows;
};

/// Measured, in this order: a panel of kc x 16 and the mr rows of lhs stay in L1, the rhs block (nc x kc) and the lhs
/// block (mc x kc) in L2. mr fills the vector registers without spilling: accumulators are one (AVX-512), two (AVX2) or
/// four registers wide. One row serves any number of accumulators, which run one after another over the packed blocks,
/// so that the registers hold one of them at a time: with one, two (pcm_read_noise) and three (ir_drop), 512 x 1024 by
/// 1024 in tiles of 512 rows, one thread of Zen 4, the least of 7 medians of 21 is 23.4, 42.6 and 63.3 ms; mr of 4 or
/// 16 and unroll of 2 or 8 take -0.2 to 1.6 %, 1.6 to 5.2 % and -2.6 to 1.2 % longer.
constexpr Row kTable[] = {
    // isa, contract, mc, kc, nc, mr, unroll, prefetch_rows
    {Isa::Avx512, Axis::K, 512, 512, 128, 8, 4, 16},  {Isa::Avx512, Axis::N, 512, 512, 128, 8, 4, 16},
    {Isa::Avx512, Axis::M, 512, 512, 128, 8, 4, 16},  {Isa::Avx2, Axis::K, 512, 512, 128, 4, 4, 16},
    {Isa::Avx2, Axis::N, 512, 512, 128, 4, 4, 16},    {Isa::Avx2, Axis::M, 512, 512, 128, 4, 4, 16},
    {Isa::Generic, Axis::K, 512, 512, 128, 2, 4, 16}, {Isa::Generic, Axis::N, 512, 512, 128, 2, 4, 16},
    {Isa::Generic, Axis::M, 512, 512, 128, 2, 4, 16},
};

/// A number of the schedule: where it is kept, and what it may be.
struct Key {
  StringLiteral name;
  int64_t Schedule::*field;
  int64_t smallest, largest, multipleOf;
};

constexpr Key kKeys[] = {
    {"mc", &Schedule::mc, 64, 4096, 64},     {"kc", &Schedule::kc, 64, 4096, 64},
    {"nc", &Schedule::nc, 64, 4096, 64},     {"mr", &Schedule::mr, 1, 16, 1},
    {"unroll", &Schedule::unroll, 1, 16, 1}, {"prefetch_rows", &Schedule::prefetchRows, 0, 256, 1},
};

/// Widths that cut 16 into equal parts: the contraction is padded to 16, and rows of a transposed operand lie by 16.
bool dividesSixteen(int64_t value) { return 16 % value == 0; }

std::string printed(Attribute value) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  value.print(stream, /*elideType=*/true);
  return text;
}

LogicalResult refuse(TiledMvmOp kernel, StringRef key, Attribute value, const Twine &allowed) {
  return kernel.emitOpError() << kScheduleAttr << ": " << key << " = " << printed(value) << "; allowed: " << allowed;
}

LogicalResult readNumber(TiledMvmOp kernel, const Key &key, Attribute attribute, Schedule &schedule) {
  bool cutsSixteen = key.field == &Schedule::unroll ||
                     (key.field == &Schedule::mr && kernel.getElementAxes(Side::Lhs).first == kernel.getContract());
  auto number = dyn_cast<IntegerAttr>(attribute);
  int64_t value = number ? number.getInt() : -1;
  if (number && value >= key.smallest && value <= key.largest && value % key.multipleOf == 0 &&
      (!cutsSixteen || dividesSixteen(value))) {
    schedule.*key.field = value;
    return success();
  }
  if (cutsSixteen)
    return refuse(kernel, key.name, attribute, "1, 2, 4, 8, 16");
  std::string step = key.multipleOf > 1 ? "multiples of " + std::to_string(key.multipleOf) + " " : "";
  return refuse(kernel, key.name, attribute, Twine(step) + "from " + Twine(key.smallest) + " to " + Twine(key.largest));
}

} // namespace

StringRef nameOf(Isa isa) {
  switch (isa) {
  case Isa::Avx512:
    return "avx512";
  case Isa::Avx2:
    return "avx2";
  case Isa::Generic:
    return "generic";
  }
  llvm_unreachable("an Isa");
}

StringRef x86CpuOf(Isa isa) {
  switch (isa) {
  case Isa::Avx512:
    return "x86-64-v4";
  case Isa::Avx2:
    return "x86-64-v3";
  case Isa::Generic:
    return "x86-64";
  }
  llvm_unreachable("an Isa");
}

std::optional<Isa> isaNamed(StringRef name) {
  for (Isa isa : {Isa::Avx512, Isa::Avx2, Isa::Generic})
    if (nameOf(isa) == name)
      return isa;
  return std::nullopt;
}

std::string isaNames() { return (nameOf(Isa::Avx512) + ", " + nameOf(Isa::Avx2) + ", " + nameOf(Isa::Generic)).str(); }

Isa hostIsa() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  if (features.lookup("avx512f"))
    return Isa::Avx512;
  bool avx2 = features.lookup("avx2") && features.lookup("fma") && features.lookup("f16c");
  return avx2 ? Isa::Avx2 : Isa::Generic;
}

Schedule scheduleFor(Isa isa, Axis contract) {
  for (const Row &row : kTable)
    if (row.isa == isa && row.contract == contract)
      return {row.isa, row.mc, row.kc, row.nc, row.mr, row.unroll, row.prefetchRows};
  llvm_unreachable("the table has every isa and direction");
}

DictionaryAttr scheduleAttr(MLIRContext *context, const Schedule &schedule) {
  Builder b(context);
  SmallVector<NamedAttribute> values{b.getNamedAttr(kIsaKey, b.getStringAttr(nameOf(schedule.isa)))};
  for (const Key &key : kKeys)
    values.push_back(b.getNamedAttr(key.name, b.getI64IntegerAttr(schedule.*key.field)));
  return b.getDictionaryAttr(values);
}

FailureOr<Schedule> readSchedule(TiledMvmOp kernel, Isa isa) {
  Attribute attribute = kernel->getAttr(kScheduleAttr);
  auto values = dyn_cast_or_null<DictionaryAttr>(attribute);
  if (attribute && !values)
    return kernel.emitOpError() << kScheduleAttr << " = " << printed(attribute) << "; allowed: a dictionary";
  if (Attribute value = values ? values.get(kIsaKey) : Attribute()) {
    auto name = dyn_cast<StringAttr>(value);
    std::optional<Isa> named = name ? isaNamed(name) : std::nullopt;
    if (!named)
      return refuse(kernel, kIsaKey, value, isaNames());
    isa = *named;
  }
  Schedule schedule = scheduleFor(isa, kernel.getContract());
  for (NamedAttribute entry : values ? values.getValue() : ArrayRef<NamedAttribute>()) {
    if (entry.getName() == kIsaKey)
      continue;
    const Key *key = llvm::find_if(kKeys, [&](const Key &k) { return entry.getName() == k.name; });
    if (key == std::end(kKeys))
      return kernel.emitOpError() << kScheduleAttr << ": unknown key " << entry.getName();
    if (failed(readNumber(kernel, *key, entry.getValue(), schedule)))
      return failure();
  }
  return schedule;
}

} // namespace mho::lowering

// A decoded entry.
#pragma once

#include "runtime/Ptx/Instruction.h"
#include "runtime/Ptx/Syntax.h"

#include <map>
#include <string>
#include <vector>

namespace mho::ptx {

/// Addresses of the generic space. Global buffers lie above all windows; a shared, local or parameter address alone is
/// the offset in its window.
constexpr uint64_t kSharedWindow = uint64_t(1) << 40, kLocalWindow = uint64_t(2) << 40,
                   kParamWindow = uint64_t(3) << 40;
constexpr uint64_t kVariableBase = uint64_t(8) << 40, kBufferBase = uint64_t(16) << 40;
constexpr uint64_t kWindowSize = uint64_t(1) << 32;

enum class Special : uint8_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NWarpId,
  MaskEq,
  MaskLt,
  MaskLe,
  MaskGt,
  MaskGe,
  DynamicSharedSize,
  TotalSharedSize,
};

struct Program {
  struct Constant {
    uint32_t offset; ///< of the register
    bool wide;
    uint64_t bits;
  };
  struct SpecialRegister {
    uint32_t offset;
    Special special;
  };

  const EntrySyntax *syntax = nullptr;
  std::vector<Instr> code;
  uint32_t slots = 0, predicates = 0;
  std::vector<Constant> constants;
  std::vector<SpecialRegister> specials;
  int64_t sharedBytes = 0; ///< static; the dynamic part follows at dynamicOffset
  int64_t dynamicOffset = 0;
  bool usesDynamicShared = false;
  int64_t localBytes = 0; ///< per thread
  int granule = 16;       ///< bytes of the narrowest access to shared memory
};

/// Where the variables of a module lie: global and const in buffers, shared by offset.
struct VariableLayout {
  struct Place {
    Space space;
    uint64_t address; ///< generic for global and const; else the offset
  };
  std::map<std::string, Place> places;
  int64_t sharedBytes = 0;
  int64_t dynamicAlignment = 0; ///< 0: no .extern .shared
  std::vector<std::string> dynamicNames;
};

} // namespace mho::ptx

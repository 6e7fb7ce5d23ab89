// A decoded instruction: operands are places in the warp's registers, the work is a function.
//
// Registers lie in slots of 32 words, one word per lane; a register of 64 bits takes two slots, as 32 values of 64
// bits. A constant or a special register is a slot that is filled before the first instruction, so that functions know
// registers only. Predicates are bit masks over the lanes, in a file of their own.
#pragma once

#include "runtime/Ptx/Types.h"

#include <cstdint>

namespace mho::ptx {

class Warp;
struct Instr;

/// Executes for the lanes of the mask, which is not empty. Inactive lanes keep their registers.
using Execute = void (*)(Warp &warp, const Instr &instr, uint32_t mask);

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = ~0u;
constexpr uint32_t kNone = ~0u;

/// What the dispatch loop does beyond calling the function.
enum class Control : uint8_t {
  None,
  Branch,
  Exit,
  Barrier,    ///< of the CTA
  Collective, ///< waits for the lanes of its member mask (source 0)
  Aligned,    ///< all 32 lanes together
  Trap,
};

enum class Rounding : uint8_t { NearestEven, Zero, Down, Up, NearestAway };

enum class Compare : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };
enum class Combine : uint8_t { None, And, Or, Xor };

struct Instr {
  Execute execute = nullptr;
  Control control = Control::None;
  Space space = Space::Generic;
  Type type = Type::None, type2 = Type::None; ///< of the result; of the sources, where they differ
  Rounding rounding = Rounding::NearestEven;
  Compare compare = Compare::Eq;
  Combine combine = Combine::None;
  bool ftz = false, saturate = false;
  bool nan = false;         ///< .NaN of min and max
  bool relu = false;        ///< negative results become zero
  bool integral = false;    ///< cvt to a whole number of the same type
  bool aligned = false;     ///< a barrier that all living threads of a warp execute together
  bool approximate = false; ///< the PTX manual leaves bits of the result open
  bool guardNegated = false, negatedPredicate = false;
  bool strong = false; ///< volatile, relaxed, acquire, release or atomic: two such accesses are no race
  bool setsCarry = false, usesCarry = false;
  bool copies = false;     ///< a register as it is: of one that is not written, to one that is not
  uint8_t variant = 0;     ///< what else the function distinguishes
  uint8_t count = 1;       ///< elements of a vector
  uint8_t accessBytes = 0; ///< of one lane's access to memory; 0: none
  uint8_t registerBits = 32, addressBits = 64;
  uint8_t destinations = 0, sources = 0, predicateDestinations = 0, predicateSources = 0;
  uint32_t guard = kNone;
  uint32_t d[4], s[12]; ///< word offsets
  uint32_t pd[2], ps[2];
  int64_t immediate = 0;
  int32_t sourceOffset = 0; ///< of cp.async, whose immediate is the offset of the destination
  uint32_t target = 0;      ///< of a branch
};

} // namespace mho::ptx

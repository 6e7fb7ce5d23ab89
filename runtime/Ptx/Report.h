// What a launch found and counted.
#pragma once

#include "runtime/Ptx/Types.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mho::ptx {

struct Dim {
  unsigned x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

enum class FaultKind : uint8_t {
  Race,        ///< two threads, one shared byte, one barrier epoch, at least one write
  OutOfBounds, ///< stops the launch
  Misaligned,  ///< stops the launch
  ReadOnly,    ///< a write to read-only memory; stops the launch
  WrongSpace,  ///< an address of another space; stops the launch
  UninitialisedRegister,
  UninitialisedMemory, ///< shared or local
  BarrierDivergence,   ///< bar.sync that not all living threads of a warp execute
  Convergence,         ///< a warp-wide instruction without its threads; stops the launch
  Deadlock,            ///< threads that wait for each other; stops the launch
  Budget,              ///< more instructions than allowed; stops the launch
  Trap,                ///< trap; stops the launch
  Unsupported,         ///< values of operands that the interpreter does not have; stops the launch
};
const char *nameOf(FaultKind kind);

/// An instruction as a person finds it.
struct Place {
  int line = 0; ///< of the PTX
  std::string text;
  std::string source; ///< "kernel.cu:12" where the PTX has .loc
};

struct ModuleSyntax;
struct InstructionSyntax;
Place placeOf(const ModuleSyntax &module, const InstructionSyntax &instruction);

struct Fault {
  FaultKind kind = FaultKind::Race;
  Place place;
  Dim cta{0, 0, 0};
  int thread = 0;       ///< number in its CTA
  int otherThread = -1; ///< of a race
  Place otherPlace;
  std::string detail;
  uint64_t times = 1; ///< how often at this place; the rest tells of the first time
  std::string text() const;
};

/// Counters of one instruction of the program.
struct InstructionCount {
  uint64_t warps = 0, lanes = 0;                ///< executions, and active threads in them
  uint64_t requests = 0;                        ///< warp accesses to shared or global memory
  uint64_t bytes = 0;                           ///< asked for by the threads
  uint64_t wavefronts = 0, idealWavefronts = 0; ///< shared
  uint64_t sectors = 0;                         ///< global, of 32 bytes
  uint64_t usefulBytes = 0;                     ///< distinct bytes asked for in these sectors, at most
  void add(const InstructionCount &other);
};

struct MemoryCount {
  uint64_t requests = 0, bytesRead = 0, bytesWritten = 0;
  uint64_t wavefronts = 0, idealWavefronts = 0; ///< shared: 128 bytes each
  uint64_t sectors = 0, usefulBytes = 0;        ///< global
};

struct Report {
  struct Line {
    Place place;
    InstructionCount count;
  };
  std::string kernel;
  Dim grid, block;
  bool finished = false; ///< false: a fault stopped it, and counters are of what ran until then
  std::vector<Fault> faults;
  std::vector<Line> lines;                     ///< all instructions, in order
  std::map<std::string, InstructionCount> mix; ///< by opcode with its modifiers
  MemoryCount shared, global;
  uint64_t warpInstructions = 0, laneInstructions = 0;
  std::vector<std::string> approximate; ///< executed instructions whose GPU result is not determined by the PTX manual

  bool clean() const { return finished && faults.empty(); }
  /// Everything but the lines, for a person.
  std::string text() const;
};

} // namespace mho::ptx

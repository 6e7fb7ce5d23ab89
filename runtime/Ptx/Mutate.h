// Mutants of PTX: copies of a module with one instruction changed, to measure whether tests see it.
#pragma once

#include "runtime/Ptx/Module.h"

namespace mho::ptx {

struct Mutant {
  int line = 0;
  std::string kind; ///< "dropped", "condition", ...
  std::string before, after;
  std::string ptx; ///< the whole module
  std::string text() const { return "line " + std::to_string(line) + ", " + kind + ": " + before + " -> " + after; }
};

/// All single changes of a kernel: a barrier, a wait, a commit or a store dropped; a wait for one group less; a
/// condition, a guard, an operation, a rounding, .trans changed; two sources exchanged; a constant or an offset
/// changed. Some are equivalent to the kernel: who uses them lists these. `ptx` must be the text that `module` was
/// parsed from.
std::vector<Mutant> mutantsOf(const Module &module, const std::string &ptx, const std::string &kernel);

} // namespace mho::ptx

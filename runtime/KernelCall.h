// What a kernel takes, and how it is called: the packed argument table of the generated code.
//
// The generated entry is `void entry(void **args)`; args[i] points at the i-th LLVM-level argument. A memref of rank r
// expands to base, aligned, offset, r sizes and r strides. Order: the function's arguments, its results, then partials,
// workspace and the four bounds of the output block (body only).
#pragma once

#include "runtime/Status.h"
#include "runtime/TensorRef.h"

#include <string>
#include <vector>

namespace mho {

/// One argument or result of a kernel function.
struct KernelSlot {
  std::string name; ///< `analog.name`
  bool scalar = false;
  bool result = false;
  int rank = 0;
  ElementType type = ElementType::F32;
};

using KernelEntry = void (*)(void **);

/// A loaded kernel: its slots and its code.
struct CompiledKernel {
  std::vector<KernelSlot> slots;
  KernelEntry body = nullptr;
  KernelEntry tail = nullptr; ///< null unless the kernel reduces
  int64_t workspaceBytes = 0; ///< per concurrent call of body
  int reductions = 0;         ///< sum and count results
};

/// Builds the argument table on the stack of the caller; holds every value it points at.
class PackedCall {
public:
  void tensor(const TensorRef &t);
  void scalar(float v);
  void index(int64_t v);
  /// A contiguous vector of `elements` elements.
  void vector(void *data, int64_t elements);
  /// The table; valid until the next call of a member.
  void **table();

private:
  static constexpr int kCapacity = 320;
  union Word {
    void *pointer;
    int64_t integer;
    float real;
  };
  void push(Word word);

  Word words[kCapacity];
  void *pointers[kCapacity];
  int count = 0;
};

} // namespace mho

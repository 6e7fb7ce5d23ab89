// How a CPU kernel is called: the packed argument table of the generated code.
//
// The generated entry is `void entry(void **args)`; args[i] points at the i-th LLVM-level argument. A memref of rank r
// expands to base, aligned, offset, r sizes and r strides. Order: the function's arguments, its results, then partials,
// workspace and the four bounds of the output block (body only).
#pragma once

#include "runtime/TensorRef.h"

#include "llvm/ADT/SmallVector.h"

namespace mho {

using KernelEntry = void (*)(void **);

/// Builds an argument table; holds every value it points at. Usual kernels need no memory beyond the object itself.
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
  union Word {
    void *pointer;
    int64_t integer;
    float real;
  };
  llvm::SmallVector<Word, 192> words;
  llvm::SmallVector<void *, 192> pointers;
};

} // namespace mho

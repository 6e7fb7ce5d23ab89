// A compiled kernel as its callers see it, whatever device it runs on.
//
//   Expected<std::shared_ptr<const Kernel>> kernel = backend.compile(function, strided);
//   (*kernel)->launch(values, output, context);        // values follow (*kernel)->slots()
#pragma once

#include "dialect/Numerics/Tiling.h"
#include "runtime/LaunchContext.h"
#include "runtime/Status.h"

#include <memory>
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

/// The value of one slot: a tensor or a scalar.
struct SlotValue {
  TensorRef tensor;
  float scalar = 0;
  /// A matrix result that nobody reads but that the kernel may work in: `tensor` has sizes and strides only; the kernel
  /// finds memory for as much of it at a time as it likes.
  bool discard = false;
};

/// How the inputs are cut into crossbar tiles (SPEC.md, "Tiling").
struct InputTiles {
  int64_t inputs = 0, rows = 0; ///< rows <= 0: one tile
  bool fixed = false;
  int64_t count() const { return tileCount(inputs, rows); }
  /// First input of a tile, 0 .. count().
  int64_t begin(int64_t tile) const { return tileBegin(inputs, rows, fixed, tile); }
};

/// The output of a kernel: its rows, and its columns counted in elements, or in tiles where they are inputs
/// (gradients).
struct KernelOutput {
  int64_t rows = 0, columns = 0;
  bool columnsAreTiles = false;
  InputTiles tiles;
};

/// A part of a kernel's output, its columns in the output's unit (elements or tiles). Parts begin at multiples of the
/// reduction block, those of tiles anywhere.
struct OutputPart {
  int64_t rowBegin = 0, rowEnd = 0, columnBegin = 0, columnEnd = 0;
};

/// A launch in parts, one after the other and in ascending order. What a part reads and writes need not be there for
/// another: tensors may be laid out anew for each.
class PartLaunch {
public:
  virtual ~PartLaunch() = default;
  /// Runs the kernel over a part; `values` as for Kernel::launch. Errors: as Kernel::launch.
  virtual Status run(const SlotValue *values, const OutputPart &part, const LaunchContext &context) = 0;
  /// After all parts: the results of reductions.
  virtual void finish(const SlotValue *values) = 0;
};

class Kernel {
public:
  virtual ~Kernel() = default;
  /// The function's arguments, then its results.
  virtual const std::vector<KernelSlot> &slots() const = 0;
  /// Runs the kernel over its whole output; safe to call from several threads at once. `values` follow slots(). A
  /// tensor that is not defined may be given only where the kernel's code does not touch it. Errors: a noise key whose
  /// step is out of range, a tensor strided where the kernel was compiled for one that is not, no memory.
  virtual Status launch(const SlotValue *values, const KernelOutput &output, const LaunchContext &context) const = 0;
  /// True if begin() is there to be called.
  virtual bool runsInParts() const { return false; }
  /// A launch of the whole output in parts, with partial sums of its own; the kernel must outlive it. Null where
  /// runsInParts() is false.
  virtual std::unique_ptr<PartLaunch> begin(const KernelOutput &) const { return nullptr; }
};

/// Empty if every noise key among the arguments has a step within its field, else what is wrong.
std::string keyProblem(const std::vector<KernelSlot> &slots, const SlotValue *values);

} // namespace mho

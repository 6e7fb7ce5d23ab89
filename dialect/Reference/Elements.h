// Walking over the elements of tensors by the axes (t, m, n, k) of the contraction, and the noise drawn for an element.
#pragma once

#include "dialect/IR/AnalogDialect.h"
#include "dialect/Reference/Tensor.h"

#include "llvm/Support/Error.h"

namespace mho::reference {

/// Sizes of the four axes, indexed by Axis; kUnknown where nothing says it.
struct Sizes {
  static constexpr int64_t kUnknown = -1;
  int64_t at[4] = {kUnknown, kUnknown, kUnknown, kUnknown};
  int64_t &operator[](analog::Axis axis) { return at[size_t(axis)]; }
  int64_t operator[](analog::Axis axis) const { return at[size_t(axis)]; }
};

/// One element's coordinates on the four axes, and the address of its draws: row, column within the tile, tile.
struct Element {
  int64_t at[4] = {0, 0, 0, 0};
  int64_t row = 0, column = 0, tile = 0;
  int64_t tileRows = 0; ///< physical rows of the tile
  int64_t &operator[](analog::Axis axis) { return at[size_t(axis)]; }
  int64_t operator[](analog::Axis axis) const { return at[size_t(axis)]; }
};

/// The tiling of `inputs` inputs (of the tiled axis): tile of each input, tile bounds.
class Tiles {
public:
  Tiles(analog::TilingAttr tiling, int64_t inputs);
  int64_t count() const { return total; }
  int64_t begin(int64_t tile) const { return tiling.getTileBegin(inputs, tile); }
  int64_t end(int64_t tile) const { return tiling.getTileBegin(inputs, tile + 1); }
  int64_t physicalRows(int64_t tile) const { return tiling.getPhysicalRows(inputs, tile); }
  /// The tile that input k lies in.
  int64_t of(int64_t k) const { return tileOf[k]; }

private:
  analog::TilingAttr tiling;
  int64_t inputs, total;
  std::vector<int64_t> tileOf;
};

/// Element of a tensor over `axes` at the coordinates of `element`.
double lookup(const Tensor &tensor, analog::AxesAttr axes, const Element &element);
/// The same for packed bits: bit c mod 32 of word c / 32 along the last axis.
bool lookupBit(const Tensor &tensor, analog::AxesAttr axes, const Element &element);

/// Learns the sizes of the axes of `tensor`. Fails where an axis would have two sizes, naming `what`.
llvm::Error unifySizes(Sizes &sizes, const Tensor &tensor, analog::AxesAttr axes, llvm::StringRef what,
                       bool bits = false);
/// Checks what unifySizes could not say of bits: their number of words.
llvm::Error checkWords(const Sizes &sizes, const Tensor &tensor, analog::AxesAttr axes, llvm::StringRef what);

/// A noise key (seed, step).
struct Key {
  uint64_t seed = 0;
  uint32_t step = 0;
};
/// Fails unless 0 <= step < 2^32.
llvm::Expected<Key> readKey(const Tensor &tensor);

/// Draws of an element (SPEC.md, "Noise").
double drawNormal(const Key &key, int64_t stream, analog::GaussianMap map, const Element &element);
double drawUniform(const Key &key, int64_t stream, const Element &element);
/// Fails where an index of `rows` x `columns` elements in `tiles` tiles lies beyond its field of the counter; `words`:
/// draws of 32 bits.
llvm::Error checkDraws(int64_t rows, int64_t columns, int64_t tiles, bool words);

/// An error with this message.
inline llvm::Error fail(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

} // namespace mho::reference

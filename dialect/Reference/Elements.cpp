#include "dialect/Reference/Elements.h"
#include "dialect/Numerics/Tiling.h"

using namespace mho::reference;
using namespace mho::analog;

Tiles::Tiles(TilingAttr tiling, int64_t inputs)
    : tiling(tiling), inputs(inputs), total(tiling.getTileCount(inputs)), tileOf(inputs) {
  for (int64_t t = 0; t < total; ++t)
    for (int64_t k = begin(t); k < end(t); ++k)
      tileOf[k] = t;
}

static llvm::SmallVector<int64_t, 3> indexOf(AxesAttr axes, const Element &element) {
  llvm::SmallVector<int64_t, 3> index;
  for (Axis axis : axes.getAxes())
    index.push_back(element[axis]);
  return index;
}

double mho::reference::lookup(const Tensor &tensor, AxesAttr axes, const Element &element) {
  return tensor.at(indexOf(axes, element));
}

bool mho::reference::lookupBit(const Tensor &tensor, AxesAttr axes, const Element &element) {
  llvm::SmallVector<int64_t, 3> index = indexOf(axes, element);
  int64_t bit = index.back() % 32;
  index.back() /= 32;
  return tensor.words[tensor.offset(index)] >> bit & 1;
}

llvm::Error mho::reference::unifySizes(Sizes &sizes, const Tensor &tensor, AxesAttr axes, llvm::StringRef what,
                                       bool bits) {
  if (tensor.rank() != int64_t(axes.getAxes().size()))
    return fail("expected " + what + " of rank " + llvm::Twine(axes.getAxes().size()) + " over " + axes.str() +
                ", got " + tensor.shapeText());
  for (auto [i, axis] : llvm::enumerate(axes.getAxes())) {
    if (bits && i + 1 == axes.getAxes().size())
      continue; // words, of which several sizes have the same number
    if (sizes[axis] == Sizes::kUnknown)
      sizes[axis] = tensor.shape[i];
    else if (sizes[axis] != tensor.shape[i])
      return fail("expected " + what + " to have " + llvm::Twine(sizes[axis]) + " elements along " +
                  stringifyAxis(axis) + ", got " + tensor.shapeText() + " over " + axes.str());
  }
  return llvm::Error::success();
}

llvm::Error mho::reference::checkWords(const Sizes &sizes, const Tensor &tensor, AxesAttr axes, llvm::StringRef what) {
  Axis axis = axes.getAxes().back();
  int64_t words = packedWords(sizes[axis]);
  if (tensor.shape.back() == words)
    return llvm::Error::success();
  return fail("expected " + what + " to have " + llvm::Twine(words) + " words for " + llvm::Twine(sizes[axis]) +
              " bits along " + stringifyAxis(axis) + ", got " + tensor.shapeText() + " over " + axes.str());
}

llvm::Expected<Key> mho::reference::readKey(const Tensor &tensor) {
  if (!tensor.isInteger || tensor.size() != 2)
    return fail("expected a key of two integers (seed, step), got " + tensor.shapeText());
  int64_t step = tensor.words[1];
  if (step < 0 || step > int64_t(UINT32_MAX))
    return fail("expected a key's step to be from 0 to 2^32 - 1, got " + llvm::Twine(step));
  return Key{uint64_t(tensor.words[0]), uint32_t(step)};
}

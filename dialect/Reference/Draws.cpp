// Noise of one element, by the one definition of generator, grouping and maps (dialect/Numerics/Philox.h).
#include "dialect/Numerics/Philox.h"
#include "dialect/Reference/Elements.h"

using namespace mho::reference;
using namespace mho::analog;

static mho::DrawAddress addressOf(const Key &key, int64_t stream, const Element &e) {
  return {e.row, e.column, stream, e.tile, key.step, key.seed};
}

double mho::reference::drawNormal(const Key &key, int64_t stream, GaussianMap map, const Element &e) {
  DrawAddress address = addressOf(key, stream, e);
  return map == GaussianMap::Word ? drawWordNormal(address) : mho::drawNormal(address);
}

double mho::reference::drawUniform(const Key &key, int64_t stream, const Element &e) {
  return mho::drawUniform(addressOf(key, stream, e));
}

llvm::Error mho::reference::checkDraws(int64_t rows, int64_t columns, int64_t tiles, bool words) {
  DrawAddress last{rows - 1, columns - 1, 0, tiles - 1, 0, 0};
  for (int64_t *index : {&last.row, &last.column, &last.tile})
    *index = std::max<int64_t>(0, *index);
  std::string error = words ? wordAddressError(last) : normalAddressError(last);
  return error.empty() ? llvm::Error::success() : fail(error);
}

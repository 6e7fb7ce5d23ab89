#include "dialect/Reference/Reduce.h"
#include "dialect/Numerics/Reduction.h"

using namespace mho::reference;
using namespace mho::analog;

static constexpr int64_t kBlock = mho::kReductionBlock, kLanes = mho::kReductionLanes;

std::vector<Patch> mho::reference::patchesOfColumns(const Tiles &tiles, int64_t rows) {
  std::vector<Patch> patches;
  for (int64_t t = 0; t < tiles.count(); ++t)
    patches.emplace_back(t, 0, rows, tiles.begin(t), tiles.end(t));
  return patches;
}

/// Rows [begin, end) of a patch, all of its columns.
static double sumOfRows(Patch &patch, int64_t begin, int64_t end, const Arithmetic &a) {
  double total = 0;
  for (int64_t block = patch.columnBegin; block < patch.columnEnd; block += kBlock) {
    double lanes[kLanes] = {};
    for (int64_t row = begin; row < end; ++row)
      for (int64_t column = block; column < std::min(block + kBlock, patch.columnEnd); ++column) {
        double &lane = lanes[(column - block) % kLanes];
        lane = a.add(lane, patch.at(row, column));
      }
    for (int64_t half = kLanes / 2; half >= 1; half /= 2)
      for (int64_t lane = 0; lane < half; ++lane)
        lanes[lane] = a.add(lanes[lane], lanes[lane + half]);
    total = a.add(total, lanes[0]);
  }
  return total;
}

/// Rows [begin, end) of one column of a patch.
static double sumOfColumn(Patch &patch, int64_t begin, int64_t end, int64_t column, const Arithmetic &a) {
  double total = 0;
  for (int64_t row = begin; row < end; ++row)
    total = a.add(total, patch.at(row, column));
  return total;
}

/// All rows of a patch by blocks in ascending order.
template <class SumOfBlock> static double sumOfBlocks(const Patch &patch, const Arithmetic &a, SumOfBlock sum) {
  double total = 0;
  for (int64_t block = patch.rowBegin; block < patch.rowEnd; block += kBlock)
    total = a.add(total, sum(block, std::min(block + kBlock, patch.rowEnd)));
  return total;
}

Tensor mho::reference::reduce(std::vector<Patch> &patches, AxesAttr over, Axis rowAxis, Axis columnAxis,
                              const Sizes &sizes, const Arithmetic &a) {
  llvm::SmallVector<int64_t> shape;
  for (Axis axis : over.getAxes())
    shape.push_back(sizes[axis]);
  Tensor result = Tensor::zeros(shape);
  bool keepRow = over.contains(rowAxis), keepColumn = over.contains(columnAxis);
  for (Patch &patch : patches) {
    if (patch.values.empty())
      continue; // a sum of nothing is 0
    for (int64_t row = patch.rowBegin; row < (keepRow ? patch.rowEnd : patch.rowBegin + 1); ++row)
      for (int64_t column = patch.columnBegin; column < (keepColumn ? patch.columnEnd : patch.columnBegin + 1);
           ++column) {
        double sum = 0;
        if (keepRow)
          sum = keepColumn ? patch.at(row, column) : sumOfRows(patch, row, row + 1, a);
        else if (keepColumn)
          sum = sumOfBlocks(patch, a, [&](int64_t r0, int64_t r1) { return sumOfColumn(patch, r0, r1, column, a); });
        else
          sum = sumOfBlocks(patch, a, [&](int64_t r0, int64_t r1) { return sumOfRows(patch, r0, r1, a); });
        Element e;
        e[Axis::T] = patch.tile;
        e[rowAxis] = row;
        e[columnAxis] = column;
        llvm::SmallVector<int64_t> at;
        for (Axis axis : over.getAxes())
          at.push_back(e[axis]);
        double &into = result.at(at);
        into = a.add(into, sum);
      }
  }
  return result;
}

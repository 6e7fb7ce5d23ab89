#include "dialect/Reference/Tensor.h"

#include "llvm/ADT/StringExtras.h"

#include <cassert>

using namespace mho::reference;

static int64_t sizeOf(llvm::ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return size;
}

Tensor Tensor::zeros(llvm::ArrayRef<int64_t> shape) { return of(shape, std::vector<double>(sizeOf(shape), 0)); }

Tensor Tensor::of(llvm::ArrayRef<int64_t> shape, std::vector<double> values) {
  assert(sizeOf(shape) == int64_t(values.size()) && "values must fill the shape");
  Tensor result;
  result.shape.assign(shape.begin(), shape.end());
  result.reals = std::move(values);
  return result;
}

Tensor Tensor::integers(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> values) {
  assert(sizeOf(shape) == int64_t(values.size()) && "values must fill the shape");
  Tensor result;
  result.shape.assign(shape.begin(), shape.end());
  result.isInteger = true;
  result.words = std::move(values);
  return result;
}

int64_t Tensor::size() const { return sizeOf(shape); }

int64_t Tensor::offset(llvm::ArrayRef<int64_t> index) const {
  assert(index.size() == shape.size() && "one index per dimension");
  int64_t position = 0;
  for (size_t i = 0; i < index.size(); ++i) {
    assert(index[i] >= 0 && index[i] < shape[i] && "index within the shape");
    position = position * shape[i] + index[i];
  }
  return position;
}

std::string Tensor::shapeText() const {
  return shape.empty() ? "scalar"
                       : llvm::join(llvm::map_range(shape, [](int64_t v) { return std::to_string(v); }), "x");
}

bool Tensor::fits(mlir::Type type) const {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  mlir::Type element = tensor ? tensor.getElementType() : type;
  if (!element.isIntOrIndexOrFloat() || element.isIntOrIndex() != isInteger)
    return false;
  if (!tensor)
    return shape.empty();
  if (tensor.getRank() != rank())
    return false;
  for (auto [known, actual] : llvm::zip(tensor.getShape(), shape))
    if (!mlir::ShapedType::isDynamic(known) && known != actual)
      return false;
  return true;
}

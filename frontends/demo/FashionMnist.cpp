#include "frontends/demo/FashionMnist.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

namespace mho::demo {

namespace {

constexpr int64_t kPixels = 28 * 28, kClasses = 10;
// Mean and standard deviation of the training set's pixels, scaled to 0..1.
constexpr double kMean = 0.2860, kDeviation = 0.3530;

struct GzClose {
  void operator()(gzFile file) const { gzclose(file); }
};

[[noreturn]] void fail(const std::string &path, const std::string &what) {
  throw std::runtime_error("'" + path + "' " + what +
                           "; Fashion-MNIST comes with Debian's package dataset-fashion-mnist "
                           "(sudo apt-get install dataset-fashion-mnist), or name its folder with --data");
}

void readExactly(gzFile file, const std::string &path, void *into, int64_t bytes) {
  if (gzread(file, into, static_cast<unsigned>(bytes)) != bytes)
    fail(path, "ends early or is damaged");
}

uint32_t readBigEndian(gzFile file, const std::string &path) {
  uint8_t b[4];
  readExactly(file, path, b, 4);
  return uint32_t(b[0]) << 24 | uint32_t(b[1]) << 16 | uint32_t(b[2]) << 8 | b[3];
}

/// An idx file of bytes: magic 0x0800 + rank, the sizes, the data; all rows of `rowBytes` bytes.
torch::Tensor readIdx(const std::string &path, int rank, int64_t rowBytes) {
  std::unique_ptr<gzFile_s, GzClose> file(gzopen(path.c_str(), "rb"));
  if (!file)
    fail(path, "cannot be opened");
  if (readBigEndian(file.get(), path) != 0x0800u + rank)
    fail(path, "is not an idx file of " + std::to_string(rank) + " dimensions");
  const int64_t rows = readBigEndian(file.get(), path);
  int64_t perRow = 1;
  for (int i = 1; i < rank; ++i)
    perRow *= readBigEndian(file.get(), path);
  if (perRow != rowBytes || rows < 1 || rows > 1000000)
    fail(path, "holds " + std::to_string(rows) + " x " + std::to_string(perRow) + " bytes, expected rows of " +
                   std::to_string(rowBytes));
  torch::Tensor bytes = torch::empty({rows, rowBytes}, torch::kUInt8);
  readExactly(file.get(), path, bytes.data_ptr(), rows * rowBytes);
  return bytes;
}

} // namespace

Dataset Dataset::first(int64_t n) const {
  n = std::min(n, size());
  return {images.narrow(0, 0, n), labels.narrow(0, 0, n)};
}

Dataset loadFashionMnist(const std::string &directory, Split split) {
  const std::string stem = directory + (split == Split::Train ? "/train-" : "/t10k-");
  torch::Tensor images = readIdx(stem + "images-idx3-ubyte.gz", 3, kPixels);
  torch::Tensor labels = readIdx(stem + "labels-idx1-ubyte.gz", 1, 1).reshape({-1}).to(torch::kInt64);
  if (images.size(0) != labels.size(0))
    fail(stem + "labels-idx1-ubyte.gz",
         "has " + std::to_string(labels.size(0)) + " labels for " + std::to_string(images.size(0)) + " images");
  if (const int64_t largest = labels.max().item<int64_t>(); largest >= kClasses)
    fail(stem + "labels-idx1-ubyte.gz",
         "has a label " + std::to_string(largest) + ", expected 0 to " + std::to_string(kClasses - 1));
  return {images.to(torch::kFloat32).div_(255).sub_(kMean).div_(kDeviation), labels};
}

} // namespace mho::demo

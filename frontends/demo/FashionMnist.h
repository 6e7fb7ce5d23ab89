// Fashion-MNIST in memory: gzip'ed idx files, as Debian's dataset-fashion-mnist installs them, read into two tensors
// per split.
//
//   Dataset train = loadFashionMnist("/usr/share/datasets/fashion-mnist", Split::Train);
//   train.images   // float [60000, 784], normalised to mean 0 and standard deviation 1 over the training set
//   train.labels   // int64 [60000], 0..9
#pragma once

#include <torch/types.h>

#include <string>

namespace mho::demo {

enum class Split { Train, Test };

struct Dataset {
  torch::Tensor images; ///< float [N, 784]
  torch::Tensor labels; ///< int64 [N]

  int64_t size() const { return labels.size(0); }
  /// The first n samples (all of them if there are fewer).
  Dataset first(int64_t n) const;
};

/// Throws std::runtime_error if a file is missing (naming the Debian package), truncated, not an idx file of that
/// shape, or holds a label above 9.
Dataset loadFashionMnist(const std::string &directory, Split split);

} // namespace mho::demo

#include "frontends/torch/optim/Analog.h"

#include <unordered_set>

namespace mho::optim {

std::vector<torch::Tensor> distinctParameters(const torch::nn::Module &module) {
  std::vector<torch::Tensor> distinct;
  std::unordered_set<const c10::TensorImpl *> seen;
  for (const torch::Tensor &parameter : module.parameters())
    if (seen.insert(parameter.unsafeGetTensorImpl()).second)
      distinct.push_back(parameter);
  return distinct;
}

} // namespace mho::optim

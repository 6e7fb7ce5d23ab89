// Any torch::optim optimizer, with what analog layers need after each step.
//
//   mho::optim::Analog<torch::optim::AdamW> optimizer(*network, torch::optim::AdamWOptions(1e-3));
//   torch::optim::StepLR schedule(optimizer, 1);     // it is an AdamW: schedulers, closures, save and load work
#pragma once

#include "frontends/torch/optim/Clip.h"

#include <torch/optim/optimizer.h>

#include <utility>
#include <vector>

namespace mho::optim {

/// The parameters of a module, each once: a layer with two paths, or a weight that two layers share, is one to train.
std::vector<torch::Tensor> distinctParameters(const torch::nn::Module &module);

/// `Base` with afterStep() for the layers of a module after each step(). Convert the module first: learned ranges are
/// parameters, and layers that become analog later are not seen.
template <class Base> class Analog : public Base {
public:
  /// Optimises all parameters of the module. `arguments`: what Base takes after the parameters.
  template <class... Arguments>
  explicit Analog(torch::nn::Module &module, Arguments &&...arguments)
      : Base(distinctParameters(module), std::forward<Arguments>(arguments)...), layers(nn::analogLayers(module)) {}
  /// Parameter groups of one's own; the layers of `module` are clipped.
  template <class... Arguments>
  Analog(std::vector<torch::optim::OptimizerParamGroup> groups, torch::nn::Module &module, Arguments &&...arguments)
      : Base(std::move(groups), std::forward<Arguments>(arguments)...), layers(nn::analogLayers(module)) {}

  torch::Tensor step(torch::optim::Optimizer::LossClosure closure = nullptr) override {
    torch::Tensor loss = Base::step(std::move(closure));
    afterStep(layers);
    return loss;
  }

private:
  nn::AnalogLayers layers;
};

} // namespace mho::optim

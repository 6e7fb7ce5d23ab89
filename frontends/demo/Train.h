// Training and testing a classifier; nothing here knows whether its layers are digital or analog.
#pragma once

#include "frontends/demo/FashionMnist.h"

#include <torch/nn/modules/container/sequential.h>
#include <torch/optim/optimizer.h>

#include <string>

namespace mho::demo {

/// Cross entropy in mini-batches of 256 for `epochs` epochs, each in an order drawn anew from torch's generator; the
/// learning rate falls by a fifth after each epoch. Reports progress under `title`. Throws std::runtime_error if the
/// loss is not finite.
void train(torch::nn::Sequential &network, torch::optim::Optimizer &optimizer, const Dataset &data, int64_t epochs,
           const std::string &title);

/// Share of samples classified rightly, in percent. The network is put into eval mode and sees all samples as one
/// batch, so that weight noise, drawn once for each call of a layer, is the same for all: one call is one chip.
double accuracy(torch::nn::Sequential &network, const Dataset &data);

} // namespace mho::demo

// A layer with two effects of one's own: the noise of ReRAM cells, and a clip of the inputs that learns its bounds.
// Its argument is the folder of the effects' texts.
#include "frontends/torch/Torch.h"

#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <iostream>

using mho::nn::Effect;

int main(int argc, char **argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  torch::manual_seed(1);

  Effect noise = Effect::fromFile(folder + "/reram_noise.mlir")
                     .bind("a", Effect::largestWeight()) // of each output and tile
                     .strength("s", 2);                  // in place of the text's 1
  Effect clip = Effect::fromFile(folder + "/learned_clip.mlir")
                    .bind("bound", 2.5); // a parameter of the layer, since the text calls it learnable

  mho::nn::AnalogConfig config;
  config.tileRows = 64;
  mho::nn::AnalogLinear layer(mho::nn::AnalogLinearOptions(70, 33).config(config).effect(noise).effect(clip));
  mho::optim::Analog<torch::optim::SGD> optimizer(*layer, torch::optim::SGDOptions(0.1));

  torch::Tensor x = 3 * torch::randn({16, 70});
  layer(x).square().mean().backward();
  optimizer.step();
  torch::Tensor bound = layer->named_parameters()["learned_clip_bound"]; // [2]: one for each tile

  layer->setStrength("reram_noise", "s", 3); // compiles nothing
  layer->eval();                             // noise belongs to training; the clip stays
  layer(x);

  // Faults of one chip stay from forward to forward.
  Effect stuck =
      Effect::fromFile(folder + "/stuck_cells.mlir", "stuck_cells").bind("a", Effect::largestWeight()).heldKey();

  Effect vote = Effect::fromFile(folder + "/stuck_cells.mlir", "vote");
  mho::nn::AnalogConfig chip;
  chip.tileRows = 64;
  mho::nn::AnalogLinear faulty(mho::nn::AnalogLinearOptions(70, 33).config(chip).effect(stuck).effect(vote));
  faulty->eval();
  if (!torch::equal(faulty(x), faulty(x)))
    return 1;

  std::cout << layer << "\nlargest change of a bound: " << (bound - 2.5).abs().max().item<float>() << "\n";
}

// AnalogLinear as a module: digital until converted, modes, configs, printing.
#include "frontends/torch/ops/Bridge.h"
#include "tests/frontends/noisy_layer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <torch/autograd.h>
#include <torch/nn/functional/linear.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <cmath>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

TEST(AnalogLinear, IsDigitalUntilItIsTurned) {
  torch::manual_seed(1);
  AnalogLinear layer(40, 21);
  torch::manual_seed(1);
  torch::nn::Linear linear(40, 21);
  Tensor x = torch::randn({5, 40});
  EXPECT_TRUE(torch::equal(layer(x), linear(x))) << "the same initialisation and function";
  EXPECT_FALSE(layer->isAnalog());
  EXPECT_THROW(layer->config(), c10::Error);
  Tensor weight = layer->weight;
  layer->toAnalog(noisyConfig());
  EXPECT_TRUE(layer->weight.is_same(weight));
  EXPECT_EQ(layer->tiles(), 3);
  EXPECT_FALSE(torch::equal(layer(x), linear(x)));
  EXPECT_THROW(layer->toAnalog(noisyConfig()), c10::Error);
}

TEST(AnalogLinear, NoiseFollowsTheModeAndTheGenerator) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40});
  layer->eval();
  EXPECT_TRUE(torch::equal(layer(x), layer(x))) << "no noise in evaluation";
  layer->train();
  EXPECT_FALSE(torch::equal(layer(x), layer(x)));
  torch::manual_seed(3);
  Tensor first = layer(x);
  torch::manual_seed(3);
  EXPECT_TRUE(torch::equal(layer(x), first));
  Tensor key = torch::tensor({int64_t(5), int64_t(0)});
  EXPECT_TRUE(torch::equal(layer->forwardWithKey(x, key), layer->forwardWithKey(x, key)));
}

TEST(AnalogLinear, RecomputingAForwardDrawsTheSameNoise) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40}, torch::requires_grad());
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  Tensor state = generator.get_state();
  Tensor first = layer(x), second = layer(x);
  auto gradients = torch::autograd::grad({first.square().sum()}, {x, layer->weight, layer->input_range});
  // What checkpointing does in backward: the generator is set back, the forward pass runs once more.
  generator.set_state(state);
  Tensor again = layer(x);
  EXPECT_TRUE(torch::equal(again, first));
  EXPECT_FALSE(torch::equal(again, second));
  auto recomputed = torch::autograd::grad({again.square().sum()}, {x, layer->weight, layer->input_range});
  for (size_t i = 0; i < gradients.size(); ++i)
    EXPECT_TRUE(torch::equal(recomputed[i], gradients[i])) << i;
}

TEST(AnalogLinear, RunsWithoutGradientsAndDeterministically) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40}), key = torch::tensor({int64_t(5), int64_t(0)});
  Tensor expected = layer->forwardWithKey(x, key);
  EXPECT_TRUE(expected.requires_grad());
  {
    torch::NoGradGuard guard;
    Tensor y = layer->forwardWithKey(x, key);
    EXPECT_FALSE(y.requires_grad());
    EXPECT_TRUE(torch::equal(y, expected));
  }
  {
    c10::InferenceMode guard;
    Tensor y = layer->forwardWithKey(x, key);
    EXPECT_TRUE(y.is_inference());
    EXPECT_TRUE(torch::equal(y, expected));
  }
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  Tensor y = layer->forwardWithKey(x, key);
  y.sum().backward();
  at::globalContext().setDeterministicAlgorithms(false, false);
  EXPECT_TRUE(torch::equal(y, expected));
  EXPECT_TRUE(layer->weight.grad().defined());
}

TEST(AnalogLinear, AForwardWritesNoParameter) {
  AnalogLinear layer = noisyLayer();
  std::vector<Tensor> before;
  for (const Tensor &p : layer->parameters())
    before.push_back(p.detach().clone());
  layer(torch::randn({5, 40})).sum().backward();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(torch::equal(before[i], layer->parameters()[i]));
}

/// The message that setConfig() refuses a config with.
std::string refusal(AnalogLinear &layer, const AnalogConfig &config) {
  return errorOf([&] { layer->setConfig(config); });
}

TEST(AnalogLinear, SetConfigActsAtOnce) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40});
  layer(x);
  layer->commitRanges();
  layer(x);
  layer->commitRanges(); // the estimation is over: the range stays
  EXPECT_FALSE(torch::equal(layer(x), layer(x)));
  AnalogConfig config = noisyConfig();
  config.weightNoise = config.outputNoise = 0;
  layer->setConfig(config);
  EXPECT_TRUE(torch::equal(layer(x), layer(x))) << "no noise is left";
  Tensor training = layer(x);
  layer->eval();
  EXPECT_TRUE(torch::equal(layer(x), training));
  config.adcBits = 3;
  layer->setConfig(config);
  EXPECT_FALSE(torch::equal(layer(x), training));
}

TEST(AnalogLinear, SetConfigKeepsTheShape) {
  AnalogLinear layer = noisyLayer();
  AnalogConfig rows = noisyConfig(), kind = noisyConfig(), bounds = noisyConfig(), impossible = noisyConfig();
  rows.tileRows = 8;
  EXPECT_THAT(refusal(layer, rows), HasSubstr("keeps the number of tiles (3, asked for 5)"));
  kind.inputRange = InputRange::Fixed;
  EXPECT_THAT(refusal(layer, kind), HasSubstr("keeps the kind of input range"));
  bounds.tiling = Tiling::Fixed; // tiles of 16, 16 and 8 inputs
  EXPECT_THAT(refusal(layer, bounds), HasSubstr("(tile 1 begins at input 14, asked for 16)"));
  impossible.weightNoise = -1;
  EXPECT_THROW(layer->setConfig(impossible), std::invalid_argument);
  EXPECT_EQ(layer->config(), noisyConfig()) << "a refused config changes nothing";
}

TEST(AnalogLinear, PerfectAndBack) {
  AnalogLinear layer = noisyLayer();
  AnalogConfig config = noisyConfig();
  config.perfect = true;
  layer->setConfig(config);
  EXPECT_EQ(layer->tiles(), 3) << "the range keeps its shape";
  Tensor x = torch::randn({3, 40});
  EXPECT_TRUE(torch::allclose(layer(x), torch::nn::functional::linear(x, layer->weight, layer->bias), 1e-5, 1e-5));
  layer->setConfig(noisyConfig());
  EXPECT_FALSE(torch::equal(layer(x), layer(x)));
}

TEST(AnalogLinear, PrintsWhatIsNotUsual) {
  std::ostringstream digital, usual, analog;
  digital << AnalogLinear(3, 2);
  usual << AnalogLinear(AnalogLinearOptions(3, 2).config(AnalogConfig()));
  analog << noisyLayer();
  EXPECT_EQ(digital.str(), "mho::nn::AnalogLinear(in_features=3, out_features=2, bias=true, digital)");
  EXPECT_EQ(usual.str(), "mho::nn::AnalogLinear(in_features=3, out_features=2, bias=true, tiles=1)");
  EXPECT_EQ(analog.str(), "mho::nn::AnalogLinear(in_features=40, out_features=21, bias=true, tiles=3, tile_rows=16, "
                          "input_range=learned, input_bits=8, input_range_from_data=2, weight_noise=0.1, "
                          "output_noise=0.04, adc_bits=8)");
}

TEST(AnalogLinear, TheDefaultTypeDoesNotMatter) {
  AnalogLinear layer = noisyLayer();
  layer->eval();
  Tensor x = torch::randn({3, 40}), expected = layer(x);
  torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
  layer->setConfig(noisyConfig());
  torch::set_default_dtype(caffe2::TypeMeta::Make<float>());
  EXPECT_TRUE(torch::equal(layer(x), expected));
}

TEST(AnalogLinear, NanReachesTheOutput) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40});
  x[2][20] = NAN;
  x.requires_grad_();
  Tensor y = layer(x);
  EXPECT_TRUE(y[2].isnan().all().item<bool>());
  EXPECT_EQ(y.isnan().sum().item<int64_t>(), 21) << "of no other row";
  Tensor grad = torch::ones_like(y);
  grad[4][0] = NAN;
  y.backward(grad);
  EXPECT_TRUE(x.grad()[4].isnan().any().item<bool>());
}

TEST(Threads, TheOpsRunOnTorchsThreads) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  ops::torchThreads()(64, 1, [&](int64_t, int64_t) {
    std::lock_guard<std::mutex> lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  at::set_num_threads(before);
  EXPECT_EQ(threads.size(), 2u) << "at::parallel_for is serial in a file that is compiled without OpenMP";
}

TEST(AnalogLinear, PerfectEqualsLinearToRounding) {
  AnalogConfig config = noisyConfig();
  config.perfect = true;
  AnalogLinear layer(AnalogLinearOptions(40, 21).config(config));
  Tensor x = torch::randn({3, 5, 40});
  EXPECT_TRUE(torch::allclose(layer(x), torch::nn::functional::linear(x, layer->weight, layer->bias), 1e-5, 1e-5));
}

} // namespace
} // namespace mho::nn

// AnalogLinear as a module: digital until converted, modes, ranges, saving and loading.
#include "frontends/torch/Torch.h"

#include <gmock/gmock.h>
#include <torch/nn/functional/linear.h>
#include <torch/nn/modules/linear.h>
#include <torch/serialize.h>
#include <torch/utils.h>

#include <sstream>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

AnalogConfig noisyConfig() {
  AnalogConfig config;
  config.tileRows = 16;
  config.inputRange = InputRange::Learned;
  config.inputBits = config.adcBits = 8;
  config.weightNoise = 0.1;
  config.outputNoise = 0.04;
  config.inputRangeFromData = 2;
  return config;
}

AnalogLinear noisyLayer() { return AnalogLinear(AnalogLinearOptions(40, 21).config(noisyConfig())); }

std::string saved(const AnalogLinear &layer) {
  std::ostringstream stream;
  torch::save(layer, stream);
  return stream.str();
}

template <class Holder> void loadFrom(Holder &layer, const std::string &bytes) {
  std::istringstream stream(bytes);
  torch::load(layer, stream);
}

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

TEST(AnalogLinear, AForwardWritesNoParameter) {
  AnalogLinear layer = noisyLayer();
  std::vector<Tensor> before;
  for (const Tensor &p : layer->parameters())
    before.push_back(p.detach().clone());
  layer(torch::randn({5, 40})).sum().backward();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(torch::equal(before[i], layer->parameters()[i]));
}

TEST(AnalogLinear, RangesComeFromDataAndAreCommitted) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({64, 40}), wider = 3 * x;
  auto deviations = [&](const Tensor &t) {
    return torch::stack({t.narrow(1, 0, 14).std(), t.narrow(1, 14, 13).std(), t.narrow(1, 27, 13).std()});
  };
  layer(x);
  layer(x); // a recomputed forward changes nothing
  EXPECT_TRUE(torch::equal(layer->input_range, torch::full({3}, 3.0f))) << "not before the step";
  layer->commitRanges();
  EXPECT_TRUE(torch::allclose(layer->input_range, 3 * deviations(x)));
  layer->commitRanges(); // nothing new
  layer(wider);
  layer->commitRanges();
  Tensor mean = (3 * deviations(x) + 3 * deviations(wider)) / 2;
  EXPECT_TRUE(torch::allclose(layer->input_range, mean));
  layer(100 * x);
  layer->commitRanges();
  EXPECT_TRUE(torch::allclose(layer->input_range, mean))
      << "after two batches the parameter is learned by its gradient";
}

TEST(AnalogLinear, ATileWithoutDataKeepsItsRange) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({8, 40});
  x.narrow(1, 14, 13).zero_();
  layer(x).sum().backward();
  EXPECT_TRUE(layer->input_range.grad().defined()) << "zero, not undefined";
  layer->commitRanges();
  EXPECT_EQ(layer->input_range[1].item<float>(), 3);
  EXPECT_NE(layer->input_range[0].item<float>(), 3);
}

TEST(AnalogLinear, SavesAndLoads) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40});
  layer(x);
  layer->commitRanges();
  layer(x);                  // an estimate that waits for its step
  AnalogLinear copy(40, 21); // digital: the archive brings the config
  loadFrom(copy, saved(layer));
  EXPECT_TRUE(copy->missingKeys().empty());
  EXPECT_EQ(copy->config(), layer->config());
  for (AnalogLinear *l : {&layer, &copy}) {
    torch::manual_seed(9);
    (*l)(x);
    (*l)->commitRanges();
  }
  EXPECT_TRUE(torch::equal(copy->input_range, layer->input_range)) << "the estimate goes on where it was";
  layer->eval(), copy->eval();
  EXPECT_TRUE(torch::equal(copy(x), layer(x)));
}

TEST(AnalogLinear, LoadsAPlainLinear) {
  torch::nn::Linear linear(40, 21);
  std::ostringstream stream;
  torch::save(linear, stream);
  AnalogLinear layer = noisyLayer();
  loadFrom(layer, stream.str());
  EXPECT_TRUE(torch::equal(layer->weight, linear->weight));
  EXPECT_THAT(layer->missingKeys(), testing::ElementsAre("analog_config", "input_range", "range_estimate",
                                                         "range_samples", "next_range_estimate", "next_range_samples"));
  AnalogLinear narrow(AnalogLinearOptions(39, 21).config(noisyConfig()));
  EXPECT_THROW(loadFrom(narrow, stream.str()), c10::Error);
}

TEST(AnalogLinear, Clones) {
  AnalogLinear layer = noisyLayer();
  auto copy = std::dynamic_pointer_cast<AnalogLinearImpl>(layer->clone());
  EXPECT_FALSE(copy->weight.is_same(layer->weight));
  layer->eval(), copy->eval();
  Tensor x = torch::randn({5, 40});
  EXPECT_TRUE(torch::equal(copy->forward(x), layer(x)));
}

TEST(AnalogLinear, StatsPerTile) {
  AnalogConfig config = noisyConfig();
  config.inputRange = InputRange::Fixed;
  config.weightNoise = config.outputNoise = 0;
  config.outputBound = 0.5;
  AnalogLinear layer(AnalogLinearOptions(40, 21).config(config));
  Tensor x = torch::zeros({10, 40});
  x.narrow(1, 0, 7) = 4;                                               // half of the first tile beyond the range of 3
  x.narrow(1, 14, 13) = 3 * layer->weight.narrow(1, 14, 13)[0].sign(); // drives output 0 of the second tile
  AnalogStats stats = layer->stats(x);
  EXPECT_TRUE(torch::equal(stats.clippedInputs, torch::tensor({0.5f, 0.0f, 0.0f})));
  EXPECT_GE(stats.saturatedAdcs[1].item<float>(), 1.0f / 21) << "13 devices at full input, bound half of one";
  EXPECT_EQ(stats.saturatedAdcs[2].item<float>(), 0) << "no input, no output";
}

TEST(AnalogLinear, SetConfigKeepsTheShape) {
  AnalogLinear layer = noisyLayer();
  AnalogConfig config = noisyConfig();
  config.weightNoise = 0;
  layer->setConfig(config);
  config.tileRows = 8;
  EXPECT_THROW(layer->setConfig(config), c10::Error);
  config = noisyConfig();
  config.weightNoise = -1;
  EXPECT_THROW(layer->setConfig(config), std::invalid_argument);
}

TEST(AnalogLinear, PrintsItsStructure) {
  std::ostringstream digital, analog;
  digital << AnalogLinear(3, 2);
  analog << noisyLayer();
  EXPECT_EQ(digital.str(), "mho::nn::AnalogLinear(in_features=3, out_features=2, bias=true, digital)");
  EXPECT_THAT(analog.str(), HasSubstr("tiles=3, tile=balanced:16 range=given"));
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

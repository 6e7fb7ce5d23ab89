// AnalogLinear's state: saving, loading, cloning, moving.
#include "tests/frontends/noisy_layer.h"

#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

/// Two layers have equal parameters, buffers and config.
void expectEqual(AnalogLinearImpl &a, AnalogLinearImpl &b) {
  EXPECT_EQ(a.config(), b.config());
  EXPECT_EQ(a.named_parameters().keys(), b.named_parameters().keys());
  EXPECT_EQ(a.named_buffers().keys(), b.named_buffers().keys());
  for (const auto &item : a.named_parameters())
    EXPECT_TRUE(torch::equal(item.value(), b.named_parameters()[item.key()])) << item.key();
  for (const auto &item : a.named_buffers())
    EXPECT_TRUE(torch::equal(item.value(), b.named_buffers()[item.key()])) << item.key();
}

TEST(State, SavesAndLoads) {
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

TEST(State, LoadsAPlainLinear) {
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

TEST(State, Clones) {
  AnalogLinear layer = noisyLayer();
  auto copy = std::dynamic_pointer_cast<AnalogLinearImpl>(layer->clone());
  EXPECT_FALSE(copy->weight.is_same(layer->weight));
  layer->eval(), copy->eval();
  Tensor x = torch::randn({5, 40});
  EXPECT_TRUE(torch::equal(copy->forward(x), layer(x)));
}

TEST(State, AnEstimateThatWaitsIsSaved) {
  AnalogLinear layer = noisyLayer(), copy(40, 21);
  layer(torch::randn({5, 40})); // a checkpoint between backward and step
  loadFrom(copy, saved(layer));
  layer->commitRanges();
  copy->commitRanges();
  expectEqual(*layer, *copy);
  EXPECT_FALSE(torch::equal(copy->input_range, torch::full({3}, 3.0f)));
  AnalogLinear settled = noisyLayer();
  settled(torch::randn({5, 40}));
  loadFrom(settled, saved(layer));
  settled->commitRanges(); // what the archive's layer has committed, and not what waited here
  expectEqual(*layer, *settled);
}

TEST(State, AFailedLoadChangesNothing) {
  AnalogConfig other = noisyConfig(), wide = noisyConfig();
  other.inputRange = InputRange::Fixed;
  wide.tileRows = 20;
  AnalogLinear narrow(AnalogLinearOptions(39, 21).config(noisyConfig()));
  AnalogLinear fixed(AnalogLinearOptions(40, 21).config(other)), twoTiles(AnalogLinearOptions(40, 21).config(wide));
  AnalogLinear fewer(AnalogLinearOptions(40, 20).config(noisyConfig()));
  // Its config and weight fit, its missing bias does not.
  AnalogConfig coarse = noisyConfig();
  coarse.adcBits = 4;
  AnalogLinear unbiased(AnalogLinearOptions(40, 21).bias(false).config(coarse));
  for (AnalogLinear *source : {&narrow, &fixed, &twoTiles, &fewer, &unbiased}) {
    AnalogLinear layer = noisyLayer(), digital(40, 21);
    layer(torch::randn({5, 40}));
    auto before = std::dynamic_pointer_cast<AnalogLinearImpl>(layer->clone());
    EXPECT_THROW(loadFrom(layer, saved(*source)), c10::Error);
    expectEqual(*layer, *before);
    layer->commitRanges(), before->commitRanges();
    expectEqual(*layer, *before);
    if (source != &fixed && source != &twoTiles) { // a digital layer takes these
      EXPECT_THROW(loadFrom(digital, saved(*source)), c10::Error);
      EXPECT_FALSE(digital->isAnalog());
    }
  }
}

/// A layer in a container and one beside it.
struct NetworkImpl : torch::nn::Module {
  explicit NetworkImpl(const std::optional<AnalogConfig> &config) {
    body = register_module("body", torch::nn::Sequential(AnalogLinear(AnalogLinearOptions(40, 21).config(config))));
    head = register_module("head", AnalogLinear(AnalogLinearOptions(21, 5).config(config)));
  }
  torch::nn::Sequential body{nullptr};
  AnalogLinear head{nullptr};
};
TORCH_MODULE(Network);

TEST(State, ADigitalNetworkLoadsAnAnalogArchive) {
  Network analog(noisyConfig()), digital(std::nullopt);
  analog->head(analog->body->forward(torch::randn({5, 40})));
  for (auto &[path, layer] : analogLayers(*analog))
    layer->commitRanges();
  loadFrom(digital, saved(analog));
  AnalogLayers from = analogLayers(*analog), to = analogLayers(*digital);
  ASSERT_EQ(to.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    expectEqual(*from[i].second, *to[i].second);
}

TEST(State, AClonedLayerGoesOnAlike) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({5, 40});
  layer(x);
  layer->commitRanges();
  layer->input_range.set_data(layer->input_range * 1.5);
  layer(2 * x); // waits for its commit
  auto copy = std::dynamic_pointer_cast<AnalogLinearImpl>(layer->clone());
  for (const auto &item : layer->named_parameters())
    EXPECT_FALSE(item.value().is_same(copy->named_parameters()[item.key()]));
  for (int step = 0; step < 3; ++step) {
    expectEqual(*layer, *copy);
    layer->commitRanges(), copy->commitRanges();
    torch::manual_seed(step);
    Tensor y = layer(x);
    torch::manual_seed(step);
    EXPECT_TRUE(torch::equal(copy->forward(x), y));
  }
}

TEST(State, RangesStayFloat32) {
  AnalogLinear layer = noisyLayer();
  layer(torch::randn({5, 40}));
  layer->commitRanges();
  Tensor range = layer->input_range.clone(), samples = layer->range_samples.clone();
  torch::nn::Sequential network(layer);
  network->to(torch::kBFloat16);
  EXPECT_EQ(layer->weight.scalar_type(), torch::kBFloat16);
  EXPECT_EQ(layer->bias.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::equal(layer->input_range, range)) << "equal() tells types apart";
  EXPECT_TRUE(torch::equal(layer->range_samples, samples));
  network->to(torch::kCPU, torch::kDouble);
  EXPECT_EQ(layer->weight.scalar_type(), torch::kDouble);
  EXPECT_TRUE(torch::equal(layer->input_range, range));
  network->to(torch::kHalf);
  network->to(torch::kCPU);
  EXPECT_EQ(layer->weight.scalar_type(), torch::kHalf);
  for (const Tensor &buffer : layer->buffers())
    EXPECT_EQ(buffer.scalar_type(), torch::kFloat);
}

/// y has the type of autocast, gradients those of the parameters; the estimate is of x as it came.
TEST(State, ALayerTrainsUnderAutocast) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({64, 40});
  at::autocast::set_autocast_enabled(at::kCPU, true);
  Tensor y = layer(x);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  y.sum().backward();
  for (const Tensor &parameter : layer->parameters())
    EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
  layer->commitRanges();
  EXPECT_TRUE(torch::allclose(layer->input_range, 3 * tileDeviations(x)));
}

TEST(State, ANarrowLayerTrains) {
  for (torch::Dtype type : {torch::kBFloat16, torch::kHalf}) {
    AnalogLinear layer = noisyLayer();
    layer->to(type);
    Tensor x = torch::randn({64, 40}).to(type);
    Tensor y = layer(x);
    EXPECT_EQ(y.scalar_type(), type);
    y.sum().backward();
    EXPECT_EQ(layer->weight.grad().scalar_type(), type);
    EXPECT_EQ(layer->bias.grad().scalar_type(), type);
    EXPECT_EQ(layer->input_range.grad().scalar_type(), torch::kFloat);
    layer->commitRanges();
    EXPECT_TRUE(torch::allclose(layer->input_range, 3 * tileDeviations(x.to(torch::kFloat))));
    EXPECT_TRUE(layer->stats(x).saturatedAdcs.defined());
  }
}

} // namespace
} // namespace mho::nn

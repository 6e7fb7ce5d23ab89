// Input ranges: their estimate from data, and how hard a batch drives the converters.
#include "tests/frontends/noisy_layer.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <torch/utils.h>

#include <cmath>

namespace mho::nn {
namespace {

using testing::HasSubstr;
using torch::Tensor;

TEST(InputRanges, RangesComeFromDataAndAreCommitted) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({64, 40}), wider = 3 * x;
  layer(x);
  layer(x); // a recomputed forward changes nothing
  EXPECT_TRUE(torch::equal(layer->input_range, torch::full({3}, 3.0f))) << "not before the step";
  layer->commitRanges();
  EXPECT_TRUE(torch::allclose(layer->input_range, 3 * tileDeviations(x)));
  layer->commitRanges(); // nothing new
  layer(wider);
  layer->commitRanges();
  Tensor mean = (3 * tileDeviations(x) + 3 * tileDeviations(wider)) / 2;
  EXPECT_TRUE(torch::allclose(layer->input_range, mean));
  layer(100 * x);
  layer->commitRanges();
  EXPECT_TRUE(torch::allclose(layer->input_range, mean))
      << "after two batches the parameter is learned by its gradient";
}

TEST(InputRanges, ATileWithoutDataKeepsItsRange) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({8, 40});
  x.narrow(1, 14, 13).zero_();
  layer(x).sum().backward();
  EXPECT_TRUE(layer->input_range.grad().defined()) << "zero, not undefined";
  layer->commitRanges();
  EXPECT_EQ(layer->input_range[1].item<float>(), 3);
  EXPECT_NE(layer->input_range[0].item<float>(), 3);
}

TEST(InputRanges, AnEstimatingForwardUsesTheEstimate) {
  AnalogLinear layer = noisyLayer();
  Tensor x = 10 * torch::randn({64, 40}), key = torch::tensor({int64_t(5), int64_t(0)});
  Tensor y = layer->forwardWithKey(x, key); // with the range of 3, nearly every input would clip
  AnalogLinear committed = noisyLayer();
  committed->weight.set_data(layer->weight);
  committed->bias.set_data(layer->bias);
  AnalogConfig learned = noisyConfig();
  learned.inputRangeFromData = 0;
  committed->setConfig(learned);
  Tensor other = committed->forwardWithKey(x, key);
  EXPECT_FALSE(torch::equal(y, other));
  committed->input_range.set_data(3 * tileDeviations(x));
  EXPECT_TRUE(torch::equal(y, committed->forwardWithKey(x, key)));
}

TEST(InputRanges, TheLastForwardBeforeAStepCounts) {
  AnalogLinear layer = noisyLayer();
  Tensor first = torch::randn({64, 40}), second = 3 * torch::randn({64, 40});
  layer(first);
  layer(second);
  layer->commitRanges();
  EXPECT_TRUE(torch::allclose(layer->input_range, 3 * tileDeviations(second)));
}

TEST(InputRanges, BuffersStayOutOfTheGraph) {
  AnalogLinear layer = noisyLayer();
  layer(torch::randn({8, 40}).requires_grad_()).sum().backward();
  for (const Tensor &buffer : layer->buffers())
    EXPECT_FALSE(buffer.requires_grad());
}

/// Keeps torch's warnings.
struct WarningLog : c10::WarningHandler {
  void process(const c10::Warning &warning) override { texts.push_back(warning.msg()); }
  std::vector<std::string> texts;
};

/// The warnings of `action`, also those that come once in a process.
template <class Action> std::vector<std::string> warningsOf(Action action) {
  WarningLog log;
  c10::WarningUtils::WarnAlways always;
  c10::WarningUtils::WarningHandlerGuard guard(&log);
  action();
  return log.texts;
}

TEST(InputRanges, WarnsWhereNobodyCommits) {
  AnalogLinear layer = noisyLayer();
  Tensor x = torch::randn({8, 40});
  auto forwards = [&](int count) {
    for (int i = 0; i < count; ++i)
      layer(x);
  };
  EXPECT_THAT(warningsOf([&] { forwards(10); }), testing::IsEmpty());
  EXPECT_THAT(warningsOf([&] { forwards(1); }), testing::ElementsAre(HasSubstr("Use mho::optim::Analog")));
  layer->commitRanges();
  EXPECT_THAT(warningsOf([&] { forwards(10); }), testing::IsEmpty()) << "counted anew";
}

/// Beyond-range shares computed the plain way.
Tensor sharesBeyond(const Tensor &x, const Tensor &range) {
  Tensor wide = torch::cat({range[0].repeat({14}), range[1].repeat({13}), range[2].repeat({13})});
  Tensor beyond = (x.abs() > wide).to(torch::kFloat);
  return torch::stack(
      {beyond.narrow(1, 0, 14).mean(), beyond.narrow(1, 14, 13).mean(), beyond.narrow(1, 27, 13).mean()});
}

TEST(Stats, PerTile) {
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
  EXPECT_EQ(stats.saturatedAdcs[2].item<float>(), 0) << "no input, no output";
}

TEST(Stats, CountsEveryAccumulator) {
  AnalogConfig config;
  config.tileRows = 16;
  config.inputRange = InputRange::Fixed;
  config.inputBits = config.adcBits = 8;
  config.inputRangeInit = 1;
  config.outputBound = 1;
  AnalogLinear layer(AnalogLinearOptions(40, 70).config(config)); // three words of 32 outputs
  // An accumulator is the number of inputs that are 1; the bound of every ADC is one of them.
  layer->weight.set_data(torch::ones({70, 40}));
  Tensor x = torch::zeros({10, 40});
  x.narrow(0, 0, 3).narrow(1, 0, 2) = 1;   // two inputs: beyond the bound
  x.narrow(0, 3, 4).narrow(1, 14, 13) = 1; // thirteen
  x.narrow(0, 0, 9).narrow(1, 27, 1) = 1;  // one: at the bound, not beyond
  EXPECT_TRUE(torch::equal(layer->stats(x).saturatedAdcs, torch::tensor({0.3f, 0.4f, 0.0f})));
  layer->weight.set_data(torch::cat({torch::ones({33, 40}), torch::eye(40).narrow(0, 0, 1).repeat({37, 1})}));
  EXPECT_TRUE(torch::allclose(layer->stats(x).saturatedAdcs, torch::tensor({0.3f * 33 / 70, 0.4f * 33 / 70, 0.0f})))
      << "outputs beyond the first word count too, and 37 of them see one input only";
  EXPECT_TRUE(torch::equal(layer->stats(x.reshape({2, 5, 40})).saturatedAdcs, layer->stats(x).saturatedAdcs));
}

TEST(Stats, OfANoisyLayerInTraining) {
  AnalogConfig config = noisyConfig();
  config.outputBound = 1;
  for (InputRange kind : {InputRange::Fixed, InputRange::Learned, InputRange::Dynamic}) {
    config.inputRange = kind;
    AnalogLinear layer(AnalogLinearOptions(40, 21).config(config));
    Tensor x = torch::randn({50, 40});
    torch::manual_seed(8);
    AnalogStats stats = layer->stats(x);
    EXPECT_TRUE((stats.saturatedAdcs > 0).all().item<bool>());
    torch::manual_seed(8);
    EXPECT_TRUE(torch::equal(stats.saturatedAdcs, layer->stats(x).saturatedAdcs)) << "the generator's noise";
    EXPECT_FALSE(torch::equal(stats.saturatedAdcs, layer->stats(x).saturatedAdcs));
    if (kind == InputRange::Dynamic) {
      EXPECT_TRUE(torch::equal(stats.clippedInputs, torch::zeros({3}))) << "the largest input is the range";
    }
  }
}

TEST(Stats, UsesTheRangesOfAForward) {
  AnalogLinear layer = noisyLayer();
  Tensor x = 10 * torch::randn({50, 40});
  EXPECT_TRUE(torch::allclose(layer->stats(x).clippedInputs, sharesBeyond(x, 3 * tileDeviations(x))));
  EXPECT_TRUE(torch::equal(layer->next_range_samples, torch::zeros({3}))) << "nothing is changed";
  layer->commitRanges();
  EXPECT_TRUE(torch::equal(layer->input_range, torch::full({3}, 3.0f)));
  layer->eval();
  EXPECT_TRUE(torch::allclose(layer->stats(x).clippedInputs, sharesBeyond(x, torch::full({3}, 3.0f))));
}

TEST(Stats, ShapesOfTheInput) {
  AnalogLinear layer = noisyLayer();
  EXPECT_THAT(errorOf([&] { layer->stats(torch::randn({4, 20})); }),
              HasSubstr("expected an input [..., 40], got shape [4, 20]"));
  for (bool training : {true, false}) {
    layer->train(training);
    AnalogStats stats = layer->stats(torch::empty({0, 40}));
    EXPECT_TRUE(torch::equal(stats.clippedInputs, torch::zeros({3})));
    EXPECT_TRUE(torch::equal(stats.saturatedAdcs, torch::zeros({3})));
    EXPECT_EQ(layer->stats(torch::randn({40})).clippedInputs.size(0), 3);
  }
}

} // namespace
} // namespace mho::nn

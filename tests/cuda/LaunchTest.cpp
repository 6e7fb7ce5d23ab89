// Layers on the backend cuda: what they ask of the driver, whose memory they use, what a graph replays. On the fake
// driver; that results are right is the conformance suite's to say.
#include "runtime/Linear.h"
#include "tests/cuda/FakeDriver.h"
#include "tests/cuda/TestGpu.h"

#include <gmock/gmock.h>

namespace mho {
namespace {

using testing::HasSubstr;

/// Memory that is there before the launch, so that what the driver is asked for meanwhile is not a test's.
class Arena final : public KernelMemory {
public:
  explicit Arena(int64_t bytes) : memory(TestGpu::get(), bytes), left(bytes) {}
  void *allocate(int64_t bytes) override {
    constexpr int64_t kAlignment = 256;
    int64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (rounded > left)
      return nullptr;
    left -= rounded, lent += rounded;
    return static_cast<char *>(memory.get()) + (lent - rounded);
  }
  void release(void *) override { ++releases; }
  int64_t lent = 0, releases = 0;

private:
  LentMemory memory;
  int64_t left;
};

/// A layer with noise, converters, statistics and everything that its gradients need, on 70 x 30 inputs.
struct Layer {
  static constexpr int64_t kRows = 70, kInputs = 30, kOutputs = 9, kTiles = 2;
  std::vector<float> x, weight, y, dweight, dbias, range, rowRange;
  std::vector<int64_t> key{42, 1};
  std::vector<int32_t> saturation;
  LinearSpec spec;
  LinearForwardArgs args;
  LinearBackwardArgs gradients;
  std::shared_ptr<Linear> linear;

  /// Layers of other tile rows have kernels of their own.
  explicit Layer(int64_t tileRows = 16)
      : x(kRows * kInputs), weight(kOutputs * kInputs), y(kRows * kOutputs, -1), dweight(weight.size(), -1),
        dbias(kOutputs, -1), rowRange(kTiles * kRows), saturation(kTiles * kRows) {
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(int(i * 7 % 19) - 9);
    for (size_t i = 0; i < weight.size(); ++i)
      weight[i] = float(int(i * 5 % 15) - 7);
    spec.tileRows = tileRows;
    spec.inputRange = InputRange::Dynamic;
    spec.quantizeInput = spec.adc = spec.outputNoise = spec.bias = true;
    args.x = ref(x, kRows, kInputs), args.weight = ref(weight, kOutputs, kInputs), args.y = ref(y, kRows, kOutputs);
    args.bias = {dbias.data(), ElementType::F32, 1, {kOutputs}, {1}};
    args.key = {key.data(), ElementType::I64, 1, {2}, {1}};
    args.scalars.outputNoise = 0.3f;
    args.rowRange = ref(rowRange, kTiles, kRows);
    args.saturation = {saturation.data(), ElementType::I32, 3, {kTiles, kRows, 1}, {kRows, 1, 1}};
    gradients.grad = args.y, gradients.x = args.x, gradients.weight = args.weight, gradients.key = args.key;
    gradients.rowRange = args.rowRange, gradients.saturation = args.saturation, gradients.scalars = args.scalars;
    gradients.dweight = ref(dweight, kOutputs, kInputs), gradients.dbias = args.bias;
    auto found = Linear::get(spec, "cuda");
    if (!found)
      throw std::runtime_error(found.message());
    linear = *found;
  }
  static TensorRef ref(std::vector<float> &data, int64_t rows, int64_t columns) {
    return {data.data(), ElementType::F32, 2, {rows, columns}, {columns, 1}};
  }
  void place(Placement &placement) {
    for (TensorRef *tensor : {&args.x, &args.weight, &args.y, &args.bias, &args.key, &args.rowRange, &args.saturation})
      placement.place(*tensor);
    gradients.grad = args.y, gradients.x = args.x, gradients.weight = args.weight, gradients.key = args.key;
    gradients.rowRange = args.rowRange, gradients.saturation = args.saturation, gradients.dbias = args.bias;
    placement.place(gradients.dweight);
  }
};

class Launch : public testing::Test {
protected:
  fake::Driver &fake = fake::driverAt(MHO_FAKE_CUDA);
  std::vector<std::string> callsOtherThanLaunches() {
    std::vector<std::string> others;
    for (const std::string &call : fake.calls())
      if (call != "cuLaunchKernel" && call.rfind("cuCtx", 0) != 0)
        others.push_back(call);
    return others;
  }
};

TEST_F(Launch, AsksTheDriverForLaunchesAloneOnTheCallersStream) {
  Layer layer(20);
  Placement placement("cuda");
  layer.place(placement);
  Arena arena(1 << 20);
  int stream = 0;
  LaunchContext context;
  context.memory = &arena, context.stream = &stream, context.knowsPlaces = true;
  for (bool first : {true, false}) {
    fake.reset();
    Status forward = layer.linear->forward(layer.args, context);
    ASSERT_TRUE(forward) << forward.message();
    Status backward = layer.linear->backward(layer.gradients, context);
    ASSERT_TRUE(backward) << backward.message();
    EXPECT_GE(fake.launches().size(), 4u);
    for (const fake::Launch &launch : fake.launches())
      EXPECT_EQ(launch.stream, &stream) << launch.function;
    if (first)
      EXPECT_EQ(fake.loads().size(), 3u) << "forward, weight gradient, bias gradient";
    else
      EXPECT_THAT(callsOtherThanLaunches(), testing::IsEmpty());
  }
  EXPECT_GT(arena.lent, 0);
  EXPECT_GT(arena.releases, 0);
}

TEST_F(Launch, ACapturedGraphDrawsFromTheKeyOfItsReplay) {
  Layer layer(15);
  Placement placement("cuda");
  layer.place(placement);
  Arena arena(1 << 20);
  int stream = 0;
  LaunchContext context;
  context.memory = &arena, context.stream = &stream, context.knowsPlaces = true;
  auto outputs = [&] {
    std::vector<float> y(layer.y.size());
    TestGpu::get().copyOut(y.data(), layer.args.y.data, y.size() * sizeof(float));
    return y;
  };
  auto setKey = [&](int64_t step) {
    int64_t words[2] = {42, step};
    TestGpu::get().copyIn(layer.args.key.data, words, sizeof words);
  };
  fake.reset();
  fake.capture(&stream, true);
  EXPECT_THAT(layer.linear->forward(layer.args, context).message(), HasSubstr("run the layer once"));
  fake.capture(&stream, false);
  ASSERT_TRUE(layer.linear->forward(layer.args, context));
  std::vector<float> first = outputs();
  fake.capture(&stream, true);
  setKey(2);
  Status captured = layer.linear->forward(layer.args, context);
  ASSERT_TRUE(captured) << captured.message();
  fake.capture(&stream, false);
  EXPECT_EQ(outputs(), first) << "captured launches do not run";
  ASSERT_TRUE(fake.replay());
  std::vector<float> second = outputs();
  EXPECT_NE(second, first);
  setKey(1);
  ASSERT_TRUE(fake.replay());
  EXPECT_EQ(outputs(), first);
  setKey(2);
  ASSERT_TRUE(layer.linear->forward(layer.args, context));
  EXPECT_EQ(outputs(), second);
}

TEST_F(Launch, LacksOfMemoryAreErrorsAndNothingRuns) {
  Layer layer;
  Placement placement("cuda");
  layer.place(placement);
  Arena full(0);
  LaunchContext context = placement.context();
  context.memory = &full;
  fake.reset();
  EXPECT_THAT(layer.linear->backward(layer.gradients, context).message(), HasSubstr("no memory"));
  EXPECT_THAT(layer.linear->forward(layer.args, context).message(),
              HasSubstr("no memory on the GPU for the workspace of @mho_linear"));
  EXPECT_TRUE(fake.launches().empty());
  fake.fail("cuLaunchKernel", 701);
  EXPECT_THAT(layer.linear->forward(layer.args, placement.context()).message(),
              HasSubstr("unknown error (701); the GPU has no room for its registers"));
  fake.reset();
}

TEST_F(Launch, WrongPlacesAreErrors) {
  Layer layer;
  EXPECT_THAT(layer.linear->forward(layer.args, {}).message(), HasSubstr("set LaunchContext::memory"));
  EXPECT_THAT(layer.linear->backward(layer.gradients, {}).message(), HasSubstr("set LaunchContext::memory"));
  Placement placement("cuda");
  EXPECT_THAT(layer.linear->forward(layer.args, placement.context()).message(),
              HasSubstr("'x' does not lie on GPU 0, 'Fake One' (sm_200): it is memory of the host"));
  layer.place(placement);
  LaunchContext other = placement.context();
  other.device = 1;
  EXPECT_THAT(layer.linear->forward(layer.args, other).message(),
              HasSubstr("'x' does not lie on GPU 1, 'Fake Two' (sm_200): it is memory of GPU 0"));
  other.device = 2;
  EXPECT_THAT(layer.linear->forward(layer.args, other).message(), HasSubstr("there is no GPU 2"));
}

/// y^2 of a tile's accumulator: the gradients need the accumulators again, in planes that lie in the caller's memory.
TEST_F(Launch, GradientsThatComputeAccumulatorsAgain) {
  auto square = EffectText::parse("analog.effect @square on tile(%y) surrogate(derived) {\n"
                                  "  %r = arith.mulf %y, %y : f32\n  analog.yield %r : f32\n}",
                                  "square.mlir", "");
  ASSERT_TRUE(square) << square.message();
  constexpr int64_t kRows = 70, kInputs = 30, kOutputs = 9;
  auto gradients = [&](const std::string &backend) {
    std::vector<float> x(kRows * kInputs), weight(kOutputs * kInputs), grad(kRows * kOutputs), dx(x.size()),
        dweight(weight.size());
    for (auto [values, most] : {std::pair(&x, 9), {&weight, 7}, {&grad, 3}})
      for (size_t i = 0; i < values->size(); ++i)
        (*values)[i] = float(int(i * 7) % (2 * most + 1) - most);
    LinearSpec spec;
    spec.tileRows = 16;
    spec.effects = {EffectUse(*square)};
    LinearBackwardArgs args;
    args.x = Layer::ref(x, kRows, kInputs), args.weight = Layer::ref(weight, kOutputs, kInputs);
    args.grad = Layer::ref(grad, kRows, kOutputs);
    args.dx = Layer::ref(dx, kRows, kInputs), args.dweight = Layer::ref(dweight, kOutputs, kInputs);
    Placement placement(backend);
    for (TensorRef *tensor : {&args.x, &args.weight, &args.grad, &args.dx, &args.dweight})
      placement.place(*tensor);
    auto linear = Linear::get(spec, backend);
    EXPECT_TRUE(linear) << linear.message();
    Status status = (*linear)->backward(args, placement.context());
    EXPECT_TRUE(status) << status.message();
    placement.fetch();
    return std::pair(dx, dweight);
  };
  EXPECT_EQ(gradients("cuda"), gradients("cpu"));
}

/// With FAKE_CUDA_SM of an architecture that NVRTC knows.
TEST_F(Launch, MachineCodeOfTheDevice) {
  Layer layer;
  Placement placement("cuda");
  layer.place(placement);
  fake.reset();
  Status forward = layer.linear->forward(layer.args, placement.context());
  ASSERT_TRUE(forward) << forward.message();
  EXPECT_THAT(fake.loads(), testing::ElementsAre(testing::Pair("sm_90", 0)));
}

} // namespace
} // namespace mho

// What simulating an analog layer costs: time of our kernels over the time of the digital layer they stand for.
//
//   mho-bench --benchmark_filter='forward/.*/2048'
//
// Every iteration times our kernel and each rival once, in turn, on one thread, so that a drifting clock meets all
// alike; counters hold the ratio of medians. The rival of a product is the fastest of torch's matmul (MKL) and oneDNN's
// linear.
#include "runtime/Linear.h"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <chrono>
#include <map>

namespace {

using Clock = std::chrono::steady_clock;
using Action = std::function<void()>;

double seconds(const Action &action) {
  auto start = Clock::now();
  action();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// x W^T through oneDNN, in true fp32.
at::Tensor oneDnnLinear(const at::Tensor &x, const at::Tensor &w) {
  static auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
  torch::jit::Stack stack{
      x, w, c10::IValue(), std::string("none"), c10::List<std::optional<at::Scalar>>(), c10::IValue()};
  op.callBoxed(stack);
  return stack[0].toTensor();
}

/// Rivals of one digital product, by name.
using Rivals = std::vector<std::pair<std::string, Action>>;

struct Layer {
  int64_t batch, width;
  at::Tensor x, w, y, g, dx, dw, range, drange, key, bits;
  mho::LinearSpec spec;
  mho::LinearScalars scalars;
  std::shared_ptr<mho::Linear> linear;
};

mho::TensorRef ref(const at::Tensor &t) {
  mho::TensorRef r;
  if (!t.defined())
    return r;
  r.data = t.data_ptr();
  r.type = t.scalar_type() == at::kFloat ? mho::ElementType::F32
           : t.scalar_type() == at::kInt ? mho::ElementType::I32
                                         : mho::ElementType::I64;
  r.rank = t.dim();
  for (int i = 0; i < r.rank; ++i) {
    r.sizes[i] = t.size(i);
    r.strides[i] = t.stride(i);
  }
  return r;
}

const mho::ParallelFor kSerial = [](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) {
  body(0, n);
};

void check(const mho::Status &status) {
  if (!status)
    throw std::runtime_error(status.message());
}

Layer makeLayer(const std::string &effects, int64_t batch, int64_t width, int64_t tile) {
  Layer l{batch, width};
  l.x = at::randn({batch, width});
  l.w = at::randn({width, width}) / std::sqrt(double(width));
  l.y = at::empty({batch, width});
  l.g = at::randn({batch, width});
  l.dx = at::empty({batch, width});
  l.dw = at::empty({width, width});
  bool all = effects == "all";
  l.spec.tileRows = tile;
  if (effects != "ideal") {
    l.spec.inputRange = mho::InputRange::Given;
    l.spec.quantizeInput = true;
    l.spec.adc = all || effects == "dac+adc";
    l.spec.weightNoise = all || effects == "weight_noise";
    l.spec.outputNoise = all || effects == "output_noise";
  }
  int64_t tiles = l.spec.tiles(width);
  l.scalars.weightNoise = 0.023f;
  l.scalars.outputNoise = 0.04f;
  if (l.spec.inputRange == mho::InputRange::Given) {
    l.range = at::full({tiles}, 3.f);
    l.drange = at::empty({tiles});
  }
  if (l.spec.weightNoise || l.spec.outputNoise)
    l.key = at::tensor({int64_t(12345), int64_t(0)}, at::kLong);
  if (l.spec.adc)
    l.bits = at::empty({tiles, batch, (width + 31) / 32}, at::kInt);
  auto linear = mho::Linear::get(l.spec, "cpu");
  if (!linear)
    throw std::runtime_error(linear.message());
  l.linear = *linear;
  return l;
}

void forward(Layer &l, bool save) {
  mho::LinearForwardArgs a;
  a.x = ref(l.x);
  a.weight = ref(l.w);
  a.range = ref(l.range);
  a.key = ref(l.key);
  a.y = ref(l.y);
  if (save)
    a.saturation = ref(l.bits);
  a.scalars = l.scalars;
  check(l.linear->forward(a, kSerial));
}

void backward(Layer &l) {
  mho::LinearBackwardArgs a;
  a.grad = ref(l.g);
  a.x = ref(l.x);
  a.weight = ref(l.w);
  a.range = ref(l.range);
  a.key = ref(l.key);
  a.saturation = ref(l.bits);
  a.dx = ref(l.dx);
  a.dweight = ref(l.dw);
  a.drange = ref(l.drange);
  a.scalars = l.scalars;
  check(l.linear->backward(a, kSerial));
}

/// Times `ours` against the sum over products of the fastest rival, interleaved.
void compare(benchmark::State &state, const Action &ours, const std::vector<Rivals> &products) {
  at::NoGradGuard noGrad;
  std::vector<double> own;
  std::map<std::pair<size_t, std::string>, std::vector<double>> theirs;
  ours(); // compiles
  for (const Rivals &rivals : products)
    for (const auto &rival : rivals)
      rival.second();
  for (auto _ : state) {
    own.push_back(seconds(ours));
    state.SetIterationTime(own.back());
    for (size_t i = 0; i < products.size(); ++i)
      for (const auto &[name, action] : products[i])
        theirs[{i, name}].push_back(seconds(action));
  }
  double digital = 0;
  for (size_t i = 0; i < products.size(); ++i) {
    double best = 1e30;
    for (const auto &rival : products[i])
      best = std::min(best, median(theirs[{i, rival.first}]));
    digital += best;
  }
  state.counters["ours_ms"] = median(own) * 1e3;
  state.counters["digital_ms"] = digital * 1e3;
  state.counters["ratio"] = median(own) / digital;
}

void benchForward(benchmark::State &state, const std::string &effects, int64_t batch, int64_t width, int64_t tile) {
  Layer l = makeLayer(effects, batch, width, tile);
  compare(state, [&] { forward(l, false); },
          {{{"mkl", [&] { benchmark::DoNotOptimize(at::linear(l.x, l.w)); }},
            {"onednn", [&] { benchmark::DoNotOptimize(oneDnnLinear(l.x, l.w)); }}}});
}

void benchStep(benchmark::State &state, const std::string &effects, int64_t batch, int64_t width, int64_t tile) {
  Layer l = makeLayer(effects, batch, width, tile);
  at::Tensor wt = l.w.t(), gt = l.g.t(), xt = l.x.t();
  compare(state,
          [&] {
            forward(l, true);
            backward(l);
          },
          {{{"mkl", [&] { benchmark::DoNotOptimize(at::linear(l.x, l.w)); }},
            {"onednn", [&] { benchmark::DoNotOptimize(oneDnnLinear(l.x, l.w)); }}},
           {{"mkl", [&] { benchmark::DoNotOptimize(at::mm(l.g, l.w)); }},
            {"onednn", [&] { benchmark::DoNotOptimize(oneDnnLinear(l.g, wt)); }}},
           {{"mkl", [&] { benchmark::DoNotOptimize(at::mm(gt, l.x)); }},
            {"onednn", [&] { benchmark::DoNotOptimize(oneDnnLinear(gt, xt)); }}}});
}

} // namespace

int main(int argc, char **argv) {
  at::set_num_threads(1);
  torch::manual_seed(1);
  for (int64_t width : {512, 1024, 2048})
    for (const char *effects : {"ideal", "dac", "dac+adc", "weight_noise", "output_noise", "all"}) {
      std::string suffix = std::string("/") + effects + "/" + std::to_string(width);
      auto add = [&](const std::string &name, auto function) {
        benchmark::RegisterBenchmark((name + suffix).c_str(), function, effects, 512, width, 512)
            ->UseManualTime()
            ->Iterations(15)
            ->Unit(benchmark::kMillisecond);
      };
      add("forward", benchForward);
      add("step", benchStep);
    }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

// mho-launch-bench: what a launch of a compiled layer costs on the CPU, below the torch op, on a driver whose launches
// do nothing. No GPU takes part, and the time that NVIDIA's driver itself takes is not in the figures.
#include "runtime/Linear.h"
#include "tests/cuda/TestGpu.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

namespace {

/// One block that is lent again and again, as a caching allocator would.
class Block final : public mho::KernelMemory {
public:
  void *allocate(int64_t bytes) override { return bytes <= kBytes ? memory.get() : nullptr; }
  void release(void *) override {}

private:
  static constexpr int64_t kBytes = 1 << 24;
  mho::LentMemory memory{mho::TestGpu::get(), kBytes};
};

/// A layer of that spec on 512 x 1024 inputs and 1024 outputs; nothing reads what its tensors hold.
struct Layer {
  static constexpr int64_t kRows = 512, kWidth = 1024;
  Block matrices[4], block;
  mho::LinearSpec spec;
  mho::LinearForwardArgs args;
  std::shared_ptr<mho::Linear> linear;
  mho::LaunchContext context;

  explicit Layer(const char *text) {
    std::string error;
    spec = mho::LinearSpec::parse(text, error);
    auto matrix = [&](int i, int64_t rows, int64_t columns) {
      return mho::TensorRef{matrices[i].allocate(1), mho::ElementType::F32, 2, {rows, columns}, {columns, 1}};
    };
    args.x = matrix(0, kRows, kWidth), args.weight = matrix(1, kWidth, kWidth), args.y = matrix(2, kRows, kWidth);
    auto vector = [&](mho::ElementType type, int64_t size) {
      return mho::TensorRef{matrices[3].allocate(1), type, 1, {size}, {1}};
    };
    if (spec.bias)
      args.bias = vector(mho::ElementType::F32, kWidth);
    if (spec.inputRange == mho::InputRange::Given)
      args.range = vector(mho::ElementType::F32, spec.tiles(kWidth));
    if (spec.draws())
      args.key = vector(mho::ElementType::I64, 2);
    context.memory = &block, context.knowsPlaces = true;
    if (auto found = mho::Linear::get(spec, "cuda"))
      linear = *found;
    else
      std::fprintf(stderr, "mho-launch-bench: %s\n", found.message().c_str()), std::exit(1);
  }
};

void forward(benchmark::State &state, const char *text) {
  Layer layer(text);
  if (mho::Status status = layer.linear->forward(layer.args, layer.context); !status) { // compiles and loads
    state.SkipWithError(status.message().c_str());
    return;
  }
  for (auto _ : state)
    benchmark::DoNotOptimize(layer.linear->forward(layer.args, layer.context));
}

} // namespace

BENCHMARK_CAPTURE(forward, ideal, "tile=balanced:512");
BENCHMARK_CAPTURE(forward, noisy, "tile=balanced:512 range=given dac output_noise adc bias");
BENCHMARK_CAPTURE(forward, dynamic, "tile=balanced:512 range=dynamic dac weight_noise output_noise adc bias");

int main(int argc, char **argv) {
  setenv("MHO_CUDA_DRIVER", MHO_FAKE_CUDA, 1);
  setenv("FAKE_CUDA_IDLE", "1", 1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

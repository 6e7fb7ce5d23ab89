// mho-bench: what simulating an analog layer costs, and what each effect adds. See --help.
#include "bench/BarPlot.h"
#include "bench/Effects.h"
#include "bench/Interleave.h"
#include "bench/Options.h"
#include "frontends/cli/Tool.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <stdexcept>

namespace mho::bench {
namespace {

Action passOf(Layer &layer, bool withBackward) {
  return [&layer, withBackward] {
    layer.forward(withBackward);
    if (withBackward)
      layer.backward();
  };
}

/// Times a row's layer, its base and the digital products in turn; the counters are explained in --help.
void measure(benchmark::State &state, const Effect &effect, const Sizes &sizes, bool withBackward,
             std::vector<Ratio> &ratios) {
  at::NoGradGuard noGrad;
  Layer layer(specOf(effect.tiling, effect.layer, sizes.tile), sizes);
  std::optional<Layer> base;
  std::vector<Action> actions{passOf(layer, withBackward)};
  if (effect.base)
    actions.push_back(passOf(base.emplace(specOf("balanced", effect.base, sizes.tile), sizes), withBackward));
  const std::vector<Rivals> products = digitalProducts(layer, withBackward);
  size_t firstRival = actions.size();
  for (const Rivals &rivals : products)
    actions.insert(actions.end(), rivals.begin(), rivals.end());

  Interleaved times(std::move(actions));
  times.warmUp();
  for (auto _ : state) {
    times.round();
    state.SetIterationTime(times.last(0));
  }
  double digital = 0;
  for (const Rivals &rivals : products) {
    double best = times.medianOf(firstRival);
    for (size_t i = 1; i < rivals.size(); ++i)
      best = std::min(best, times.medianOf(firstRival + i));
    firstRival += rivals.size();
    digital += best;
  }
  const double own = times.medianOf(0);
  state.counters["layer_ms"] = own * 1e3;
  state.counters["digital_ms"] = digital * 1e3;
  state.counters["ratio"] = own / digital;
  if (base)
    state.counters["own_cost"] = (own - times.medianOf(1)) / digital;
  ratios.push_back({effect.name, withBackward ? "step" : "forward", sizes.width, own / digital});
}

void registerAll(const Options &options, std::vector<Ratio> &ratios) {
  for (int64_t width : options.widths)
    for (const Effect &effect : effects())
      for (bool withBackward : {false, true}) {
        const Sizes sizes{options.batch, width, options.tile};
        std::string name = std::string(withBackward ? "step/" : "forward/") + effect.name + "/" + std::to_string(width);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&effect, sizes, withBackward, &ratios](benchmark::State &state) {
                                       try {
                                         measure(state, effect, sizes, withBackward, ratios);
                                       } catch (const std::exception &error) {
                                         state.SkipWithError(error.what());
                                         throw;
                                       }
                                     })
            ->UseManualTime()
            ->Iterations(options.rounds)
            ->Unit(benchmark::kMillisecond);
      }
}

void writePlot(const Options &options, const std::vector<Ratio> &ratios) {
  std::ofstream file(options.plot, std::ios::binary);
  file << drawRatios(ratios, "batch " + std::to_string(options.batch) + ", tiles of " + std::to_string(options.tile) +
                                 " rows, fp32, one thread, medians of " + std::to_string(options.rounds));
  file.close();
  if (!file)
    throw std::runtime_error("cannot write '" + options.plot + "'; choose another file with --plot");
}

int run(int argc, char **argv) {
  if (std::any_of(argv + 1, argv + argc, cli::isHelp)) {
    printHelp();
    return 0;
  }
  const Options options = takeOptions(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    std::fprintf(stderr, "see mho-bench --help\n");
    return cli::kWrongUsage;
  }
  at::set_num_threads(1);
  torch::manual_seed(1);
  std::vector<Ratio> ratios;
  registerAll(options, ratios);
  if (benchmark::RunSpecifiedBenchmarks() == 0)
    throw std::runtime_error("no benchmark has a name that --benchmark_filter matches; --benchmark_list_tests prints "
                             "the names");
  if (!options.plot.empty())
    writePlot(options, ratios);
  return 0;
}

} // namespace
} // namespace mho::bench

int main(int argc, char **argv) {
  if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-bench"))
    return *status;
  try {
    return mho::bench::run(argc, argv);
  } catch (const std::invalid_argument &error) {
    std::fprintf(stderr, "mho-bench: %s; see mho-bench --help\n", error.what());
    return mho::cli::kWrongUsage;
  } catch (const c10::Error &error) { // what() would show the frames of C++
    std::fprintf(stderr, "mho-bench: %s\n", error.what_without_backtrace());
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "mho-bench: %s\n", error.what());
    return 1;
  }
}

// Trains a digital and a hardware-aware network on Fashion-MNIST, puts both on the simulated chip and shows which of
// them survives its noise. See --help.
#include "frontends/cli/Tool.h"
#include "frontends/demo/Chip.h"
#include "frontends/demo/FashionMnist.h"
#include "frontends/demo/Networks.h"
#include "frontends/demo/Options.h"
#include "frontends/demo/SvgPlot.h"
#include "frontends/demo/Train.h"
#include "frontends/torch/Torch.h"

#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace mho::demo {

namespace {

constexpr const char *kRemedy = "; choose another folder with --out";

void makeFolder(const std::filesystem::path &path) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  if (problem)
    throw std::runtime_error("cannot make the folder '" + path.string() + "': " + problem.message() + kRemedy);
}

void write(const std::filesystem::path &path, const std::string &content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file)
    throw std::runtime_error("cannot write '" + path.string() + "'" + kRemedy);
  std::printf("wrote %s\n", path.c_str());
}

std::string plot(const std::vector<Curve> &curves, double digitalAccuracy, int64_t draws) {
  SvgPlot plot("Fashion-MNIST on the simulated chip", "weight noise (fraction of the channel's largest weight)",
               "test accuracy (%)");
  plot.setNote("points: mean, bars: standard error, of " + std::to_string(draws) + " noise draws");
  plot.coverY(0, 100);
  plot.addLevel({"digital, not on a chip", digitalAccuracy});
  for (const Curve &curve : curves) {
    PlotSeries series{curve.name, {}};
    for (const Measurement &m : curve.points)
      series.points.push_back({m.strength, m.mean, m.error});
    plot.add(series);
  }
  return plot.render();
}

void run(const Options &options) {
  makeFolder(options.out);
  torch::manual_seed(options.seed);
  if (options.threads)
    torch::set_num_threads(options.threads);

  Dataset train = loadFashionMnist(options.data, Split::Train), test = loadFashionMnist(options.data, Split::Test);
  if (options.quick)
    train = train.first(6000), test = test.first(1000);
  std::printf("Fashion-MNIST: %lld training and %lld test images, %d threads\n", static_cast<long long>(train.size()),
              static_cast<long long>(test.size()), torch::get_num_threads());

  const torch::optim::AdamWOptions adam = torch::optim::AdamWOptions(1e-3);
  torch::nn::Sequential digital = makeDigital();
  torch::optim::AdamW digitalOptimizer(digital->parameters(), adam);
  demo::train(digital, digitalOptimizer, train, options.epochs, "digital");
  const double digitalAccuracy = accuracy(digital, test);
  std::printf("digital network, not on a chip: %.2f %% of the test images\n", digitalAccuracy);

  torch::manual_seed(options.seed);
  torch::nn::Sequential aware = makeHardwareAware();
  optim::Analog<torch::optim::AdamW> awareOptimizer(*aware, adam);
  demo::train(aware, awareOptimizer, train, options.epochs, "hardware-aware");

  torch::nn::Sequential mapped = mapOntoChip(digital, train.first(10000));
  const std::vector<Curve> curves = {measure(mapped, "digital", options.strengths, options.draws, test),
                                     measure(aware, "hardware-aware", options.strengths, options.draws, test)};
  std::printf("\ntest accuracy on the simulated chip, mean and standard error over %lld noise draws\n\n%s\n",
              static_cast<long long>(options.draws), formatTable(curves).c_str());
  write(std::filesystem::path(options.out) / "demo.csv", formatCsv(curves));
  write(std::filesystem::path(options.out) / "demo.svg", plot(curves, digitalAccuracy, options.draws));
}

} // namespace

} // namespace mho::demo

int main(int argc, char **argv) {
  if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-demo"))
    return *status;
  try {
    if (auto options = mho::demo::parseOptions(argc, argv))
      mho::demo::run(*options);
    return 0;
  } catch (const std::invalid_argument &error) {
    std::fprintf(stderr, "mho-demo: %s\n", error.what());
    return mho::cli::kWrongUsage;
  } catch (const c10::Error &error) { // what() would show the frames of C++
    std::fprintf(stderr, "mho-demo: %s\n", error.what_without_backtrace());
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "mho-demo: %s\n", error.what());
    return 1;
  }
}

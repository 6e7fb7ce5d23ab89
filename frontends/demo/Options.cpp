#include "frontends/demo/Options.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace mho::demo {

namespace {

const char *const kHelp =
    "mho-demo: trains a digital and a hardware-aware network on Fashion-MNIST and compares them on the simulated chip\n"
    "\n"
    "  --epochs N    epochs of each training (default 12)\n"
    "  --draws N     noise draws per strength, at least 2 (default 12)\n"
    "  --seed N      seed of all randomness (default 1)\n"
    "  --data DIR    folder of the data set (default /usr/share/datasets/fashion-mnist)\n"
    "  --out DIR     where demo.csv and demo.svg go (default demo-out)\n"
    "  --threads N   threads (default: torch's choice)\n"
    "  --quick       a run of seconds on a part of the data, for tests\n"
    "  --version     version\n"
    "  --help        this text\n";

int64_t readNumber(const std::string &option, const char *text, int64_t low, int64_t high) {
  char *end = nullptr;
  const long long value = text ? std::strtoll(text, &end, 10) : 0;
  if (!text || end == text || *end || value < low || value > high)
    throw std::invalid_argument(option + " needs a whole number from " + std::to_string(low) + " to " +
                                std::to_string(high) + (text ? ", not '" + std::string(text) + "'" : ""));
  return value;
}

std::string readText(const std::string &option, const char *text) {
  if (!text || !*text)
    throw std::invalid_argument(option + " needs a value");
  return text;
}

} // namespace

std::optional<Options> parseOptions(int argc, char **argv) {
  Options options;
  bool epochsGiven = false, drawsGiven = false;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const char *value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (option == "--help" || option == "-h") {
      std::fputs(kHelp, stdout);
      return std::nullopt;
    }
    if (option == "--quick") {
      options.quick = true;
      continue;
    }
    if (option == "--epochs") {
      options.epochs = readNumber(option, value, 1, 1000);
      epochsGiven = true;
    } else if (option == "--draws") {
      options.draws = readNumber(option, value, 2, 10000);
      drawsGiven = true;
    } else if (option == "--seed") {
      options.seed = readNumber(option, value, 0, INT64_MAX);
    } else if (option == "--threads") {
      options.threads = static_cast<int>(readNumber(option, value, 1, 1024));
    } else if (option == "--data") {
      options.data = readText(option, value);
    } else if (option == "--out") {
      options.out = readText(option, value);
    } else {
      throw std::invalid_argument("unknown option '" + option + "'; see mho-demo --help");
    }
    ++i;
  }
  if (options.quick && !epochsGiven)
    options.epochs = 6;
  if (options.quick && !drawsGiven)
    options.draws = 3;
  return options;
}

} // namespace mho::demo

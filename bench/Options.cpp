#include "bench/Options.h"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace mho::bench {
namespace {

const char *const kHelp =
    "mho-bench (or mho bench): what simulating an analog layer costs, on one thread\n"
    "\n"
    "  mho bench --width=2048 --benchmark_filter='forward/(adc|all)' --plot=out.svg\n"
    "\n"
    "  --batch=N     rows of the input (default 512)\n"
    "  --width=N     inputs and outputs of the layer (default: 512, 1024 and 2048 in turn)\n"
    "  --tile=N      rows of a crossbar tile (default 512)\n"
    "  --rounds=N    rounds of the interleaved loop (default 15)\n"
    "  --plot=FILE   also draw the ratios of all effects as an SVG\n"
    "  --version     version\n"
    "\n"
    "Of Google Benchmark, among others:\n"
    "  --benchmark_filter=REGEX    of names <forward|step>/<effect>/<width>\n"
    "  --benchmark_list_tests      print the names and stop\n"
    "  --benchmark_format=console|json|csv, --benchmark_out=FILE, --benchmark_out_format=...\n"
    "\n"
    "In each round the layer, the same layer without the effect, and torch's products (MKL and oneDNN) run once, in\n"
    "turn. Counters, of medians: ratio = layer / the sum over products of the faster library; own_cost = (layer -\n"
    "layer without the effect) / that sum. Pin it to a core: taskset -c 1 mho bench.\n"
    "Exit status: 0 success, 1 failure or a filter that matches nothing, 2 wrong usage.\n";

int64_t readNumber(const std::string &option, const char *value, int64_t high) {
  int64_t number = 0;
  const char *end = value + std::strlen(value);
  auto [stop, problem] = std::from_chars(value, end, number);
  if (problem != std::errc() || stop != end || number < 1 || number > high)
    throw std::invalid_argument(option + "=" + value + ": expected a whole number from 1 to " + std::to_string(high));
  return number;
}

/// False for an option that is not ours.
bool takeOption(const std::string &option, const char *value, Options &options) {
  if (option == "--batch")
    options.batch = readNumber(option, value, 1 << 16);
  else if (option == "--width")
    options.widths = {readNumber(option, value, 1 << 14)};
  else if (option == "--tile")
    options.tile = readNumber(option, value, 1 << 14);
  else if (option == "--rounds")
    options.rounds = readNumber(option, value, 100000);
  else if (option == "--plot")
    options.plot = value;
  else
    return false;
  return true;
}

} // namespace

void printHelp() { std::fputs(kHelp, stdout); }

Options takeOptions(int &argc, char **argv) {
  Options options;
  int left = 1;
  for (int i = 1; i < argc; ++i) {
    const char *equals = std::strchr(argv[i], '=');
    const std::string name(argv[i], equals ? equals - argv[i] : std::strlen(argv[i]));
    if (!takeOption(name, equals ? equals + 1 : "", options))
      argv[left++] = argv[i];
    else if (!equals || !equals[1])
      throw std::invalid_argument(name + " needs a value: " + name + "=...");
  }
  argc = left;
  return options;
}

} // namespace mho::bench

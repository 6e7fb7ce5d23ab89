// mho-fuzz: random layers, compiled for the CPU against the evaluator.
#include "frontends/cli/Tool.h"
#include "frontends/cli/fuzz/Runner.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>

using namespace mho::cli::fuzz;
using Clock = std::chrono::steady_clock;

namespace {

const char kHelp[] =
    R"(usage: mho-fuzz [OPTIONS]

Runs random layers (effects, text, shapes, strides, schedules, data) on a backend and on the evaluator, with mho-run.
A layer whose results differ, or that is refused or crashes, is made as small as it gets and printed as a .mlir file
whose first line is the command that runs it again.

  --seed=N      which layers (1); case n of a seed is always the same
  --first=N     number of the first case (0)
  --cases=N     stop after so many (no limit)
  --seconds=N   stop after so long (no limit)
  --least=N     so many cases must be compared: fewer are a failure (0)
  --jobs=N      how many at a time (1)
  --backend=NAME  cpu, or ptx: CUDA code in the interpreter, which is slow (cpu)
  --isa=NAME    the greatest instruction set to ask for: avx512, avx2 or generic (this machine's)
  --limit=N     processor seconds for one case (60)
  --shrink=N    seconds for making a failing case small (120)
  --out=DIR     where failing cases are written (mho-fuzz-out)
  --print       print the cases, run none
  --self-test   falsify one element of each result: the first case must be found and shrunk

Exit status: 0 no difference, 1 a failing case, 2 wrong usage.
)";

struct Options {
  uint64_t seed = 1, first = 0, cases = UINT64_MAX, least = 0;
  double seconds = 1e18, shrink = 120;
  int jobs = 1, limit = 60;
  std::string backend, isa, out = "mho-fuzz-out";
  bool print = false, selfTest = false;
};

[[noreturn]] void refuse(const std::string &message) {
  std::fprintf(stderr, "mho-fuzz: %s; see mho-fuzz --help\n", message.c_str());
  std::exit(mho::cli::kWrongUsage);
}

uint64_t number(const std::string &option, const std::string &text, uint64_t least, uint64_t most) {
  char *end;
  uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end || text[0] == '-' || value < least || value > most)
    refuse(option + "=" + text + ": expected a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
  return value;
}

Options parse(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i], name = word.substr(0, word.find('='));
    std::string value = name.size() < word.size() ? word.substr(name.size() + 1) : "";
    auto whole = [&](uint64_t least, uint64_t most) { return number(name, value, least, most); };
    if (mho::cli::isHelp(argv[i])) {
      std::printf("%s", kHelp);
      std::exit(0);
    } else if (name == "--least")
      options.least = whole(0, UINT64_MAX);
    else if (name == "--seed")
      options.seed = whole(0, UINT64_MAX);
    else if (name == "--first")
      options.first = whole(0, UINT32_MAX);
    else if (name == "--cases")
      options.cases = whole(1, UINT32_MAX);
    else if (name == "--seconds")
      options.seconds = whole(1, UINT32_MAX);
    else if (name == "--shrink")
      options.shrink = whole(0, UINT32_MAX);
    else if (name == "--jobs")
      options.jobs = whole(1, 256);
    else if (name == "--limit")
      options.limit = whole(1, 86400);
    else if (name == "--isa" && (value == "avx512" || value == "avx2" || value == "generic"))
      options.isa = value;
    else if (name == "--backend" && (value == "cpu" || value == "ptx"))
      options.backend = value;
    else if (name == "--out" && !value.empty())
      options.out = value;
    else if (word == "--print")
      options.print = true;
    else if (word == "--self-test")
      options.selfTest = true;
    else
      refuse("'" + word + "' is no option or has no such value");
  }
  return options;
}

/// Instruction sets in the order of what they have.
int rankOf(const std::string &isa) { return isa == "generic" ? 0 : isa == "avx2" ? 1 : 2; }

/// The best of this machine.
std::string machineIsa() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") ? "avx512" : __builtin_cpu_supports("avx2") ? "avx2" : "generic";
#else
  return "generic";
#endif
}

class Fuzzer {
public:
  explicit Fuzzer(Options options)
      : options(std::move(options)), runner(this->options.out, this->options.selfTest ? 37 : -1, this->options.limit) {}
  int run();

private:
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  Case make(uint64_t number) const;
  void work();
  void report(const Case &layer, const Verdict &verdict);
  Case shrink(Case layer, Verdict &verdict, const std::string &file) const;
  void progress(const char *what);

  Options options;
  Runner runner;
  Clock::time_point start = Clock::now();
  std::atomic<uint64_t> next{0}, done{0}, declined{0}, failures{0};
  std::atomic<bool> stop{false};
  std::mutex printing;
  double lastProgress = 0;
};

Case Fuzzer::make(uint64_t number) const {
  Case layer = randomCase(options.seed, number);
  layer.backend = options.backend;
  std::string most = options.isa.empty() ? machineIsa() : options.isa;
  if (rankOf(layer.isa) > rankOf(most) || (layer.isa.empty() && !options.isa.empty()))
    layer.isa = options.isa; // empty: the machine's
  return layer;
}

void Fuzzer::progress(const char *what) {
  std::printf("mho-fuzz: %llu cases of seed %llu, %.1f per second, %llu declined, %llu failing%s\n",
              (unsigned long long)done.load(), (unsigned long long)options.seed, double(done) / elapsed(),
              (unsigned long long)declined.load(), (unsigned long long)failures.load(), what);
  std::fflush(stdout);
  lastProgress = elapsed();
}

/// Takes the first smaller case that fails in the same way, until none does or time is up.
Case Fuzzer::shrink(Case layer, Verdict &verdict, const std::string &file) const {
  double until = elapsed() + options.shrink;
  for (bool smaller = true; smaller && elapsed() < until;) {
    smaller = false;
    for (const Case &candidate : smallerCases(layer)) {
      if (elapsed() >= until || !toleranceOf(candidate))
        continue;
      Verdict found = runner.run(candidate, file);
      if (found.kind() != verdict.kind())
        continue;
      layer = candidate;
      verdict = found;
      smaller = true;
      break;
    }
  }
  return layer;
}

void Fuzzer::report(const Case &layer, const Verdict &verdict) {
  std::string name = "case-" + std::to_string(options.seed) + "-" + std::to_string(layer.number) + ".mlir";
  {
    std::lock_guard<std::mutex> lock(printing);
    std::printf("mho-fuzz: case %llu of seed %llu %s: %s\n", (unsigned long long)layer.number,
                (unsigned long long)layer.seed, verdict.kind().c_str(), summary(layer).c_str());
    std::fflush(stdout);
  }
  Verdict small = verdict;
  Case shrunk = shrink(layer, small, name);
  std::string comment = "mho-fuzz --seed=" + std::to_string(options.seed) + " --first=" + std::to_string(layer.number) +
                        " --cases=1: " + small.kind() + "\n" + small.output;
  std::string path = runner.write(shrunk, name, comment);
  std::lock_guard<std::mutex> lock(printing);
  std::printf("mho-fuzz: shrunk to %s; in %s:\n// %s\n%s%s\n", summary(shrunk).c_str(), path.c_str(),
              runner.command(shrunk, name).c_str(), print(shrunk).c_str(), small.output.c_str());
  std::fflush(stdout);
}

void Fuzzer::work() {
  while (!stop && elapsed() < options.seconds) {
    uint64_t index = next++;
    if (index >= options.cases)
      return;
    Case layer = make(options.first + index);
    std::string file = "running-" + std::to_string(layer.number) + ".mlir";
    Verdict verdict = runner.run(layer, file);
    std::filesystem::remove(options.out + "/" + file);
    ++done;
    declined += verdict.outcome == Outcome::Declined;
    if (verdict.outcome != Outcome::Equal && verdict.outcome != Outcome::Declined) {
      ++failures;
      report(layer, verdict);
      stop = stop || options.selfTest;
    }
    std::lock_guard<std::mutex> lock(printing);
    if (elapsed() - lastProgress > 10)
      progress("");
  }
}

int Fuzzer::run() {
  if (options.print) {
    for (uint64_t i = 0; i < std::min<uint64_t>(options.cases, 1000); ++i) {
      Case layer = make(options.first + i);
      std::printf(
          "// %s\n%s\n",
          runner.command(layer, "case-" + std::to_string(options.seed) + "-" + std::to_string(layer.number) + ".mlir")
              .c_str(),
          print(layer).c_str());
    }
    return 0;
  }
  std::filesystem::create_directories(options.out);
  std::vector<std::thread> workers;
  for (int i = 1; i < options.jobs; ++i)
    workers.emplace_back([this] { work(); });
  work();
  for (std::thread &worker : workers)
    worker.join();
  progress(", done");
  uint64_t compared = done - declined;
  if (compared < options.least)
    std::printf("mho-fuzz: %llu cases compared, and --least=%llu asked for\n", (unsigned long long)compared,
                (unsigned long long)options.least);
  return failures || compared < options.least ? 1 : 0;
}

} // namespace

int main(int argc, char **argv) {
  if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-fuzz"))
    return *status;
  try {
    return Fuzzer(parse(argc, argv)).run();
  } catch (const std::exception &error) {
    std::fprintf(stderr, "mho-fuzz: %s\n", error.what());
    return mho::cli::kWrongUsage;
  }
}

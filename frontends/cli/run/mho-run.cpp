// mho-run: runs a function of a .mlir file on a backend, compares it with the reference, times it.
#include "dialect/Reference/Evaluator.h"
#include "frontends/cli/run/Inputs.h"
#include "frontends/cli/run/LayerRun.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"

#include <chrono>
#include <cmath>

using namespace mlir;
using mho::reference::Tensor;
namespace cl = llvm::cl;

namespace {

/// Exit statuses, as --help says.
enum { kOk = 0, kDiffers = 1, kUsage = 2, kBadInput = 3, kCompileFailed = 4 };

cl::OptionCategory category("mho-run");
cl::opt<std::string> inputFile(cl::Positional, cl::desc("<file.mlir>"), cl::Required, cl::cat(category));
cl::opt<std::string> functionName(cl::Positional, cl::desc("<function; default: the only one>"), cl::cat(category));
cl::opt<std::string> backendName("backend", cl::desc("reference or cpu"), cl::init("cpu"), cl::cat(category));
cl::list<std::string> sizes("size",
                            cl::desc("sizes of an argument by position, e.g. 0=4x64 (needed where a type has ?)"),
                            cl::cat(category));
cl::list<std::string> values("arg",
                             cl::desc("an argument by position: a number for all of its elements, e.g. 2=1.5, "
                                      "or a numpy file, e.g. 0=x.npy; default: random"),
                             cl::cat(category));
cl::opt<bool> gradient("gradient", cl::desc("also the gradients of the function's arguments"), cl::cat(category));
cl::opt<std::string> outputGradient("grad", cl::desc("gradient of the result, as --arg (implies --gradient)"),
                                    cl::cat(category));
cl::opt<unsigned> seed("seed", cl::desc("seed of random inputs and of keys"), cl::init(1), cl::cat(category));
cl::opt<bool> normal("normal", cl::desc("random inputs are normal numbers, not integers from -4 to 4"),
                     cl::cat(category));
cl::opt<bool> printValues("print", cl::desc("print the results"), cl::cat(category));
cl::opt<bool> check("check", cl::desc("compare with the reference"), cl::cat(category));
cl::opt<double> tolerance("tolerance", cl::desc("largest difference that --check lets pass"), cl::init(0),
                          cl::cat(category));
cl::opt<int> repeats("time", cl::desc("run N times on one thread and print the median in ms"), cl::init(0),
                     cl::cat(category));

[[noreturn]] void fail(int status, const std::string &message) {
  llvm::errs() << "mho-run: " << message << "\n";
  std::exit(status);
}

template <class T> T take(llvm::Expected<T> value, int status) {
  if (!value)
    fail(status, llvm::toString(value.takeError()));
  return std::move(*value);
}

template <class T> T take(mho::Expected<T> value, int status) {
  if (!value)
    fail(status, value.message());
  return std::move(*value);
}

/// What a run computes, by the name it is printed under.
using Outputs = std::vector<std::pair<std::string, Tensor>>;

Outputs named(std::vector<Tensor> results, std::vector<std::optional<Tensor>> gradients) {
  Outputs outputs;
  for (auto [i, result] : llvm::enumerate(results))
    outputs.push_back({results.size() == 1 ? "" : "result " + std::to_string(i) + ", ", std::move(result)});
  for (auto [i, value] : llvm::enumerate(gradients))
    if (value)
      outputs.push_back({"gradient of argument " + std::to_string(i) + ", ", std::move(*value)});
  return outputs;
}

/// The function on the evaluator.
Outputs runReference(func::FuncOp function, const std::vector<Tensor> &inputs, mho::cli::InputMaker &maker) {
  std::vector<Tensor> results = take(mho::reference::evaluate(function, inputs), kBadInput);
  if (!gradient)
    return named(std::move(results), {});
  Tensor grad = take(maker.outputGradient(results[0].shape), kBadInput);
  return named(std::move(results), take(mho::reference::evaluateGradient(function, inputs, grad), kBadInput));
}

void printMedian(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  llvm::outs() << llvm::format("median of %d runs: %.3f ms\n", int(times.size()), times[times.size() / 2]);
}

/// The function's kernels on a backend, run once for the results and again for the time.
Outputs runBackend(mho::Backend &backend, func::FuncOp function, const std::vector<Tensor> &inputs,
                   mho::cli::InputMaker &maker) {
  auto layer = take(mho::cli::LayerRun::make(backend, function, inputs, gradient), kCompileFailed);
  std::vector<Tensor> results = take(layer->forward(), kCompileFailed);
  std::vector<std::optional<Tensor>> gradients;
  if (gradient) {
    Tensor grad = take(maker.outputGradient(results[0].shape), kBadInput);
    gradients = take(layer->backward(grad), kCompileFailed);
    results.resize(1); // the others were saved for backward
  }
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (mho::Status status = layer->run(); !status)
      fail(kCompileFailed, status.message());
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  if (!times.empty())
    printMedian(times);
  return named(std::move(results), std::move(gradients));
}

func::FuncOp chosenFunction(ModuleOp module) {
  std::string names;
  SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
  for (func::FuncOp function : functions) {
    if (function.getName() == functionName || (functionName.empty() && functions.size() == 1))
      return function;
    names += (names.empty() ? "@" : ", @") + function.getName().str();
  }
  fail(kBadInput,
       (functionName.empty() ? "which function? there are: " : "no function @" + functionName + "; there are: ") +
           names);
}

void print(const Outputs &outputs) {
  for (const auto &[name, tensor] : outputs) {
    llvm::outs() << name << tensor.shapeText() << ":";
    for (double v : tensor.reals)
      llvm::outs() << " " << llvm::format("%.9g", v);
    for (int64_t v : tensor.words)
      llvm::outs() << " " << v;
    llvm::outs() << "\n";
  }
}

/// Largest difference of two tensors of one shape; `where` is its element. Two NaN are equal.
double largestDifference(const Tensor &actual, const Tensor &expected, size_t &where) {
  double largest = 0;
  auto consider = [&](size_t i, double a, double e) {
    double difference = (std::isnan(a) && std::isnan(e)) || a == e ? 0 : std::fabs(a - e);
    if (!(difference <= largest)) { // NaN against a number too
      largest = difference;
      where = i;
    }
  };
  for (size_t i = 0; i < expected.reals.size(); ++i)
    consider(i, actual.reals[i], expected.reals[i]);
  for (size_t i = 0; i < expected.words.size(); ++i) // packed bits may be signed or not
    consider(i, int32_t(actual.words[i]), int32_t(expected.words[i]));
  return largest;
}

int compare(const Outputs &actual, const Outputs &expected) {
  int status = kOk;
  if (actual.size() != expected.size())
    fail(kBadInput, "the backend gives " + std::to_string(actual.size()) + " results, the reference " +
                        std::to_string(expected.size()));
  for (auto [a, e] : llvm::zip(actual, expected)) {
    size_t where = 0, count = e.second.size();
    if (a.first != e.first || a.second.shape != e.second.shape || a.second.isInteger != e.second.isInteger)
      fail(kBadInput, "the backend gives '" + a.first + a.second.shapeText() + "' where the reference gives '" +
                          e.first + e.second.shapeText() + "'");
    double largest = largestDifference(a.second, e.second, where);
    bool good = largest <= tolerance;
    llvm::outs() << a.first << (good ? "equal to the reference" : "differs from the reference")
                 << ": largest difference " << llvm::format("%g", largest) << " of " << count << " elements";
    if (!good && !e.second.isInteger)
      llvm::outs() << ", at element " << where << ": "
                   << llvm::format("%.9g instead of %.9g", a.second.reals[where], e.second.reals[where]);
    llvm::outs() << "\n";
    if (!good)
      status = kDiffers;
  }
  return status;
}

} // namespace

int main(int argc, char **argv) {
  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "runs a function of the dialect analog, of the algebra or of one fused kernel\n\n"
                                   "  mho-run layer.mlir --size 0=4x64 --arg 1=weight.npy --gradient --check\n\n"
                                   "  Exit status: 0 success, 1 --check found a difference, 2 wrong usage,\n"
                                   "  3 a file, function or size that does not fit, 4 a failed compilation.\n",
                                   &llvm::errs()))
    return kUsage;
  if (!outputGradient.empty())
    gradient = true;
  MLIRContext context;
  context.loadDialect<mho::analog::AnalogDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(inputFile, &context);
  if (!module)
    fail(kBadInput, "cannot read '" + inputFile + "'");
  func::FuncOp function = chosenFunction(*module);
  mho::cli::InputOptions options{
      {sizes.begin(), sizes.end()}, {values.begin(), values.end()}, outputGradient, seed, normal};
  mho::cli::InputMaker maker(options), again(options);
  std::vector<Tensor> inputs = take(maker.arguments(function), kBadInput);
  if (backendName == "reference") {
    Outputs outputs = runReference(function, inputs, maker);
    if (printValues)
      print(outputs);
    return kOk;
  }
  auto backend = mho::Backend::get(backendName);
  if (!backend)
    fail(kUsage, backend.message());
  // The reference draws the same output gradient: its maker has drawn the same inputs.
  Outputs expected;
  if (check) {
    take(again.arguments(function), kBadInput);
    expected = runReference(function, inputs, again);
  }
  Outputs actual = runBackend(**backend, function, inputs, maker);
  if (printValues)
    print(actual);
  return check ? compare(actual, expected) : kOk;
}

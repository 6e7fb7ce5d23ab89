// mho-run: runs a function of a .mlir file on a backend, compares it with the reference, times it.
#include "dialect/Reference/Evaluator.h"
#include "frontends/cli/Tool.h"
#include "frontends/cli/run/Inputs.h"
#include "frontends/cli/run/LayerRun.h"
#include "frontends/cli/run/Outputs.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>
#include <cmath>

using namespace mlir;
using mho::cli::Outputs;
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
cl::list<std::string> strides("stride",
                              cl::desc("strides of an argument in elements, e.g. 0=71x1; default: rows side by side"),
                              cl::cat(category));
cl::opt<std::string> schedule("schedule",
                              cl::desc("analog.schedule of every kernel, e.g. 'mc = 64 : i64, mr = 4 : i64'"),
                              cl::cat(category));
cl::opt<int> threads("parallel", cl::desc("threads that a kernel runs on (1 to 64)"), cl::init(1), cl::cat(category));
cl::opt<int64_t> fault("fault", cl::desc("falsify this element of the first result, to see --check fail"), cl::init(-1),
                       cl::Hidden, cl::cat(category));
cl::opt<int> repeats("time", cl::desc("run N times (1 to 1000000) and print the median in ms"), cl::init(0),
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

/// The function on the evaluator.
Outputs runReference(func::FuncOp function, const std::vector<Tensor> &inputs, mho::cli::InputMaker &maker) {
  std::vector<Tensor> results = take(mho::reference::evaluate(function, inputs), kBadInput);
  if (!gradient)
    return mho::cli::nameOutputs(std::move(results), {});
  Tensor grad = take(maker.outputGradient(results[0].shape, function.getResultTypes()[0]), kBadInput);
  return mho::cli::nameOutputs(std::move(results),
                               take(mho::reference::evaluateGradient(function, inputs, grad), kBadInput));
}

void printMedian(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  llvm::outs() << llvm::format("median of %d runs: %.3f ms\n", int(times.size()), times[times.size() / 2]);
}

/// The function's kernels on a backend, run once for the results and again for the time.
Outputs runBackend(mho::Backend &backend, func::FuncOp function, const std::vector<Tensor> &inputs,
                   mho::cli::InputMaker &maker) {
  mho::cli::CallOptions options;
  options.strides = take(mho::cli::readStrides({strides.begin(), strides.end()}, function), kBadInput);
  options.threads = threads;
  if (!schedule.empty())
    options.schedule = take(mho::cli::readSchedule(schedule, *function.getContext()), kUsage);
  auto layer = take(mho::cli::LayerRun::make(backend, function, inputs, gradient, options), kCompileFailed);
  std::vector<Tensor> results = take(layer->forward(), kCompileFailed);
  if (fault >= 0 && fault < int64_t(results[0].reals.size())) {
    double &falsified = results[0].reals[fault];
    falsified = std::isnan(falsified) ? 0 : NAN;
  }
  std::vector<std::optional<Tensor>> gradients;
  if (gradient) {
    Tensor grad = take(maker.outputGradient(results[0].shape, function.getResultTypes()[0]), kBadInput);
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
  return mho::cli::nameOutputs(std::move(results), std::move(gradients));
}

func::FuncOp chosenFunction(ModuleOp module) {
  std::string names;
  SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
  if (functions.empty())
    fail(kBadInput, "'" + inputFile + "' has no function");
  for (func::FuncOp function : functions) {
    if (function.getName() == functionName || (functionName.empty() && functions.size() == 1))
      return function;
    names += (names.empty() ? "@" : ", @") + function.getName().str();
  }
  fail(kBadInput,
       (functionName.empty() ? "which function? there are: " : "no function @" + functionName + "; there are: ") +
           names);
}

/// Options that are numbers in themselves but make no sense together or at that value.
void checkOptions() {
  if (repeats.getNumOccurrences() && (repeats < 1 || repeats > 1000000))
    fail(kUsage, "--time=" + std::to_string(repeats) + ": expected 1 to 1000000 runs");
  if (threads < 1 || threads > 64)
    fail(kUsage, "--parallel=" + std::to_string(threads) + ": expected 1 to 64");
  if (!(tolerance >= 0 && std::isfinite(tolerance)))
    fail(kUsage, "--tolerance=" + llvm::formatv("{0}", double(tolerance)).str() + ": expected 0 or a positive number");
  if (tolerance.getNumOccurrences() && !check)
    fail(kUsage, "--tolerance is for --check, which is not given");
  if (backendName == "reference" && (check || repeats.getNumOccurrences()))
    fail(kUsage, std::string(check ? "--check" : "--time") +
                     " is about a backend, and --backend=reference is what backends are compared with");
}

/// The file's module; what is wrong with the file goes to stderr with its line.
OwningOpRef<ModuleOp> parse(llvm::SourceMgr &sources, MLIRContext &context) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(inputFile, sources, &context);
  if (!module)
    fail(kBadInput, "cannot read '" + inputFile + "'");
  return module;
}

/// Gradients are those of a matrix, the first result.
void checkGradient(func::FuncOp function) {
  if (!gradient)
    return;
  if (function.getNumResults() == 0)
    fail(kBadInput, "--gradient: @" + function.getName().str() + " has no result");
  auto result = dyn_cast<RankedTensorType>(function.getResultTypes()[0]);
  if (!result || result.getRank() != 2 || !isa<FloatType>(result.getElementType()))
    fail(kBadInput, "--gradient: the first result of @" + function.getName().str() + " is no matrix of reals");
}

} // namespace

int main(int argc, char **argv) {
  if (std::optional<int> status = mho::cli::beginTool(argc, argv, "mho-run"))
    return *status;
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
  checkOptions();
  MLIRContext context;
  context.printOpOnDiagnostic(false); // the line is shown
  context.loadDialect<mho::analog::AnalogDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module = parse(sources, context);
  func::FuncOp function = chosenFunction(*module);
  checkGradient(function);
  mho::cli::InputOptions options{
      {sizes.begin(), sizes.end()}, {values.begin(), values.end()}, outputGradient, seed, normal};
  mho::cli::InputMaker maker(options), again(options);
  std::vector<Tensor> inputs = take(maker.arguments(function), kBadInput);
  if (backendName == "reference") {
    Outputs outputs = runReference(function, inputs, maker);
    if (printValues)
      mho::cli::printOutputs(outputs);
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
    mho::cli::printOutputs(actual);
  if (!check)
    return kOk;
  return take(mho::cli::compareOutputs(actual, expected, tolerance), kBadInput) ? kOk : kDiffers;
}

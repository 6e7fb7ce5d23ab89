// mho-run: evaluates a function of a .mlir file on a backend, compares it with the reference, times it.
#include "dialect/Reference/Evaluator.h"
#include "dialect/Transforms/Passes.h"
#include "runtime/Backend.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"

#include <chrono>
#include <cmath>
#include <map>
#include <random>

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
cl::list<std::string> fills("arg", cl::desc("value of all elements of an argument by position, e.g. 2=1.5"),
                            cl::cat(category));
cl::opt<unsigned> seed("seed", cl::desc("seed of random inputs and of keys"), cl::init(1), cl::cat(category));
cl::opt<bool> normal("normal", cl::desc("random inputs are normal numbers, not integers from -4 to 4"),
                     cl::cat(category));
cl::opt<bool> printValues("print", cl::desc("print the results"), cl::cat(category));
cl::opt<bool> check("check", cl::desc("compare with the reference"), cl::cat(category));
cl::opt<double> tolerance("tolerance", cl::desc("largest difference that --check lets pass"), cl::init(0),
                          cl::cat(category));
cl::opt<int> repeats("time", cl::desc("run N times and print the median in ms"), cl::init(0), cl::cat(category));

[[noreturn]] void fail(int status, const std::string &message) {
  llvm::errs() << "mho-run: " << message << "\n";
  std::exit(status);
}

/// "0=4x64" -> {0: "4x64"}.
std::map<unsigned, std::string> byPosition(const cl::list<std::string> &options, const char *name, unsigned count) {
  std::map<unsigned, std::string> result;
  for (const std::string &text : options) {
    auto [position, value] = llvm::StringRef(text).split('=');
    unsigned i;
    if (position.getAsInteger(10, i) || i >= count || value.empty())
      fail(kUsage, std::string("--") + name + "=" + text + " is not <argument>=<value> with an argument below " +
                       std::to_string(count));
    result[i] = value.str();
  }
  return result;
}

/// Sizes of one argument, from its type and --size.
SmallVector<int64_t> shapeOf(RankedTensorType type, unsigned i, const std::map<unsigned, std::string> &given) {
  SmallVector<int64_t> shape(type.getShape());
  auto it = given.find(i);
  if (it != given.end()) {
    SmallVector<llvm::StringRef> parts;
    llvm::StringRef(it->second).split(parts, 'x');
    if (int64_t(parts.size()) != type.getRank())
      fail(kBadInput, "--size=" + std::to_string(i) + "=" + it->second + " has " + std::to_string(parts.size()) +
                          " sizes, argument " + std::to_string(i) + " has rank " + std::to_string(type.getRank()));
    for (auto [size, part] : llvm::zip(shape, parts))
      if (part.getAsInteger(10, size) || size < 0)
        fail(kBadInput, "--size: '" + part.str() + "' is no size");
  }
  if (llvm::any_of(shape, ShapedType::isDynamic))
    fail(kBadInput,
         "argument " + std::to_string(i) + " has a size that only --size=" + std::to_string(i) + "=... can tell");
  return shape;
}

std::vector<Tensor> makeInputs(func::FuncOp function) {
  unsigned count = function.getNumArguments();
  auto given = byPosition(sizes, "size", count), filled = byPosition(fills, "arg", count);
  std::mt19937 engine(seed);
  std::normal_distribution<float> gauss;
  std::uniform_int_distribution<int> whole(-4, 4);
  std::vector<Tensor> inputs;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && tensor.getElementType().isInteger(64)) {
      inputs.push_back(Tensor::integers({2}, {int64_t(seed), 0}));
      continue;
    }
    Tensor input = Tensor::zeros(tensor ? shapeOf(tensor, i, given) : SmallVector<int64_t>());
    for (double &v : input.reals)
      v = normal ? double(gauss(engine)) : whole(engine);
    if (auto it = filled.find(i); it != filled.end()) {
      double value;
      if (llvm::StringRef(it->second).getAsDouble(value))
        fail(kUsage, "--arg: '" + it->second + "' is no number");
      std::fill(input.reals.begin(), input.reals.end(), double(float(value)));
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::vector<Tensor> runReference(func::FuncOp function, const std::vector<Tensor> &inputs) {
  auto results = mho::reference::evaluate(function, inputs);
  if (!results)
    fail(kBadInput, llvm::toString(results.takeError()));
  return std::move(*results);
}

/// The function's fused kernel on a backend: compiled once, then run as often as wanted.
class BackendRun {
public:
  BackendRun(func::FuncOp function, std::vector<Tensor> inputs, Tensor like)
      : inputs(std::move(inputs)), y(std::move(like)) {
    auto found = mho::Backend::get(backendName);
    if (!found)
      fail(kUsage, found.message() + ", reference");
    backend = *found;
    OwningOpRef<ModuleOp> module = cast<ModuleOp>(function->getParentOp()->clone());
    PassManager passes(function.getContext());
    passes.addPass(mho::analog::createAnalogFusePass({}));
    if (failed(passes.run(*module)))
      fail(kCompileFailed, "analog-fuse refuses the function");
    auto fused = module->lookupSymbol<func::FuncOp>(function.getName());
    auto compiled = backend->compile(fused, 0);
    if (!compiled)
      fail(kCompileFailed, compiled.message());
    kernel = *compiled;
    bind(fused);
  }
  const Tensor &run() {
    mho::KernelOutput output{y.shape[0], y.shape[1], false, 0};
    auto serial = [](int64_t n, int64_t, const std::function<void(int64_t, int64_t)> &body) { body(0, n); };
    if (mho::Status status = backend->launch(kernel, values.data(), output, serial); !status)
      fail(kCompileFailed, status.message());
    std::copy_n(result.begin(), y.reals.size(), y.reals.begin());
    return y;
  }

private:
  /// The fused function's arguments are the source's, then strengths with their values.
  void bind(func::FuncOp fused) {
    for (size_t i = 0; i < kernel.slots.size(); ++i) {
      mho::SlotValue value;
      if (kernel.slots[i].result) {
        result.assign(y.reals.size() + 1, 0); // an address even of nothing
        value.tensor = refOf(result.data(), y.shape, mho::ElementType::F32);
      } else if (i < inputs.size() && inputs[i].isInteger) {
        value.tensor = refOf(inputs[i].words.data(), inputs[i].shape, mho::ElementType::I64);
      } else if (i < inputs.size() && !kernel.slots[i].scalar) {
        floats.emplace_back(inputs[i].reals.begin(), inputs[i].reals.end());
        floats.back().push_back(0);
        value.tensor = refOf(floats.back().data(), inputs[i].shape, mho::ElementType::F32);
      } else if (i < inputs.size()) {
        value.scalar = float(inputs[i].reals[0]);
      } else {
        value.scalar = fused.getArgAttrOfType<FloatAttr>(i, "analog.value").getValueAsDouble();
      }
      values.push_back(value);
    }
  }
  static mho::TensorRef refOf(void *data, ArrayRef<int64_t> shape, mho::ElementType type) {
    mho::TensorRef ref{data, type, int(shape.size()), {}, {}};
    int64_t stride = 1;
    for (int i = ref.rank - 1; i >= 0; --i) {
      ref.sizes[i] = shape[i];
      ref.strides[i] = stride;
      stride *= shape[i];
    }
    return ref;
  }

  std::vector<Tensor> inputs;
  Tensor y;
  mho::Backend *backend = nullptr;
  mho::CompiledKernel kernel;
  std::vector<std::vector<float>> floats;
  std::vector<float> result;
  std::vector<mho::SlotValue> values;
};

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

void printTensor(const Tensor &tensor) {
  llvm::outs() << tensor.shapeText() << ":";
  for (double v : tensor.reals)
    llvm::outs() << " " << llvm::format("%.9g", v);
  for (int64_t v : tensor.words)
    llvm::outs() << " " << v;
  llvm::outs() << "\n";
}

int compare(const Tensor &actual, const Tensor &expected) {
  double largest = 0;
  size_t where = 0;
  for (size_t i = 0; i < expected.reals.size(); ++i) {
    bool bothNaN = std::isnan(actual.reals[i]) && std::isnan(expected.reals[i]);
    double difference =
        bothNaN || actual.reals[i] == expected.reals[i] ? 0 : std::fabs(actual.reals[i] - expected.reals[i]);
    if (!(difference <= largest)) { // NaN against a number too
      largest = difference;
      where = i;
    }
  }
  bool good = largest <= tolerance;
  llvm::outs() << (good ? "equal to the reference" : "differs from the reference") << ": largest difference "
               << llvm::format("%g", largest) << " of " << expected.reals.size() << " elements";
  if (!good)
    llvm::outs() << ", at element " << where << ": "
                 << llvm::format("%.9g instead of %.9g", actual.reals[where], expected.reals[where]);
  llvm::outs() << "\n";
  return good ? kOk : kDiffers;
}

void printTime(BackendRun &run) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    auto start = std::chrono::steady_clock::now();
    run.run();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  llvm::outs() << llvm::format("median of %d runs: %.3f ms\n", int(repeats), times[times.size() / 2]);
}

} // namespace

int main(int argc, char **argv) {
  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(argc, argv,
                                   "runs a function of the dialect analog\n\n"
                                   "  Exit status: 0 success, 1 --check found a difference, 2 wrong usage,\n"
                                   "  3 a file, function or size that does not fit, 4 a failed compilation.\n",
                                   &llvm::errs()))
    return kUsage;
  MLIRContext context;
  context.loadDialect<mho::analog::AnalogDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(inputFile, &context);
  if (!module)
    fail(kBadInput, "cannot read '" + inputFile + "'");
  func::FuncOp function = chosenFunction(*module);
  std::vector<Tensor> inputs = makeInputs(function), expected;
  if (backendName == "reference") {
    expected = runReference(function, inputs);
    for (const Tensor &tensor : expected)
      if (printValues)
        printTensor(tensor);
    return kOk;
  }
  expected = runReference(function, inputs); // its shapes are the kernel's too
  if (expected.size() != 1 || expected[0].rank() != 2)
    fail(kBadInput, "a backend runs functions of the algebra with one [B,O] result; --backend=reference runs others");
  BackendRun run(function, inputs, expected[0]);
  const Tensor &actual = run.run();
  if (printValues)
    printTensor(actual);
  if (repeats > 0)
    printTime(run);
  return check ? compare(actual, expected[0]) : kOk;
}

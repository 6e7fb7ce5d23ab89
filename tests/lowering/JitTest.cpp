// The generated kernels, run through ORC, against the evaluator: forward and both gradients.
#include "dialect/Reference/Evaluator.h"
#include "dialect/Transforms/Passes.h"
#include "lowering/Passes.h"
#include "lowering/Schedule/Schedule.h"
#include "lowering/VectorToLLVM/Pipeline.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <gtest/gtest.h>

#include <deque>

namespace mho::lowering {
/// For the tests' names.
void PrintTo(Isa isa, std::ostream *stream) { *stream << nameOf(isa).str(); }
} // namespace mho::lowering

using namespace mlir;
using mho::lowering::Isa;
using mho::reference::Tensor;

namespace {

const char *kIdeal = R"(
#xbar = #analog.tiling<balanced, rows = 64>
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %a : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

class Jit {
public:
  explicit Jit(const char *text, bool gradients = false, Isa isa = mho::lowering::hostIsa()) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    DialectRegistry registry;
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<mho::analog::AnalogDialect, func::FuncDialect>();
    source = parseSourceString<ModuleOp>(text, &context);
    module = cast<ModuleOp>(source->clone());
    PassManager passes(&context);
    mho::analog::AnalogFusePassOptions fuse;
    fuse.saveForBackward = gradients;
    PassManager first(&context);
    first.addPass(mho::analog::createAnalogFusePass(fuse));
    if (gradients)
      first.addPass(mho::analog::createAnalogDifferentiatePass());
    if (failed(first.run(*module)))
      return;
    fused = cast<ModuleOp>(module->clone());
    mho::lowering::AnalogSchedulePassOptions schedule;
    schedule.isa = mho::lowering::nameOf(isa);
    passes.addPass(mho::lowering::createAnalogSchedulePass(schedule));
    passes.addPass(mho::lowering::createConvertAnalogToVectorPass());
    mho::lowering::buildVectorToLLVM(passes);
    if (failed(passes.run(*module)))
      return;
    auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
    if (isa != mho::lowering::hostIsa()) { // only an x86 has more than one
      target->setCPU(isa == Isa::Avx2 ? "x86-64-v3" : "x86-64");
      target->getFeatures() = llvm::SubtargetFeatures();
    }
    machine = llvm::cantFail(target->createTargetMachine());
    optimize = makeOptimizingTransformer(2, 0, machine.get());
    ExecutionEngineOptions options;
    options.transformer = optimize;
    engine = llvm::cantFail(ExecutionEngine::create(*module, options, std::move(machine)));
  }
  MLIRContext context;
  OwningOpRef<ModuleOp> source, module, fused;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::function<llvm::Error(llvm::Module *)> optimize;
  std::unique_ptr<ExecutionEngine> engine;
};

const char *kConverters = R"(
#xbar = #analog.tiling<balanced, rows = 64>
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %q = analog.adc %r bound(%beta over (t), %A over (t, n)) {lambda = 3.0 : f32, half_levels = 7.0 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %q : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

const char *kNoise = R"(
#xbar = #analog.tiling<balanced, rows = 64>
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %wn = analog.inject_noise %w scale(%A over (t, n)) key(%key, stream = 0) {sigma = 0.05 : f32} : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %wn : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %o = analog.inject_noise %a scale(%beta over (t), %A over (t, n)) key(%key, stream = 1) {sigma = 0.1 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %o : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
})";

/// Small integers: sums are exact, so the kernel's bits are the evaluator's.
std::vector<double> integers(int64_t count, int seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double((i * 7 + seed * 13 + i / 5) % 11) - 5);
  return values;
}

/// A call under construction: every LLVM-level argument as a word.
class Call {
public:
  void tensor(const Tensor &t) {
    if (t.rank() == 0)
      return scalar(t.reals[0]);
    if (t.isInteger && t.rank() == 3) { // packed bits
      auto &bits = packed.emplace_back(t.words.begin(), t.words.end());
      return memref(bits.data(), t.shape);
    }
    auto &data = floats.emplace_back(t.reals.begin(), t.reals.end());
    t.isInteger ? memref(const_cast<int64_t *>(t.words.data()), t.shape) : memref(data.data(), t.shape);
  }
  std::vector<float> &result(ArrayRef<int64_t> shape) {
    auto &data = floats.emplace_back(std::max<int64_t>(1, Tensor::zeros(shape).size()), NAN);
    memref(data.data(), shape);
    return data;
  }
  void scalar(float v) {
    int64_t word = 0;
    std::memcpy(&word, &v, sizeof v);
    words.push_back(word);
  }
  void memref(void *data, ArrayRef<int64_t> shape) {
    auto address = reinterpret_cast<int64_t>(data);
    words.insert(words.end(), {address, address, 0});
    words.insert(words.end(), shape.begin(), shape.end());
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t stride = 1;
      for (size_t j = i + 1; j < shape.size(); ++j)
        stride *= shape[j];
      words.push_back(stride);
    }
  }
  /// Adds partials, workspace and bounds and runs the function.
  bool run(ExecutionEngine &engine, StringRef name, int64_t rows, int64_t columns, bool tail = false) {
    std::vector<double> partials(4096);
    std::vector<char> workspace(16 << 20);
    memref(partials.data(), {int64_t(partials.size())});
    size_t shared = words.size();
    memref(workspace.data(), {int64_t(workspace.size())});
    words.insert(words.end(), {0, rows, 0, columns});
    std::vector<void *> table;
    for (int64_t &word : words)
      table.push_back(&word);
    if (engine.invokePacked(name, table))
      return false;
    table.resize(shared);
    return !tail || !engine.invokePacked((name + "_tail").str(), table);
  }

private:
  std::deque<std::vector<float>> floats;
  std::deque<std::vector<int32_t>> packed;
  std::vector<int64_t> words;
};

/// Runs @layer of the evaluator and of the kernel; returns the largest difference. `strengths`: the effects' scalars in
/// order.
double forwardDifference(Jit &jit, ArrayRef<Tensor> inputs, ArrayRef<float> strengths) {
  int64_t b = inputs[0].shape[0], o = inputs[1].shape[0];
  auto expected = mho::reference::evaluate(jit.source->lookupSymbol<func::FuncOp>("layer"), inputs);
  if (!expected)
    ADD_FAILURE() << llvm::toString(expected.takeError());
  Call call;
  for (const Tensor &input : inputs)
    call.tensor(input);
  for (float strength : strengths)
    call.scalar(strength);
  std::vector<float> &y = call.result({b, o});
  EXPECT_TRUE(call.run(*jit.engine, "layer", b, o));
  double largest = 0;
  for (int64_t i = 0; i < b * o; ++i) {
    double difference = std::abs(double(y[i]) - (*expected)[0].reals[i]);
    largest = difference <= largest ? largest : difference; // a NaN is kept
  }
  return largest;
}

using Shape = std::tuple<int64_t, int64_t, int64_t>; // rows, outputs, inputs
const Shape kShapes[] = {{1, 1, 1},      {5, 3, 64},   {9, 17, 65},   {64, 128, 63},
                         {67, 131, 700}, {2, 1, 5000}, {513, 5, 130}, {0, 3, 7}};

TEST(Jit, IdealForwardIsTheEvaluatorsOnIntegers) {
  Jit jit(kIdeal);
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2));
    EXPECT_EQ(forwardDifference(jit, {x, w}, {}), 0) << b << "x" << k << " -> " << o;
  }
}

TEST(Jit, ConvertersAreTheEvaluatorsOnIntegers) {
  Jit jit(kConverters);
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    int64_t tiles = (k + 63) / 64;
    // beta = L = 4: codes are integers and the sums exact; the bound 3 * 4 * 5 = 60 saturates many of them.
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2)),
           beta = Tensor::of({tiles}, std::vector<double>(tiles, 4));
    EXPECT_EQ(forwardDifference(jit, {x, w, beta}, {4, 0, 0.95f, 4, 3, 7}), 0) << b << "x" << k << " -> " << o;
  }
}

/// Runs gradient function `name` of the evaluator and of the kernel; every result must be equal.
void expectGradient(Jit &jit, StringRef name, ArrayRef<Tensor> inputs, int64_t rows, int64_t tiles) {
  auto expected = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>(name), inputs);
  if (!expected)
    FAIL() << llvm::toString(expected.takeError());
  Call call;
  for (const Tensor &input : inputs)
    call.tensor(input);
  std::vector<std::vector<float> *> results;
  for (const Tensor &value : *expected)
    results.push_back(&call.result(value.shape));
  ASSERT_TRUE(call.run(*jit.engine, name, rows, tiles, results.size() > 1));
  for (size_t r = 0; r < results.size(); ++r)
    for (size_t i = 0; i < (*expected)[r].reals.size(); ++i)
      ASSERT_EQ(double((*results[r])[i]), (*expected)[r].reals[i])
          << name.str() << ", result " << r << ", element " << i;
}

/// Both gradient functions of kConverters at one shape.
void expectGradients(Jit &jit, int64_t b, int64_t o, int64_t k) {
  int64_t tiles = (k + 63) / 64;
  std::vector<Tensor> inputs{Tensor::of({b, k}, integers(b * k, 1)), Tensor::of({o, k}, integers(o * k, 2)),
                             Tensor::of({tiles}, std::vector<double>(tiles, 4))};
  for (float strength : {4.f, 0.5f, 0.25f, 4.f, 3.f, 7.f})
    inputs.push_back(Tensor::scalar(strength));
  auto forward = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer"), inputs);
  ASSERT_TRUE(bool(forward));
  std::vector<Tensor> backward{Tensor::of({b, o}, integers(b * o, 3))};
  backward.insert(backward.end(), inputs.begin(), inputs.end());
  backward.push_back((*forward)[1]);
  expectGradient(jit, "layer_dw", backward, o, tiles);
  if (b > 0) // without rows the share of unclipped inputs is 0 / 0
    expectGradient(jit, "layer_dx", backward, b, tiles);
}

/// The instruction sets whose code this machine can run, from the widest on.
std::vector<Isa> runnableIsas() {
  std::vector<Isa> all{Isa::Avx512, Isa::Avx2, Isa::Generic};
  return {llvm::find(all, mho::lowering::hostIsa()), all.end()};
}

class JitOnIsa : public testing::TestWithParam<Isa> {};

TEST_P(JitOnIsa, WeightAndOutputNoiseAreTheEvaluators) {
  Jit jit(kNoise, false, GetParam());
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    int64_t tiles = (k + 63) / 64;
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2)),
           beta = Tensor::of({tiles}, std::vector<double>(tiles, 5));
    Tensor key = Tensor::integers({2}, {0x123456789abcdef, 7});
    // Products are at most 5 * 6.1 in size and a tile has at most 64 of them: fp32 sums in another order differ by at
    // most 64 * 2^-24 * 64 * 31 per tile, and every tile adds one rounding of the running sum.
    double bound = tiles * 2.0 * 64 * 0x1p-24 * 64 * 31;
    EXPECT_LE(forwardDifference(jit, {x, w, beta, key}, {0.05f, 0.1f}), bound) << b << "x" << k << " -> " << o;
  }
}

/// One product per output: no sum hides a bit of the draws.
TEST_P(JitOnIsa, DrawsHaveTheEvaluatorsBits) {
  Jit jit(kNoise, false, GetParam());
  ASSERT_TRUE(jit.engine);
  int64_t rows = 3, outputs = 1000;
  Tensor x = Tensor::of({rows, 1}, std::vector<double>(rows, 1)),
         w = Tensor::of({outputs, 1}, std::vector<double>(outputs, 1)), beta = Tensor::of({1}, {1}),
         key = Tensor::integers({2}, {0x123456789abcdef, 7});
  EXPECT_EQ(forwardDifference(jit, {x, w, beta, key}, {0.05f, 0.1f}), 0);
}

TEST_P(JitOnIsa, GradientsAreTheEvaluatorsOnIntegers) {
  Jit jit(kConverters, true, GetParam());
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : kShapes) {
    SCOPED_TRACE(testing::Message() << b << "x" << k << " -> " << o);
    expectGradients(jit, b, o, k);
  }
}

INSTANTIATE_TEST_SUITE_P(Jit, JitOnIsa, testing::ValuesIn(runnableIsas()),
                         [](const auto &info) { return mho::lowering::nameOf(info.param).str(); });

/// The fused gradient against the evaluator's own, at inputs that lie on the range, where the mask is strict.
TEST(Jit, InputsOnTheRangePassTheGradient) {
  Jit jit(kConverters, true);
  ASSERT_TRUE(jit.engine);
  Tensor x = Tensor::of({1, 2}, {4, 5}), w = Tensor::of({1, 2}, {1, 2}), beta = Tensor::of({1}, {4}),
         g = Tensor::of({1, 1}, {-3});
  auto own = mho::reference::evaluateGradient(jit.source->lookupSymbol<func::FuncOp>("layer"), {x, w, beta}, g);
  ASSERT_TRUE(bool(own));
  std::vector<Tensor> backward{g, x, w, beta};
  for (float strength : {4.f, 0.f, 0.95f, 4.f, 3.f, 7.f})
    backward.push_back(Tensor::scalar(strength));
  backward.push_back(Tensor::integers({1, 1, 1}, {0}));
  auto fused = mho::reference::evaluate(jit.fused->lookupSymbol<func::FuncOp>("layer_dx"), backward);
  ASSERT_TRUE(bool(fused));
  EXPECT_EQ((*fused)[0].reals, (std::vector<double>{-3, 0}));
  EXPECT_EQ((*own)[0]->reals, (*fused)[0].reals);
}

} // namespace

// Generated kernels, compiled as the runtime does it and run through ORC, with what the tests compare them by.
#pragma once

#include "dialect/Reference/Elements.h"
#include "dialect/Reference/Evaluator.h"
#include "dialect/Transforms/Passes.h"
#include "lowering/AnalogToVector/AnalogToVector.h"
#include "lowering/AnalogToVector/Partials.h"
#include "lowering/Passes.h"
#include "lowering/Schedule/Schedule.h"
#include "lowering/VectorToLLVM/Pipeline.h"

#include "mlir/AsmParser/AsmParser.h"
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
inline void PrintTo(Isa isa, std::ostream *stream) { *stream << nameOf(isa).str(); }
} // namespace mho::lowering

namespace mho::lowering::test {

using namespace mlir;
using reference::Tensor;

class Jit {
public:
  /// `schedule`: an attribute that the table fills up, e.g. "{mc = 64 : i64}".
  explicit Jit(StringRef text, bool gradients = false, Isa isa = hostIsa(), StringRef schedule = "{}") {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    DialectRegistry registry;
    registerBuiltinDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    context.appendDialectRegistry(registry);
    context.loadDialect<analog::AnalogDialect, func::FuncDialect>();
    source = parseSourceString<ModuleOp>(text, &context);
    module = cast<ModuleOp>(source->clone());
    analog::AnalogFusePassOptions fuse;
    fuse.saveForBackward = gradients;
    PassManager first(&context);
    first.addPass(analog::createAnalogFusePass(fuse));
    if (gradients)
      first.addPass(analog::createAnalogDifferentiatePass());
    if (failed(first.run(*module)))
      return;
    for (auto effect : llvm::make_early_inc_range(module->getOps<analog::EffectOp>()))
      effect.erase(); // its uses are fused
    fused = cast<ModuleOp>(module->clone());
    module->walk(
        [&](analog::TiledMvmOp kernel) { kernel->setAttr(kScheduleAttr, parseAttribute(schedule, &context)); });
    AnalogSchedulePassOptions options;
    options.isa = nameOf(isa);
    PassManager passes(&context);
    passes.addPass(createAnalogSchedulePass(options));
    passes.addPass(analog::createAnalogExpandElementaryPass());
    passes.addPass(createConvertAnalogToVectorPass());
    buildVectorToLLVM(passes);
    if (failed(passes.run(*module)))
      return;
    auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
    if (isa != hostIsa()) { // only an x86 has more than one
      target->setCPU(isa == Isa::Avx2 ? "x86-64-v3" : "x86-64");
      target->getFeatures() = llvm::SubtargetFeatures();
    }
    machine = llvm::cantFail(target->createTargetMachine());
    optimize = makeOptimizingTransformer(2, 0, machine.get());
    ExecutionEngineOptions engineOptions;
    engineOptions.transformer = optimize;
    engine = llvm::cantFail(ExecutionEngine::create(*module, engineOptions, std::move(machine)));
  }
  MLIRContext context;
  OwningOpRef<ModuleOp> source, module, fused;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::function<llvm::Error(llvm::Module *)> optimize;
  std::unique_ptr<ExecutionEngine> engine;
};

/// Small integers: sums are exact, so the kernel's bits are the evaluator's.
inline std::vector<double> integers(int64_t count, int seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double((i * 7 + seed * 13 + i / 5) % 11) - 5);
  return values;
}

inline Tensor matrix(int64_t rows, int64_t columns, int seed) {
  return Tensor::of({rows, columns}, integers(rows * columns, seed));
}

/// The text with every `from` replaced.
inline std::string replaced(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// Statistics over (t) of a kernel, by number, with the source rows and tiles that they are of.
struct StatisticBounds {
  int64_t stat, rows, tiles;
};

inline std::vector<StatisticBounds> statisticBounds(analog::TiledMvmOp kernel, ArrayRef<Tensor> inputs) {
  auto sizeOf = [&](analog::Axis wanted) -> int64_t {
    for (auto [operands, axes] :
         {std::pair(kernel.getLhs(), kernel.getLhsAxes()), std::pair(kernel.getRhs(), kernel.getRhsAxes())})
      for (auto [i, axis] : llvm::enumerate(kernel.getAxesOf(axes, 0).getAxes()))
        if (axis == wanted)
          return inputs[cast<BlockArgument>(operands[0]).getArgNumber()].shape[i];
    llvm_unreachable("an axis of the kernel");
  };
  std::vector<StatisticBounds> bounds;
  for (int64_t i : statisticsOfTiles(kernel))
    bounds.push_back({i, sizeOf(kernel.getElementAxes(kernel.getStat(i).getSide()).first),
                      reference::Tiles(kernel.getTiling(), sizeOf(analog::Axis::K)).count()});
  return bounds;
}

/// A call under construction: every LLVM-level argument as a word.
class Call {
public:
  void tensor(const Tensor &t) {
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
  bool run(ExecutionEngine &engine, StringRef name, int64_t rows, int64_t columns, bool tail = false,
           ArrayRef<StatisticBounds> statistics = {}) {
    std::vector<double> partials(1 << 16, NAN); // code reads only what it has written
    std::vector<char> workspace(16 << 20, char(0xff));
    memref(partials.data(), {int64_t(partials.size())});
    size_t shared = words.size();
    memref(workspace.data(), {int64_t(workspace.size())});
    words.insert(words.end(), {0, rows, 0, columns});
    std::vector<void *> table;
    for (int64_t &word : words)
      table.push_back(&word);
    for (auto [stat, sourceRows, tiles] : statistics) {
      std::string function = (name + kStatisticSuffix + Twine(stat)).str();
      std::vector<int64_t> bounds{0, sourceRows, 0, tiles};
      std::vector<void *> ofBlocks(table.begin(), table.end() - 4), ofTotal(table.begin(), table.begin() + shared);
      for (int64_t &bound : bounds)
        ofBlocks.push_back(&bound);
      if (engine.invokePacked(function, ofBlocks) || engine.invokePacked(function + kTotalSuffix.str(), ofTotal))
        return false;
    }
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
inline double forwardDifference(Jit &jit, ArrayRef<Tensor> inputs, ArrayRef<float> strengths) {
  int64_t b = inputs[0].shape[0], o = inputs[1].shape[0];
  auto function = jit.source->lookupSymbol<func::FuncOp>("layer");
  auto expected = reference::evaluate(function, inputs);
  if (!expected)
    ADD_FAILURE() << llvm::toString(expected.takeError());
  Call call;
  for (auto [input, type] : llvm::zip(inputs, function.getArgumentTypes()))
    isa<RankedTensorType>(type) ? call.tensor(input) : call.scalar(input.reals[0]);
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

/// Runs function `name` of the evaluator (from `module`) and of the kernel; every result must be equal.
inline void expectResults(Jit &jit, ModuleOp module, StringRef name, ArrayRef<Tensor> inputs, int64_t rows,
                          int64_t columns) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  auto expected = reference::evaluate(function, inputs);
  if (!expected)
    FAIL() << llvm::toString(expected.takeError());
  Call call;
  for (auto [input, type] : llvm::zip(inputs, function.getArgumentTypes()))
    isa<RankedTensorType>(type) ? call.tensor(input) : call.scalar(input.reals[0]);
  std::vector<std::vector<float> *> floats;
  std::deque<std::vector<int64_t>> counts;
  std::deque<std::vector<int32_t>> bits;
  for (auto [value, type] : llvm::zip(*expected, function.getResultTypes())) {
    size_t room = std::max<size_t>(1, value.words.size());
    floats.push_back(value.isInteger ? nullptr : &call.result(value.shape));
    counts.emplace_back(room, -1);
    bits.emplace_back(room, -1);
    if (value.isInteger)
      call.memref(cast<RankedTensorType>(type).getElementType().isInteger(32) ? (void *)bits.back().data()
                                                                              : counts.back().data(),
                  value.shape);
  }
  bool tail = bool(jit.engine->lookupPacked((name + "_tail").str()));
  auto fused = jit.fused->lookupSymbol<func::FuncOp>(name);
  std::vector<StatisticBounds> statistics = statisticBounds(*fused.getOps<analog::TiledMvmOp>().begin(), inputs);
  ASSERT_TRUE(call.run(*jit.engine, name, rows, columns, tail, statistics));
  for (auto [r, value] : llvm::enumerate(*expected)) {
    bool isBits = getElementTypeOrSelf(function.getResultTypes()[r]).isInteger(32);
    for (size_t i = 0; i < value.reals.size(); ++i)
      ASSERT_TRUE(reference::sameNumber((*floats[r])[i], value.reals[i]))
          << name.str() << ", result " << r << ", element " << i << " is " << (*floats[r])[i] << ", the evaluator has "
          << value.reals[i];
    for (size_t i = 0; i < value.words.size(); ++i)
      ASSERT_EQ(isBits ? bits[r][i] : counts[r][i], value.words[i])
          << name.str() << ", result " << r << ", element " << i;
  }
}

/// The instruction sets whose code this machine can run, from the widest on.
inline std::vector<Isa> runnableIsas() {
  std::vector<Isa> all{Isa::Avx512, Isa::Avx2, Isa::Generic};
  return {llvm::find(all, hostIsa()), all.end()};
}

} // namespace mho::lowering::test

// The generated kernels, run through ORC, against the evaluator: forward and both gradients.
#include "dialect/Reference/Evaluator.h"
#include "dialect/Transforms/Passes.h"
#include "lowering/Passes.h"
#include "lowering/VectorToLLVM/Pipeline.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"

#include <gtest/gtest.h>

using namespace mlir;
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
  explicit Jit(const char *text) {
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
    passes.addPass(mho::analog::createAnalogFusePass());
    passes.addPass(mho::lowering::createConvertAnalogToVectorPass());
    mho::lowering::buildVectorToLLVM(passes);
    if (failed(passes.run(*module)))
      return;
    auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
    machine = llvm::cantFail(target->createTargetMachine());
    optimize = makeOptimizingTransformer(2, 0, machine.get());
    ExecutionEngineOptions options;
    options.transformer = optimize;
    engine = llvm::cantFail(ExecutionEngine::create(*module, options, std::move(machine)));
  }
  MLIRContext context;
  OwningOpRef<ModuleOp> source, module;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::function<llvm::Error(llvm::Module *)> optimize;
  std::unique_ptr<ExecutionEngine> engine;
};

/// Small integers: sums are exact, so the kernel's bits are the evaluator's.
std::vector<double> integers(int64_t count, int seed) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double((i * 7 + seed * 13 + i / 5) % 11) - 5);
  return values;
}

TEST(Jit, IdealForwardIsTheEvaluatorsOnIntegers) {
  Jit jit(kIdeal);
  ASSERT_TRUE(jit.engine);
  for (auto [b, o, k] : {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1},
                         {5, 3, 64},
                         {9, 17, 65},
                         {64, 128, 63},
                         {67, 131, 700},
                         {2, 1, 5000},
                         {513, 5, 130}}) {
    Tensor x = Tensor::of({b, k}, integers(b * k, 1)), w = Tensor::of({o, k}, integers(o * k, 2));
    auto expected = mho::reference::evaluate(jit.source->lookupSymbol<func::FuncOp>("layer"), {x, w});
    ASSERT_TRUE(bool(expected));
    std::vector<float> xs(x.reals.begin(), x.reals.end()), ws(w.reals.begin(), w.reals.end()), ys(b * o, NAN);
    std::vector<char> workspace(64 << 20);
    std::vector<double> partials(1);
    std::vector<std::vector<int64_t>> words;
    auto descriptor = [&](void *data, std::vector<int64_t> sizes) {
      auto p = reinterpret_cast<int64_t>(data);
      std::vector<int64_t> v{p, p, 0};
      v.insert(v.end(), sizes.begin(), sizes.end());
      for (size_t i = 0; i < sizes.size(); ++i)
        v.push_back(i + 1 < sizes.size() ? sizes[i + 1] : 1);
      words.push_back(v);
    };
    descriptor(xs.data(), {b, k});
    descriptor(ws.data(), {o, k});
    descriptor(ys.data(), {b, o});
    descriptor(partials.data(), {1});
    descriptor(workspace.data(), {int64_t(workspace.size())});
    words.push_back({0, b, 0, o});
    std::vector<void *> table;
    for (auto &list : words)
      for (int64_t &v : list)
        table.push_back(&v);
    auto error = jit.engine->invokePacked("layer", table);
    ASSERT_FALSE(bool(error));
    for (int64_t i = 0; i < b * o; ++i)
      ASSERT_EQ(double(ys[i]), (*expected)[0].reals[i]) << b << "x" << k << " -> " << o << ", element " << i;
  }
}

} // namespace

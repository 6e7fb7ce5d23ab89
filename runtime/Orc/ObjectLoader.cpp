#include "runtime/Orc/ObjectLoader.h"

#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <mutex>

using namespace llvm;

namespace mho {
namespace {

Status statusOf(Error error) { return Status::error(toString(std::move(error))); }

void initializeTarget() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
  });
}

Expected<orc::JITTargetMachineBuilder> hostBuilder() {
  initializeTarget();
  auto builder = orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return statusOf(builder.takeError());
  builder->setCodeGenOptLevel(CodeGenOptLevel::Aggressive);
  builder->setRelocationModel(Reloc::PIC_);
  builder->getOptions().AllowFPOpFusion = FPOpFusion::Strict;
  return std::move(*builder);
}

/// The process's one JIT; every object gets a library of its own in it.
Expected<orc::LLJIT *> sharedJit() {
  static Expected<std::unique_ptr<orc::LLJIT>> jit = []() -> Expected<std::unique_ptr<orc::LLJIT>> {
    Expected<orc::JITTargetMachineBuilder> builder = hostBuilder();
    if (!builder)
      return builder.error();
    auto created = orc::LLJITBuilder().setJITTargetMachineBuilder(*builder).create();
    if (!created)
      return statusOf(created.takeError());
    return std::move(*created);
  }();
  if (!jit)
    return jit.error();
  return jit->get();
}

} // namespace

Expected<std::unique_ptr<TargetMachine>> targetMachine(StringRef cpu) {
  Expected<orc::JITTargetMachineBuilder> builder = hostBuilder();
  if (!builder)
    return builder.error();
  if (!cpu.empty()) {
    builder->setCPU(cpu.str());
    builder->getFeatures() = SubtargetFeatures();
  }
  auto machine = builder->createTargetMachine();
  if (!machine)
    return statusOf(machine.takeError());
  return std::move(*machine);
}

Expected<std::string> hostTargetText() {
  Expected<orc::JITTargetMachineBuilder> builder = hostBuilder();
  if (!builder)
    return builder.error();
  return builder->getTargetTriple().str() + " " + builder->getCPU() + " " + builder->getFeatures().getString();
}

Status addPackedEntry(Module &module, const std::string &name) {
  Function *function = module.getFunction(name);
  if (!function)
    return Status::error("the module has no function " + name);
  LLVMContext &context = module.getContext();
  Type *pointer = PointerType::getUnqual(context);
  auto *entry = Function::Create(FunctionType::get(Type::getVoidTy(context), {pointer}, false),
                                 GlobalValue::ExternalLinkage, name + "_entry", module);
  IRBuilder<> builder(BasicBlock::Create(context, "", entry));
  SmallVector<Value *> arguments;
  for (Argument &argument : function->args()) {
    Value *slot = builder.CreateConstInBoundsGEP1_64(pointer, entry->getArg(0), argument.getArgNo());
    arguments.push_back(builder.CreateLoad(argument.getType(), builder.CreateLoad(pointer, slot)));
  }
  builder.CreateCall(function, arguments);
  builder.CreateRetVoid();
  function->setLinkage(GlobalValue::InternalLinkage);
  return Status::ok();
}

Status optimizeModule(Module &module, TargetMachine &machine) {
  module.setDataLayout(machine.createDataLayout());
  module.setTargetTriple(machine.getTargetTriple().str());
  for (Function &function : module) {
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
  }
  PassBuilder builder(&machine);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3).run(module, modules);
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(module, &stream))
    return Status::error("LLVM's verifier: " + problem);
  return Status::ok();
}

Expected<std::string> emitCode(Module &module, TargetMachine &machine, bool assembly) {
  SmallString<0> code;
  raw_svector_ostream stream(code);
  legacy::PassManager passes;
  auto kind = assembly ? CodeGenFileType::AssemblyFile : CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, kind))
    return Status::error("the target " + machine.getTargetTriple().str() + " cannot emit code");
  passes.run(module);
  return std::string(code);
}

Expected<LoadedObject> LoadedObject::load(const std::string &object) {
  Expected<orc::LLJIT *> jit = sharedJit();
  if (!jit)
    return jit.error();
  static std::mutex mutex;
  static int count = 0;
  std::lock_guard<std::mutex> lock(mutex);
  auto library = (*jit)->createJITDylib("kernel" + std::to_string(count++));
  if (!library)
    return statusOf(library.takeError());
  // memcpy, memset and the like come from the process.
  auto symbols = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess((*jit)->getDataLayout().getGlobalPrefix());
  if (!symbols)
    return statusOf(symbols.takeError());
  library->addGenerator(std::move(*symbols));
  auto buffer = MemoryBuffer::getMemBufferCopy(object, "mho kernel");
  if (Error error = (*jit)->addObjectFile(*library, std::move(buffer)))
    return statusOf(std::move(error));
  LoadedObject loaded;
  loaded.library = &*library;
  return loaded;
}

Expected<KernelEntry> LoadedObject::entry(const std::string &function) const {
  Expected<orc::LLJIT *> jit = sharedJit();
  if (!jit)
    return jit.error();
  auto address = (*jit)->lookup(*static_cast<orc::JITDylib *>(library), function + "_entry");
  if (!address)
    return statusOf(address.takeError());
  return address->toPtr<KernelEntry>();
}

} // namespace mho

// mho explain: the IR of a layer at each level.
#include "dialect/Transforms/Passes.h"
#include "frontends/cli/Commands.h"
#include "frontends/cli/ExplainEffects.h"
#include "frontends/cli/Tool.h"
#include "lowering/AnalogToCuda/AnalogToCuda.h"
#include "runtime/Cuda/CudaArtifact.h"
#include "runtime/LinearModule.h"

#include "mlir/Pass/PassManager.h"

static const char *kHelp =
    "usage: mho explain SPEC [--effect=FILE[:NAME] [--bind=PARAMETER=SOURCE]... [--at=PLACE]]... [--cuda[=ARCH] "
    "[--stage=STAGE]]\n\n"
    "Prints the algebra of an analog linear layer, its fused kernel and the kernels of its gradients as MLIR.\n"
    "SPEC is one line of words, for example\n"
    "  mho explain \"tile=balanced:256 range=given dac weight_noise output_noise adc adc_mask bias\"\n"
    "An empty SPEC is an ideal layer of one tile. A word that is not known is answered with the known ones.\n\n"
    "--effect adds an effect that is text (docs/effects.md); of several in a file, the one called NAME. --bind says "
    "what\n"
    "a parameter of it is: largest_weight, input_range or tensor. PLACE is before:WORD or after:WORD of a built-in\n"
    "effect. What becomes of effects, streams, strengths and parameters is then said at the end.\n\n"
    "--cuda prints the kernels as CUDA C++ instead (they include the prelude, which --cuda=prelude prints); with an\n"
    "architecture, sm_80 for one, also what its assembler says of each: registers, spills, shared memory. With\n"
    "--stage=ptx or --stage=cubin the PTX or the machine code for it is written instead. No GPU is needed.\n";

/// What --cuda asks for.
struct CudaWords {
  std::string architecture, stage;
};

static void print(const char *title, mlir::ModuleOp module) {
  llvm::outs() << "// ---- " << title << " ----\n";
  module.print(llvm::outs());
  llvm::outs() << "\n";
}

/// Prints the module's kernels as CUDA C++, and with an architecture what ptxas says of them, or their PTX or machine
/// code; the exit status.
static int explainCuda(mlir::ModuleOp module, const CudaWords &words) {
  using namespace mho;
  Expected<const Knobs *> knobs = Knobs::get();
  if (!knobs) {
    llvm::errs() << "mho explain: " << knobs.message() << "\n";
    return 1;
  }
  mlir::PassManager convert(module.getContext());
  addCudaPasses(convert, (*knobs)->cudaMath);
  if (failed(convert.run(module)))
    return 1;
  mlir::FailureOr<std::string> text = lowering::printCuda(module);
  if (failed(text))
    return 1;
  if (words.stage.empty())
    llvm::outs() << *text;
  if (words.architecture.empty())
    return 0;
  auto output = compileCuda(*text, (*knobs)->nvrtc, words.architecture, {"--ptxas-options=-v"});
  if (!output) {
    llvm::errs() << "mho explain: " << output.message() << "\n";
    return 1;
  }
  if (words.stage.empty())
    llvm::outs() << "\n// ---- " << words.architecture << ", as its assembler says; nothing was run ----\n"
                 << output->log;
  else
    llvm::outs() << (words.stage == "ptx" ? output->ptx : output->cubin);
  return 0;
}

/// Fuses a layer's algebra to the forward kernel that also saves what backward needs.
static mlir::LogicalResult fuse(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  mho::analog::AnalogFusePassOptions options;
  options.saveForBackward = true;
  passes.addPass(mho::analog::createAnalogFusePass(options));
  return passes.run(module);
}

static mlir::LogicalResult differentiate(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.addPass(mho::analog::createAnalogDifferentiatePass());
  return passes.run(module);
}

/// The effects on the tile whose gradients need its accumulators: those by which, alone in the layer, it gets a kernel
/// that computes them again. A built-in effect needs none.
static std::vector<std::string> namesThatRecompute(mlir::MLIRContext &context, const mho::LinearSpec &spec) {
  std::vector<std::string> names;
  for (const mho::EffectUse &use : spec.effects) {
    if (use.effect->site != mho::EffectSite::Tile)
      continue;
    mho::LinearSpec alone = spec;
    alone.effects = {use}; // what it yields further is summed for nobody
    auto module = mho::buildLinearModule(context, alone);
    if (module && succeeded(fuse(**module)) && succeeded(differentiate(**module)) &&
        (*module)->lookupSymbol(std::string(mho::kLinearFunction) + "_dz"))
      names.push_back(use.name);
  }
  return names;
}

/// Prints each level, or with `cuda` the CUDA C++; the exit status.
static int explainLayer(const mho::LinearSpec &spec, const std::optional<CudaWords> &cuda) {
  using namespace mho;
  mlir::MLIRContext context;
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = buildLinearModule(context, spec);
  if (!module) {
    llvm::errs() << "mho explain: " << module.message() << "\n";
    return 1;
  }
  if (!cuda)
    print("algebra", **module);
  if (failed(fuse(**module)))
    return 1;
  if (!cuda)
    print("analog-fuse: the forward kernel", **module);
  if (failed(differentiate(**module)))
    return 1;
  if (cuda)
    return explainCuda(**module, *cuda);
  print("analog-differentiate: the kernels of the gradients", **module);
  if (!spec.effects.empty())
    cli::printEffects(spec, **module, namesThatRecompute(context, spec));
  return 0;
}

/// Takes --cuda, --cuda=ARCH and --stage=STAGE out of the words. `error`: of words that do not go together.
static std::optional<CudaWords> takeCuda(llvm::SmallVectorImpl<char *> &words, std::string &error) {
  std::optional<std::string> cuda, stage;
  auto take = [&](llvm::StringRef word, llvm::StringRef name, std::optional<std::string> &value) {
    if (word != name && !word.starts_with(name.str() + "="))
      return false;
    value = word.drop_front(std::min(word.size(), name.size() + 1)).str();
    return true;
  };
  llvm::erase_if(words,
                 [&](llvm::StringRef word) { return take(word, "--cuda", cuda) || take(word, "--stage", stage); });
  bool machineCode = cuda && llvm::StringRef(*cuda).starts_with("sm_");
  if (stage && *stage != "ptx" && *stage != "cubin")
    error = "--stage=" + *stage + " is no stage to write; expected ptx or cubin";
  else if (stage && (!cuda || cuda->empty()))
    error = "--stage=" + *stage + " needs an architecture: --cuda=sm_80 for one";
  else if (stage == "cubin" && !machineCode)
    error = "--cuda=" + *cuda + " has no machine code; name an architecture sm_*, or --stage=ptx";
  return cuda ? std::optional(CudaWords{*cuda, stage.value_or("")}) : std::nullopt;
}

int mho::cli::explain(int argc, char **argv) {
  if (argc > 1 && isHelp(argv[1])) {
    llvm::outs() << kHelp;
    return 0;
  }
  if (argc < 2) {
    llvm::errs() << "mho explain: which layer?\n\n" << kHelp;
    return kWrongUsage;
  }
  for (int i = 2; i < argc; ++i)
    if (argv[i][0] != '-')
      return unexpectedWord("explain", argv[i]); // a spec is one argument, in quotes
  std::string error;
  llvm::SmallVector<char *> words(argv + 1, argv + argc);
  std::optional<CudaWords> cuda = takeCuda(words, error);
  if (cuda && cuda->architecture == "prelude") {
    llvm::outs() << lowering::kCudaPrelude;
    return 0;
  }
  if (words.empty()) {
    llvm::errs() << "mho explain: which layer?\n\n" << kHelp;
    return kWrongUsage;
  }
  LinearSpec spec;
  if (error.empty())
    spec = LinearSpec::parse(words[0], error);
  if (error.empty())
    if (Status status = readEffects({words.begin() + 1, words.end()}, spec); !status)
      error = status.message();
  if (error.empty())
    error = spec.validate();
  if (!error.empty()) {
    llvm::errs() << "mho explain: " << error << "\n";
    return kWrongUsage;
  }
  return explainLayer(spec, cuda);
}

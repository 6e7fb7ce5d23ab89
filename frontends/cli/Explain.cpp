// mho explain: the IR of a layer at each level.
#include "dialect/Transforms/Passes.h"
#include "frontends/cli/Commands.h"
#include "frontends/cli/ExplainEffects.h"
#include "frontends/cli/Tool.h"
#include "runtime/LinearModule.h"

#include "mlir/Pass/PassManager.h"

static const char *kHelp =
    "usage: mho explain SPEC [--effect=FILE[:NAME] [--bind=PARAMETER=SOURCE]... [--at=PLACE]]...\n\n"
    "Prints the algebra of an analog linear layer, its fused kernel and the kernels of its gradients as MLIR.\n"
    "SPEC is one line of words, for example\n"
    "  mho explain \"tile=balanced:256 range=given dac weight_noise output_noise adc adc_mask bias\"\n"
    "An empty SPEC is an ideal layer of one tile. A word that is not known is answered with the known ones.\n\n"
    "--effect adds an effect that is text (docs/effects.md); of several in a file, the one called NAME. --bind says "
    "what\n"
    "a parameter of it is: largest_weight, input_range or tensor. PLACE is before:WORD or after:WORD of a built-in\n"
    "effect. What becomes of effects, streams, strengths and parameters is then said at the end.\n";

static void print(const char *title, mlir::ModuleOp module) {
  llvm::outs() << "// ---- " << title << " ----\n";
  module.print(llvm::outs());
  llvm::outs() << "\n";
}

/// Prints each level; the exit status.
static int explainLayer(const mho::LinearSpec &spec) {
  using namespace mho;
  mlir::MLIRContext context;
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = buildLinearModule(context, spec);
  if (!module) {
    llvm::errs() << "mho explain: " << module.message() << "\n";
    return 1;
  }
  print("algebra", **module);
  mlir::PassManager fuse(&context), differentiate(&context);
  analog::AnalogFusePassOptions options;
  options.saveForBackward = true;
  fuse.addPass(analog::createAnalogFusePass(options));
  differentiate.addPass(analog::createAnalogDifferentiatePass());
  if (failed(fuse.run(**module)))
    return 1;
  print("analog-fuse: the forward kernel", **module);
  if (failed(differentiate.run(**module)))
    return 1;
  print("analog-differentiate: the kernels of the gradients", **module);
  if (!spec.effects.empty())
    cli::printEffects(spec, **module);
  return 0;
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
  LinearSpec spec = LinearSpec::parse(argv[1], error);
  if (error.empty())
    if (Status status = readEffects({argv + 2, argv + argc}, spec); !status)
      error = status.message();
  if (error.empty())
    error = spec.validate();
  if (!error.empty()) {
    llvm::errs() << "mho explain: " << error << "\n";
    return kWrongUsage;
  }
  return explainLayer(spec);
}

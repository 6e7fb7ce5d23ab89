// mho explain: the IR of a layer at each level.
#include "dialect/Transforms/Passes.h"
#include "frontends/cli/Commands.h"
#include "frontends/cli/Tool.h"
#include "runtime/LinearModule.h"

#include "mlir/Pass/PassManager.h"

static const char *kHelp =
    "usage: mho explain SPEC\n\n"
    "Prints the algebra of an analog linear layer, its fused kernel and the kernels of its gradients as MLIR.\n"
    "SPEC is one line of words, for example\n"
    "  mho explain \"tile=balanced:256 range=given dac weight_noise output_noise adc adc_mask bias\"\n"
    "An empty SPEC is an ideal layer of one tile. A word that is not known is answered with the known ones.\n";

static int print(const char *title, mlir::ModuleOp module) {
  llvm::outs() << "// ---- " << title << " ----\n";
  module.print(llvm::outs());
  llvm::outs() << "\n";
  return 0;
}

int mho::cli::explain(int argc, char **argv) {
  if (argc > 1 && isHelp(argv[1])) {
    llvm::outs() << kHelp;
    return 0;
  }
  if (argc > 2)
    return unexpectedWord("explain", argv[2]); // a spec is one argument, in quotes
  if (argc < 2) {
    llvm::errs() << "mho explain: which layer?\n\n" << kHelp;
    return kWrongUsage;
  }
  std::string error;
  LinearSpec spec = LinearSpec::parse(argv[1], error);
  if (error.empty())
    error = spec.validate();
  if (!error.empty()) {
    llvm::errs() << "mho explain: " << error << "\n";
    return 2;
  }
  mlir::MLIRContext context;
  context.loadDialect<analog::AnalogDialect, mlir::func::FuncDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module = buildLinearModule(context, spec);
  print("algebra", *module);
  mlir::PassManager fuse(&context), differentiate(&context);
  analog::AnalogFusePassOptions options;
  options.saveForBackward = true;
  fuse.addPass(analog::createAnalogFusePass(options));
  differentiate.addPass(analog::createAnalogDifferentiatePass());
  if (failed(fuse.run(*module)))
    return 1;
  print("analog-fuse: the forward kernel", *module);
  if (failed(differentiate.run(*module)))
    return 1;
  return print("analog-differentiate: the kernels of the gradients", *module);
}

// Passes from the dialect to itself.
#ifndef MHO_DIALECT_TRANSFORMS_PASSES_TD
#define MHO_DIALECT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AnalogFusePass : Pass<"analog-fuse", "::mlir::ModuleOp"> {
  let summary = "turn each function of the algebra into one tiled_mvm that holds all of its effects";
  let description = [{
    A function that accumulates the planes of one mvm, with effects (EffectOpInterface) on the input, the weight and the planes,
    becomes a single analog.tiled_mvm of the same meaning: [B,K] x [O,K] -> [B,O], no [T,B,O] value left. The effects' scalar code
    goes into load_lhs, load_rhs and end_tile in their order, the bias into finish; absmax of the raw input or weight becomes a
    statistic; each strength of an effect becomes a scalar argument of the function, with its value as the argument attribute
    `analog.value`, so that another strength is no other kernel.

    Precondition: none. Numerics: bit-preserving (SPEC.md, "Order"). Limits: one mvm per function, both factors function arguments,
    absmax of arguments only; anything else is refused with the reason.

    (* example filepath=tests/dialect/analog-fuse.mlir *)
  }];
  let options = [
    Option<"saveForBackward", "save-for-backward", "bool", "false",
           "also return the saturation bits and the per-row statistics that analog-differentiate needs">];
  let dependentDialects = ["::mho::analog::AnalogDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def AnalogDifferentiatePass : Pass<"analog-differentiate", "::mlir::ModuleOp"> {
  let summary = "add to each fused forward function the functions of its gradients";
  let description = [{
    For a function @f of one tiled_mvm that contracts k, adds @f_dx (input gradient and gradients of the range) and @f_dw (weight
    gradient): the same contraction with other index maps, G = dL/dy mapped back through finish and end_tile in load_lhs:
    dX = load_lhs'(x) * sum_n G r(w), dW = load_rhs'(w) * sum_m G l(x). Their arguments are the output gradient (`grad`), the
    arguments of @f, and what @f saved.

    Scalar code is differentiated in reverse; rounding and clamping carry surrogates (analog.surrogate), a draw is a constant. The
    weight is that of the noise-free transform: its normal draws are 0 and its uniform draws 1. Precondition: analog-fuse with
    save-for-backward. Limits: one accumulator; a derivative that needs an accumulator's value is refused.

    (* example filepath=tests/dialect/analog-differentiate.mlir *)
  }];
  let dependentDialects = ["::mho::analog::AnalogDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif

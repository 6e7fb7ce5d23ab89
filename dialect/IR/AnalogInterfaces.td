// The one interface through which passes know an effect.
#ifndef MHO_DIALECT_IR_ANALOGINTERFACES_TD
#define MHO_DIALECT_IR_ANALOGINTERFACES_TD

include "mlir/IR/OpBase.td"

def Analog_EffectOpInterface : OpInterface<"EffectOpInterface"> {
  let cppNamespace = "::mho::analog";
  let description = [{
    An op of the algebra that maps each element of one tensor by scalar code: an effect. Fusion, differentiation and the backends
    know nothing else of it. The surrogate gradient is part of the scalar code (`analog.surrogate`).
  }];
  let methods = [
    InterfaceMethod<"The tensor whose elements the effect maps.", "::mlir::Value", "getElementSource">,
    InterfaceMethod<"Scalar parameters that vary over axes: values with their axes, and named strengths (attributes), in the order in "
                    "which buildScalar takes them.",
                    "::llvm::SmallVector<::mho::analog::EffectParameter>", "getEffectParameters">,
    InterfaceMethod<"Keys that the scalar code draws from, in the order of the key indices it uses.",
                    "::llvm::SmallVector<::mlir::Value>", "getEffectKeys">,
    InterfaceMethod<"How many bits per element the gradient needs kept (results `saved` of the scalar code's surrogate).",
                    "unsigned", "getSavedBitCount", (ins), "", "return 0;">,
    InterfaceMethod<"Emits the scalar code for one element. `parameters` follow getEffectParameters; key i of the effect is key "
                    "`firstKey + i` of the kernel.",
                    "::mlir::Value", "buildScalar",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Value":$element,
                         "::mlir::ValueRange":$parameters, "::llvm::ArrayRef<int64_t>":$keyIndices)>,
  ];
}

#endif

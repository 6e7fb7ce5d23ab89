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
    InterfaceMethod<"What the scalar code draws, in the order of the key indices that buildScalar takes.",
                    "::llvm::SmallVector<::mho::analog::EffectDraw>", "getEffectDraws", (ins), "", "return {};">,
    InterfaceMethod<"What strengths of the effect are named after.", "::std::string", "getEffectName", (ins), "",
                    "return $_op->getName().stripDialect().str();">,
    InterfaceMethod<"How many bits per element the gradient needs kept (results `saved` of the scalar code's surrogate).",
                    "unsigned", "getSavedBitCount", (ins), "", "return 0;">,
    InterfaceMethod<"Emits the scalar code for one element. `parameters` follow getEffectParameters; draw i takes key "
                    "`keyIndices[i]` of the kernel.",
                    "::mlir::Value", "buildScalar",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Value":$element,
                         "::mlir::ValueRange":$parameters, "::llvm::ArrayRef<int64_t>":$keyIndices)>,
  ];
}

def Analog_DrawOpInterface : OpInterface<"DrawOpInterface"> {
  let cppNamespace = "::mho::analog";
  let description = "A random draw in scalar code: everything that an address does not say.";
  let methods = [
    InterfaceMethod<"Index of the kernel's key.", "uint64_t", "getKey">,
    InterfaceMethod<"Stream of the key.", "uint64_t", "getStream">,
    InterfaceMethod<"Names another key.", "void", "setKey", (ins "uint64_t":$key)>,
    InterfaceMethod<"Names another stream.", "void", "setStream", (ins "uint64_t":$stream)>,
    InterfaceMethod<"What is drawn.", "::mho::analog::NumberKind", "getNumberKind">,
    InterfaceMethod<"The draw repeats another of the same key, stream and kind.", "bool", "getRedraw">,
    InterfaceMethod<"Marks it as one that does.", "void", "setRedraw", (ins "bool":$redraw)>,
  ];
}

#endif

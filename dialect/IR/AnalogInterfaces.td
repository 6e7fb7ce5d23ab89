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
    InterfaceMethod<"Accumulators of the element's tile that the code takes beside the element: each the sum over the tile of a factor "
                    "of the input times one of the weight. Factor 0 of a side is the element that analog.mvm takes, factor 1 + i is "
                    "number i of buildFactors.",
                    "::llvm::SmallVector<std::pair<int64_t, int64_t>>", "getFurtherAccumulators", (ins), "", "return {};">,
    InterfaceMethod<"Sums over the tiles that code behind the sum takes beside the element: of analog.accumulate.",
                    "::llvm::SmallVector<::mlir::Value>", "getFurtherSums", (ins), "", "return {};">,
    InterfaceMethod<"Emits the factors that an element of the input (Side::Lhs) or the weight gives to further accumulators. "
                    "`parameters` and `keyIndices` as in buildScalar; a parameter that the side does not see is null. Fails, with an "
                    "error, where one is needed.",
                    "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildFactors",
                    (ins "::mlir::OpBuilder &":$builder, "::mho::analog::Side":$side, "::mlir::Value":$element,
                         "::llvm::ArrayRef<::mlir::Value>":$parameters, "::llvm::ArrayRef<int64_t>":$keyIndices),
                    "", "return ::llvm::SmallVector<::mlir::Value>();">,
    InterfaceMethod<"Emits what the code makes of an element besides: the elements of the op's results after the first. Arguments as "
                    "in buildScalar, whose draws it repeats.",
                    "::llvm::SmallVector<::mlir::Value>", "buildFurther",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$element, "::mlir::ValueRange":$accumulators,
                         "::mlir::ValueRange":$parameters, "::llvm::ArrayRef<int64_t>":$keyIndices),
                    "", "return {};">,
    InterfaceMethod<"Emits the scalar code for one element. `accumulators` are those of getFurtherAccumulators, or the sums of "
                    "getFurtherSums; `parameters` follow getEffectParameters; draw i takes key `keyIndices[i]` of the kernel.",
                    "::mlir::Value", "buildScalar",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Value":$element,
                         "::mlir::ValueRange":$accumulators, "::mlir::ValueRange":$parameters,
                         "::llvm::ArrayRef<int64_t>":$keyIndices)>,
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

// Ops of the algebra level: one per physical effect. Constraint labels (absmax_c1, ...) are those of dialect/SPEC.md.
#ifndef MHO_DIALECT_IR_ANALOGOPS_TD
#define MHO_DIALECT_IR_ANALOGOPS_TD

include "dialect/IR/AnalogBase.td"
include "dialect/IR/AnalogInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"

def Analog_F32Tensor : RankedTensorOf<[F32]>;
def Analog_F32Matrix : TensorRankOf<[F32], [2]>;
def Analog_F32Planes : TensorRankOf<[F32], [3]>;
def Analog_F32Vector : TensorRankOf<[F32], [1]>;
def Analog_KeyTensor : Type<And<[TensorOf<[I64]>.predicate, HasStaticShapePred,
                                 CPred<"::llvm::cast<::mlir::ShapedType>($_self).getShape() == ::llvm::ArrayRef<int64_t>{2}">]>,
                            "a noise key, tensor<2xi64> (seed, step)", "::mlir::TensorType">;
def Analog_AxesArray : TypedArrayAttrBase<Analog_AxesAttr, "axes of each operand">;

// `overridden`: methods of the interface that the effect does not leave at their default.
class Analog_BuiltinEffect<string mnemonic, list<string> overridden = []>
    : Analog_Op<mnemonic, [Pure, DeclareOpInterfaceMethods<Analog_EffectOpInterface, overridden>]> {
  let hasVerifier = 1;
}

def Analog_AbsMaxOp : Analog_Op<"absmax", [Pure]> {
  let summary = "largest absolute value within each crossbar tile";
  let description = [{
    Per `channel`: [O,K] -> [T,O], A_(t,o) = max over k in t of |W_ok|. Per `tensor`: [O,K] -> [T]. Per `row`: [B,K] -> [T,B], the
    dynamic input range. NaN in, NaN out; an empty set gives 0.
    ```mlir
    %a = analog.absmax %w per channel : tensor<256x784xf32> -> tensor<2x256xf32>
    ```
  }];
  let arguments = (ins Analog_F32Matrix:$input /*absmax_i1*/, Analog_GranularityAttr:$per);
  let results = (outs Analog_F32Tensor:$result);
  let assemblyFormat = "$input `per` `` $per attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Analog_QuantizeInputOp : Analog_BuiltinEffect<"quantize_input"> {
  let summary = "DAC: clamp to the range and round to integer codes";
  let description = [{
    s = L / beta, code = roundeven(clamp(x, -beta, beta) * s). Gradient: s where |x| <= beta, else 0. `gradient` is that of the
    range: `sign_filtered` (the default), `paper` or `lsq`; a dynamic range (axes t, m) is a constant and has none.
  }];
  let arguments = (ins Analog_F32Matrix:$input /*quantize_input_i1*/, Analog_F32Tensor:$range /*quantize_input_i2*/, Analog_AxesAttr:$range_axes,
                       F32Attr:$half_levels /*quantize_input_i3*/, DefaultValuedAttr<F32Attr, "0.0f">:$decay /*quantize_input_i4*/,
                       DefaultValuedAttr<F32Attr, "0.95f">:$share /*quantize_input_i5*/,
                       DefaultValuedAttr<Analog_RangeGradientAttr, "RangeGradient::SignFiltered">:$gradient /*quantize_input_i6*/);
  let results = (outs Analog_F32Matrix:$result);
  let assemblyFormat = [{
    $input `range` `(` custom<OverAxes>($range, $range_axes) `)` (`gradient` `` $gradient^)? attr-dict
    `:` type($input) `,` type($range) `->` type($result)
  }];
}

def Analog_QuantizeWeightOp : Analog_BuiltinEffect<"quantize_weight"> {
  let summary = "weight quantiser: A / L wide steps, clamped to L steps; the identity for gradients";
  let arguments = (ins Analog_F32Matrix:$input /*quantize_weight_i1*/, Analog_F32Tensor:$scale /*quantize_weight_i2*/, Analog_AxesAttr:$scale_axes,
                       F32Attr:$half_levels /*quantize_weight_i3*/);
  let results = (outs Analog_F32Matrix:$result);
  let assemblyFormat = [{
    $input `scale` `(` custom<OverAxes>($scale, $scale_axes) `)` attr-dict `:` type($input) `,` type($scale) `->` type($result)
  }];
}

def Analog_InjectNoiseOp : Analog_BuiltinEffect<"inject_noise", ["getEffectDraws"]> {
  let summary = "add Gaussian noise of strength sigma times the product of the scales";
  let description = [{
    v + ((sigma * scale_0) * scale_1) * n by one fused multiply-add, n drawn as SPEC.md says from `key` and `stream`.
    The identity for gradients.
  }];
  let arguments = (ins Analog_F32Tensor:$input /*inject_noise_i1*/, Variadic<Analog_F32Tensor>:$scales /*inject_noise_i2*/, Analog_AxesArray:$scale_axes,
                       Analog_KeyTensor:$key /*inject_noise_i3*/, I64Attr:$stream /*inject_noise_i4*/, F32Attr:$sigma /*inject_noise_i5*/,
                       DefaultValuedAttr<Analog_GaussianMapAttr, "GaussianMap::Half">:$map /*inject_noise_i6*/,
                       UnitAttr:$redraw /*inject_noise_i7*/);
  let results = (outs Analog_F32Tensor:$result);
  let assemblyFormat = [{
    $input `scale` `(` custom<OverAxesList>($scales, $scale_axes) `)` `key` `(` $key `,` `stream` `=` $stream `)`
    (`map` `` $map^)? (`redraw` $redraw^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Analog_DropConnectOp : Analog_BuiltinEffect<"drop_connect", ["getEffectDraws"]> {
  let summary = "set weights to exactly 0 with a probability, without rescaling; the identity for gradients";
  let arguments = (ins Analog_F32Matrix:$input /*drop_connect_i1*/, Analog_KeyTensor:$key /*drop_connect_i2*/, I64Attr:$stream /*drop_connect_i3*/,
                       F32Attr:$probability /*drop_connect_i4*/, UnitAttr:$redraw /*drop_connect_i5*/);
  let results = (outs Analog_F32Matrix:$result);
  let assemblyFormat = [{
    $input `key` `(` $key `,` `stream` `=` $stream `)` (`redraw` $redraw^)? attr-dict `:` functional-type(operands, results)
  }];
}

def Analog_MvmOp : Analog_Op<"mvm", [Pure]> {
  let summary = "matrix-vector products of every tile: [B,K], [O,K] -> [T,B,O]";
  let arguments = (ins Analog_F32Matrix:$input /*mvm_i1*/, Analog_F32Matrix:$weight /*mvm_i2*/);
  let results = (outs Analog_F32Planes:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input) `,` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def Analog_RescaleOp : Analog_BuiltinEffect<"rescale"> {
  let summary = "from code units back to logical units: times beta / L";
  let arguments = (ins Analog_F32Planes:$input /*rescale_i1*/, Analog_F32Tensor:$range /*rescale_i2*/, Analog_AxesAttr:$range_axes,
                       F32Attr:$half_levels /*rescale_i3*/);
  let results = (outs Analog_F32Planes:$result);
  let assemblyFormat = [{
    $input `range` `(` custom<OverAxes>($range, $range_axes) `)` attr-dict `:` type($input) `,` type($range) `->` type($result)
  }];
}

def Analog_AdcOp : Analog_BuiltinEffect<"adc"> {
  let summary = "ADC: round to codes, then clamp at the bound";
  let description = [{
    bound = (lambda * scale_0) * scale_1 ..., code = clamp(roundeven(v * (L / bound)), -L, L), value = code * (bound / L).
    Gradient `masked`: 0 where the rounded code lies strictly beyond L; `straight_through`: the identity.
  }];
  let arguments = (ins Analog_F32Planes:$input /*adc_i1*/, Variadic<Analog_F32Tensor>:$scales /*adc_i2*/, Analog_AxesArray:$scale_axes,
                       F32Attr:$lambda /*adc_i3*/, F32Attr:$half_levels /*adc_i4*/,
                       DefaultValuedAttr<Analog_GradientKindAttr, "GradientKind::Masked">:$gradient /*adc_i5*/);
  let results = (outs Analog_F32Planes:$result);
  let assemblyFormat = [{
    $input `bound` `(` custom<OverAxesList>($scales, $scale_axes) `)` (`gradient` `` $gradient^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = "unsigned getSavedBitCount() { return getGradient() == GradientKind::Masked; }";
}

def Analog_AccumulateOp : Analog_Op<"accumulate", [Pure]> {
  let summary = "digital sum over tiles in ascending order, plus the bias";
  let arguments = (ins Analog_F32Planes:$input /*accumulate_i1*/, Optional<Analog_F32Vector>:$bias /*accumulate_i2*/);
  let results = (outs Analog_F32Matrix:$result);
  let assemblyFormat = "$input (`bias` `(` $bias^ `)`)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

include "dialect/IR/AnalogUserEffects.td"
include "dialect/IR/AnalogKernelOps.td"

#endif

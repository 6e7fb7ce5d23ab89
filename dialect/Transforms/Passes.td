// Passes from the dialect to itself.
#ifndef MHO_DIALECT_TRANSFORMS_PASSES_TD
#define MHO_DIALECT_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AnalogFusePass : Pass<"analog-fuse", "::mlir::ModuleOp"> {
  let summary = "turn each function of the algebra into one tiled_mvm that holds all of its effects";
  let description = [{
    A function that accumulates the planes of one mvm, with effects (EffectOpInterface) on the input, the weight and the planes, and
    uses of effects on the output behind the sum, becomes a single analog.tiled_mvm of the same meaning: [B,K] x [O,K] -> [B,O], no
    [T,B,O] value left. The effects' scalar code goes into load_lhs, load_rhs and end_tile in their order, the bias and what acts on the
    output into finish; further results of effects on the planes are further sums of end_tile; factors of further accumulators are yielded by the
    loads beside those of the mvm, equal ones once; absmax of the raw input or weight becomes a
    statistic; a factor or a result of 16 bits becomes an operand or the value of that type (SPEC.md, "Storage"); each strength of an effect becomes a scalar argument of the function, with its value as the argument attribute
    `analog.value`, so that another strength is no other kernel.

    ```mlir
    // RUN-OPTIONS: --analog-fuse=save-for-backward=true
    // An 8-bit DAC and an 8-bit ADC around crossbar tiles of 64 rows.
    func.func @layer(%x: tensor<?x100xf32>, %w: tensor<10x100xf32>, %beta: tensor<2xf32>) -> tensor<?x10xf32>
        attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
      %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32}
          : tensor<?x100xf32>, tensor<2xf32> -> tensor<?x100xf32>
      %acc = analog.mvm %code, %w : tensor<?x100xf32>, tensor<10x100xf32> -> tensor<2x?x10xf32>
      %amp = analog.rescale %acc range(%beta over (t)) {half_levels = 127.0 : f32}
          : tensor<2x?x10xf32>, tensor<2xf32> -> tensor<2x?x10xf32>
      %out = analog.adc %amp bound(%beta over (t)) {lambda = 12.0 : f32, half_levels = 127.0 : f32}
          : (tensor<2x?x10xf32>, tensor<2xf32>) -> tensor<2x?x10xf32>
      %y = analog.accumulate %out : (tensor<2x?x10xf32>) -> tensor<?x10xf32>
      return %y : tensor<?x10xf32>
    }
    // becomes one op, without the planes [T,B,O]; strengths are arguments, and the ADC's saturation is a second result:
    // CHECK: func.func @layer([[X:%[^:]+]]: tensor<?x100xf32>, [[W:%[^:]+]]: tensor<10x100xf32>, [[BETA:%[^:]+]]: tensor<2xf32>,
    // CHECK-SAME: [[LEVELS:%[^:]+]]: f32 {analog.name = "input.quantize_input.half_levels", analog.value = 1.270000e+02 : f32}
    // CHECK-SAME: -> (tensor<?x10xf32> {analog.name = "y"}, tensor<2x?x1xi32> {analog.name = "saturation"})
    // CHECK-NEXT: [[Y:%.+]]:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
    // CHECK-NEXT: lhs([[X]] over (m, k) : tensor<?x100xf32>)
    // CHECK-NEXT: rhs([[W]] over (n, k) : tensor<10x100xf32>)
    // CHECK-NEXT: params([[BETA]] over (t) : tensor<2xf32>, [[LEVELS]] : f32
    // CHECK-NEXT: results(value over (m, n), bits over (t, m, n))
    // CHECK-NEXT: load_lhs {
    // CHECK:        math.roundeven
    // CHECK:      load_rhs {
    // CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32
    // CHECK-NEXT:   analog.yield [[V]] : f32
    // CHECK:      end_tile {
    // CHECK-NEXT: ^bb0([[ACC:%[^:]+]]: f32, [[RANGE:%[^:]+]]: f32
    // CHECK-NEXT:   [[STEP:%.+]] = arith.divf [[RANGE]],
    // CHECK-NEXT:   [[AMP:%.+]] = arith.mulf [[ACC]], [[STEP]] : f32
    // CHECK-NEXT:   [[OUT:%.+]], [[SATURATED:%.+]] = analog.surrogate([[AMP]], [[RANGE]],
    // CHECK:        math.roundeven
    // CHECK:        analog.yield [[OUT]] : f32 bits([[SATURATED]])
    // CHECK:      finish {
    // CHECK-NOT:  analog.mvm
    // CHECK:      return [[Y]]#0, [[Y]]#1
    ```

    Precondition: none; a function without analog.accumulate is left alone. Numerics: bit-preserving (SPEC.md, "Order"). Limits: one
    mvm per function, both factors function arguments, absmax of arguments only; anything else is refused with the reason.

    More: (* example filepath=tests/dialect/analog-fuse.mlir *)
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
    gradient, and of learned parameters of the weight): the same contraction with other index maps, G = dL/dy mapped back through
    finish and end_tile in load_lhs: dX = load_lhs'(x) * sum_n G r(w), dW = load_rhs'(w) * sum_m G l(x), summed over the accumulators,
    each with a G of its own. Their arguments are the output gradient (`grad`), the arguments of @f, and what @f saved.
    `analog.gradient` of a result is the argument of @f that it is the gradient of; results without it are counts that its gradient was
    made of.

    Where G needs accumulators (or a largest weight, or where end_tile learns a parameter), @f_dz contracts as @f did, with `grad` as
    epilogue operand, and gives the G as planes `dz`, `dz#2`, ...; @f_dx and @f_dw then take these in place of `grad`.
    Where load_rhs' needs a statistic of the weight, @f_stats gives it as `weight_range`, which @f_dw takes as its last argument; its
    product is of no use, and its x may have no rows.

    Scalar code is differentiated in reverse, op by op (SPEC.md, "Derivatives"); the converters' rounding and clamping carry surrogates
    (analog.surrogate), a draw is a constant. The weight is that of the noise-free transform: its normal draws are 0 and its uniform draws 1.

    ```mlir
    // RUN-OPTIONS: --analog-fuse=save-for-backward=true --analog-differentiate
    // A DAC of learned ranges, and weight noise.
    func.func @layer(%x: tensor<?x100xf32>, %w: tensor<10x100xf32>, %beta: tensor<2xf32>, %key: tensor<2xi64>) -> tensor<?x10xf32>
        attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
      %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32}
          : tensor<?x100xf32>, tensor<2xf32> -> tensor<?x100xf32>
      %noisy = analog.inject_noise %w scale() key(%key, stream = 0) {sigma = 0.05 : f32}
          : (tensor<10x100xf32>, tensor<2xi64>) -> tensor<10x100xf32>
      %acc = analog.mvm %code, %noisy : tensor<?x100xf32>, tensor<10x100xf32> -> tensor<2x?x10xf32>
      %y = analog.accumulate %acc : (tensor<2x?x10xf32>) -> tensor<?x10xf32>
      return %y : tensor<?x10xf32>
    }
    // The forward function stays:
    // CHECK: func.func @layer(
    // CHECK-NEXT: analog.tiled_mvm contract(k)
    // CHECK:      analog.normal key(0) stream(0)
    //
    // dX = load_lhs'(x) * (G W): the weight without its noise; beyond the range 0 in place of the gradient; the range's gradient is a sum.
    // CHECK: func.func @layer_dx([[G:%[^:]+]]: tensor<?x10xf32> {analog.name = "grad"}, [[X:%[^:]+]]: tensor<?x100xf32>, [[W:%[^:]+]]: tensor<10x100xf32>,
    // CHECK-SAME: -> (tensor<?x100xf32> {analog.gradient = 0 : i64, analog.name = "dx"}, tensor<2xf32> {analog.gradient = 2 : i64, analog.name = "dparam2"}
    // CHECK-NEXT: analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 64>)
    // CHECK-NEXT: lhs([[G]] over (m, n) : tensor<?x10xf32>)
    // CHECK-NEXT: rhs([[W]] over (n, k) : tensor<10x100xf32>)
    // CHECK-NEXT: epilogue([[X]] over (m, k) : tensor<?x100xf32>)
    // CHECK:      results(value over (m, k), sum over (t),
    // CHECK:      load_rhs {
    // CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32
    // CHECK-NEXT:   analog.yield [[V]] : f32
    // CHECK:      finish {
    // CHECK:        [[BEYOND:%.+]] = arith.cmpf ogt
    // CHECK:        arith.select [[BEYOND]], %cst
    // CHECK:      tail {
    //
    // dW = G^T load_lhs(x): the codes of the DAC.
    // CHECK: func.func @layer_dw([[G:%[^:]+]]: tensor<?x10xf32> {analog.name = "grad"}, [[X:%[^:]+]]: tensor<?x100xf32>
    // CHECK-SAME: -> (tensor<10x100xf32> {analog.gradient = 1 : i64, analog.name = "dweight"})
    // CHECK-NEXT: analog.tiled_mvm contract(m)
    // CHECK-NEXT: lhs([[G]] over (m, n) : tensor<?x10xf32>)
    // CHECK-NEXT: rhs([[X]] over (m, k) : tensor<?x100xf32>)
    // CHECK:      results(value over (n, k))
    // CHECK:      load_rhs {
    // CHECK:        math.roundeven
    ```

    Precondition: analog-fuse with save-for-backward; a function without a tiled_mvm that contracts k is left alone. Numerics: SPEC.md,
    "Gradients": every scalar step is rounded as the gradients of the single ops are, products of matrices may be summed in any order,
    reductions have the fixed order of "Reductions". Limits: an lhs over (m, k) and an rhs over (n, k); parameters that one effect learns
    vary over the same axes; a derivative that needs a sum over tiles, or that of a number made of a differentiated value's bits, is
    refused with the reason.

    More: (* example filepath=tests/dialect/analog-differentiate.mlir *)
  }];
  let dependentDialects = ["::mho::analog::AnalogDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def AnalogInlineSurrogatesPass : Pass<"analog-inline-surrogates", "::mlir::ModuleOp"> {
  let summary = "leave of each surrogate its value, and of each kernel what its results need";
  let description = [{
    Replaces every analog.surrogate in the regions of a kernel by the code of its value, and drops what is then unused: operations,
    accumulators with the loaded values that only they have a part of, parameters and statistics. So an effect that replaces the sum of a
    tile by others, as one on bit-sliced weights does, costs no product for the sum itself.

    ```mlir
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<f32>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) params(%b : tensor<f32>)
          results(value over (m, n))
        load_lhs { ^bb0(%v: f32, %p: f32): analog.yield %v : f32 }
        load_rhs {
        ^bb0(%v: f32, %p: f32):
          %low = math.floor %v : f32
          analog.yield %v, %low : f32, f32
        }
        accumulate(0 * 0, 0 * 1)
        end_tile {
        ^bb0(%a: f32, %q: f32, %p: f32):
          %r = analog.surrogate(%a, %q, %p) value {
          ^bb0(%first: f32, %second: f32, %c: f32):
            analog.yield %second : f32
          } derivative {
          ^bb0(%second: f32, %c: f32, %first: f32, %g: f32):
            analog.yield %g : f32
          } : f32
          analog.yield %r : f32
        }
        finish { ^bb0(%s: f32, %p: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    }
    // One accumulator is left, of the one factor that it needs, and no parameter.
    // CHECK:      analog.tiled_mvm
    // CHECK-NOT:  params
    // CHECK:      load_rhs {
    // CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32):
    // CHECK-NEXT:   [[LOW:%.+]] = math.floor [[V]] : f32
    // CHECK-NEXT:   analog.yield [[LOW]] : f32
    // CHECK:      accumulate(0 * 0)
    // CHECK:      end_tile {
    // CHECK-NEXT: ^bb0([[Q:%[^:]+]]: f32):
    // CHECK-NEXT:   analog.yield [[Q]] : f32
    ```

    Precondition: none; to run after analog-differentiate, which needs the derivatives. Numerics: bit-preserving. Limits: none.

    More: (* example filepath=tests/dialect/analog-inline-surrogates.mlir *)
  }];
}

def AnalogExpandElementaryPass : Pass<"analog-expand-elementary", "::mlir::ModuleOp"> {
  let summary = "write exp, log, powf and tanh of kernels as their sequences of rounded operations";
  let description = [{
    Replaces math.exp, math.log, math.powf and math.tanh in the regions of every analog.tiled_mvm by the sequences of
    dialect/Numerics/Elementary.h, which the evaluator runs on numbers: additions, products, quotients, fused multiply-adds, selections
    and operations on the bits of an i32.

    ```mlir
    func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
          lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
        load_lhs {
        ^bb0(%v: f32):
          %u = math.exp %v : f32
          analog.yield %u : f32
        }
        load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
        accumulate(0 * 0)
        end_tile { ^bb0(%a: f32): analog.yield %a : f32 }
        finish { ^bb0(%s: f32): analog.yield %s : f32 }
        : tensor<?x?xf32>
      return %y : tensor<?x?xf32>
    }
    // CHECK:      load_lhs {
    // CHECK-NEXT: ^bb0([[V:%[^:]+]]: f32):
    // CHECK-NOT:  math.exp
    // x limited to -104 .. 89; k, the multiple of ln 2 nearest to it, from the low bits of x / ln 2 + 1.5 * 2^23:
    // CHECK:      arith.cmpf olt, [[V]],
    // CHECK:      [[X:%.+]] = arith.select
    // CHECK:      [[SHIFTED:%.+]] = math.fma [[X]],
    // CHECK:      [[BITS:%.+]] = arith.bitcast [[SHIFTED]] : f32 to i32
    // CHECK:      [[K:%.+]] = arith.subi [[BITS]],
    // CHECK:      [[WHOLE:%.+]] = arith.subf [[SHIFTED]],
    // what is left of x, and e to the power of it:
    // CHECK:      math.fma [[WHOLE]], {{%.+}}, [[X]] : f32
    // CHECK-COUNT-4: math.fma
    // times 2^k, made of its bits, by halves:
    // CHECK:      arith.shrsi [[K]],
    // CHECK:      arith.shli
    // CHECK:      [[FIRST:%.+]] = arith.bitcast
    // CHECK:      arith.shli
    // CHECK:      [[SECOND:%.+]] = arith.bitcast
    // CHECK:      [[HALFWAY:%.+]] = arith.mulf {{%.+}}, [[FIRST]] : f32
    // CHECK:      [[Y:%.+]] = arith.mulf [[HALFWAY]], [[SECOND]] : f32
    // CHECK-NEXT: analog.yield [[Y]] : f32
    ```

    Precondition: none; to run before convert-analog-to-vector, and after analog-differentiate, which knows the functions' derivatives
    but not those of their sequences. Numerics: SPEC.md, "Elementary functions": the bits are the evaluator's. Limits: none.

    More: (* example filepath=tests/dialect/analog-expand-elementary.mlir *)
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif

// Effects on the tile with further accumulators, on the CPU backend against the evaluator: several tiles, ragged shapes, forward and
// backward. Integers give equal bits, normal numbers equal values within the
// rounding of sums (as in effects.mlir; magnitudes of squares and of slices are up to ten times larger).
// RUN: %python %S/Inputs/codes.py %t.7 33 70 35 7
// RUN: %python %S/Inputs/codes.py %t.127 33 70 35 127
// RUN: mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --size 0=5x70 --size 1=33x70 --size 2=2 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --size 0=65x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=2 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %S/../../examples/effects/pcm_read_noise.mlir layer --size 0=1x1 --size 1=1x1 --size 2=1 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/ir_drop.mlir layer --size 0=5x70 --size 1=33x70 --size 2=2 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/ir_drop.mlir layer --size 0=65x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/ir_drop.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=2 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %S/../../examples/effects/bit_slices.mlir layer --size 0=5x70 --arg 1=%t.127/w.npy --size 2=2 --arg 2=127 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/bit_slices.mlir layer --size 0=65x131 --size 1=50x131 --size 2=3 --arg 2=127 --check | FileCheck %s --check-prefix=FORWARD
// RUN: mho-run %S/../../examples/effects/bit_slices.mlir layer --size 0=65x131 --size 1=50x131 --size 2=3 --arg 2=127 --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %S/../../examples/effects/shifted_input.mlir layer --size 0=5x70 --arg 1=%t.7/w.npy --size 2=2 --arg 2=0.25 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/shifted_input.mlir layer --size 0=65x131 --size 1=50x131 --arg 1=7 --size 2=3 --arg 2=0.125 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/shifted_input.mlir programmed_layer --size 0=5x70 --arg 1=%t.7/w.npy --size 2=2 --arg 2=0.25 --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %S/../../examples/effects/stuck_cells.mlir layer --size 0=5x70 --arg 1=%t.127/w.npy --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %S/../../examples/effects/stuck_cells.mlir layer --size 0=65x131 --size 1=50x131 --check | FileCheck %s --check-prefix=FORWARD
// RUN: mho-run %S/../../examples/effects/stuck_cells.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %S/../../examples/effects/self_heating.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %S/../../examples/effects/self_heating.mlir layer --size 0=1x1 --size 1=1x1 --normal --gradient --check --tolerance=1e-5 | FileCheck %s --check-prefix=CLOSE
// RUN: mho-run %s derived --size 0=7x70 --size 1=33x70 --size 2=2x7 --arg 2=0.5 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s derived --size 0=66x131 --size 1=50x131 --size 2=3x66 --arg 2=0.5 --gradient --check --parallel=2 | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s derived_noisy_backward --size 0=7x70 --size 1=33x70 --size 2=2x7 --arg 2=0.5 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s kept --size 0=66x131 --size 1=50x131 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s all --size 0=7x70 --size 1=33x70 --size 2=2 --arg 2=127 --size 3=7 --gradient --check | FileCheck %s --check-prefix=EQUAL
// RUN: mho-run %s all --size 0=66x131 --size 1=50x131 --size 2=3 --arg 2=127 --size 3=66 --gradient --check | FileCheck %s --check-prefix=EQUAL
// EQUAL: equal to the reference: largest difference 0 of
// EQUAL: gradient of argument 0, equal to the reference: largest difference 0 of
// EQUAL: gradient of argument 1, equal to the reference: largest difference 0 of
// CLOSE: equal to the reference
// CLOSE: gradient of argument 0, equal to the reference
// CLOSE: gradient of argument 1, equal to the reference
// FORWARD: equal to the reference: largest difference 0 of

// The kernel has the accumulators that it needs: not that of the whole weights where slices replace it.
// RUN: mho-opt --analog-fuse --analog-inline-surrogates %S/../../examples/effects/bit_slices.mlir | FileCheck %s --check-prefix=SLICES
// SLICES: accumulate(0 * 0, 0 * 1, 0 * 2, 0 * 3)

#xbar = #analog.tiling<balanced, rows = 64>

// Several effects with accumulators of their own, which share the magnitude of a weight; bits; draws in all three regions; a parameter
// over rows; an ADC between them.
analog.effect @noise on tile(%y) accumulators(%q = square * magnitude) params(%b over (m)) strengths(%s = 0.25) surrogate(straight_through) {
  %root = math.sqrt %q : f32
  %scaled = arith.mulf %root, %s : f32
  %n = analog.normal : f32
  %result = math.fma %scaled, %n, %y : f32
  analog.yield %result : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  %positive = math.absf %b : f32
  %scaled = arith.mulf %square, %positive : f32
  analog.yield %scaled : f32
} weights(%w) yields(magnitude) {
  %magnitude = math.absf %w : f32
  analog.yield %magnitude : f32
}
analog.effect @dead on tile(%y) accumulators(%q = x * magnitude, %alive = kept * kept) strengths(%top = 40.0, %p = 0.25) surrogate(masked) {
  %half = arith.constant 0.5 : f32
  %sum = arith.addf %alive, %q : f32
  %result = math.fma %sum, %half, %y : f32
  %beyond = arith.cmpf ogt, %result, %top : f32
  analog.yield %result : f32 bits(%beyond)
} inputs(%x) yields(kept) {
  %zero = arith.constant 0.0 : f32
  %u = analog.uniform : f32
  %is = arith.cmpf olt, %u, %p : f32
  %kept = arith.select %is, %zero, %x : f32
  analog.yield %kept : f32
} weights(%w) yields(magnitude, kept) {
  %zero = arith.constant 0.0 : f32
  %magnitude = math.absf %w : f32
  %u = analog.uniform : f32
  %is = arith.cmpf olt, %u, %p : f32
  %kept = arith.select %is, %zero, %w : f32
  analog.yield %magnitude, %kept : f32, f32
}
func.func @all(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %b: tensor<?xf32>, %key: tensor<2xi64>, %chip: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #xbar} {
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %code, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @dead %a key(%chip) : (tensor<?x?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %a1 = analog.apply @noise %a0 params(%b over (m)) key(%key) : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %a2 = analog.adc %a1 bound() {lambda = 254.0 : f32, half_levels = 127.0 : f32} : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a2 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Derivatives through the accumulators: two of them share a factor on each side, one has a product of both in its derivative, which is
// contracted again; a draw decides in each region and stays whole, so that all sums are exact. Behind it a masked effect,
// before it noise of the weight, which dx contracts without (or, with noisy_backward, with).
analog.effect @coupled on tile(%y) accumulators(%a = left * magnitude, %b = left * w, %c = x * magnitude) params(%p over (t, m)) strengths(%s = 0.25)
    surrogate(derived) {
  %ab = arith.mulf %a, %s : f32
  %n = analog.normal : f32
  %zero = arith.constant 0.0 : f32
  %sign = arith.cmpf ogt, %n, %zero : f32
  %one_of = arith.select %sign, %b, %c : f32
  %scaled = arith.mulf %one_of, %p : f32
  %product = math.fma %ab, %scaled, %y : f32
  analog.yield %product : f32
} inputs(%x) yields(left) {
  %n = analog.normal : f32
  %zero = arith.constant 0.0 : f32
  %two = arith.constant 2.0 : f32
  %sign = arith.cmpf ogt, %n, %zero : f32
  %twice = arith.mulf %x, %two : f32
  %left = arith.select %sign, %twice, %x : f32
  analog.yield %left : f32
} weights(%w) yields(magnitude) {
  %u = analog.uniform : f32
  %half = arith.constant 0.5 : f32
  %sign = arith.cmpf ogt, %u, %half : f32
  %absolute = math.absf %w : f32
  %magnitude = arith.select %sign, %absolute, %w : f32
  analog.yield %magnitude : f32
}
// Noise of a weight in whole steps.
analog.effect @steps on weight(%w) surrogate(straight_through) {
  %n = analog.normal : f32
  %noisy = arith.addf %w, %n : f32
  %whole = math.roundeven %noisy : f32
  analog.yield %whole : f32
}
func.func @derived(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %p: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %w0 = analog.apply @steps %w key(%key) : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @coupled %a params(%p over (t, m)) key(%key) : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %a1 = analog.apply @dead %a0 key(%key) : (tensor<?x?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a1 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
func.func @derived_noisy_backward(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %p: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar, analog.noisy_backward} {
  %w0 = analog.apply @steps %w key(%key) : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @coupled %a params(%p over (t, m)) key(%key) : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a0 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// A derivative without accumulators is taken in the kernels of dx and dw themselves, its draws at the output's element.
analog.effect @linear on tile(%y) accumulators(%q = square * magnitude, %r = x * magnitude) surrogate(derived) {
  %u = analog.uniform : f32
  %half = arith.constant 0.5 : f32
  %sign = arith.cmpf ogt, %u, %half : f32
  %scaled = arith.mulf %q, %half : f32
  %one_of = arith.select %sign, %scaled, %r : f32
  %result = arith.subf %one_of, %y : f32
  analog.yield %result : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  analog.yield %square : f32
} weights(%w) yields(magnitude) {
  %magnitude = math.absf %w : f32
  analog.yield %magnitude : f32
}
func.func @kept(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @linear %a key(%key) : (tensor<?x?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a0 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

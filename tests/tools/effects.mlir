// Effects that are text, on the CPU backend against the evaluator: several tiles, ragged shapes, forward and backward.
// Tolerances: n roundings of half a unit of a partial sum p add up to about 2^-24 sqrt(n) |p|, ten times that is allowed: for
// products of normals n = 131 and |p| = 11 give 8e-5; for the sums of dnu n = 282 and |p| = 150 (of_all: 460) 1e-3 (5e-3). Bounds
// of the worst case: tests/frontends/effect_gradient_test.cpp and tests/conformance/RealTest.cpp.
// RUN: mho-run %S/../../examples/effects/reram_noise.mlir layer --size 0=5x70 --size 1=33x70 --normal --gradient --check --tolerance=1e-4 | FileCheck %s --check-prefix=TWO
// RUN: mho-run %S/../../examples/effects/reram_noise.mlir layer --size 0=1x1 --size 1=1x1 --normal --gradient --check --tolerance=1e-5 | FileCheck %s --check-prefix=TWO
// RUN: mho-run %S/../../examples/effects/reram_noise.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-4 | FileCheck %s --check-prefix=TWO
// RUN: mho-run %S/../../examples/effects/learned_clip.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=2.5 --gradient --check | FileCheck %s --check-prefix=THREE
// RUN: mho-run %S/../../examples/effects/learned_clip.mlir layer --size 0=65x131 --size 1=50x131 --size 2=3 --arg 2=0.75 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=THREE
// RUN: mho-run %S/../../examples/effects/saturation.mlir layer --size 0=17x131 --size 1=50x131 --normal --gradient --check --tolerance=1e-4 | FileCheck %s --check-prefix=TWO
// RUN: mho-run %S/../../examples/effects/saturation.mlir layer --size 0=1x1 --size 1=1x1 --normal --gradient --check --tolerance=1e-5 | FileCheck %s --check-prefix=TWO
// RUN: mho-run %S/../../examples/effects/saturation.mlir per_tile --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=0.25 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=THREE
// RUN: mho-run %S/../../examples/effects/saturation.mlir of_all --size 0=65x70 --size 1=65x70 --arg 2=0.25 --normal --gradient --check --tolerance=1e-2 | FileCheck %s --check-prefix=THREE
// RUN: mho-run %S/../../examples/effects/lsq_clip.mlir layer --size 0=17x131 --size 1=50x131 --size 2=3x50 --size 3=3x50 --arg 2=1.5 --arg 3=2.5 --gradient --check | FileCheck %s --check-prefix=FOUR-LSQ
// RUN: mho-run %S/../../examples/effects/lsq_clip.mlir layer --size 0=17x131 --size 1=65x131 --size 2=3x65 --size 3=3x65 --arg 2=0.75 --arg 3=0.5 --normal --gradient --check --tolerance=1e-4 | FileCheck %s --check-prefix=FOUR-NORMAL
// RUN: mho-run %S/../../examples/effects/lsq_clip.mlir per_tile --size 0=17x131 --size 1=50x131 --size 2=3 --size 3=3 --arg 2=1.5 --arg 3=2.5 --gradient --check | FileCheck %s --check-prefix=FOUR
// RUN: mho-run %s derived_parameters --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=0.25 --size 3=3x50 --arg 3=1.5 --size 4=3x50 --arg 4=2 --size 5=3x50 --arg 5=0.5 --size 6=3 --arg 6=0.75 --normal --gradient --check --tolerance=2e-3 | FileCheck %s --check-prefix=DERIVED
// RUN: mho-run %s everything --size 0=7x70 --size 1=33x70 --normal --gradient --check --tolerance=1e-3 | FileCheck %s --check-prefix=TWO
// RUN: mho-run %s limited --size 0=5x70 --size 1=33x70 --gradient --check | FileCheck %s --check-prefix=TWO
// RUN: mho-run %s bits --size 0=5x70 --size 1=33x70 --size 2=2x5 --gradient --check | FileCheck %s --check-prefix=TWO
// RUN: mho-run %s clip_and_range --size 0=17x131 --size 1=50x131 --size 2=3 --arg 2=3 --size 3=3 --arg 3=4 --gradient --check | FileCheck %s --check-prefix=FOUR
// RUN: mho-run %s indices --size 0=5x70 --size 1=33x70 --check | FileCheck %s --check-prefix=FORWARD
// RUN: mho-run %s limited --size 0=1x1 --size 1=1x1 --arg 0=3 --arg 1=2 --grad 5 --print | FileCheck %s --check-prefix=BEYOND
// RUN: mho-run %s limited --size 0=1x1 --size 1=1x1 --arg 0=1 --arg 1=2 --grad 5 --print | FileCheck %s --check-prefix=WITHIN
// TWO: equal to the reference
// TWO: gradient of argument 0, equal to the reference
// TWO: gradient of argument 1, equal to the reference
// FOUR: gradient of argument 2, equal to the reference: largest difference 0 of 3 elements
// FOUR: gradient of argument 3, equal to the reference: largest difference 0 of 3 elements
// FOUR-LSQ: gradient of argument 2, equal to the reference: largest difference 0 of 150 elements
// FOUR-LSQ: gradient of argument 3, equal to the reference: largest difference 0 of 150 elements
// FOUR-NORMAL: gradient of argument 2, equal to the reference
// FOUR-NORMAL: gradient of argument 3, equal to the reference
// THREE: gradient of argument 2, equal to the reference
// DERIVED: equal to the reference
// DERIVED: gradient of argument 0, equal to the reference
// DERIVED: gradient of argument 1, equal to the reference
// DERIVED: gradient of argument 2, equal to the reference: largest difference {{.*}} of 3 elements
// DERIVED: gradient of argument 3, equal to the reference: largest difference {{.*}} of 150 elements
// DERIVED: gradient of argument 5, equal to the reference: largest difference {{.*}} of 150 elements
// DERIVED: gradient of argument 6, equal to the reference: largest difference {{.*}} of 3 elements
// FORWARD: equal to the reference
// BEYOND: 1x1: 4
// BEYOND: gradient of argument 0, 1x1: 0
// BEYOND: gradient of argument 1, 1x1: 0
// WITHIN: 1x1: 2
// WITHIN: gradient of argument 0, 1x1: 10
// WITHIN: gradient of argument 1, 1x1: 5

// What is wrong points into the text.
// RUN: not mho-run %S/Inputs/no_derivative.mlir layer --size 0=5x70 --size 1=33x70 --gradient 2>&1 | FileCheck %s --check-prefix=NEEDS
// RUN: not mho-run %S/Inputs/wrong_effect.mlir layer --size 0=5x70 --size 1=33x70 2>&1 | FileCheck %s --check-prefix=WRONG
// NEEDS: 'differentiate'{{.*}}no_derivative.mlir:6:
// WRONG: wrong_effect.mlir:3:10: error: 'math.tan' op is not scalar code

#xbar = #analog.tiling<balanced, rows = 64>

// Multiplicative noise of the input and a drop-out of devices, whose draws the gradients repeat; an output amplifier with noise.
analog.effect @gain on input(%x) strengths(%s = 0.125) surrogate(derived) {
  %n = analog.normal : f32
  %sn = arith.mulf %s, %n : f32
  %r = math.fma %x, %sn, %x : f32
  analog.yield %r : f32
}
analog.effect @dead on weight(%w) strengths(%p = 0.25) surrogate(straight_through) {
  %u = analog.uniform : f32
  %is = arith.cmpf olt, %u, %p : f32
  %zero = arith.constant 0.0 : f32
  %r = arith.select %is, %zero, %w : f32
  analog.yield %r : f32
}
analog.effect @drive on tile(%y) strengths(%s = 0.25) surrogate(derived) {
  %n = analog.normal map word : f32
  %one = arith.constant 1.0 : f32
  %f = math.fma %s, %n, %one : f32
  %r = arith.mulf %f, %y : f32
  analog.yield %r : f32
}
func.func @everything(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %x0 = analog.apply @gain %x key(%key) : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %w0 = analog.apply @dead %w key(%key) strengths {p = 0.5 : f32} : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %x0, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @drive %a key(%key) : (tensor<?x?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a0 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Limits on all three sites: of a tile, one bit of each accumulator is kept.
analog.effect @limit_input on input(%v) strengths(%top = 3.0) surrogate(masked) {
  %beyond = arith.cmpf ogt, %v, %top : f32
  %r = arith.minimumf %v, %top : f32
  analog.yield %r : f32 bits(%beyond)
}
analog.effect @limit_weight on weight(%v) strengths(%top = 2.0) surrogate(masked) {
  %beyond = arith.cmpf ogt, %v, %top : f32
  %r = arith.minimumf %v, %top : f32
  analog.yield %r : f32 bits(%beyond)
}
analog.effect @limit_tile on tile(%v) strengths(%top = 4.0) surrogate(masked) {
  %beyond = arith.cmpf ogt, %v, %top : f32
  %r = arith.minimumf %v, %top : f32
  analog.yield %r : f32 bits(%beyond)
}
func.func @limited(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %x0 = analog.apply @limit_input %x : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %w0 = analog.apply @limit_weight %w : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = analog.mvm %x0, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @limit_tile %a : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a0 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Where an element stands: row + column of a weight in its tile; tile and its physical rows at the end of it.
analog.effect @placed on weight(%w) surrogate(straight_through) {
  %row = analog.index row : i32
  %column = analog.index column : i32
  %sum = arith.addi %row, %column : i32
  %f = arith.sitofp %sum : i32 to f32
  %r = arith.addf %w, %f : f32
  analog.yield %r : f32
}
analog.effect @ended on tile(%y) surrogate(straight_through) {
  %tile = analog.index tile : i32
  %rows = analog.index tile_rows : i32
  %product = arith.muli %tile, %rows : i32
  %f = arith.sitofp %product : i32 to f32
  %r = arith.addf %y, %f : f32
  analog.yield %r : f32
}
func.func @indices(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %w0 = analog.apply @placed %w : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = analog.mvm %x, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @ended %a : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a0 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Two uses that keep two bits each, and an effect behind them that is the identity and keeps none.
analog.effect @bounded on tile(%y) params(%b over (t, m)) surrogate(own) {
  %beyond = arith.cmpf ogt, %y, %b : f32
  %negative = arith.negf %b : f32
  %below = arith.cmpf olt, %y, %negative : f32
  %r = arith.minimumf %y, %b : f32
  analog.yield %r : f32 bits(%beyond, %below)
} derivative {
^bb0(%b: f32, %beyond: i1, %below: i1, %g: f32):
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %halved = arith.mulf %half, %g : f32
  %kept = arith.select %below, %halved, %g : f32
  %dy = arith.select %beyond, %zero, %kept : f32
  analog.yield %dy : f32
}
analog.effect @same on tile(%y) surrogate(derived) { analog.yield %y : f32 }
func.func @bits(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<fixed, rows = 64>} {
  %a = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a0 = analog.apply @bounded %a params(%b over (t, m)) : (tensor<?x?x?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %a1 = analog.apply @bounded %a0 params(%b over (t, m)) : (tensor<?x?x?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %a2 = analog.apply @same %a1 : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %a2 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Two learned parameters of one input, whose gradients are made of different sums and counts.
analog.effect @learned_clip on input(%x) params(%bound over (t) learnable) surrogate(own) {
  %low = arith.negf %bound : f32
  %above = arith.maximumf %x, %low : f32
  %clipped = arith.minimumf %above, %bound : f32
  analog.yield %clipped : f32
} derivative {
^bb0(%bound: f32, %x: f32, %g: f32):
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %x : f32
  %beyond = arith.cmpf ogt, %absolute, %bound : f32
  %dx = arith.select %beyond, %zero, %g : f32
  %sign = math.copysign %one, %x : f32
  %signed = arith.mulf %g, %sign : f32
  %summand = arith.select %beyond, %signed, %zero : f32
  analog.yield %dx : f32 reduce(%summand : f32)
} tail {
^bb0(%sum: f32, %bound: f32):
  analog.yield %sum : f32
}
func.func @clip_and_range(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %bound: tensor<?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %p = analog.apply @learned_clip %x params(%bound over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %c = analog.quantize_input %p range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %r : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Parameters that are learned by the derivative of the code: of each site, two at a time, with a constant between them.
analog.effect @derived_load on tile(%y) params(%nu over (t) learnable) surrogate(derived) {
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %result = arith.divf %y, %load : f32
  analog.yield %result : f32
}
analog.effect @derived_line on weight(%w) params(%gain over (t, n) learnable, %bound over (t, n), %offset over (t, n) learnable) surrogate(derived) {
  %line = math.fma %gain, %w, %offset : f32
  %below = arith.minimumf %line, %bound : f32
  analog.yield %below : f32
}
analog.effect @derived_power on input(%x) params(%p over (t) learnable) strengths(%s = 0.5) surrogate(derived) {
  %scaled = arith.mulf %x, %p : f32
  %bent = math.tanh %scaled : f32
  %r = math.fma %s, %x, %bent : f32
  analog.yield %r : f32
}
func.func @derived_parameters(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %nu: tensor<?xf32>, %gain: tensor<?x?xf32>, %bound: tensor<?x?xf32>, %offset: tensor<?x?xf32>, %p: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %bent = analog.apply @derived_power %x params(%p over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %line = analog.apply @derived_line %w params(%gain over (t, n), %bound over (t, n), %offset over (t, n))
      : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %planes = analog.mvm %bent, %line : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %loaded = analog.apply @derived_load %planes params(%nu over (t)) : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %loaded : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

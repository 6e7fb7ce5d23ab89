// Parameters that surrogate(derived) learns in code that draws and that takes further accumulators: in backward the numbers
// are drawn again, the accumulators computed again. Of the weight's effect, whose noise is none backward, the offset learns.
// RUN: mho-run %s layer --size 0=5x70 --size 1=33x70 --size 2=2 --size 3=2x33 --size 4=2x33 --size 5=2 --size 6=2x5 --normal --gradient --check --tolerance=2e-4 --parallel=3 | FileCheck %s
// RUN: mho-run %s layer --backend=ptx --size 0=5x70 --size 1=33x70 --size 2=2 --size 3=2x33 --size 4=2x33 --size 5=2 --size 6=2x5 --normal --gradient --check --tolerance=2e-4 | FileCheck %s
// CHECK: {{^}}equal to the reference: largest difference {{.*}} of 165 elements
// CHECK: gradient of argument 0, equal to the reference: largest difference {{.*}} of 350 elements
// CHECK: gradient of argument 1, equal to the reference: largest difference {{.*}} of 2310 elements
// CHECK: gradient of argument 2, equal to the reference: largest difference {{.*}} of 2 elements
// CHECK: gradient of argument 3, equal to the reference: largest difference {{.*}} of 66 elements
// CHECK: gradient of argument 5, equal to the reference: largest difference {{.*}} of 2 elements
// CHECK: gradient of argument 6, equal to the reference: largest difference {{.*}} of 10 elements

// Values of some hundreds, of sums of 350 products at most, which float32 rounds by 2^-24 of them a step: 2e-4 is wide.

analog.effect @jitter on input(%x) params(%spread over (t) learnable) surrogate(derived) {
  %n = analog.normal : f32
  %r = math.fma %spread, %n, %x : f32
  analog.yield %r : f32
}

analog.effect @drifted on weight(%w) params(%offset over (t, n) learnable, %sigma over (t, n)) surrogate(derived) {
  %n = analog.normal : f32
  %shifted = arith.addf %w, %offset : f32
  %r = math.fma %sigma, %n, %shifted : f32
  analog.yield %r : f32
}

// Heat makes a cell noisier and weaker.
analog.effect @heated on tile(%y) accumulators(%heat = square * magnitude)
    params(%gain over (t) learnable, %noise over (t, m) learnable) strengths(%c = 0.01) surrogate(derived) {
  %n = analog.normal map word : f32
  %u = analog.uniform : f32
  %amount = arith.mulf %c, %heat : f32
  %loss = arith.mulf %amount, %gain : f32
  %weak = arith.mulf %y, %loss : f32
  %rest = arith.subf %y, %weak : f32
  %deviation = arith.mulf %noise, %n : f32
  %bent = arith.mulf %deviation, %u : f32
  %r = math.fma %bent, %amount, %rest : f32
  analog.yield %r : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  analog.yield %square : f32
} weights(%w) yields(magnitude) {
  %magnitude = math.absf %w : f32
  analog.yield %magnitude : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %spread: tensor<?xf32>, %offset: tensor<?x?xf32>,
                 %sigma: tensor<?x?xf32>, %gain: tensor<?xf32>, %noise: tensor<?x?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %xn = analog.apply @jitter %x params(%spread over (t)) key(%key)
      : (tensor<?x?xf32>, tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %wn = analog.apply @drifted %w params(%offset over (t, n), %sigma over (t, n)) key(%key)
      : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %planes = analog.mvm %xn, %wn : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.apply @heated %planes params(%gain over (t), %noise over (t, m)) key(%key)
      : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %r : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// What nothing depends on is learned too: its gradient is 0, also where an accumulator that nothing needs goes.
// RUN: mho-run %s unused --size 0=5x70 --size 1=33x70 --size 2=2 --gradient --check --print | FileCheck %s --check-prefix=UNUSED
// UNUSED: gradient of argument 2, 2: 0 0
// UNUSED: gradient of argument 2, equal to the reference: largest difference 0 of 2 elements
analog.effect @idle on weight(%w) params(%p over (t) learnable) surrogate(derived) {
  analog.yield %w : f32
}
analog.effect @without on tile(%y) accumulators(%q = square * w) surrogate(straight_through) {
  analog.yield %y : f32
} inputs(%x) yields(square) {
  %square = arith.mulf %x, %x : f32
  analog.yield %square : f32
} weights(%w)

func.func @unused(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %p: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %r0 = analog.apply @idle %w params(%p over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %planes = analog.mvm %x, %r0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r1 = analog.apply @without %planes : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %r1 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

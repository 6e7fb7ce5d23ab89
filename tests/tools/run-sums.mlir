// Several values of end_tile that are summed over the tiles, each by itself; finish makes one of their sums.
// RUN: mho-run %s largest --size 0=1x4 --size 1=1x4 --arg 0=1 --arg 1=1 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s largest --backend=reference --size 0=1x4 --size 1=1x4 --arg 0=1 --arg 1=1 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s largest --size 0=70x100 --size 1=300x100 --check | FileCheck %s
// RUN: mho-run %s largest --size 0=65x100 --size 1=33x100 --parallel=3 --schedule 'mc = 64 : i64, nc = 64 : i64, kc = 64 : i64' --check | FileCheck %s
// RUN: mho-run %s largest --size 0=5x0 --size 1=7x0 --check | FileCheck %s
// RUN: mho-run %s largest --size 0=0x9 --size 1=7x9 --check | FileCheck %s
// RUN: mho-run %s counted --size 0=130x100 --size 1=70x100 --check | FileCheck %s --check-prefix=THREE
// CHECK: equal to the reference: largest difference 0 of
// THREE: result 0, equal to the reference: largest difference 0 of
// THREE: result 1, equal to the reference: largest difference 0 of
// THREE: result 2, equal to the reference: largest difference 0 of

// Effects on the output: noise of its own, a gain, and sums of several effects on the tile, one of
// which draws.
// RUN: mho-run %s output --size 0=5x70 --size 1=33x70 --size 2=33 --size 3=33 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s output --size 0=65x131 --size 1=130x131 --size 2=130 --size 3=130 --parallel=3 --stride 0=1x65 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s output --size 0=0x131 --size 1=7x131 --size 2=7 --size 3=7 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s output --size 0=3x0 --size 1=7x0 --size 2=7 --size 3=7 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// GRADIENT: equal to the reference: largest difference 0 of
// GRADIENT: gradient of argument 0, equal to the reference: largest difference 0 of
// GRADIENT: gradient of argument 1, equal to the reference: largest difference 0 of
// GRADIENT: gradient of argument 2, equal to the reference: largest difference 0 of

// RUN: mho-run %s scaled --size 0=65x131 --size 1=130x131 --size 2=130 --gradient --check | FileCheck %s --check-prefix=SCALED
// SCALED: equal to the reference: largest difference 0 of
// SCALED: gradient of argument 0, equal to the reference: largest difference 0 of
// SCALED: gradient of argument 1, equal to the reference: largest difference 0 of

// Tiles of 2: accumulators 2 and 2. Sums 4, 4 - 2 * 3 = -2 and 0 + 1 (the tile's index): their median is 1.
// VALUE: 1x1: 1

func.func @largest(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 2>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %three = arith.constant 3.0 : f32
      %b = arith.subf %a, %three : f32
      %t = analog.index tile : i32
      %c = arith.sitofp %t : i32 to f32
      analog.yield %a, %b, %c : f32, f32, f32 }
    finish { ^bb0(%s0: f32, %s1: f32, %s2: f32):
      %low = arith.minimumf %s0, %s1 : f32
      %high = arith.maximumf %s0, %s1 : f32
      %middle = arith.minimumf %high, %s2 : f32
      %median = arith.maximumf %low, %middle : f32
      analog.yield %median : f32 }
    : tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// Without a value: reductions of finish, and planes beside the sums.
func.func @counted(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?x?xf32>, tensor<?xf32>, tensor<i64>) {
  %r:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 30>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(planes over (t, m, n), sum over (n), count over ())
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %b = math.absf %a : f32
      %c = arith.mulf %a, %a : f32
      analog.yield %a, %b, %c : f32, f32, f32 }
    finish { ^bb0(%s0: f32, %s1: f32):
      %d = arith.subf %s1, %s0 : f32
      %more = arith.cmpf ogt, %s0, %s1 : f32
      analog.yield reduce(%d, %more : f32, i1) }
    : tensor<?x?x?xf32>, tensor<?xf32>, tensor<i64>
  return %r#0, %r#1, %r#2 : tensor<?x?x?xf32>, tensor<?xf32>, tensor<i64>
}

analog.effect @noisy_copy on tile(%y) strengths(%s = 2.0) surrogate(masked) {
  %n = analog.normal : f32
  %scaled = arith.mulf %s, %n : f32
  %whole = math.roundeven %scaled : f32
  %copy = arith.addf %y, %whole : f32
  %limit = arith.constant 20.0 : f32
  %clipped = arith.minimumf %y, %limit : f32
  %beyond = arith.cmpf ogt, %y, %limit : f32
  analog.yield %clipped, %copy : f32, f32 bits(%beyond)
}
analog.effect @negative on tile(%y) surrogate(straight_through) {
  %negative = arith.negf %y : f32
  %half = arith.constant 0.5 : f32
  %part = arith.mulf %y, %half : f32
  analog.yield %y, %negative, %part : f32, f32, f32
}
analog.effect @gain on output(%y) params(%g over (n)) surrogate(straight_through) {
  %r = arith.mulf %y, %g : f32
  analog.yield %r : f32
}
analog.effect @choose on output(%y) sums(%part, %copy) surrogate(straight_through) {
  %n = analog.normal : f32
  %whole = math.roundeven %n : f32
  %noisy = arith.addf %copy, %whole : f32
  %larger = arith.maximumf %noisy, %part : f32
  %row = analog.index row : i32
  %r = arith.sitofp %row : i32 to f32
  %sum = arith.addf %larger, %r : f32
  %result = arith.addf %y, %sum : f32
  analog.yield %result : f32
}

func.func @output(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %bias: tensor<?xf32>, %g: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 30>} {
  %acc = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %a, %copy = analog.apply @noisy_copy %acc key(%key) : (tensor<?x?x?xf32>, tensor<2xi64>) -> (tensor<?x?x?xf32>, tensor<?x?x?xf32>)
  %b:3 = analog.apply @negative %a : (tensor<?x?x?xf32>) -> (tensor<?x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>)
  %sum = analog.accumulate %b#0 bias(%bias) : (tensor<?x?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %part = analog.accumulate %b#2 : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %copies = analog.accumulate %copy : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y0 = analog.apply @gain %sum params(%g over (n)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %y1 = analog.apply @choose %y0 sums(%part, %copies) key(%key) : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y1 : tensor<?x?xf32>
}

analog.effect @scale on output(%y) params(%g over (n)) surrogate(derived) {
  %r = arith.mulf %y, %g : f32
  analog.yield %r : f32
}
func.func @scaled(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %g: tensor<?xf32>) -> tensor<?x?xf32>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 30>} {
  %acc = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %sum = analog.accumulate %acc : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %y = analog.apply @scale %sum params(%g over (n)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Statistics as results of a kernel of their own, with and without rows and columns of a product that nobody reads.
// RUN: mho-run %s both --size 0=5x20 --size 1=9x20 --check | FileCheck %s
// RUN: mho-run %s both --size 0=70x20 --size 1=131x20 --parallel=3 --check | FileCheck %s
// RUN: mho-run %s both --size 0=0x20 --size 1=9x20 --check | FileCheck %s
// RUN: mho-run %s both --size 0=5x20 --size 1=0x20 --check | FileCheck %s
// RUN: mho-run %s both --size 0=0x0 --size 1=9x0 --check | FileCheck %s
// RUN: mho-run %s value --size 0=5x20 --size 1=0x20 --check | FileCheck %s
// CHECK-COUNT-2: equal to the reference: largest difference 0 of

// A derivative of the weight that reads its largest one, per channel and per tile, also through a recomputed tile.
// RUN: mho-run %s layer --size 0=5x20 --size 1=9x20 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s layer --size 0=70x20 --size 1=70x20 --stride 1=1x70 --parallel=2 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s layer --size 0=0x20 --size 1=9x20 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s squared --size 0=5x20 --size 1=9x20 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s learned --size 0=5x20 --size 1=9x20 --size 2=3x9 --gradient --check | FileCheck %s --check-prefixes=GRADIENT,LEARNED
// GRADIENT: equal to the reference: largest difference 0 of
// GRADIENT: gradient of argument 0, equal to the reference: largest difference 0 of
// GRADIENT: gradient of argument 1, equal to the reference: largest difference 0 of
// LEARNED: gradient of argument 2, equal to the reference: largest difference 0 of 27 elements

func.func @both(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 7>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      stats(absmax(rhs 0) over (t, n), absmax(lhs 0) over (t, m))
      results(stat 0 over (t, n), stat 1 over (t, m))
    load_lhs { ^bb0(%v: f32, %b: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32, %b: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %b: f32, %c: f32): analog.yield }
    : tensor<?x?xf32>, tensor<?x?xf32>
  return %r#0, %r#1 : tensor<?x?xf32>, tensor<?x?xf32>
}

func.func @value(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xf32>) {
  %r:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 7>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      stats(absmax(lhs 0) over (t, m)) results(value over (m, n), stat 0 over (t, m))
    load_lhs { ^bb0(%v: f32, %b: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %b: f32): analog.yield %a : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>, tensor<?x?xf32>
  return %r#0, %r#1 : tensor<?x?xf32>, tensor<?x?xf32>
}

analog.effect @per_channel on weight(%w) params(%a over (t, n)) surrogate(derived) {
  %r = arith.mulf %w, %a : f32
  analog.yield %r : f32
}
analog.effect @per_tile on weight(%w) params(%a over (t)) surrogate(derived) {
  %r = arith.mulf %w, %a : f32
  analog.yield %r : f32
}
analog.effect @square on tile(%y) surrogate(derived) {
  %r = arith.mulf %y, %y : f32
  analog.yield %r : f32
}

func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 7>} {
  %channel = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %tile = analog.absmax %w per tensor : tensor<?x?xf32> -> tensor<?xf32>
  %w0 = analog.apply @per_channel %w params(%channel over (t, n)) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %w1 = analog.apply @per_tile %w0 params(%tile over (t)) : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  %acc = analog.mvm %x, %w1 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %acc : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func @squared(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 7>} {
  %channel = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %w0 = analog.apply @per_channel %w params(%channel over (t, n)) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %acc = analog.mvm %x, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %z = analog.apply @square %acc : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %z : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// The tail of a learned parameter reads the largest weight as well.
analog.effect @offset on weight(%w) params(%o over (t, n) learnable, %a over (t, n)) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %a: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32, %a: f32):
  %r = arith.mulf %sum, %a : f32
  analog.yield %r : f32
}
func.func @learned(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %o: tensor<?x?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 7>} {
  %channel = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %w0 = analog.apply @offset %w params(%o over (t, n), %channel over (t, n)) : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %acc = analog.mvm %x, %w0 : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %acc : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

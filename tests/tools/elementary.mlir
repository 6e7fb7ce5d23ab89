// Elementary functions through the runtime's compile stages: sums are exact, so the backend's bits are the evaluator's.
// RUN: mho-run %s layer --size 0=5x70 --size 1=33x70 --check | FileCheck %s
// RUN: mho-run %s layer --size 0=1x1 --size 1=1x1 --arg 0=1 --arg 1=1 --print | FileCheck %s --check-prefix=VALUE
// RUN: mho-run %s layer --size 0=1x1 --size 1=1x1 --arg 0=1 --arg 1=1 --print --backend=reference | FileCheck %s --check-prefix=VALUE
// CHECK: equal to the reference: largest difference 0 of 165 elements
// tanh 1 + e^(1/2) + 1/2:
// VALUE: 1x1: 2.910315
func.func @layer(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, n))
    load_lhs { ^bb0(%v: f32): analog.yield %v : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32):
      %half = arith.constant 0.5 : f32
      %0 = math.tanh %a : f32
      %s = math.absf %a : f32
      %p = math.powf %s, %half : f32
      %2 = arith.mulf %p, %half : f32
      %3 = math.exp %2 : f32
      %4 = math.log %s : f32
      %5 = arith.maximumf %4, %half : f32
      %6 = arith.addf %0, %3 : f32
      %7 = arith.addf %6, %5 : f32
      analog.yield %7 : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

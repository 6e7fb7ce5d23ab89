// Packed bits hold a word for each 32 elements: neither fewer, which would be read beyond their end, nor more.
// RUN: mho-run %s --size 0=3x64 --size 1=64x5 --size 2=1x3x2 --check | FileCheck %s --check-prefix=EQUAL
// RUN: not mho-run %s --size 0=3x64 --size 1=64x5 --size 2=1x3x1 2>&1 | FileCheck %s --check-prefix=FEW
// RUN: not mho-run %s --size 0=3x64 --size 1=64x5 --size 2=1x3x3 2>&1 | FileCheck %s --check-prefix=MANY
// EQUAL: equal to the reference
// FEW: inputs contradict each other: axis n is 64 long, whose bits take 2 words, got 1
// MANY: inputs contradict each other: axis n is 64 long, whose bits take 2 words, got 3
func.func @masked(%g: tensor<?x?xf32>, %w: tensor<?x?xf32>, %bits: tensor<?x?x?xi32>) -> tensor<?x?xf32> {
  %dx = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%g over (m, n) : tensor<?x?xf32>, %bits over (t, m, n) : tensor<?x?x?xi32>)
      rhs(%w over (n, k) : tensor<?x?xf32>) results(value over (m, k))
    load_lhs { ^bb0(%v: f32, %bit: i1):
      %zero = arith.constant 0.0 : f32
      %r = arith.select %bit, %zero, %v : f32
      analog.yield %r : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>
  return %dx : tensor<?x?xf32>
}

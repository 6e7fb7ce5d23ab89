// As no-spill.mlir, of kernels with several accumulators, which run one after the other: each has all registers.
// REQUIRES: x86_64, avx2
// RUN: mho-translate --analog-to-asm %s | %python %S/Inputs/no_spill.py 5
// RUN: mho-translate --analog-to-asm --isa=avx2 %s | %python %S/Inputs/no_spill.py 5

func.func @three(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %y:2 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%x over (m, k) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(value over (m, n), tile_sum over (t))
    load_lhs { ^bb0(%v: f32):
      %0 = math.absf %v : f32
      analog.yield %v, %0 : f32, f32 }
    load_rhs { ^bb0(%v: f32):
      %0 = math.absf %v : f32
      analog.yield %v, %0 : f32, f32 }
    accumulate(0 * 0, 1 * 1, 0 * 1)
    end_tile { ^bb0(%a0: f32, %a1: f32, %a2: f32):
      %0 = math.fma %a1, %a2, %a0 : f32
      analog.yield %0 : f32 reduce(%a2 : f32) }
    finish { ^bb0(%s: f32): analog.yield %s : f32 }
    : tensor<?x?xf32>, tensor<?xf32>
  return %y#0, %y#1 : tensor<?x?xf32>, tensor<?xf32>
}

func.func @two(%g: tensor<?x?xf32>, %w: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %y:2 = analog.tiled_mvm contract(n) tile(t of k : #analog.tiling<balanced, rows = 512>)
      lhs(%g over (m, n) : tensor<?x?xf32>) rhs(%w over (n, k) : tensor<?x?xf32>)
      results(value over (m, k), sum over (k))
    load_lhs { ^bb0(%v: f32):
      %0 = math.absf %v : f32
      analog.yield %v, %0 : f32, f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0, 1 * 0)
    finish { ^bb0(%a0: f32, %a1: f32):
      %0 = arith.subf %a0, %a1 : f32
      analog.yield %0 : f32 reduce(%a1 : f32) }
    : tensor<?x?xf32>, tensor<?xf32>
  return %y#0, %y#1 : tensor<?x?xf32>, tensor<?xf32>
}

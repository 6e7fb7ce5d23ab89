// x, w and y of 16 bits: made, read from files, strided, on threads; compared bit by bit with the reference.
// RUN: mho-run %s half --size 0=67x70 --size 1=70x70 --arg 2=4 --size 2=2 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s half --size 0=67x70 --size 1=70x70 --arg 2=4 --size 2=2 --stride 0=150x2 --stride 1=1x80 --parallel=3 --schedule 'mc = 64 : i64, kc = 64 : i64' --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s brain --size 0=5x9 --size 1=3x9 --normal --gradient --check --tolerance=0.07 | FileCheck %s --check-prefix=NEAR
// A kernel: initial values, elements that vary over a tile's rows or over nothing, statistics and sums beside them.
// RUN: mho-run %s kernel --size 0=19x70 --size 1=2x19 --size 3=33x70 --size 4=19x33 --check | FileCheck %s --check-prefix=KERNEL
// RUN: mho-run %s kernel --size 0=19x70 --size 1=2x19 --size 3=33x70 --size 4=19x33 --stride 0=1x20 --stride 1=1x2 --check | FileCheck %s --check-prefix=KERNEL
// KERNEL: result 0, equal to the reference: largest difference 0 of 627 elements
// KERNEL: result 1, equal to the reference: largest difference 0 of 33 elements
// KERNEL: result 2, equal to the reference: largest difference 0 of 38 elements
// 0.1 is stored as 0.0999755859; 2050 - 3 2^-24 + 0.0999755859 is nearest to 2050.
// RUN: %python %S/Inputs/arrays.py %t
// RUN: mho-run %s scale --arg 0=%t/half.npy --size 1=1x3 --arg 1=1 --print | FileCheck %s --check-prefix=SUM
// RUN: mho-run %s scale --size 0=1x1 --arg 0=0.1 --size 1=1x1 --arg 1=1 --print | FileCheck %s --check-prefix=FILLED
// RUN: mho-run %s scale --backend=reference --arg 0=%t/half.npy --size 1=1x3 --arg 1=1 --print | FileCheck %s --check-prefix=SUM
// RUN: mho-run %s brain --size 0=1x1 --arg 0=257 --size 1=1x1 --arg 1=1 --grad 1 --print | FileCheck %s --check-prefix=BRAIN
// GRADIENT: equal to the reference: largest difference 0 of 4690 elements
// GRADIENT: gradient of argument 0, equal to the reference: largest difference 0 of 4690 elements
// GRADIENT: gradient of argument 1, equal to the reference: largest difference 0 of 4900 elements
// GRADIENT: gradient of argument 2, equal to the reference: largest difference 0 of 2 elements
// GRADIENT: gradient of argument 3, equal to the reference: largest difference 0 of 70 elements
// NEAR: gradient of argument 1, equal to the reference
// SUM: 1x1: 2050
// FILLED: 1x1: 0.0999755859
// BRAIN: 1x1: 256
// BRAIN: gradient of argument 0, 1x1: 1
// BRAIN: gradient of argument 1, 1x1: 256

func.func @half(%xs: tensor<?x?xf16>, %ws: tensor<?x?xf16>, %beta: tensor<2xf32>, %bias: tensor<70xf32>) -> tensor<?x?xf16>
    attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x = arith.extf %xs : tensor<?x?xf16> to tensor<?x?xf32>
  %w = arith.extf %ws : tensor<?x?xf16> to tensor<?x?xf32>
  %a = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<2xf32> -> tensor<?x?xf32>
  %p = analog.mvm %code, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %p range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<2xf32> -> tensor<?x?x?xf32>
  %q = analog.adc %r bound(%beta over (t), %a over (t, n)) {lambda = 0.7 : f32, half_levels = 7.0 : f32} : (tensor<?x?x?xf32>, tensor<2xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %q bias(%bias) : (tensor<?x?x?xf32>, tensor<70xf32>) -> tensor<?x?xf32>
  %ys = arith.truncf %y : tensor<?x?xf32> to tensor<?x?xf16>
  return %ys : tensor<?x?xf16>
}

func.func @brain(%xs: tensor<?x?xbf16>, %ws: tensor<?x?xbf16>) -> tensor<?x?xbf16> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x = arith.extf %xs : tensor<?x?xbf16> to tensor<?x?xf32>
  %w = arith.extf %ws : tensor<?x?xbf16> to tensor<?x?xf32>
  %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %p : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %ys = arith.truncf %y : tensor<?x?xf32> to tensor<?x?xbf16>
  return %ys : tensor<?x?xbf16>
}

// x alone is of 16 bits, and y: w is read as it is.
func.func @scale(%xs: tensor<?x?xf16>, %w: tensor<?x?xf32>) -> tensor<?x?xf16> attributes {analog.tiling = #analog.tiling<balanced, rows = 64>} {
  %x = arith.extf %xs : tensor<?x?xf16> to tensor<?x?xf32>
  %p = analog.mvm %x, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %y = analog.accumulate %p : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  %ys = arith.truncf %y : tensor<?x?xf32> to tensor<?x?xf16>
  return %ys : tensor<?x?xf16>
}

func.func @kernel(%x: tensor<?x?xf16>, %d: tensor<?x?xbf16>, %one: tensor<f16>, %w: tensor<?x?xbf16>, %init: tensor<?x?xf16>) -> (tensor<?x?xf16>, tensor<?xf32>, tensor<?x?xf32>) {
  %y:3 = analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 64>)
      lhs(%x over (m, k) : tensor<?x?xf16>, %d over (t, m) : tensor<?x?xbf16>, %one : tensor<f16>)
      rhs(%w over (n, k) : tensor<?x?xbf16>) epilogue(%d over (t, m) : tensor<?x?xbf16>) init(%init : tensor<?x?xf16>)
      stats(absmax(lhs 0) over (t, m))
      results(value over (m, n), sum over (n), stat 0 over (t, m))
    load_lhs { ^bb0(%v: f32, %u: f32, %o: f32, %a: f32):
      %0 = arith.addf %v, %u : f32
      %1 = arith.addf %0, %o : f32
      analog.yield %1 : f32 }
    load_rhs { ^bb0(%v: f32): analog.yield %v : f32 }
    accumulate(0 * 0)
    end_tile { ^bb0(%a: f32, %u: f32, %s: f32):
      %0 = arith.addf %a, %u : f32
      %third = arith.constant 0.3 : f32
      %1 = math.fma %0, %third, %s : f32
      analog.yield %1 : f32 }
    finish { ^bb0(%s: f32): analog.yield %s : f32 reduce(%s : f32) }
    : tensor<?x?xf16>, tensor<?xf32>, tensor<?x?xf32>
  return %y#0, %y#1, %y#2 : tensor<?x?xf16>, tensor<?xf32>, tensor<?x?xf32>
}

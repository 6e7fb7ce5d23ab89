// x, w and y of 16 bits: made, read from files, strided, on threads; compared bit by bit with the reference.
// RUN: mho-run %s half --size 0=67x70 --size 1=70x70 --arg 2=4 --size 2=2 --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s half --size 0=67x70 --size 1=70x70 --arg 2=4 --size 2=2 --stride 0=150x2 --stride 1=1x80 --parallel=3 --schedule 'mc = 64 : i64, kc = 64 : i64' --gradient --check | FileCheck %s --check-prefix=GRADIENT
// RUN: mho-run %s brain --size 0=5x9 --size 1=3x9 --normal --gradient --check --tolerance=0.07 | FileCheck %s --check-prefix=NEAR
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

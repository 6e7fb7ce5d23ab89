// Gradients of layers with a masked ADC, whose forward kernel gives packed bits after y; once with a key as the last argument.
// RUN: mho-run %s adc --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --gradient --check | FileCheck %s
// RUN: mho-run %s adc --size 0=1x1 --size 1=1x1 --size 2=1 --arg 0=3 --arg 1=2 --arg 2=4 --grad 5 --print | FileCheck %s --check-prefix=VALUES
// RUN: mho-run %s keyed --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --gradient --check | FileCheck %s
// RUN: mho-opt --analog-fuse=save-for-backward=true %s -o %t.mlir
// RUN: mho-run %t.mlir keyed --size 0=5x70 --size 1=33x70 --arg 2=4 --size 2=2 --check | FileCheck %s --check-prefix=SAVED
// CHECK: equal to the reference: largest difference 0 of 165 elements
// CHECK: gradient of argument 0, equal to the reference: largest difference 0 of 350 elements
// CHECK: gradient of argument 1, equal to the reference: largest difference 0 of 2310 elements
// CHECK: gradient of argument 2, equal to the reference: largest difference 0 of 2 elements
// VALUES: 1x1: 6
// VALUES: gradient of argument 0, 1x1: 10
// VALUES: gradient of argument 1, 1x1: 15
// SAVED: result 0, equal to the reference: largest difference 0 of 165 elements
// SAVED: result 1, equal to the reference: largest difference 0 of 20 elements
#xbar = #analog.tiling<balanced, rows = 64>

func.func @adc(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %a = analog.mvm %c, %w : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %v = analog.adc %r bound(%beta over (t), %A over (t, n)) {lambda = 2.0 : f32, half_levels = 8.0 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %v : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

func.func @keyed(%x: tensor<?x?xf32>, %w: tensor<?x?xf32>, %beta: tensor<?xf32>, %key: tensor<2xi64>) -> tensor<?x?xf32> attributes {analog.tiling = #xbar} {
  %c = analog.quantize_input %x range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?xf32>, tensor<?xf32> -> tensor<?x?xf32>
  %d = analog.drop_connect %w key(%key, stream = 2) {probability = 0.25 : f32} : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %a = analog.mvm %c, %d : tensor<?x?xf32>, tensor<?x?xf32> -> tensor<?x?x?xf32>
  %r = analog.rescale %a range(%beta over (t)) {half_levels = 4.0 : f32} : tensor<?x?x?xf32>, tensor<?xf32> -> tensor<?x?x?xf32>
  %A = analog.absmax %w per channel : tensor<?x?xf32> -> tensor<?x?xf32>
  %v = analog.adc %r bound(%beta over (t), %A over (t, n)) {lambda = 2.0 : f32, half_levels = 8.0 : f32} : (tensor<?x?x?xf32>, tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?x?xf32>
  %y = analog.accumulate %v : (tensor<?x?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

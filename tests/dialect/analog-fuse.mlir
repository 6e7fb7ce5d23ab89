// RUN: mho-opt --analog-fuse %s | FileCheck %s
// RUN: mho-opt --analog-fuse=save-for-backward=true %s | FileCheck %s --check-prefix=SAVE
#xbar = #analog.tiling<balanced, rows = 512>

// CHECK-LABEL: func.func @linear(
// CHECK-SAME: f32 {analog.name = "input.quantize_input.half_levels", analog.value = 1.270000e+02 : f32}
// CHECK-SAME: f32 {analog.name = "weight.inject_noise.sigma", analog.value = 2.300000e-02 : f32}
// CHECK-SAME: -> (tensor<?x256xf32> {analog.name = "y"})
// CHECK-NEXT: analog.tiled_mvm contract(k) tile(t of k : #analog.tiling<balanced, rows = 512>)
// CHECK-NEXT: lhs(%{{.*}} over (m, k) : tensor<?x784xf32>)
// CHECK-NEXT: rhs(%{{.*}} over (n, k) : tensor<256x784xf32>)
// CHECK: stats(absmax(rhs 0) over (t, n))
// CHECK-NEXT: results(value over (m, n))
// CHECK: load_lhs
// CHECK: math.roundeven
// CHECK: load_rhs
// CHECK: analog.normal key(0) stream(0)
// CHECK: end_tile
// CHECK: analog.normal key(0) stream(1)
// CHECK: finish
// CHECK: arith.addf
// CHECK-NOT: analog.mvm
// SAVE-LABEL: func.func @linear(
// SAVE-SAME: -> (tensor<?x256xf32> {analog.name = "y"}, tensor<2x?x8xi32> {analog.name = "saturation"})
// SAVE: results(value over (m, n), bits over (t, m, n))
func.func @linear(%x: tensor<?x784xf32>, %w: tensor<256x784xf32>, %bias: tensor<256xf32>, %beta: tensor<2xf32>, %key: tensor<2xi64>) -> tensor<?x256xf32>
    attributes {analog.tiling = #xbar} {
  %wmax = analog.absmax %w per channel : tensor<256x784xf32> -> tensor<2x256xf32>
  %code = analog.quantize_input %x range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<?x784xf32>, tensor<2xf32> -> tensor<?x784xf32>
  %wn = analog.inject_noise %w scale(%wmax over (t, n)) key(%key, stream = 0) {sigma = 0.023 : f32} : (tensor<256x784xf32>, tensor<2x256xf32>, tensor<2xi64>) -> tensor<256x784xf32>
  %acc = analog.mvm %code, %wn : tensor<?x784xf32>, tensor<256x784xf32> -> tensor<2x?x256xf32>
  %amp = analog.rescale %acc range(%beta over (t)) {half_levels = 127.0 : f32} : tensor<2x?x256xf32>, tensor<2xf32> -> tensor<2x?x256xf32>
  %out = analog.inject_noise %amp scale(%beta over (t), %wmax over (t, n)) key(%key, stream = 1) {sigma = 0.04 : f32} : (tensor<2x?x256xf32>, tensor<2xf32>, tensor<2x256xf32>, tensor<2xi64>) -> tensor<2x?x256xf32>
  %adc = analog.adc %out bound(%beta over (t), %wmax over (t, n)) {lambda = 12.0 : f32, half_levels = 127.0 : f32} : (tensor<2x?x256xf32>, tensor<2xf32>, tensor<2x256xf32>) -> tensor<2x?x256xf32>
  %y = analog.accumulate %adc bias(%bias) : (tensor<2x?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

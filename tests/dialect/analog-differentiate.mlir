// RUN: mho-opt --analog-fuse=save-for-backward=true --analog-differentiate %s | FileCheck %s
#xbar = #analog.tiling<balanced, rows = 512>

// Input gradient: G is masked where the ADC saturated; the weight is the noise-free one; the DAC masks in finish and gives the range
// gradient as reductions.
// CHECK-LABEL: func.func @linear_dx(
// CHECK-SAME: -> (tensor<?x784xf32> {analog.name = "dx"}, tensor<2xf32> {analog.name = "drange"}
// CHECK: analog.tiled_mvm contract(n)
// CHECK-NEXT: lhs(%{{.*}} over (m, n) : tensor<?x256xf32>, %{{.*}} over (t, m, n) : tensor<2x?x8xi32>)
// CHECK-NEXT: rhs(%{{.*}} over (n, k) : tensor<256x784xf32>)
// CHECK-NEXT: epilogue(%{{.*}} over (m, k) : tensor<?x784xf32>)
// CHECK: results(value over (m, k), sum over (t), count over (t), count over (t))
// CHECK: load_rhs {
// CHECK-NOT: analog.normal
// CHECK: accumulate(0 * 0)
// CHECK: finish
// CHECK: analog.yield %{{.*}} : f32 reduce(
// CHECK: tail

// Weight gradient: contracts the rows with the DAC codes.
// CHECK-LABEL: func.func @linear_dw(
// CHECK: analog.tiled_mvm contract(m)
// CHECK: rhs(%{{.*}} over (m, k) : tensor<?x784xf32>)
// CHECK: results(value over (n, k))
// CHECK: load_rhs
// CHECK: math.roundeven
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

// What the derivative of the weight reads of the weight's statistics, @f_stats gives: two of three here. The noise, which
// is not differentiated, needs none.
// RUN: mho-opt %s --analog-fuse=save-for-backward=true --analog-differentiate | FileCheck %s

analog.effect @per_channel on weight(%w) params(%a over (t, n)) surrogate(derived) {
  %r = arith.mulf %w, %a : f32
  analog.yield %r : f32
}
analog.effect @per_tile on weight(%w) params(%a over (t)) surrogate(own) {
  %r = arith.mulf %w, %a : f32
  analog.yield %r : f32
} derivative {
^bb0(%a: f32, %w: f32, %g: f32):
  %d = arith.mulf %g, %a : f32
  analog.yield %d : f32
}

// CHECK-LABEL: func.func @layer(
// CHECK: stats(absmax(rhs 0) over (t, n), absmax(rhs 0) over (t))
// CHECK: results(value over (m, n))
// CHECK: func.func @layer_stats(
// CHECK-SAME: -> (tensor<2x6xf32> {analog.name = "weight_range"}, tensor<2xf32> {analog.name = "weight_range#2"})
// CHECK: stats(absmax(rhs 0) over (t, n), absmax(rhs 0) over (t))
// CHECK: results(stat 0 over (t, n), stat 1 over (t))
// CHECK: end_tile {
// CHECK-NEXT: ^bb0
// CHECK-NEXT: analog.yield
// CHECK-NOT: finish
// CHECK: func.func @layer_dx(
// CHECK-NOT: weight_range
// CHECK: func.func @layer_dw(
// CHECK-SAME: tensor<2x6xf32> {analog.name = "weight_range"}, {{%[^:]+}}: tensor<2xf32> {analog.name = "weight_range#2"})
// CHECK: params({{.*}} over (t, n) {{.*}} over (t)
// CHECK: results(value over (n, k))
func.func @layer(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %key: tensor<2xi64>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %channel = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  %tile = analog.absmax %w per tensor : tensor<6x8xf32> -> tensor<2xf32>
  %w0 = analog.inject_noise %w scale(%channel over (t, n)) key(%key, stream = 0) {sigma = 0.5 : f32} : (tensor<6x8xf32>, tensor<2x6xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %w1 = analog.apply @per_channel %w0 params(%channel over (t, n)) : (tensor<6x8xf32>, tensor<2x6xf32>) -> tensor<6x8xf32>
  %w2 = analog.apply @per_tile %w1 params(%tile over (t)) : (tensor<6x8xf32>, tensor<2xf32>) -> tensor<6x8xf32>
  %acc = analog.mvm %x, %w2 : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// A derivative that reads the element alone: the statistic that scales the noise before it is not needed.
analog.effect @square on weight(%w) surrogate(derived) {
  %r = arith.mulf %w, %w : f32
  analog.yield %r : f32
}
// CHECK-LABEL: func.func @noise_alone(
// CHECK-NOT: func.func @noise_alone_stats(
// CHECK: func.func @noise_alone_dw(
// CHECK-NOT: weight_range
func.func @noise_alone(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %key: tensor<2xi64>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %channel = analog.absmax %w per channel : tensor<6x8xf32> -> tensor<2x6xf32>
  %w0 = analog.inject_noise %w scale(%channel over (t, n)) key(%key, stream = 0) {sigma = 0.5 : f32} : (tensor<6x8xf32>, tensor<2x6xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %w1 = analog.apply @square %w0 : (tensor<6x8xf32>) -> tensor<6x8xf32>
  %acc = analog.mvm %x, %w1 : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

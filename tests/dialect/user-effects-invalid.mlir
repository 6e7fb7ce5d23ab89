// What cannot be differentiated yet is refused at the line of the effect that is to blame.
// RUN: mho-opt %s -split-input-file -verify-diagnostics --analog-fuse=save-for-backward=true --analog-differentiate

analog.effect @square on tile(%y) surrogate(derived) {
  // expected-error @below {{the derivative of this product needs a value that is not kept for backward}}
  %r = arith.mulf %y, %y : f32
  analog.yield %r : f32
}
func.func @derived(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y0 = analog.apply @square %acc : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y0 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// expected-error @below {{the derivative needs the accumulator's value, which is not kept for backward}}
analog.effect @saturation on tile(%y) strengths(%nu = 0.5) surrogate(own) {
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %r = arith.divf %y, %load : f32
  analog.yield %r : f32
} derivative {
^bb0(%nu: f32, %y: f32, %g: f32):
  %one = arith.constant 1.0 : f32
  %absolute = math.absf %y : f32
  %load = math.fma %nu, %absolute, %one : f32
  %squared = arith.mulf %load, %load : f32
  %dy = arith.divf %g, %squared : f32
  analog.yield %dy : f32
}
func.func @own(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y0 = analog.apply @saturation %acc : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y0 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// expected-error @below {{not differentiated: expected parameter gradients of the input's effects only, got one of the weight's}}
analog.effect @offset on weight(%w) params(%o over (t) learnable) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}
func.func @learnable(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %o: tensor<2xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %w0 = analog.apply @offset %w params(%o over (t)) : (tensor<6x8xf32>, tensor<2xf32>) -> tensor<6x8xf32>
  %acc = analog.mvm %x, %w0 : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// What cannot be differentiated is refused at the line of the effect that is to blame.
// RUN: mho-opt %s -split-input-file -verify-diagnostics --analog-fuse=save-for-backward=true --analog-differentiate

// Numbers made of an accumulator's bits.
analog.effect @packed on tile(%y) surrogate(derived) {
  %raw = arith.bitcast %y : f32 to i32
  %next = arith.addi %raw, %raw : i32
  // expected-error @below {{has no derivative: it makes a number of the bits of a differentiated value; wrap it in analog.surrogate}}
  %r = arith.bitcast %next : i32 to f32
  analog.yield %r : f32
}
func.func @bits(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %acc = analog.mvm %x, %w : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y0 = analog.apply @packed %acc : (tensor<2x?x6xf32>) -> tensor<2x?x6xf32>
  %y = analog.accumulate %y0 : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

// One tensor, over tiles and over channels: its gradients are not of one shape.
// expected-error @below {{not differentiated: expected a parameter that is used twice to be over the same axes, got (n) and (t)}}
analog.effect @per_tile on weight(%w) params(%o over (t) learnable) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}
analog.effect @per_channel on weight(%w) params(%o over (n) learnable) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}
func.func @learnable(%x: tensor<?x8xf32>, %w: tensor<2x8xf32>, %p: tensor<2xf32>) -> tensor<?x2xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %w0 = analog.apply @per_tile %w params(%p over (t)) : (tensor<2x8xf32>, tensor<2xf32>) -> tensor<2x8xf32>
  %w1 = analog.apply @per_channel %w0 params(%p over (n)) : (tensor<2x8xf32>, tensor<2xf32>) -> tensor<2x8xf32>
  %acc = analog.mvm %x, %w1 : tensor<?x8xf32>, tensor<2x8xf32> -> tensor<2x?x2xf32>
  %y = analog.accumulate %acc : (tensor<2x?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

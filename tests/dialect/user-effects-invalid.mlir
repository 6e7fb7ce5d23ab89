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

// Parameters that one kernel learns have gradients over the same axes.
// expected-error @below {{not differentiated: expected parameter gradients over the same axes, got (t) and (t, n)}}
analog.effect @offset on weight(%w) params(%o over (t, n) learnable) surrogate(own) {
  %r = arith.addf %w, %o : f32
  analog.yield %r : f32
} derivative {
^bb0(%o: f32, %w: f32, %g: f32):
  analog.yield %g : f32 reduce(%g : f32)
} tail {
^bb0(%sum: f32, %o: f32):
  analog.yield %sum : f32
}
func.func @learnable(%x: tensor<?x8xf32>, %w: tensor<6x8xf32>, %o: tensor<2x6xf32>, %p: tensor<2xf32>) -> tensor<?x6xf32> attributes {analog.tiling = #analog.tiling<balanced, rows = 4>} {
  %w0 = analog.apply @offset %w params(%o over (t, n)) : (tensor<6x8xf32>, tensor<2x6xf32>) -> tensor<6x8xf32>
  %w1 = analog.apply @offset %w0 params(%p over (t)) : (tensor<6x8xf32>, tensor<2xf32>) -> tensor<6x8xf32>
  %acc = analog.mvm %x, %w1 : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<2x?x6xf32>
  %y = analog.accumulate %acc : (tensor<2x?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
